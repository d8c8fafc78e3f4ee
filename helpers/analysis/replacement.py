"""Formulas in the place of half layers: fitting them to what a model does, and running the model with them in.

What a half layer writes is taken apart by parity (``helpers.analysis.parity``). Its vectors are fitted as weighted sums
of what ``READS`` offers, put into the stream by one map for each half layer; its numbers as polynomials. Every
fit is least squares on what that half layer alone does: nothing is fitted to the prediction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.analysis.attention import scores, visible
from helpers.analysis.components import Component, attention, mlp
from helpers.analysis.formula import DEGREE, Binding, Formula, Sizes, Vectors, numbers
from helpers.analysis.interventions import Prediction
from helpers.analysis.observation import Observation
from helpers.analysis.parity import Parity
from helpers.training.model import ModelConfig

RIDGE = 1e-9  # of the mean square of a feature: where features repeat each other, the smallest weights


def solve(
    features: Float[Tensor, "*batch rows k"], target: Float[Tensor, "*batch rows m"]
) -> Float[Tensor, "*batch k m"]:
    """Weights by least squares, with ``RIDGE`` added so that the answer does not hang on the last bits."""
    gram = features.mT @ features
    eye = torch.eye(gram.shape[-1], dtype=gram.dtype)
    ridge = RIDGE * gram.diagonal(dim1=-2, dim2=-1).mean(dim=-1)[..., None, None] + 1e-300
    return torch.linalg.solve(gram + ridge * eye, features.mT @ target)


def present(v: Vectors, y: Vectors, size: Sizes) -> Float[Tensor, "batch n 2 dimension"]:
    """The vector and the mixture of the position itself, divided by the size of the stream there."""
    return torch.stack([v, y], dim=2) / size[..., None, None]


def past(v: Vectors, y: Vectors, size: Sizes) -> Float[Tensor, "batch n n dimension"]:
    """The mixtures of all positions up to n, each divided by the size of the stream where it was made."""
    return (y / size[..., None])[:, None] * visible(y.shape[1])[..., None]


READS: dict[str, Callable[..., Tensor]] = {
    "mixture": lambda v, y, size: y[:, :, None],
    "present": present,
    "past": past,
    "nothing": lambda v, y, size: y[:, :, None][:, :, :0],
}


def account(config: ModelConfig) -> dict[Component, str]:
    """Which vectors each half layer reads by our account; "nothing": it writes numbers alone."""
    reads = {part(i): "nothing" for i in range(config.n_layers) for part in (attention, mlp)}
    reads[attention(config.n_layers - 1)] = "past"
    return reads | {attention(0): "mixture", mlp(0): "present"}


@dataclass(frozen=True)
class HalfLayer:
    """What a half layer writes: ``sum_k weights[n, k] * READS[reads][k] @ slot + numbers @ coefficients[n]``."""

    reads: str
    weights: Float[Tensor, "n k"]
    slot: Float[Tensor, "dimension d_model"]
    coefficients: Float[Tensor, "n features d_model"]

    def __call__(
        self, v: Vectors, y: Vectors, features: Float[Tensor, "batch n features"], size: Sizes
    ) -> Float[Tensor, "batch n d_model"]:
        """What is written, given the size of the stream that the half layer reads."""
        vectors = torch.einsum("nk,bnkd->bnd", self.weights, READS[self.reads](v, y, size)) @ self.slot
        return vectors + torch.einsum("bnf,nfd->bnd", features, self.coefficients)


@dataclass(frozen=True)
class InPlace:
    """The formulas of all half layers, and layer 0's binding that they share."""

    binding: Binding
    halves: Mapping[Component, HalfLayer]
    degree: int = DEGREE


def size_of(obs: Observation, stream: Float[Tensor, "batch n d_model"]) -> Sizes:
    """What layer norm divides a stream by; one where the model has no layer norm."""
    return stream.std(dim=2, correction=0) if obs.config.layer_norm else torch.ones_like(stream[..., 0])


def bind(parity: Parity) -> Binding:
    """Layer 0's attention as a formula, fitted to the sizes, scores and vectors of layer 0's heads."""
    obs = parity.obs
    v, n_ctx = obs.vectors, obs.config.n_ctx
    squares = obs.norm_scale(0).square()
    by_place = torch.eye(n_ctx, dtype=v.dtype).expand(len(v), -1, -1)
    slope = torch.cat([v.square().sum(dim=2, keepdim=True), by_place], dim=2)
    slope = solve(slope.flatten(0, 1), squares.flatten(0, 1))[:, 0]
    heads, nothing = obs.config.n_heads, torch.zeros(obs.config.n_heads, n_ctx, n_ctx, dtype=v.dtype)
    start = Binding(slope[0].item(), slope[1:], nothing, nothing, torch.zeros(heads, dtype=v.dtype), nothing[:, 0, 0])
    both, source, kappa = _scores(start.sizes(v), v, scores(obs, 0))
    bound = Binding(start.slope, start.offset, both, source, kappa, torch.ones(heads, dtype=v.dtype) / heads)
    each = bound.attention(v) @ (v / bound.sizes(v)[..., None])[:, None]
    written = readout(obs, parity.vectors(attention(0).hook))
    share = solve(each.movedim(1, 3).flatten(0, 2), written.flatten()[:, None])[:, 0]
    return Binding(bound.slope, bound.offset, both, source, kappa, share / share.sum())


def _scores(s: Float[Tensor, "batch n"], v: Vectors, real: Float[Tensor, "batch heads n n"]) -> tuple[Tensor, ...]:
    """``both``, ``source`` and ``kappa`` of the scores that come closest; a row's own mean does not count."""
    heads, n_ctx = real.shape[1], real.shape[2]
    u = v / s[..., None]
    both, source = torch.zeros(2, heads, n_ctx, n_ctx, dtype=v.dtype)
    across, along = torch.zeros(heads, dtype=v.dtype), 0.0
    rows = []
    for n in range(1, n_ctx):
        seen = slice(n + 1)
        places = torch.cat(
            [torch.diag_embed(1 / (s[:, n, None] * s[:, seen])), torch.diag_embed(1 / s[:, seen])], dim=2
        )
        places = (places - places.mean(dim=1, keepdim=True)).flatten(0, 1)
        wanted = torch.cat([real[:, :, n, seen], (u[:, n, None] * u[:, seen]).sum(dim=2)[:, None]], dim=1)
        wanted = (wanted - wanted.mean(dim=2, keepdim=True)).movedim(1, 2).flatten(0, 1)
        fitted = solve(places, wanted)
        rest = wanted - places @ fitted  # what the places leave of the scores, and of the inner product
        across, along = across + rest[:, :-1].T @ rest[:, -1], along + rest[:, -1].square().sum()
        rows.append(fitted)
    kappa = across / along
    for n, fitted in enumerate(rows, start=1):
        both[:, n, : n + 1], source[:, n, : n + 1] = (fitted[:, :-1] - fitted[:, -1:] * kappa).T.chunk(2, dim=1)
    return both, source, kappa


def readout(obs: Observation, written: Float[Tensor, "batch n d_model"]) -> Vectors:
    """A part of the stream as the unembedding reads it, before the final layer norm divides it."""
    return written @ obs.norm_matrix(None) @ obs.bridge.W_U


def by_place(offered: Float[Tensor, "batch n k dimension"], written: Vectors) -> Float[Tensor, "n k"]:
    """The weights, one set for each position, with which what is offered comes closest to what is written."""
    rows = offered.movedim(2, 3).movedim(1, 0).flatten(1, 2)
    return solve(rows, written.movedim(1, 0).flatten(1, 2)[..., None])[..., 0]


def fit(parity: Parity, reads: Mapping[Component, str] | None = None, degree: int = DEGREE) -> InPlace:
    """The formulas that come closest to what a model's half layers write.

    Args:
        reads: which vectors each half layer reads; ``account`` by default.
        degree: of the polynomials that the numbers are.
    """
    obs = parity.obs
    binding = bind(parity)
    v, y = obs.vectors, binding.mixing(obs.vectors) @ obs.vectors
    features = numbers(v, y, degree).movedim(1, 0)
    halves = {}
    for part, name in (reads or account(obs.config)).items():
        entry = obs.cache["resid_pre" if part.kind == "heads" else "resid_mid", part.layer]
        offered = READS[name](v, y, size_of(obs, entry))
        vectors = parity.vectors(part.hook)
        weights = by_place(offered, readout(obs, vectors))
        sums = torch.einsum("nk,bnkd->bnd", weights, offered)
        slot = solve(sums.flatten(0, 1), vectors.flatten(0, 1))
        halves[part] = HalfLayer(name, weights, slot, solve(features, parity.numbers(part.hook).movedim(1, 0)))
    return InPlace(binding, halves, degree)


@torch.no_grad()
def predict(obs: Observation, formula: InPlace, parts: Iterable[Component] | None = None) -> Prediction:
    """The prediction with formulas in the place of some half layers; by default of all of them.

    Embedding, final layer norm and unembedding stay, and so do the half layers not named. A formula is given the size
    of the stream that it stands in, formulas before it included.
    """
    v = obs.vectors
    y = formula.binding.mixing(v) @ v
    features = numbers(v, y, formula.degree)
    chosen = set(formula.halves if parts is None else parts)
    stream = obs.cache["resid_pre", 0]
    for i, block in enumerate(obs.bridge.blocks):
        for part, half in (
            (attention(i), lambda x, b=block: b.attn(b.ln1(x))),
            (mlp(i), lambda x, b=block: b.mlp(b.ln2(x))),
        ):
            written = formula.halves[part](v, y, features, size_of(obs, stream)) if part in chosen else half(stream)
            stream = stream + (written[0] if isinstance(written, tuple) else written)
    return obs.bridge.unembed(obs.bridge.ln_final(stream))


def compress(parity: Parity, degree: int = DEGREE) -> Formula:
    """The whole model as one formula, in the vectors' own space: the stream is read out after each fit, not before.

    Each scalar is fitted to what one part does (a size, or what the unembedding reads of a half layer), none to the
    prediction.
    """
    obs = parity.obs
    binding = bind(parity)
    v, y = obs.vectors, binding.mixing(obs.vectors) @ obs.vectors
    last = obs.config.n_layers - 1
    streams = obs.cache["resid_mid", 0], obs.cache["resid_pre", last], obs.cache["resid_post", last]
    real = torch.stack([size_of(obs, stream) for stream in streams])
    features = numbers(v, y, degree).movedim(1, 0)
    sizes = torch.stack([solve(features, size.T[..., None])[..., 0] for size in real])

    def read(part: Component) -> Vectors:
        return readout(obs, parity.vectors(part.hook))

    def multiple(x: Vectors, written: Vectors) -> Tensor:
        return (x * written).sum() / x.square().sum()

    own = torch.stack([multiple(v, readout(obs, obs.embedded)), multiple(y, read(attention(0)))])
    now, before = by_place(present(v, y, real[0]), read(mlp(0))), by_place(past(v, y, real[1]), read(attention(last)))
    return Formula(binding, own, now, before, sizes, degree)
