"""Sequences that a model was not trained on: another c, other sizes and shapes of a_0 and d, noise, breaks.

CONDITIONS["|c| from 2 to 4"].draw(family, 100, rng) are such sequences, in the dimension, length and scaling of a
family; what is not the condition's own is drawn as the family does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import Bool, Float

from helpers.data.exact import Vectors, exact_solver
from helpers.data.families.changing import Switch
from helpers.data.recurrences import Family, Sequences, scale_of, scaled, sequences_from, with_noise

Entries = Float[np.ndarray, "count dimension"]
Draw = Callable[[Family, int, np.random.Generator], Sequences]


@dataclass(frozen=True)
class Condition:
    """A way to draw sequences.

    Attributes:
        draw: takes a family, a number of sequences and a generator.
        solve: what solves them, or comes nearest to it.
        broken: in the middle a vector comes that nothing foretells.
    """

    draw: Draw
    solve: Callable[[Vectors], Vectors] = exact_solver
    broken: bool = False

    def judged(self, length: int) -> Bool[np.ndarray, " contexts"]:
        """Which positions of the targets count: contexts of 3 and more, and not what cannot be foretold."""
        chosen = np.arange(length - 1) >= 2
        if self.broken:
            chosen[length // 2 - 1] = False
        return chosen


def shaped(
    family: Family,
    count: int,
    rng: np.random.Generator,
    shape: Callable[[Entries, Entries, np.random.Generator], tuple[Entries, Entries]] = lambda a0, d, rng: (a0, d),
    size: tuple[float, float] | None = None,
) -> Sequences:
    """a_0 and d of another shape, or c of a size between two bounds and either sign."""
    c = rng.uniform(family.c_min, family.c_max, count)
    if size:
        c = rng.choice([-1.0, 1.0], count) * rng.uniform(*size, count)
    a0, d = shape(*rng.standard_normal((2, count, family.dimension)), rng)
    return sequences_from(a0, c, d, family.length, family.scaling)


def heavy(a0: Entries, d: Entries, rng: np.random.Generator) -> tuple[Entries, Entries]:
    """Entries of Student's t distribution with 1.5 degrees of freedom, whose variance is infinite."""
    return rng.standard_t(1.5, a0.shape), rng.standard_t(1.5, d.shape)


def sparse(a0: Entries, d: Entries, rng: np.random.Generator) -> tuple[Entries, Entries]:
    """Four entries alone, the same in a_0 and d, others in each sequence."""
    kept = rng.random(a0.shape).argsort(axis=1) < 4
    return a0 * kept, d * kept


def one_direction(a0: Entries, d: Entries, rng: np.random.Generator) -> tuple[Entries, Entries]:
    """All vectors of all sequences along one line."""
    along = rng.standard_normal(a0.shape[1])
    return a0[:, :1] * along, d[:, :1] * along


def parallel(a0: Entries, d: Entries, rng: np.random.Generator) -> tuple[Entries, Entries]:
    """d along a_0."""
    return a0, a0 * d[:, :1]


def noisy(family: Family, count: int, rng: np.random.Generator, deviation: float) -> Sequences:
    """Noise in every reading."""
    return with_noise(shaped(family, count, rng), deviation, rng)


def wrong_vector(family: Family, count: int, rng: np.random.Generator) -> Sequences:
    """The middle vector is another sequence's."""
    drawn = shaped(family, count, rng)
    vectors, middle = drawn.vectors.copy(), family.length // 2
    vectors[:, middle] = np.roll(vectors[:, middle], 1, axis=0)
    return replace(drawn, vectors=vectors)


def switched(family: Family, count: int, rng: np.random.Generator) -> Sequences:
    """Another c from the middle vector on."""
    rule = Switch(family.dimension, family.length, family.c_min, family.c_max, family.scaling)
    starts, parameters = rule.draw(count, rng)
    parameters = {**parameters, "at": np.full(count, float(family.length // 2))}
    vectors = rule.unroll(starts, parameters)
    return scaled(vectors, parameters, rule.degrees, scale_of(vectors, family.scaling))


CONDITIONS: dict[str, Condition] = {
    "as trained": Condition(shaped),
    "|c| from 1 to 1.5": Condition(partial(shaped, size=(1, 1.5))),
    "|c| from 1.5 to 2": Condition(partial(shaped, size=(1.5, 2))),
    "|c| from 2 to 4": Condition(partial(shaped, size=(2, 4))),
    "d ten times as large": Condition(partial(shaped, shape=lambda a0, d, rng: (a0, 10 * d))),
    "d a tenth as large": Condition(partial(shaped, shape=lambda a0, d, rng: (a0, d / 10))),
    "heavy tails": Condition(partial(shaped, shape=heavy)),
    "four entries of d and a_0": Condition(partial(shaped, shape=sparse)),
    "one direction for all": Condition(partial(shaped, shape=one_direction)),
    "a_0 parallel to d": Condition(partial(shaped, shape=parallel)),
    "noise, 0.01": Condition(partial(noisy, deviation=0.01)),
    "noise, 0.1": Condition(partial(noisy, deviation=0.1)),
    "a wrong vector in the middle": Condition(wrong_vector, broken=True),
    "c changes halfway": Condition(switched, Switch(2).solve, broken=True),
}
