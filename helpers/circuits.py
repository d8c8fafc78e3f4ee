"""What the weights of a head say: QK and OV circuits (Elhage et al. 2021, "A Mathematical Framework").

A head reads the residual stream through layer norm, which centres (C), divides by a standard deviation and multiplies
by a weight (gamma). Centring and gamma are part of the matrices here; the division is not linear, and where a matrix is
put on the scale of real data it is multiplied by the mean of 1 / standard deviation over the observed activations.

Each matrix acts on row vectors, x @ M, and exists in two bases: in the residual stream's (d_model x d_model), and in
the basis of the recurrence's own vectors (dimension x dimension), going in through the embedding and out through the
unembedding.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformer_lens import FactoredMatrix

from helpers.observation import Observation

Matrix = Float[Tensor, "n n"]


def norm_matrix(weight: Float[Tensor, d_model]) -> Float[Tensor, "d_model d_model"]:
    """Layer norm without its division and bias, as a matrix: subtract the mean, multiply by the weight."""
    n = len(weight)
    return (torch.eye(n, dtype=weight.dtype) - 1 / n) * weight


def _norm(obs: Observation, layer: int | None) -> Float[Tensor, "d_model d_model"]:
    norm: nn.Module = obs.bridge.ln_final if layer is None else obs.bridge.blocks[layer].ln1
    return norm_matrix(norm.weight)


def mean_inverse_scale(obs: Observation, layer: int | None) -> float:
    """Mean of 1 / standard deviation over the residual vectors a layer norm divides; ``None`` is the final one."""
    name = "ln_final.hook_scale" if layer is None else f"blocks.{layer}.ln1.hook_scale"
    return (1 / obs.cache[name]).mean().item()


def ov(obs: Observation, layer: int, head: int) -> FactoredMatrix:
    """OV circuit in the residual basis: what attending to a (normalized) residual vector adds to the stream."""
    return FactoredMatrix(_norm(obs, layer) @ obs.bridge.W_V[layer, head], obs.bridge.W_O[layer, head])


def qk(obs: Observation, layer: int, head: int) -> FactoredMatrix:
    """QK circuit in the residual basis: x_destination @ M @ x_source is the attention score of normalized vectors."""
    norm = _norm(obs, layer)
    scale = obs.config.d_head**0.5
    return FactoredMatrix(norm @ obs.bridge.W_Q[layer, head] / scale, (norm @ obs.bridge.W_K[layer, head]).T)


def vector_ov(obs: Observation, layer: int, head: int | None) -> Matrix:
    """OV circuit from vectors to predictions, on the scale of the data, as if nothing came between head and ends.

    ``head=None`` gives what a head with W_V W_O = identity would do. Embedding and unembedding need not be aligned, so
    that this is not the identity: a head can copy in the residual stream, or from vectors to predictions, rarely both.
    """
    circuit = _norm(obs, layer) if head is None else ov(obs, layer, head).AB
    out = _norm(obs, None) @ obs.bridge.W_U * mean_inverse_scale(obs, None)
    return obs.W_E @ circuit @ out * mean_inverse_scale(obs, layer)


def vector_qk(obs: Observation, layer: int, head: int | None) -> Matrix:
    """QK circuit between vectors, on the scale of the data: v_destination @ M @ v_source is a score.

    ``head=None`` gives what a head with W_Q W_K^T = identity would do: score by the similarity of its inputs.
    """
    norm = _norm(obs, layer)
    circuit = norm @ norm.T if head is None else qk(obs, layer, head).AB
    return obs.W_E @ circuit @ obs.W_E.T * mean_inverse_scale(obs, layer) ** 2


def cosine(a: Float[Tensor, "m n"], b: Float[Tensor, "m n"]) -> float:
    """Cosine between two matrices taken as vectors; squared, the share of one that a multiple of the other explains.

    Unrelated random matrices give 0 within about 1 / sqrt(m n).
    """
    return ((a * b).sum() / (a.norm() * b.norm())).item()


def identity_cosine(matrix: Matrix) -> float:
    """Cosine between a matrix and the identity; 1 for a positive multiple of it."""
    return cosine(matrix, torch.eye(len(matrix), dtype=matrix.dtype))


def eigenvalue_score(matrix: FactoredMatrix | Matrix) -> float:
    """Sum of eigenvalues over sum of their absolute values: 1 copies, -1 negates (Elhage et al. 2021)."""
    values = matrix.eigenvalues if isinstance(matrix, FactoredMatrix) else torch.linalg.eigvals(matrix)
    return (values.sum().real / values.abs().sum()).item()


def effective_rank(matrix: FactoredMatrix | Float[Tensor, "m n"]) -> float:
    """exp of the entropy of the normalized singular values (Roy & Vetterli 2007): n for n equal ones, 1 for one."""
    values = matrix.S if isinstance(matrix, FactoredMatrix) else torch.linalg.svdvals(matrix)
    share = values / values.sum()
    return torch.exp(-torch.special.xlogy(share, share).sum()).item()


def sparsity(matrix: Float[Tensor, "m n"]) -> float:
    """Hoyer's measure (2004): 0 when all entries are equal in size, 1 when one alone is not zero; Gaussian: 0.2."""
    root = matrix.numel() ** 0.5
    return ((root - matrix.abs().sum() / matrix.norm()) / (root - 1)).item()


def random_circuit(obs: Observation, seed: int = 0) -> FactoredMatrix:
    """The yardstick for rank and sparsity: a product of Gaussian matrices of a circuit's shape."""
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randn(2, obs.config.d_model, obs.config.d_head, generator=generator, dtype=torch.float64)
    return FactoredMatrix(a, b.T)
