"""The best rule that does not know c: the scale on which it shows whether a prediction follows c.

A fixed mixture of the last k vectors, with weights of its own for each length of context, found by least squares on
sequences of the family. It may use that the next vector is near the last but one, but not what tells one sequence from
another. Where c is within -1 and 1 it explains 0.98 to 0.99 of the variance, so that a share of variance says little.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float

from helpers.data.recurrences import Family, sample

SEED, COUNT = 20241101, 4096  # of the sequences that the weights are fitted on
Weights = Float[np.ndarray, "contexts contexts"]


def fit(vectors: Float[np.ndarray, "batch length dimension"], k: int) -> Weights:
    """The weights of the best mixture of the last ``k`` vectors.

    Returns:
        Row n holds the weights on vectors 0 ... n with which vector n + 1 is predicted; zero beyond the last k.
    Raises:
        ValueError: ``k`` is below 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    contexts = vectors.shape[1] - 1
    weights = np.zeros((contexts, contexts))
    for n in range(contexts):
        first = max(0, n + 1 - k)
        seen = np.moveaxis(vectors[:, first : n + 1], 1, 2).reshape(-1, n + 1 - first)
        weights[n, first : n + 1] = np.linalg.lstsq(seen, vectors[:, n + 1].ravel(), rcond=None)[0]
    return weights


@lru_cache
def best_weights(family: Family, k: int | None = None) -> Weights:
    """The weights for a family's sequences; without ``k`` of all vectors seen, which can only be better than fewer."""
    vectors = sample(family, COUNT, SEED).vectors
    return fit(vectors, family.length if k is None else k)


def predict(
    weights: Weights, vectors: Float[np.ndarray, "batch n dimension"]
) -> Float[np.ndarray, "batch n dimension"]:
    """The mixture's guess for the next vector after 1, 2, ... n vectors."""
    n = vectors.shape[1]
    return np.einsum("nk,bkd->bnd", weights[:n, :n], vectors)
