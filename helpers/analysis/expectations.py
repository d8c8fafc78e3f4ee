"""What changes when attention is flipped or a vector is swapped, against what the paper's account expects (A3, C5)."""

from __future__ import annotations

from functools import partial

import torch

from helpers.analysis.attribution import to_output
from helpers.analysis.edits import as_pattern, content, edit_scores, with_scores
from helpers.analysis.estimates import LineFit, line_fit
from helpers.analysis.interventions import replace
from helpers.analysis.observation import Observation
from helpers.data.recurrences import from_third


def expected_changes(obs: Observation, layer: int) -> dict[str, LineFit]:
    """The change of the prediction when the content of a layer's scores is flipped, against what is expected of it.

    If OV = -I, then what is newly attended to is taken off the prediction, and what is no longer attended to comes
    back. So the expectation needs a change of attention. Three are tried: what the flip really does to the attention
    (which tests OV alone); what it would do if the content were similarity and nothing else (QK and OV together); and
    what it does to the attention in another sequence (a control: all vectors of a sequence lie in a plane, so that
    some correlation comes for nothing).
    """
    flipped = edit_scores(obs, layer, "flipped")
    change = with_scores(obs, layer, flipped) - obs.prediction
    real = as_pattern(flipped) - obs.cache["pattern", layer]
    similar = as_pattern(edit_scores(obs, layer, "opposite")) - as_pattern(edit_scores(obs, layer, "identity"))
    moves = {
        "its own change of attention": real,
        "a change by similarity alone": similar,
        "another sequence's change": real.roll(1, dims=0),
    }
    read = content(obs.normalized(layer))
    return {
        name: line_fit(from_third(-to_output(obs, move.sum(dim=1) @ read)), from_third(change))
        for name, move in moves.items()
    }


def swap_previous(obs: Observation) -> dict[str, LineFit]:
    """Lets the heads of layer 0 read the previous vector from another sequence, all else as it was (A3).

    Returns:
        "stream after the attention": its move against the difference of the two embedded previous vectors; if the
        heads add alpha times the previous vector, the slope is alpha and the correlation 1. "estimate after layer 0"
        (final scale held) and "prediction": their moves against -c times the difference of the two vectors, which is
        how the true answer (1 + c) v_n - c v_{n-1} depends on the previous vector.
    """
    value, weight = obs.cache["v", 0], obs.cache["pattern", 0].diagonal(offset=-1, dim1=2, dim2=3)
    z = obs.cache["z", 0].clone()
    z[:, 1:] += weight.transpose(1, 2)[..., None] * (value.roll(1, dims=0) - value)[:, :-1]
    changed = obs.under([("blocks.0.attn.hook_z", partial(replace, by=z))])
    difference = torch.zeros_like(obs.vectors)
    difference[:, 1:] = (obs.vectors.roll(1, dims=0) - obs.vectors)[:, :-1]
    expected = -obs.c[:, None, None] * difference
    stream, estimate = (changed.cache[name, 0] - obs.cache[name, 0] for name in ("resid_mid", "resid_post"))
    pairs = {
        "stream after the attention": (difference @ obs.W_E, stream),
        "estimate after layer 0": (expected, to_output(obs, estimate)),
        "prediction": (expected, changed.prediction - obs.prediction),
    }
    return {name: line_fit(from_third(x), from_third(y)) for name, (x, y) in pairs.items()}
