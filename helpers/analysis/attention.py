"""Where heads look, and what decides it."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.analysis.components import Component, check
from helpers.analysis.estimates import LineFit, line_fit
from helpers.analysis.observation import Observation
from helpers.data.recurrences import THIRD, from_third


def pattern(obs: Observation, layer: int) -> Float[Tensor, "batch heads destination source"]:
    """Attention patterns of a layer; each row sums to 1."""
    return obs.cache["pattern", layer]


def scores(obs: Observation, layer: int) -> Float[Tensor, "batch heads destination source"]:
    """Attention scores before mask and softmax, q . k / sqrt(d_head).

    Computed from queries and keys: ``hook_attn_scores`` of TransformerLens 4.3's native model carries the pattern.
    """
    q, k = obs.cache["q", layer], obs.cache["k", layer]
    return torch.einsum("bihd,bjhd->bhij", q, k) / obs.config.d_head**0.5


def at_offset(obs: Observation, layer: int, offset: int) -> Float[Tensor, "batch heads"]:
    """Attention on the vector ``offset`` places back, mean over contexts of 3 vectors and more.

    Positions that have no such vector are left out.
    Raises:
        ValueError: ``offset`` reaches beyond the context, or that has no 3 vectors.
    """
    if obs.config.n_ctx <= THIRD:
        raise ValueError(f"n_ctx must be at least {THIRD + 1}, got {obs.config.n_ctx}")
    if not 0 <= offset < obs.config.n_ctx:
        raise ValueError(f"offset must be between 0 and {obs.config.n_ctx - 1}, got {offset}")
    diagonal = pattern(obs, layer).diagonal(offset=-offset, dim1=2, dim2=3)
    return diagonal[:, :, max(0, THIRD - offset) :].mean(dim=2)


def visible(n: int) -> Bool[Tensor, "destination source"]:
    """The causal mask: which sources a destination may attend to."""
    return torch.ones(n, n, dtype=torch.bool).tril()


def uniform_share(keep: Bool[Tensor, "destination source"]) -> float:
    """What uniform causal attention would put on the ``keep`` places, mean over contexts of 3 and more.

    Raises:
        ValueError: there is no such context.
    """
    if (n := len(keep)) <= THIRD:
        raise ValueError(f"keep must have at least {THIRD + 1} destinations, got {n}")
    rows = (keep & visible(n)).sum(1) / torch.arange(1, n + 1)
    return rows[THIRD:].mean().item()


def parity_mask(n: int) -> Bool[Tensor, "destination source"]:
    """The black squares of the checkerboard: earlier places an even number of steps from the destination.

    The destination itself is left out: a head that looks at itself alone has a diagonal, not a checkerboard.
    """
    index = torch.arange(n)
    steps = index[:, None] - index[None, :]
    return (steps > 0) & (steps % 2 == 0)


def same_parity(obs: Observation, layer: int) -> tuple[Float[Tensor, "batch heads"], Float[Tensor, "batch heads"]]:
    """Attention on the black squares of a checkerboard and on all earlier vectors, means over contexts of 3 and more.

    The one over the other is the share that C1 asks for; even attention's is ``even_parity``.

    Raises:
        ValueError: no context has 3 vectors.
    """
    if obs.config.n_ctx <= THIRD:
        raise ValueError(f"n_ctx must be at least {THIRD + 1}, got {obs.config.n_ctx}")
    seen = from_third(pattern(obs, layer).permute(0, 2, 1, 3))
    black, earlier = (
        (seen * keep[THIRD:, None]).sum(dim=3).mean(dim=1)
        for keep in (parity_mask(obs.config.n_ctx), visible(obs.config.n_ctx).tril(-1))
    )
    return black, earlier


def even_parity(n: int) -> float:
    """The share of ``same_parity`` if attention were even."""
    return uniform_share(parity_mask(n)) / uniform_share(visible(n).tril(-1))


def row_centred(
    values: Float[Tensor, "... destination source"], keep: Bool[Tensor, "destination source"]
) -> Float[Tensor, "... destination source"]:
    """Each row less its mean over the ``keep`` places, 0 elsewhere: the softmax ignores a constant along a row."""
    values = values.masked_fill(~keep, 0.0)
    return (values - values.sum(-1, keepdim=True) / keep.sum(-1, keepdim=True).clamp(min=1)).masked_fill(~keep, 0.0)


def similarity(obs: Observation, layer: int) -> Float[Tensor, "batch destination source"]:
    """What QK = I scores: the inner products of what a layer's heads read.

    Layer norm makes all vectors as long as one another, so this is a constant less half the squared distance.
    """
    return obs.normalized(layer) @ obs.normalized(layer).transpose(1, 2)


def score_similarity_fit(obs: Observation, head: Component, positions: bool = False) -> LineFit:
    """Attention score (before the softmax) against the similarity of the two residual vectors, for earlier sources.

    Of ``similarity``, a vector's score with itself is left out. Two means are taken off both sides: each destination's
    over its sources, since the softmax ignores it, and each pair of positions' over the sequences, since neighbours are
    both more alike and, for many a head, preferred, whatever the vectors. ``positions=True`` leaves the second in, to
    show what difference it makes.
    """
    earlier = visible(obs.config.n_ctx).tril(-1)

    def contrast(values: Float[Tensor, "batch n n"]) -> Float[Tensor, "batch pairs"]:
        pairs = from_third(row_centred(values, earlier))[:, earlier[THIRD:]]
        return pairs if positions else pairs - pairs.mean(dim=0)

    check(head, obs.config, "head")
    return line_fit(contrast(similarity(obs, head.layer)), contrast(scores(obs, head.layer)[:, head.head]))
