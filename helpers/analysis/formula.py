"""The model as a formula: the next vector from those seen, with fitted scalars and no weight of the model.

Layer 0's heads mix the vectors seen into one, y. The answer is a sum of vectors v and mixtures y with weights that
depend on the position alone, divided by sizes. The sizes are polynomials of three numbers, |v|, |y| and their cosine,
at the position and averaged over those before it. ``helpers.analysis.replacement`` fits the scalars.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations_with_replacement

import torch
from jaxtyping import Float
from torch import Tensor

Vectors = Float[Tensor, "batch n dimension"]
Sizes = Float[Tensor, "batch n"]
ByHead = Float[Tensor, "heads n n"]
DEGREE = 2  # of the polynomials


@dataclass(frozen=True)
class Formula:
    """The whole model. With s = ``sizes[i]`` of the numbers, for the MLP of layer 0, the last layer and the end:

    ``(own[0] v_n + own[1] y_n + (now[n, 0] v_n + now[n, 1] y_n) / s0_n + sum_j before[n, j] y_j / s1_j) / s2_n``.
    """

    binding: Binding
    own: Float[Tensor, " 2"]
    now: Float[Tensor, "n 2"]
    before: Float[Tensor, "n n"]
    sizes: Float[Tensor, "3 n features"]
    degree: int = DEGREE

    def __call__(self, v: Vectors) -> Vectors:
        """The guess for the next vector, at every position."""
        y = self.binding.mixture(v)
        first, last, end = torch.einsum("snf,bnf->sbn", self.sizes, numbers(v, y, self.degree))
        written = self.own[0] * v + self.own[1] * y
        written = written + torch.einsum("nk,bnkd->bnd", self.now, present(v, y, first))
        written = written + torch.einsum("nk,bnkd->bnd", self.before, past(v, y, last))
        return written / end[..., None]


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
        causal = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        return scores.masked_fill(~causal, -torch.inf).softmax(dim=3)

    def mixture(self, v: Vectors) -> Vectors:
        """y: what the heads mix, each with its share."""
        return torch.einsum("h,bhnm,bmd->bnd", self.share, self.attention(v), v / self.sizes(v)[..., None])


def numbers(v: Vectors, y: Vectors, degree: int = DEGREE) -> Float[Tensor, "batch n features"]:
    """All products, up to a degree, of |v_n|, |y_n| and their cosine; then their means over positions up to n."""
    lengths = v.norm(dim=2), y.norm(dim=2)
    known = [torch.ones_like(lengths[0]), *lengths, (v * y).sum(dim=2) / (lengths[0] * lengths[1]).clamp_min(1e-12)]
    products = [torch.stack(some).prod(dim=0) for some in combinations_with_replacement(known, degree)]
    here = torch.stack(products, dim=2)
    return torch.cat([here, mean_so_far(here)[..., 1:]], dim=2)


def mean_so_far(values: Float[Tensor, "batch n features"]) -> Float[Tensor, "batch n features"]:
    """The mean over positions up to each one."""
    return values.cumsum(dim=1) / torch.arange(1, values.shape[1] + 1, dtype=values.dtype)[:, None]


def present(v: Vectors, y: Vectors, size: Sizes) -> Float[Tensor, "batch n 2 dimension"]:
    """The vector and the mixture of the position itself, divided by the size of the stream there."""
    return torch.stack([v, y], dim=2) / size[..., None, None]


def past(v: Vectors, y: Vectors, size: Sizes) -> Float[Tensor, "batch n n dimension"]:
    """The mixtures of all positions up to n, each divided by the size of the stream where it was made."""
    causal = torch.ones(y.shape[1], y.shape[1], dtype=y.dtype).tril()
    return (y / size[..., None])[:, None] * causal[..., None]


READS: dict[str, Callable[..., Tensor]] = {
    "mixture": lambda v, y, size: y[:, :, None],
    "present": present,
    "past": past,
    "nothing": lambda v, y, size: y[:, :, None][:, :, :0],
}
