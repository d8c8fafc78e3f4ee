"""Editing what a layer's heads compare (QK) and write (OV).

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
from helpers.analysis.attribution import head_result
from helpers.analysis.components import Component, attention, check
from helpers.analysis.estimates import Estimate, ratio
from helpers.analysis.interventions import Prediction, predict_with, replace
from helpers.analysis.observation import Observation
from helpers.data.recurrences import from_third

Scores = Float[Tensor, "batch heads destination source"]
Content = Float[Tensor, "batch n_ctx width"]  # of one head; of its scores the width is the sources
Edit = Callable[[Observation, Component], Content]


def as_pattern(
    scores: Float[Tensor, "*which destination source"],
) -> Float[Tensor, "*which destination source"]:
    """Attention pattern of some scores, of one head or of several: causal mask and softmax."""
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


def content(activation: Float[Tensor, "batch n_ctx *width"]) -> Float[Tensor, "batch n_ctx *width"]:
    """What differs between sequences: an activation less its mean over them, at each position."""
    return activation - activation.mean(dim=0)


def size(real: Content, ideal: Content) -> Float[Tensor, ""]:
    """The factor with which the content of ``ideal`` comes closest to that of ``real``.

    Raises:
        ValueError: ``ideal`` is the same in every sequence, as where there is one alone.
    """
    ideal = content(ideal)
    if not ideal.square().sum() > 0:
        raise ValueError(f"ideal must differ between sequences, got {len(ideal)} that are alike")
    return (content(real) * ideal).sum() / ideal.square().sum()


def closest(real: Content, ideal: Content) -> Content:
    """The multiple of the content of ``ideal`` that comes closest to that of ``real``."""
    return size(real, ideal) * content(ideal)


def centred(values: Float[Tensor, "*batch n n"]) -> Float[Tensor, "*batch n n"]:
    """Each row less its mean over what it may see."""
    return row_centred(values, visible(values.shape[-1]))


def head_scores(obs: Observation, head: Component) -> Content:
    """The attention scores of one head, rows centred."""
    return centred(scores(obs, check(head, obs.config, "head").layer)[:, head.head])


def scores_of_identity(obs: Observation, head: Component) -> Content:
    """What QK = k * I would give, with the k that fits the head best."""
    return closest(head_scores(obs, head), centred(similarity(obs, head.layer)))


def scores_of_rotation(obs: Observation, head: Component, seed: int) -> Content:
    """What QK = k * R would give, R a random rotation, with the best k: a control for the identity."""
    x = obs.normalized(check(head, obs.config, "head").layer)
    return closest(head_scores(obs, head), centred(x @ rotation(x.shape[-1], seed) @ x.transpose(1, 2)))


def attended(obs: Observation, head: Component) -> Content:
    """What a head attends to: the vectors its layer reads, by its attention."""
    return obs.cache["pattern", check(head, obs.config, "head").layer][:, head.head] @ obs.normalized(head.layer)


def output_of_identity(obs: Observation, head: Component) -> Content:
    """What OV = m * I would write, with the m that fits the head best."""
    return closest(head_result(obs, head), attended(obs, head))


def output_of_rotation(obs: Observation, head: Component, seed: int) -> Content:
    """What OV = m * R would write, R a random rotation, with the best m: a control for the identity."""
    return closest(head_result(obs, head), attended(obs, head) @ rotation(obs.config.d_model, seed))


def output_of_own_position(obs: Observation, head: Component) -> Content:
    """A control: m times the vector that the head stands at, with the best m."""
    return closest(head_result(obs, head), obs.normalized(head.layer))


def output_of_even_attention(obs: Observation, head: Component) -> Content:
    """A control: m times what even attention would read, with the best m."""
    even = as_pattern(torch.zeros_like(obs.cache["pattern", check(head, obs.config, "head").layer][:, head.head]))
    return closest(head_result(obs, head), even @ obs.normalized(head.layer))


def output_of_other_attention(obs: Observation, head: Component) -> Content:
    """A control: m times what the attention of another sequence would read here, with the best m."""
    other = obs.cache["pattern", check(head, obs.config, "head").layer][:, head.head].roll(1, dims=0)
    return closest(head_result(obs, head), other @ obs.normalized(head.layer))


ROTATIONS = {f"rotation {seed}": seed for seed in range(8)}  # one draw of a control says little
# What a head scores or writes instead, by the name under which tables show it: each gives the new content.
SCORE_EDITS: dict[str, Edit] = {
    "position": lambda obs, head: torch.zeros_like(head_scores(obs, head)),  # none: what is left depends on position
    "flipped": lambda obs, head: -content(head_scores(obs, head)),
    "identity": scores_of_identity,
    "opposite": lambda obs, head: -scores_of_identity(obs, head),
} | {name: partial(scores_of_rotation, seed=seed) for name, seed in ROTATIONS.items()}
OUTPUT_EDITS: dict[str, Edit] = {
    "position": lambda obs, head: torch.zeros_like(head_result(obs, head)),
    "flipped": lambda obs, head: -content(head_result(obs, head)),
    "identity": output_of_identity,
    "rest": lambda obs, head: content(head_result(obs, head)) - output_of_identity(obs, head),
    "own": output_of_own_position,
    "even": output_of_even_attention,
    "other": output_of_other_attention,
} | {name: partial(output_of_rotation, seed=seed) for name, seed in ROTATIONS.items()}


def _chosen(edits: dict[str, Edit], how: str) -> Edit:
    if how not in edits:
        raise ValueError(f"how must be one of {tuple(edits)}, got {how!r}")
    return edits[how]


def edit_scores(obs: Observation, layer: int, how: str) -> Scores:
    """A layer's attention scores (rows centred) with another content, head by head; ``how``: one of ``SCORE_EDITS``.

    Raises:
        ValueError: another edit.
    """
    edit = _chosen(SCORE_EDITS, how)
    return torch.stack([head_scores(obs, h).mean(dim=0) + edit(obs, h) for h in obs.heads(layer)], dim=1)


def edit_outputs(obs: Observation, layer: int, how: str) -> Prediction:
    """The prediction if what a layer's heads write had another content; ``how``: one of ``OUTPUT_EDITS``.

    Raises:
        ValueError: another edit.
    """
    edit, heads = _chosen(OUTPUT_EDITS, how), obs.heads(layer)
    written = obs.bridge.b_O[layer]
    for head in heads:
        written = written + (head_result(obs, head).mean(dim=0) + edit(obs, head))
    return predict_with(obs, [(attention(layer).hook, partial(replace, by=written))])


def identity_sizes(obs: Observation, layer: int) -> dict[str, list[float]]:
    """The k of each head's "identity" edit of the "scores", and the m of that of its "outputs"."""
    heads, ideal = obs.heads(layer), centred(similarity(obs, layer))
    return {
        "scores": [size(head_scores(obs, h), ideal).item() for h in heads],
        "outputs": [size(head_result(obs, h), attended(obs, h)).item() for h in heads],
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
        edits: names in ``SCORE_EDITS`` or ``OUTPUT_EDITS``.
    Raises:
        ValueError: another part or another edit.
    """
    if part not in PARTS:
        raise ValueError(f"part must be one of {tuple(PARTS)}, got {part!r}")

    def distance(how: str) -> Float[Tensor, " batch"]:
        return from_third(PARTS[part](obs, layer, how) - obs.prediction).square().sum(dim=(1, 2))

    without = distance("position")
    return {how: ratio(without - distance(how), without) for how in edits}


def kept_by_rotations(obs: Observation, layer: int, part: str) -> Estimate:
    """``kept`` by random rotations in the place of the identity: mean, least and most of several draws."""
    values = [one.value for one in kept(obs, layer, part, *ROTATIONS).values()]
    return Estimate(sum(values) / len(values), min(values), max(values))
