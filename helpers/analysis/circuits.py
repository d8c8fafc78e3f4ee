"""What the weights of a head say: QK and OV circuits (Elhage et al. 2021, "A Mathematical Framework").

A head reads the residual stream through layer norm, which centres (C), divides by a standard deviation and multiplies
by a weight (gamma). Centring and gamma are part of the matrices here; the division is not linear, and where a matrix is
put on the scale of real data it is multiplied by the mean of 1 / standard deviation over the observed activations.

Each matrix acts on row vectors, x @ M, and exists in two bases: in the residual stream's (d_model x d_model), and in
the basis of the recurrence's own vectors (dimension x dimension), going in through the embedding and out through the
unembedding.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import FactoredMatrix

from helpers.analysis.components import Component, check
from helpers.analysis.estimates import Estimate
from helpers.analysis.observation import Observation

DRAWS = 40  # random circuits to compare with
Matrix = Float[Tensor, "n n"]


def mean_inverse_scale(obs: Observation, layer: int | None) -> float:
    """Mean of 1 / standard deviation over the residual vectors a layer norm divides; ``None`` is the final one."""
    return (1 / obs.norm_scale(layer)).mean().item()


def ov(obs: Observation, head: Component) -> FactoredMatrix:
    """OV circuit in the residual basis: what attending to a (normalized) residual vector adds to the stream."""
    place = check(head, obs.config, "head").layer, head.head
    return FactoredMatrix(obs.norm_matrix(head.layer) @ obs.bridge.W_V[place], obs.bridge.W_O[place])


def qk(obs: Observation, head: Component) -> FactoredMatrix:
    """QK circuit in the residual basis: x_destination @ M @ x_source is the attention score of normalized vectors."""
    place = check(head, obs.config, "head").layer, head.head
    norm = obs.norm_matrix(head.layer)
    scale = obs.config.d_head**0.5
    return FactoredMatrix(norm @ obs.bridge.W_Q[place] / scale, (norm @ obs.bridge.W_K[place]).T)


def vector_ov(obs: Observation, head: Component) -> Matrix:
    """OV circuit from vectors to predictions, on the scale of the data, as if nothing came between head and ends.

    A whole layer in the place of a head gives what a head there with W_V W_O = identity would do. Embedding and
    unembedding need not be aligned, so that this is not the identity: a head can copy in the residual stream, or from
    vectors to predictions, rarely both.
    """
    circuit = obs.norm_matrix(head.layer) if head.head is None else ov(obs, head).AB
    out = obs.norm_matrix(None) @ obs.bridge.W_U * mean_inverse_scale(obs, None)
    return obs.W_E @ circuit @ out * mean_inverse_scale(obs, head.layer)


def vector_qk(obs: Observation, head: Component) -> Matrix:
    """QK circuit between vectors, on the scale of the data: v_destination @ M @ v_source is a score.

    A whole layer in the place of a head gives what a head there with W_Q W_K^T = identity would do: score by the
    similarity of its inputs.
    """
    norm = obs.norm_matrix(head.layer)
    circuit = norm @ norm.T if head.head is None else qk(obs, head).AB
    return obs.W_E @ circuit @ obs.W_E.T * mean_inverse_scale(obs, head.layer) ** 2


def _unit(name: str, matrix: FactoredMatrix | Matrix) -> FactoredMatrix | Matrix:
    """A matrix of some size; very large or small ones brought to entries of 1 at most, so that no square is lost."""
    largest = (matrix.AB if isinstance(matrix, FactoredMatrix) else matrix).abs().max().item()
    if not 0 < largest < math.inf:
        raise ValueError(f"{name} must have finite entries, not all of them 0, got {largest} at most")
    return matrix if isinstance(matrix, FactoredMatrix) or 1e-50 < largest < 1e50 else matrix / largest


def cosine(a: Float[Tensor, "m n"], b: Float[Tensor, "m n"]) -> float:
    """Cosine between two matrices taken as vectors; squared, the share of one that a multiple of the other explains.

    Unrelated random matrices give 0 within about 1 / sqrt(m n).

    Raises:
        ValueError: one of them is zero or not finite, and so has no direction.
    """
    a, b = _unit("a", a), _unit("b", b)
    return ((a * b).sum() / (a.norm() * b.norm())).item()


def identity_cosine(matrix: Matrix) -> float:
    """Cosine between a matrix and the identity; 1 for a positive multiple of it."""
    return cosine(matrix, torch.eye(len(matrix), dtype=matrix.dtype))


def eigenvalue_score(matrix: FactoredMatrix | Matrix) -> float:
    """Sum of eigenvalues over sum of their absolute values: 1 copies, -1 negates (Elhage et al. 2021).

    Raises:
        ValueError: the matrix is zero or not finite, or all its eigenvalues are 0.
    """
    matrix = _unit("matrix", matrix)
    try:
        values = matrix.eigenvalues if isinstance(matrix, FactoredMatrix) else torch.linalg.eigvals(matrix)
    except torch.linalg.LinAlgError as error:
        raise ValueError("matrix must have entries nearer in size, its eigenvalues cannot be found") from error
    if not values.abs().sum() > 0:
        raise ValueError("matrix must have an eigenvalue other than 0")
    return (values.sum().real / values.abs().sum()).item()


def effective_rank(matrix: FactoredMatrix | Float[Tensor, "m n"]) -> float:
    """exp of the entropy of the normalized singular values (Roy & Vetterli 2007): n for n equal ones, 1 for one.

    Raises:
        ValueError: the matrix is zero or not finite.
    """
    matrix = _unit("matrix", matrix)
    values = matrix.S if isinstance(matrix, FactoredMatrix) else torch.linalg.svdvals(matrix)
    share = values / values.sum()
    return torch.exp(-torch.special.xlogy(share, share).sum()).item()


def sparsity(matrix: FactoredMatrix | Float[Tensor, "m n"]) -> float:
    """Hoyer's measure (2004): 0 when all entries are equal in size, 1 when one alone is not zero; Gaussian: 0.2.

    Raises:
        ValueError: the matrix is zero or not finite, or has one entry alone.
    """
    matrix = _unit("matrix", matrix.AB if isinstance(matrix, FactoredMatrix) else matrix)
    if (root := matrix.numel() ** 0.5) == 1:
        raise ValueError("matrix must have more than one entry, got 1")
    return ((root - matrix.abs().sum() / matrix.norm()) / (root - 1)).item()


def random_circuit(obs: Observation, seed: int = 0) -> FactoredMatrix:
    """The yardstick for rank and sparsity: a product of Gaussian matrices of a circuit's shape."""
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randn(2, obs.config.d_model, obs.config.d_head, generator=generator, dtype=torch.float64)
    return FactoredMatrix(a, b.T)


def over_random(obs: Observation, layer: int, measure: Callable[[FactoredMatrix], float]) -> list[Estimate]:
    """A measure of each OV circuit of a layer, over its value for random circuits.

    The value is against the random mean, the interval against the middle 95 % of ``DRAWS`` random circuits.
    """
    chance = sorted(measure(random_circuit(obs, seed)) for seed in range(DRAWS))
    mean, low, high = sum(chance) / DRAWS, chance[round(0.025 * DRAWS)], chance[round(0.975 * DRAWS) - 1]
    found = [measure(ov(obs, head)) for head in obs.heads(layer)]
    return [Estimate(m / mean, m / high, m / low) for m in found]
