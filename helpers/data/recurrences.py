"""Families of recurrences, the affine one a_n = c * a_{n-1} + d first: sampling and scaling (claims S1 and S2).

The number c is one scalar per sequence; a_0 and d are vectors with independent N(0, 1) entries. An affine recurrence
stays one when it is scaled: if a_n follows (c, d) then a_n / s follows (c, d / s). So scaling bounds a sequence and
leaves c, the thing to be inferred in context, as it was.

Other rules are subclasses of ``Family`` that say what differs (``helpers.data.families``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, TypeVar

import numpy as np
from jaxtyping import Bool, Float

from helpers.data.exact import Vectors, exact_solver
from helpers.data.fields import check, choice, real, whole

THIRD = 2  # index of the third vector, with which the shortest context ends: the paper's contexts are 3 to 14 vectors
SCALINGS = ("max", "rms", "none")
ByPosition = TypeVar("ByPosition")  # an array or tensor [batch, position, ...]
Parameters = Mapping[str, Float[np.ndarray, "*_"]]  # by name, each [batch, ...]
Starts = Float[np.ndarray, "batch order dimension"]


def from_third(values: ByPosition) -> ByPosition:
    """What belongs to contexts of 3 vectors and more; with fewer, the next vector cannot be known.

    Args:
        values: one for each position on the second axis.
    """
    return values[:, THIRD:]


@dataclass(frozen=True)
class Family:
    """A distribution of affine recurrences; every choice about the data stands here.

    A subclass is a family of another rule. It says how parameters are drawn, how they make the next vector, how each
    grows with the vectors' unit, and what solves the task, where that is not as here.

    The summary of the paper fixes ``dimension`` and the contexts (3 to 14 vectors, so sequences of 15) and says only
    that sequences are "normalized". ``scaling="max"`` (largest entry = 1) and c between -1.5 and 1.5 are our reading.

    Attributes:
        dimension: entries of a vector.
        length: vectors in a sequence, the last target included.
        c_min, c_max: c is uniform between these two.
        scaling: "max" divides a sequence by its largest absolute entry, "rms" by its root mean square, "none" by 1.
        noise: standard deviation of Gaussian noise added to every entry after scaling.
        kind: the rule's name; of all but the affine a field, so that a checkpoint knows it.
        degrees: the parameters by name, and the power of the unit that each grows with: d is a vector (1), c none (0).
    """

    kind: ClassVar[str] = "affine"
    degrees: ClassVar[dict[str, int]] = {"c": 0, "d": 1}

    dimension: int = whole(40, 1, 2**16)
    length: int = whole(15, 1, 2**16)
    c_min: float = real(-1.5, -100, 100)
    c_max: float = real(1.5, -100, 100)
    scaling: str = choice("max", SCALINGS)
    noise: float = real(0.0, 0, 1e6)

    def __post_init__(self) -> None:
        check(self)
        if not self.c_min <= self.c_max:
            raise ValueError(f"c_min must not exceed c_max, got c_min={self.c_min} and c_max={self.c_max}")

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Starts, Parameters]:
        """The first vectors, as many as the next depends on, and the parameters of ``count`` sequences."""
        c = rng.uniform(self.c_min, self.c_max, count)
        a0, d = rng.standard_normal((2, count, self.dimension))
        return a0[:, None], {"c": c, "d": d}

    def step(self, seen: Vectors, parameters: Parameters) -> Float[np.ndarray, "batch dimension"]:
        """The vector that follows those seen."""
        return parameters["c"][:, None] * seen[:, -1] + parameters["d"]

    def solve(self, vectors: Vectors) -> Vectors:
        """The best predictions known after 1, 2, ... vectors (``helpers.data.exact``): exact from ``needs()`` on."""
        return exact_solver(vectors)

    def needs(self) -> int | None:
        """With how many vectors ``solve`` begins to be exact on sequences without noise; None if it never is."""
        return 3

    def unroll(self, starts: Starts, parameters: Parameters) -> Vectors:
        """Writes recurrences out from their first vectors to ``length``."""
        vectors = np.empty((len(starts), self.length, self.dimension))
        order = min(starts.shape[1], self.length)
        vectors[:, :order] = starts[:, :order]
        for n in range(order, self.length):
            vectors[:, n] = self.step(vectors[:, :n], parameters)
        return vectors

    def sequences(self, count: int, rng: np.random.Generator) -> Sequences:
        """``count`` sequences, scaled, without noise in their readings. Raises ValueError as ``scale_of``."""
        starts, parameters = self.draw(count, rng)
        vectors = self.unroll(starts, parameters)
        return scaled(vectors, parameters, self.degrees, scale_of(vectors, self.scaling))


@dataclass(frozen=True)
class Sequences:
    """A batch of recurrences, in scaled units: vectors[:, n] = c * vectors[:, n-1] + d (exactly so without noise).

    ``vectors * scale`` gives the sequence before scaling. Sequences of other rules have ``more`` parameters, and NaN
    for c or d where the rule has no such thing.
    """

    vectors: Float[np.ndarray, "batch length dimension"]
    c: Float[np.ndarray, " batch"]
    d: Float[np.ndarray, "batch dimension"]
    scale: Float[np.ndarray, " batch"]
    more: Parameters = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.c)

    @property
    def parameters(self) -> Parameters:
        """By name, as ``Family.step`` takes them."""
        return {"c": self.c, "d": self.d, **self.more}

    def part(self, rows: slice | Bool[np.ndarray, " batch"]) -> Sequences:
        """Some of the sequences."""
        more = {name: value[rows] for name, value in self.more.items()}
        return Sequences(self.vectors[rows], self.c[rows], self.d[rows], self.scale[rows], more)


def unroll(
    a0: Float[np.ndarray, "batch dimension"],
    c: Float[np.ndarray, " batch"],
    d: Float[np.ndarray, "batch dimension"],
    length: int,
) -> Float[np.ndarray, "batch length dimension"]:
    """Writes an affine recurrence out from its start: ``length`` vectors, a_0 first."""
    return Family(dimension=a0.shape[1], length=length).unroll(a0[:, None], {"c": c, "d": d})


def scale_of(vectors: Float[np.ndarray, "batch length dimension"], scaling: str) -> Float[np.ndarray, " batch"]:
    """The positive number each sequence is divided by; see ``Family.scaling``.

    Raises:
        ValueError: a sequence is zero throughout (nothing to divide by) or has grown beyond what a number can hold, or
            ``scaling`` is unknown.
    """
    if scaling == "max":
        scale = np.abs(vectors).max(axis=(1, 2))
    elif scaling == "rms":
        scale = np.sqrt((vectors**2).mean(axis=(1, 2)))
    elif scaling == "none":
        scale = np.where(np.isfinite(vectors).all(axis=(1, 2)), 1.0, np.inf)
    else:
        raise ValueError(f"scaling must be one of {SCALINGS}, got {scaling!r}")
    if (scale == 0).any():
        raise ValueError("vectors: a sequence is zero throughout and cannot be scaled")
    if not np.isfinite(scale).all():
        raise ValueError("vectors: a sequence is not finite, c or length being too large, and cannot be scaled")
    return scale


def scaled(
    vectors: Vectors, parameters: Parameters, degrees: Mapping[str, int], scale: Float[np.ndarray, " batch"]
) -> Sequences:
    """Divides sequences, and their parameters with them: each by the power of the scale that it grows with."""
    own = {k: v / (scale ** degrees[k]).reshape(-1, *[1] * (v.ndim - 1)) for k, v in parameters.items()}
    c, d = own.pop("c", np.full(len(scale), np.nan)), own.pop("d", np.full_like(vectors[:, 0], np.nan))
    return Sequences(vectors / scale[:, None, None], c, d, scale, own)


def sequences_from(
    a0: Float[np.ndarray, "batch dimension"],
    c: Float[np.ndarray, " batch"],
    d: Float[np.ndarray, "batch dimension"],
    length: int,
    scaling: str,
) -> Sequences:
    """Writes recurrences out from their start, ``length`` vectors each, and scales them; d is scaled with them.

    Args:
        scaling: see ``Family.scaling``.
    Raises:
        ValueError: see ``scale_of``.
    """
    vectors = unroll(a0, c, d, length)
    return scaled(vectors, {"c": c, "d": d}, Family.degrees, scale_of(vectors, scaling))


def with_noise(sequences: Sequences, deviation: float, rng: np.random.Generator) -> Sequences:
    """The sequences with Gaussian noise of this standard deviation added to every entry."""
    noise = deviation * rng.standard_normal(sequences.vectors.shape)
    return replace(sequences, vectors=sequences.vectors + noise)


def sample(family: Family, count: int, seed: int | np.random.Generator) -> Sequences:
    """Draws ``count`` sequences: of an affine family c ~ U(c_min, c_max), entries of a_0 and d ~ N(0, 1), then scaled.

    Args:
        seed: a whole number or a numpy Generator; the same seed gives the same sequences on every machine.
    Raises:
        ValueError: ``count`` is below 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    rng = np.random.default_rng(seed)
    sequences = family.sequences(count, rng)
    return with_noise(sequences, family.noise, rng) if family.noise else sequences
