"""The model as a formula: the next vector from those seen, with fitted scalars and no weight of the model.

Layer 0's heads mix the vectors seen into one, y. The answer is a sum of vectors v and mixtures y with weights that
depend on the position alone, divided by sizes. The sizes are polynomials of three numbers, |v|, |y| and their cosine,
at the position and averaged over those before it. ``helpers.analysis.replacement`` fits the scalars.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.analysis.edits import as_pattern

Vectors = Float[Tensor, "batch n dimension"]
Sizes = Float[Tensor, "batch n"]
ByHead = Float[Tensor, "heads n n"]
DEGREE = 2  # of the polynomials


@dataclass(frozen=True)
class Formula:
    """The whole model as weights on the vectors seen. With y = M v the mixture, and the sizes s of the stream that the
    MLP of layer 0 (0), the last layer (1) and the unembedding (2) read, the guess after n vectors is

    ``(own[0] v_n + own[1] y_n + (now[n, 0] v_n + now[n, 1] y_n) / s0_n + sum_j before[n, j] y_j / s1_j) / s2_n``.
    """

    binding: Binding
    own: Float[Tensor, " 2"]
    now: Float[Tensor, "n 2"]
    before: Float[Tensor, "n n"]
    sizes: Float[Tensor, "3 n features"]
    degree: int = DEGREE

    def terms(self, v: Vectors) -> Float[Tensor, "2 batch n n"]:
        """The weight of each vector in each guess: of the terms of the position itself (0), of the last layer's (1)."""
        mixing = self.binding.mixing(v)
        s0, s1, s2 = torch.einsum("snf,bnf->sbn", self.sizes, numbers(v, mixing @ v, self.degree))[..., None]
        of_v, of_y = self.own[0] + self.now[:, :1] / s0, self.own[1] + self.now[:, 1:] / s0
        here = of_v * torch.eye(v.shape[1], dtype=v.dtype) + of_y * mixing
        return torch.stack([here, self.before.tril() @ (mixing / s1)]) / s2

    def weights(self, v: Vectors) -> Float[Tensor, "batch n n"]:
        """The weight of each vector in each guess."""
        return self.terms(v).sum(dim=0)

    def __call__(self, v: Vectors) -> Vectors:
        """The guess for the next vector, at every position."""
        return self.weights(v) @ v

    def with_typical_size(self, i: int, v: Vectors) -> Formula:
        """The formula with the i-th size ignorant of the sequence: at each position its mean over these."""
        features = numbers(v, self.binding.mixing(v) @ v, self.degree).mean(dim=0)
        sizes = self.sizes.clone()
        sizes[i] = torch.nn.functional.pad((sizes[i] * features).sum(dim=1, keepdim=True), (0, features.shape[1] - 1))
        return replace(self, sizes=sizes)


@dataclass(frozen=True)
class Binding:
    """Layer 0's heads: sizes s_n = sqrt(slope |v_n|^2 + offset_n), and each head's scores
    (both_nj + kappa <v_n, v_j>) / (s_n s_j) + source_nj / s_j, of which a softmax over j <= n makes its attention."""

    slope: float
    offset: Float[Tensor, " n"]
    both: ByHead
    source: ByHead
    kappa: Float[Tensor, " heads"]
    share: Float[Tensor, " heads"]

    def sizes(self, v: Vectors) -> Sizes:
        """What layer norm divides the vectors by."""
        return (self.slope * v.square().sum(dim=2) + self.offset).sqrt()

    def attention(self, v: Vectors) -> Float[Tensor, "batch heads n n"]:
        """Where each head looks."""
        s = self.sizes(v)[:, None]
        inner = self.kappa[:, None, None] * (v @ v.transpose(1, 2))[:, None]
        scores = (self.both + inner) / (s[..., None] * s[:, :, None]) + self.source / s[:, :, None]
        return as_pattern(scores)

    def mixing(self, v: Vectors) -> Float[Tensor, "batch n n"]:
        """M: what the heads mix, each with its share, as weights on the vectors; none is negative."""
        return torch.einsum("h,bhnm->bnm", self.share, self.attention(v)) / self.sizes(v)[:, None]

    def average(self, v: Vectors) -> Vectors:
        """y brought to weights that sum to 1: a true average of the vectors seen."""
        return to_one(self.mixing(v)) @ v


def to_one(weights: Float[Tensor, "batch n n"]) -> Float[Tensor, "batch n n"]:
    """Each guess's weights brought to the sum 1, as those of a point on the line are.

    Raises:
        ValueError: the weights of a guess sum to 0.
    """
    total = weights.sum(dim=2, keepdim=True)
    if (total == 0).any():
        raise ValueError("weights must not sum to 0 for any guess")
    return weights / total


def numbers(v: Vectors, y: Vectors, degree: int = DEGREE) -> Float[Tensor, "batch n features"]:
    """All products, up to a degree, of |v_n|, |y_n| and their cosine; then their means over positions up to n."""
    lengths = v.norm(dim=2), y.norm(dim=2)
    known = [torch.ones_like(lengths[0]), *lengths, (v * y).sum(dim=2) / (lengths[0] * lengths[1]).clamp_min(1e-12)]
    products = [torch.stack(some).prod(dim=0) for some in combinations_with_replacement(known, degree)]
    here = torch.stack(products, dim=2)
    so_far = here.cumsum(dim=1) / torch.arange(1, here.shape[1] + 1, dtype=here.dtype)[:, None]
    return torch.cat([here, so_far[..., 1:]], dim=2)
