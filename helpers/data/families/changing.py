"""Affine rules that do not stay as they are: c switches once, or every step has noise of its own."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from jaxtyping import Float

from helpers.data.exact import Vectors, with_intercept
from helpers.data.families.registry import Rule, named
from helpers.data.fields import real
from helpers.data.recurrences import Family, Parameters, Starts

Next = Float[np.ndarray, "batch dimension"]
FITS = 1e-6  # what a pair of differences leaves unexplained, as a share, if both were made by one c
STILL = 1e-8  # of a vector's size: a difference so small is of rounding


def explained(
    x: Vectors, y: Vectors, least: Float[np.ndarray, "batch n"]
) -> tuple[Float[np.ndarray, "batch n"], Float[np.ndarray, "batch n"]]:
    """For each row the c with which c * x is nearest to y, and the share of y that it leaves: 0, if x is ``least``."""
    size, goal = (np.linalg.norm(v, axis=2) for v in (x, y))
    moves = size > least
    c = np.divide((x * y).sum(axis=2), size**2, out=np.zeros_like(size), where=moves)
    left = np.linalg.norm(y - c[:, :, None] * x, axis=2)
    return c, np.divide(left, goal, out=np.zeros_like(size), where=(moves & (goal > 0)) | (goal > 1e3 * least))


@named("switch")
class Switch(Rule):
    """a_n = c * a_{n-1} + d up to a vector, from which on c is another. Where they are equal it is affine.

    ``at`` is the first vector that the other c makes, no earlier than the fourth. Which vector that is, nothing
    foretells; one vector later ``solve`` knows it.
    """

    degrees: ClassVar[dict[str, int]] = {"c": 0, "other": 0, "at": 0, "d": 1}

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Starts, Parameters]:
        starts, parameters = Family.draw(self, count, rng)
        at = rng.integers(3, max(self.length, 4), count).astype(float)
        return starts, {**parameters, "other": rng.uniform(self.c_min, self.c_max, count), "at": at}

    def step(self, seen: Vectors, parameters: Parameters) -> Next:
        c = np.where(seen.shape[1] < parameters["at"], parameters["c"], parameters["other"])
        return c[:, None] * seen[:, -1] + parameters["d"]

    def solve(self, vectors: Vectors) -> Vectors:
        """By the last pair of differences if one c explains it; else c has just switched, and d is known from before.

        Exact from three vectors on but for the vector at which c switches.
        """
        predictions, x = vectors.copy(), np.diff(vectors, axis=1)
        least = STILL * np.maximum.accumulate(np.linalg.norm(vectors, axis=2), axis=1)
        c, left = explained(x[:, :-1], x[:, 1:], least[:, 2:])
        predictions[:, 2:] += c[:, :, None] * x[:, 1:]
        d = vectors[:, 1:2] - c[:, :1, None] * vectors[:, :1]
        new, _ = explained(vectors[:, 2:-1], vectors[:, 3:] - d, least[:, 3:])
        switched = (left[:, 1:] > FITS) & (left[:, :-1] <= FITS)
        predictions[:, 3:] = np.where(switched[:, :, None], new[:, :, None] * vectors[:, 3:] + d, predictions[:, 3:])
        return predictions

    def needs(self) -> int | None:
        return None


@named("noisy steps")
class NoisySteps(Rule):
    """a_n = c * a_{n-1} + d + e_n, the entries of e_n normal. Where ``state`` = 0 it is affine.

    Attributes:
        state: standard deviation of e_n, where those of a_0 and d are 1.
    """

    state: float = real(0.1, 0, 1e6)
    degrees: ClassVar[dict[str, int]] = {"c": 0, "d": 1, "e": 1}

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Starts, Parameters]:
        starts, parameters = Family.draw(self, count, rng)
        return starts, {**parameters, "e": self.state * rng.standard_normal((count, self.length, self.dimension))}

    def step(self, seen: Vectors, parameters: Parameters) -> Next:
        return Family.step(self, seen, parameters) + parameters["e"][:, seen.shape[1]]

    def solve(self, vectors: Vectors) -> Vectors:
        return with_intercept(vectors)

    def needs(self) -> int | None:
        return None if self.state else 3
