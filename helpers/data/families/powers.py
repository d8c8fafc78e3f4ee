"""Polynomial rules, entry by entry, drawn so that every entry stays between -1 and 1."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from jaxtyping import Float

from helpers.data.exact import Vectors, differences, shared
from helpers.data.families.registry import Rule, named
from helpers.data.fields import real
from helpers.data.recurrences import Parameters, Starts

Next = Float[np.ndarray, "batch dimension"]


@named("quadratic")
class Quadratic(Rule):
    """a_n = c * a_{n-1} + q * a_{n-1}^2 + d, as the logistic map, chaotic ones among them. Where q = 0 it is affine.

    c y + q y^2 takes [-1, 1] to an interval no longer than 2 if |q| <= (1 + sqrt(1 - |c|))^2 / 2; d then brings it
    back between -1 and 1.
    """

    c_min: float = real(-1.0, -1, 1)
    c_max: float = real(1.0, -1, 1)
    degrees: ClassVar[dict[str, int]] = {"c": 0, "q": -1, "d": 1}

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Starts, Parameters]:
        c = rng.uniform(self.c_min, self.c_max, count)
        q = rng.uniform(-1, 1, count) * (1 + np.sqrt(1 - np.abs(c))) ** 2 / 2
        vertex = np.clip(np.divide(-c, 2 * q, out=np.zeros_like(c), where=q != 0), -1, 1)
        ends = np.stack([c * y + q * y**2 for y in (-1, vertex, 1)])
        low, high = -1 - ends.min(axis=0), 1 - ends.max(axis=0)
        share, a0 = rng.uniform(0, 1, (count, self.dimension)), rng.uniform(-1, 1, (count, 1, self.dimension))
        return a0, {"c": c, "q": q, "d": low[:, None] + share * (high - low)[:, None]}

    def step(self, seen: Vectors, parameters: Parameters) -> Next:
        c, q = (parameters[name][:, None] for name in ("c", "q"))
        return c * seen[:, -1] + q * seen[:, -1] ** 2 + parameters["d"]

    def solve(self, vectors: Vectors) -> Vectors:
        return shared(vectors, [differences(vectors), differences(vectors**2)])

    def needs(self) -> int | None:
        return 3 if self.dimension > 1 else 4


@named("cubic")
class Cubic(Rule):
    """a_n = c * a_{n-1} + k * a_{n-1}^3 + d with |c| + |k| + |d| <= 1. Where k = 0 it is affine."""

    c_min: float = real(-1.0, -1, 1)
    c_max: float = real(1.0, -1, 1)
    degrees: ClassVar[dict[str, int]] = {"c": 0, "k": -2, "d": 1}

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Starts, Parameters]:
        c = rng.uniform(self.c_min, self.c_max, count)
        k = rng.uniform(-1, 1, count) * (1 - np.abs(c))
        d = rng.uniform(-1, 1, (count, self.dimension)) * (1 - np.abs(c) - np.abs(k))[:, None]
        return rng.uniform(-1, 1, (count, 1, self.dimension)), {"c": c, "k": k, "d": d}

    def step(self, seen: Vectors, parameters: Parameters) -> Next:
        c, k = (parameters[name][:, None] for name in ("c", "k"))
        return c * seen[:, -1] + k * seen[:, -1] ** 3 + parameters["d"]

    def solve(self, vectors: Vectors) -> Vectors:
        return shared(vectors, [differences(vectors), differences(vectors**3)])

    def needs(self) -> int | None:
        return 3 if self.dimension > 1 else 4
