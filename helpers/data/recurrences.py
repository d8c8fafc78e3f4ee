"""Affine recurrences a_n = c * a_{n-1} + d: sampling and scaling (claims S1 and S2).

The number c is one scalar per sequence; a_0 and d are vectors with independent N(0, 1) entries. An affine recurrence
stays one when it is scaled: if a_n follows (c, d) then a_n / s follows (c, d / s). So scaling bounds a sequence and
leaves c, the thing to be inferred in context, as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from helpers.data.fields import check, choice, real, whole

THIRD = 2  # index of the third vector, with which the shortest context ends: the paper's contexts are 3 to 14 vectors
SCALINGS = ("max", "rms", "none")
ByPosition = TypeVar("ByPosition")  # an array or tensor [batch, position, ...]


def from_third(values: ByPosition) -> ByPosition:
    """What belongs to contexts of 3 vectors and more; with fewer, the next vector cannot be known.

    Args:
        values: one for each position on the second axis.
    """
    return values[:, THIRD:]


@dataclass(frozen=True)
class Family:
    """A distribution of affine recurrences; every choice about the data stands here.

    The summary of the paper fixes ``dimension`` and the contexts (3 to 14 vectors, so sequences of 15) and says only
    that sequences are "normalized". ``scaling="max"`` (largest entry = 1) and c between -1.5 and 1.5 are our reading.

    Attributes:
        dimension: entries of a vector.
        length: vectors in a sequence, the last target included.
        c_min, c_max: c is uniform between these two.
        scaling: "max" divides a sequence by its largest absolute entry, "rms" by its root mean square, "none" by 1.
        noise: standard deviation of Gaussian noise added to every entry after scaling.
    """

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


@dataclass(frozen=True)
class Sequences:
    """A batch of recurrences, in scaled units: vectors[:, n] = c * vectors[:, n-1] + d (exactly so without noise).

    ``vectors * scale`` gives the sequence before scaling.
    """

    vectors: Float[np.ndarray, "batch length dimension"]
    c: Float[np.ndarray, " batch"]
    d: Float[np.ndarray, "batch dimension"]
    scale: Float[np.ndarray, " batch"]

    def __len__(self) -> int:
        return len(self.c)


def unroll(
    a0: Float[np.ndarray, "batch dimension"],
    c: Float[np.ndarray, " batch"],
    d: Float[np.ndarray, "batch dimension"],
    length: int,
) -> Float[np.ndarray, "batch length dimension"]:
    """Writes a recurrence out from its start: ``length`` vectors, a_0 first."""
    vectors = np.empty((len(a0), length, a0.shape[1]))
    vectors[:, 0] = a0
    for n in range(1, length):
        vectors[:, n] = c[:, None] * vectors[:, n - 1] + d
    return vectors


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
    scale = scale_of(vectors, scaling)
    return Sequences(vectors / scale[:, None, None], c, d / scale[:, None], scale)


def with_noise(sequences: Sequences, deviation: float, rng: np.random.Generator) -> Sequences:
    """The sequences with Gaussian noise of this standard deviation added to every entry."""
    noise = deviation * rng.standard_normal(sequences.vectors.shape)
    return replace(sequences, vectors=sequences.vectors + noise)


def sample(family: Family, count: int, seed: int | np.random.Generator) -> Sequences:
    """Draws ``count`` sequences: c ~ U(c_min, c_max), entries of a_0 and d ~ N(0, 1), then the scaling.

    Args:
        seed: a whole number or a numpy Generator; the same seed gives the same sequences on every machine.
    Raises:
        ValueError: ``count`` is below 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    rng = np.random.default_rng(seed)
    c = rng.uniform(family.c_min, family.c_max, count)
    a0, d = rng.standard_normal((2, count, family.dimension))
    sequences = sequences_from(a0, c, d, family.length, family.scaling)
    return with_noise(sequences, family.noise, rng) if family.noise else sequences
