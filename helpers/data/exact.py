"""What solves recurrences: least squares on differences of neighbouring vectors, from which the offset d is gone.

Each takes vectors [batch, length, dimension] and predicts as in ``helpers.data.predictors``: entry k is the guess for
vector k + 1 after vectors 0 ... k. Where too little is known to solve for anything, the last vector is repeated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

Vectors = Float[np.ndarray, "batch length dimension"]


def solve_c(vectors: Vectors) -> Float[np.ndarray, "batch contexts"]:
    """The c that fits best after 3, 4, ... vectors.

    The differences x_n = a_n - a_{n-1} follow x_{n+1} = c * x_n, the offset d being gone. So least squares over all
    pairs seen gives c = sum <x_{n+1}, x_n> / sum <x_n, x_n>; 0 where all differences are.
    """
    differences = np.diff(vectors, axis=1)
    largest = np.abs(differences).max(axis=(1, 2), keepdims=True, initial=0)
    differences = np.ldexp(differences, -np.frexp(largest)[1])  # so that no square overflows; else the same bits
    products = (differences[:, 1:] * differences[:, :-1]).sum(axis=2).cumsum(axis=1)
    squares = (differences[:, :-1] ** 2).sum(axis=2).cumsum(axis=1)
    return np.divide(products, squares, out=np.zeros_like(products), where=squares > 0)


def exact_solver(vectors: Vectors) -> Vectors:
    """Solves for c and predicts a_n + c * (a_n - a_{n-1}): exact from three vectors on; before, it repeats the last."""
    predictions = vectors.copy()
    predictions[:, 2:] += solve_c(vectors)[:, :, None] * np.diff(vectors, axis=1)[:, 1:]
    return predictions


def each_entry(vectors: Vectors) -> Vectors:
    """``exact_solver`` for each entry by itself: a c of its own."""
    batch, length, dimension = vectors.shape
    alone = exact_solver(vectors.transpose(0, 2, 1).reshape(-1, length, 1))
    return alone.reshape(batch, dimension, length).transpose(0, 2, 1)


def differences(values: Vectors, lag: int = 0) -> Vectors:
    """Entry n is values[n - lag] less its predecessor: NaN where there is none."""
    found = np.full_like(values, np.nan)
    found[:, lag + 1 :] = np.diff(values, axis=1)[:, : values.shape[1] - lag - 1]
    return found


def shared(vectors: Vectors, features: Sequence[Vectors]) -> Vectors:
    """For rules whose next difference is a sum of features, each times one number for the whole sequence.

    Args:
        features: entry n is what vector n + 1 less vector n depends on; NaN where it is not known yet.
    """
    each = np.stack(features, axis=3)
    first = int(np.isnan(each).any(axis=(0, 2, 3)).sum())
    predictions, steps = vectors.copy(), np.diff(vectors, axis=1)
    for n in range(first + 1, vectors.shape[1]):
        seen = each[:, first:n].reshape(len(vectors), -1, len(features))
        numbers = np.linalg.pinv(seen) @ steps[:, first:n].reshape(len(vectors), -1, 1)
        predictions[:, n] += (each[:, n] @ numbers)[:, :, 0]
    return predictions


def minimum_norm(vectors: Vectors) -> Vectors:
    """For a matrix in place of c: of all that fit the pairs of differences, the one with the smallest norm.

    It is exact once the last difference lies in the span of those before it: in general after dimension + 2 vectors.
    Before, it is the posterior mean if the matrix's entries are independent normal ones: what is outside of the span
    is mapped to zero.
    """
    predictions, steps = vectors.copy(), np.diff(vectors, axis=1)
    for n in range(2, vectors.shape[1]):
        matrix = np.linalg.pinv(steps[:, : n - 1]) @ steps[:, 1:n]
        predictions[:, n] += (steps[:, n - 1 : n] @ matrix)[:, 0]
    return predictions


def with_intercept(vectors: Vectors) -> Vectors:
    """The c and d most likely where each step has noise of its own: regression of each vector on the one before it.

    With a pair more than ``exact_solver`` of differences, whose noise it does not count twice.
    """
    predictions = vectors.copy()
    for n in range(2, vectors.shape[1]):
        before, after = vectors[:, :n], vectors[:, 1 : n + 1]
        x, y = (v - v.mean(axis=1, keepdims=True) for v in (before, after))
        square = (x * x).sum(axis=(1, 2))
        c = np.divide((x * y).sum(axis=(1, 2)), square, out=np.zeros_like(square), where=square > 0)[:, None]
        predictions[:, n] = after.mean(axis=1) + c * (vectors[:, n] - before.mean(axis=1))
    return predictions
