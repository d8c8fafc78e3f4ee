"""Linear rules: two numbers, a number for each entry, a turn, or a matrix in place of c."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from jaxtyping import Float

from helpers.data.exact import Vectors, differences, each_entry, minimum_norm, shared
from helpers.data.families.registry import Rule, named
from helpers.data.recurrences import Parameters, Starts

Next = Float[np.ndarray, "batch dimension"]


@named("second order")
class SecondOrder(Rule):
    """a_n = c1 * a_{n-1} + c2 * a_{n-2} + d.

    The roots of its characteristic polynomial x^2 - c1 x - c2 lie between c_min and c_max; those of every other
    sequence are complex instead, of such a size and any angle. Where c2 = 0 it is affine.
    """

    degrees: ClassVar[dict[str, int]] = {"c1": 0, "c2": 0, "d": 1}

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Starts, Parameters]:
        first, second = rng.uniform(self.c_min, self.c_max, (2, count))
        angle, turned = rng.uniform(0, np.pi, count), np.arange(count) % 2 == 1
        starts, d = rng.standard_normal((count, 2, self.dimension)), rng.standard_normal((count, self.dimension))
        c1 = np.where(turned, 2 * first * np.cos(angle), first + second)
        return starts, {"c1": c1, "c2": np.where(turned, -(first**2), -first * second), "d": d}

    def step(self, seen: Vectors, parameters: Parameters) -> Next:
        c1, c2 = (parameters[name][:, None] for name in ("c1", "c2"))
        return c1 * seen[:, -1] + c2 * seen[:, -2] + parameters["d"]

    def solve(self, vectors: Vectors) -> Vectors:
        return shared(vectors, [differences(vectors), differences(vectors, lag=1)])

    def needs(self) -> int | None:
        return 4 if self.dimension > 1 else 5


@named("diagonal")
class Diagonal(Rule):
    """a_n = c * a_{n-1} + d with a c for each entry. Where they are equal it is affine."""

    degrees: ClassVar[dict[str, int]] = {"cs": 0, "d": 1}

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Starts, Parameters]:
        cs = rng.uniform(self.c_min, self.c_max, (count, self.dimension))
        a0, d = rng.standard_normal((2, count, self.dimension))
        return a0[:, None], {"cs": cs, "d": d}

    def step(self, seen: Vectors, parameters: Parameters) -> Next:
        return parameters["cs"] * seen[:, -1] + parameters["d"]

    def solve(self, vectors: Vectors) -> Vectors:
        return each_entry(vectors)


def turned(vectors: Vectors) -> Vectors:
    """Each pair of neighbouring entries turned by a right angle; of an odd dimension the last becomes 0."""
    pairs = vectors[..., : vectors.shape[-1] // 2 * 2].reshape(*vectors.shape[:-1], -1, 2)
    quarter = np.stack([-pairs[..., 1], pairs[..., 0]], axis=-1).reshape(*vectors.shape[:-1], -1)
    return np.concatenate([quarter, 0 * vectors[..., quarter.shape[-1] :]], axis=-1)


@named("rotation")
class Rotation(Rule):
    """a_n = c * a_{n-1} + s * J a_{n-1} + d, where J turns each pair of entries by a right angle: c is complex.

    Its size lies between c_min and c_max, its angle is any. Where s = 0 it is affine.
    """

    degrees: ClassVar[dict[str, int]] = {"c": 0, "s": 0, "d": 1}

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Starts, Parameters]:
        size, angle = rng.uniform(self.c_min, self.c_max, count), rng.uniform(0, np.pi, count)
        a0, d = rng.standard_normal((2, count, self.dimension))
        return a0[:, None], {"c": size * np.cos(angle), "s": size * np.sin(angle), "d": d}

    def step(self, seen: Vectors, parameters: Parameters) -> Next:
        c, s = (parameters[name][:, None] for name in ("c", "s"))
        return c * seen[:, -1] + s * turned(seen[:, -1:])[:, 0] + parameters["d"]

    def solve(self, vectors: Vectors) -> Vectors:
        x = differences(vectors)
        return shared(vectors, [x, turned(x)])


@named("matrix")
class Matrix(Rule):
    """a_n = M a_{n-1} + d, the entries of M normal and its largest eigenvalue's size between 0 and max |c|.

    A context of 14 vectors has 12 pairs of differences. In 40 dimensions they say what M does in 12 of 40 directions,
    and the last difference is not among them: no solver is exact, and the rest of M x is expected to be 0.
    """

    degrees: ClassVar[dict[str, int]] = {"M": 0, "d": 1}

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Starts, Parameters]:
        size = rng.uniform(0, max(abs(self.c_min), abs(self.c_max)), count)
        matrix = rng.standard_normal((count, self.dimension, self.dimension))
        largest = np.abs(np.linalg.eigvals(matrix)).max(axis=1)
        a0, d = rng.standard_normal((2, count, self.dimension))
        return a0[:, None], {"M": matrix * (size / largest)[:, None, None], "d": d}

    def step(self, seen: Vectors, parameters: Parameters) -> Next:
        return np.einsum("bij,bj->bi", parameters["M"], seen[:, -1]) + parameters["d"]

    def solve(self, vectors: Vectors) -> Vectors:
        return minimum_norm(vectors)

    def needs(self) -> int | None:
        return self.dimension + 2
