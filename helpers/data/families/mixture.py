"""A mixture: every sequence is of one of several families, and only the sequence says of which."""

from __future__ import annotations

import numpy as np

from helpers.data.exact import Vectors
from helpers.data.families.registry import Rule, like, named
from helpers.data.fields import choice
from helpers.data.recurrences import Family, Sequences

PARTS = ("affine", "second order", "diagonal", "rotation", "matrix", "quadratic", "cubic", "switch", "noisy steps")


@named("mixture")
class Mixture(Rule):
    """As many sequences of each of its families, in turn; ``which`` numbers them.

    Attributes:
        parts: the families.
    """

    parts: tuple[str, ...] = choice(("affine", "second order", "rotation", "quadratic"), PARTS, several=True)

    def families(self) -> list[Family]:
        """The families themselves, with c within -1 and 1."""
        return [like(self, name) if name != "affine" else self.affine() for name in self.parts]

    def affine(self) -> Family:
        """The affine family in the same dimension and range."""
        return Family(self.dimension, self.length, self.c_min, self.c_max, self.scaling, self.noise)

    def sequences(self, count: int, rng: np.random.Generator) -> Sequences:
        which = np.arange(count) % len(self.parts)
        vectors, d = np.empty((count, self.length, self.dimension)), np.empty((count, self.dimension))
        c, scale = np.empty((2, count))
        for i, family in enumerate(self.families()):
            if rows := int((which == i).sum()):
                one = family.sequences(rows, rng)
                vectors[which == i], c[which == i], d[which == i] = one.vectors, one.c, one.d
                scale[which == i] = one.scale
        return Sequences(vectors, c, d, scale, {"which": which.astype(float)})

    def solve(self, vectors: Vectors) -> Vectors:
        """By the solver that would have foretold the last vectors seen best; of equals by the first."""
        each = np.stack([family.solve(vectors) for family in self.families()])
        off = ((each[:, :, :-1] - vectors[:, 1:]) ** 2).sum(axis=3)
        off = np.pad(off, ((0, 0), (0, 0), (1, 0)))  # of the first vector nothing was foretold
        best = np.argmin(np.where(off > off.min(axis=0) * 100 + 1e-18, 1, 0), axis=0)
        return np.take_along_axis(each, best[None, :, :, None], axis=0)[0]

    def needs(self) -> int | None:
        return None
