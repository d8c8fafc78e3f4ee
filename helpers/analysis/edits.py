"""Editing what a layer's heads compare (QK) and write (OV), with what the paper's account expects of it (C5).

Scores and outputs have a part that is the same in every sequence: it depends on position alone. What is edited here is
the rest, their content, so that an edit asks about the vectors and not about where they stand.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.analysis.attention import row_centred, scores, similarity, visible
from helpers.analysis.attribution import head_result, to_output
from helpers.analysis.components import attention
from helpers.analysis.estimates import Estimate, LineFit, line_fit, ratio
from helpers.analysis.interventions import Prediction, predict_with, replace
from helpers.analysis.observation import Observation
from helpers.data.recurrences import from_third

SCORE_EDITS = ("position", "flipped", "identity", "opposite", "rotated")
OUTPUT_EDITS = ("position", "flipped", "identity", "rest", "own", "even", "other", "rotated")
Scores = Float[Tensor, "batch heads destination source"]


def as_pattern(scores: Scores) -> Scores:
    """Attention pattern of some scores: causal mask and softmax."""
    return torch.softmax(scores.masked_fill(~visible(scores.shape[-1]), float("-inf")), dim=-1)


def with_scores(obs: Observation, layer: int, edited: Scores) -> Prediction:
    """The prediction if a layer's attention scores were ``edited``."""
    return predict_with(obs, [(f"blocks.{layer}.attn.hook_pattern", partial(replace, by=as_pattern(edited)))])


def scale_scores(obs: Observation, layer: int, factor: float) -> Prediction:
    """Multiplies a layer's attention scores before the softmax: 0 attends evenly, -1 prefers what it avoided."""
    return with_scores(obs, layer, factor * scores(obs, layer))


def rotation(size: int, seed: int = 0) -> Float[Tensor, "size size"]:
    """A random orthogonal matrix, uniform over all of them but for the signs of its columns."""
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64)).Q


def _content(x: Tensor) -> Tensor:
    return x - x.mean(dim=0)


def _size(real: Tensor, ideal: Tensor) -> Tensor:
    """The factor with which the content of ``ideal`` comes closest to that of ``real``."""
    ideal = _content(ideal)
    return (_content(real) * ideal).sum() / ideal.square().sum()


def _edit(real: Tensor, ideal: Tensor, how: str) -> Tensor:
    """``real`` with another content, where ``ideal`` is that of the edit in its own size."""
    content, fitted = _content(real), _size(real, ideal) * _content(ideal)
    special = {"position": 0 * content, "flipped": -content, "rest": content - fitted, "opposite": -fitted}
    return real.mean(dim=0) + special.get(how, fitted)


def _centred(values: Float[Tensor, "... n n"]) -> Float[Tensor, "... n n"]:
    """Each row less its mean over what it may see."""
    return row_centred(values, visible(values.shape[-1]))


def edit_scores(obs: Observation, layer: int, how: str) -> Scores:
    """A layer's attention scores (rows centred) with another content.

    Args:
        how: "position": none, the scores' mean over sequences is left. "flipped": the opposite. "identity": what
            QK = k * I would give, for each head with the k that fits it best; "opposite": minus that. "rotated": what
            QK = k * R would give, R a random rotation, again with the best k.
    Raises:
        ValueError: another edit.
    """
    if how not in SCORE_EDITS:
        raise ValueError(f"how must be one of {SCORE_EDITS}, got {how!r}")
    x, real = obs.normalized(layer), _centred(scores(obs, layer))
    compared = x @ rotation(x.shape[-1]) @ x.transpose(1, 2) if how == "rotated" else similarity(obs, layer)
    ideal = _centred(compared)
    return torch.stack([_edit(real[:, h], ideal, how) for h in range(obs.config.n_heads)], dim=1)


def edit_outputs(obs: Observation, layer: int, how: str) -> Prediction:
    """The prediction if what a layer's heads write had another content.

    Args:
        how: "position", "flipped": as for ``edit_scores``. "identity": what OV = m * I would write, for each head m
            times what it attends to, with the m that fits best; "rest": what it writes less that. Controls, each with
            its own best m: m times the vector at the head's "own" position, m times what "even" attention or the
            attention of an"other" sequence would read, and what OV = m * R would write ("rotated").
    Raises:
        ValueError: another edit.
    """
    if how not in OUTPUT_EDITS:
        raise ValueError(f"how must be one of {OUTPUT_EDITS}, got {how!r}")
    x, patterns = obs.normalized(layer), obs.cache["pattern", layer]
    if how == "own":
        patterns = torch.eye(x.shape[1], dtype=x.dtype).expand_as(patterns)
    if how == "even":
        patterns = as_pattern(torch.zeros_like(patterns))
    if how == "other":
        patterns = patterns.roll(1, dims=0)
    turn = rotation(x.shape[-1]) if how == "rotated" else torch.eye(x.shape[-1], dtype=x.dtype)
    written = obs.bridge.b_O[layer]
    for head in obs.heads(layer):
        written = written + _edit(head_result(obs, head), patterns[:, head.head] @ x @ turn, how)
    return predict_with(obs, [(attention(layer).hook, partial(replace, by=written))])


def identity_sizes(obs: Observation, layer: int) -> dict[str, list[float]]:
    """The k of each head's "identity" edit of the "scores", and the m of that of its "outputs"."""
    x, heads = obs.normalized(layer), obs.heads(layer)
    real, ideal, pattern = _centred(scores(obs, layer)), _centred(similarity(obs, layer)), obs.cache["pattern", layer]
    return {
        "scores": [_size(real[:, h.head], ideal).item() for h in heads],
        "outputs": [_size(head_result(obs, h), pattern[:, h.head] @ x).item() for h in heads],
    }


PARTS: dict[str, Callable[[Observation, int, str], Prediction]] = {
    "scores": lambda obs, layer, how: with_scores(obs, layer, edit_scores(obs, layer, how)),
    "outputs": edit_outputs,
}


def kept(obs: Observation, layer: int, part: str, *edits: str) -> dict[str, Estimate]:
    """Share of the content's effect on the prediction that each edit keeps: 1 as the intact model, 0 as position alone.

    One less the squared distance to the intact prediction, over what that distance is with "position" alone; below 0
    the edit does more harm than leaving all content out.

    Args:
        part: "scores" (what QK decides) or "outputs" (what OV writes).
        edits: as for ``edit_scores`` or ``edit_outputs``.
    Raises:
        ValueError: another part or another edit.
    """
    if part not in PARTS:
        raise ValueError(f"part must be one of {tuple(PARTS)}, got {part!r}")

    def distance(how: str) -> Tensor:
        return from_third(PARTS[part](obs, layer, how) - obs.prediction).square().sum(dim=(1, 2))

    without = distance("position")
    return {how: ratio(without - distance(how), without) for how in edits}


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
    read = _content(obs.normalized(layer))
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
