"""What simple predictors make of a sequence: the scale on which a model's error has to be read.

Each takes vectors [batch, length, dimension] and returns predictions of the same shape: entry k is the guess for
vector k + 1 after seeing vectors 0 ... k, so it may look at vectors[:, :k + 1] and at nothing else.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from helpers.data.exact import Vectors, exact_solver
from helpers.data.recurrences import from_third


def zero(vectors: Vectors) -> Vectors:
    """Predicts zero, the mean of the distribution."""
    return np.zeros_like(vectors)


def copy_last(vectors: Vectors) -> Vectors:
    """Predicts that the last vector repeats."""
    return vectors.copy()


def copy_last_but_one(vectors: Vectors) -> Vectors:
    """Predicts the vector before the last, exact for c = -1; after a single vector it repeats that one."""
    return np.concatenate([vectors[:, :1], vectors[:, :-1]], axis=1)


def straight_line(vectors: Vectors) -> Vectors:
    """Predicts a_n + (a_n - a_{n-1}), exact for c = 1; after a single vector it repeats that one."""
    return 2 * vectors - copy_last_but_one(vectors)


PREDICTORS: dict[str, Callable[[Vectors], Vectors]] = {
    "zero": zero,
    "copy last": copy_last,
    "copy last but one": copy_last_but_one,
    "straight line": straight_line,
    "exact solver": exact_solver,
}


def squared_errors(vectors: Vectors) -> dict[str, Float[np.ndarray, "batch length-1"]]:
    """Each rule's squared error, mean over entries; column k is the error after k + 1 vectors."""
    return {name: ((rule(vectors)[:, :-1] - vectors[:, 1:]) ** 2).mean(axis=2) for name, rule in PREDICTORS.items()}


def mse(vectors: Vectors) -> dict[str, float]:
    """Each rule's mean squared error over contexts of 3 vectors and more.

    Raises:
        ValueError: there are fewer than 4 vectors, the last of which is the answer.
    """
    if not len(vectors) or vectors.shape[1] < 4:
        raise ValueError(f"vectors must be sequences of at least 4 vectors, got the shape {vectors.shape}")
    return {name: from_third(errors).mean() for name, errors in squared_errors(vectors).items()}


def continue_by(
    rule: Callable[[Vectors], Vectors], vectors: Float[np.ndarray, "n dimension"], steps: int
) -> Float[np.ndarray, "steps dimension"]:
    """Continues one sequence by a rule, each new vector predicted from all before it."""
    sequence = vectors[None]
    for _ in range(steps):
        sequence = np.concatenate([sequence, rule(sequence)[:, -1:]], axis=1)
    return sequence[0, len(vectors) :]
