"""What changes when attention is flipped or a vector is swapped, against what the paper's account expects (A3, C5)."""

from __future__ import annotations

from functools import partial

import torch

from helpers.analysis.attribution import to_output
from helpers.analysis.edits import as_pattern, content, edit_scores, identity_sizes, with_scores
from helpers.analysis.effects import ROUNDING
from helpers.analysis.estimates import LineFit, line_fit
from helpers.analysis.interventions import replace
from helpers.analysis.observation import Observation
from helpers.data.recurrences import from_third


def expected_changes(obs: Observation, layer: int) -> dict[str, LineFit]:
    """The change of the prediction when the content of a layer's scores is flipped, against what is expected of it.

    If heads subtract, then what is newly attended to is taken off the prediction, and what is no longer attended to
    comes back: each head is expected to subtract as strongly as it writes, by the size of the m of OV = m * I that fits
    it best (``edits.identity_sizes``). Its sign is the claim's, so that heads which add speak against it.

    The expectation needs a change of attention. Three are tried: what the flip really does to the attention
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
    read, strength = content(obs.normalized(layer)), torch.tensor(identity_sizes(obs, layer)["outputs"]).abs()
    strength = strength.to(read)
    return {
        name: line_fit(
            from_third(-to_output(obs, torch.einsum("h,bhij->bij", strength, move) @ read)), from_third(change)
        )
        for name, move in moves.items()
    }


LEAST_C = -0.7  # of the c that a swapped vector is made to fit: near -1 it would lie far off


def swap_previous(obs: Observation, sign: int = 0) -> dict[str, LineFit]:
    """Lets the heads of layer 0 read another previous vector, one that fits another c, all else as it was (A3).

    In v_{n-2}, v_{n-1}, v_n the middle vector is moved along the line through them to where the three follow another
    sequence's c. The heads of layer 0 get its value where they attend to the previous vector; where they look, and what
    they read elsewhere, stays. Sequences that would have to fit a c below ``LEAST_C`` are left out.

    Args:
        sign: only sequences with a c of this sign; 0: all.
    Returns:
        "stream after the attention": its move against that of the embedded previous vector; if the heads add alpha
        times the previous vector, the slope is alpha and the correlation 1. "estimate after layer 0" (final scale held)
        and "prediction": their moves against that of the answer, which is (1 + c) v_n - c v_{n-1} for either c. The
        same with ", old c": against that of an answer which takes the new vector and keeps the old c, as a fixed
        mixture would. Where c is near -1 the two answers move nearly alike, so that only both together tell.
    Raises:
        ValueError: ``sign`` is not -1, 0 or 1, contexts have no 3 vectors, no sequence is left, or no vector
            moves, as where c is 0.
    """
    if sign not in (-1, 0, 1):
        raise ValueError(f"sign must be -1, 0 or 1, got {sign!r}")
    if obs.vectors.shape[1] < 3:
        raise ValueError(f"contexts must have at least 3 vectors, got {obs.vectors.shape[1]}")
    other = obs.c.roll(1)
    chosen = (other >= LEAST_C) & (sign * obs.c >= 0)
    c = other.clamp(min=LEAST_C)[:, None, None]  # of those that are left out as well: at -1 there is no such vector
    swapped, previous = obs.vectors.clone(), obs.vectors.roll(1, dims=1)
    swapped[:, 2:] = (obs.vectors[:, 2:] + c * obs.vectors[:, :-2]) / (1 + c)
    swapped[:, :2] = previous[:, :2]
    if not chosen.any():
        raise ValueError(f"sign={sign} must leave sequences, of c of this sign and another's of {LEAST_C} or more")
    if not from_third(swapped - previous)[chosen].abs().max() > ROUNDING * previous.abs().max():
        raise ValueError(f"the previous vector must move, so c must not be 0 throughout, got {obs.family}")
    before = obs.bridge.W_pos[: swapped.shape[1]].roll(1, dims=0)
    read = obs.bridge.blocks[0].ln1(swapped @ obs.W_E + before)
    value = torch.einsum("bnd,hdk->bnhk", read, obs.bridge.W_V[0]) + obs.bridge.b_V[0]
    weight = torch.zeros_like(obs.cache["z", 0][..., 0])
    weight[:, 1:] = obs.cache["pattern", 0].diagonal(offset=-1, dim1=2, dim2=3).transpose(1, 2)
    z = obs.cache["z", 0] + weight[..., None] * (value - obs.cache["v", 0].roll(1, dims=1))
    changed = obs.under([("blocks.0.attn.hook_z", partial(replace, by=z))])
    difference = swapped - previous
    expected = c * (obs.vectors - swapped) - obs.c[:, None, None] * (obs.vectors - previous)
    old = -obs.c[:, None, None] * difference
    stream, estimate = (changed.cache[name, 0] - obs.cache[name, 0] for name in ("resid_mid", "resid_post"))
    moves = {
        "estimate after layer 0": to_output(obs, estimate),
        "prediction": changed.prediction - obs.prediction,
    }
    pairs = {"stream after the attention": (difference @ obs.W_E, stream)}
    pairs |= {name: (expected, move) for name, move in moves.items()}
    pairs |= {f"{name}, old c": (old, move) for name, move in moves.items()}
    return {name: line_fit(from_third(x)[chosen], from_third(y)[chosen]) for name, (x, y) in pairs.items()}
