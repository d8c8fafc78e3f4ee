"""A reading: one number of one model, with the bounds between which it agrees with a claim; and what follows from many.

Whether a number agrees, and whether a bound lies inside its interval, is decided from numbers rounded to nine
significant digits, so that no mark hangs on the last bits, which differ from one processor to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from helpers.analysis.estimates import Estimate, rounded


@dataclass(frozen=True)
class Reading:
    """One number that answers a claim.

    Attributes:
        key: which way of measuring it is, short and stable: tables are stored under it. What a reader sees is the label
            that the claim gives the key (``registry.Claim.labels``).
        head: the head or other component it was taken of, as "L1H0"; empty where it is of the layer or the model.
        low, high: the bounds between which the estimate agrees with the claim.
        note: printed after the estimate.
        also: a second condition for agreement.
    """

    key: str
    estimate: Estimate
    head: str = ""
    low: float = -inf
    high: float = inf
    note: str = ""
    also: bool = True

    @property
    def agrees(self) -> bool:
        """Whether the point estimate lies between the bounds."""
        return self.also and rounded(self.low) <= rounded(self.estimate.value) <= rounded(self.high)

    @property
    def open(self) -> bool:
        """Whether a bound lies inside the interval, so that another sample of sequences could have said otherwise."""
        inside = rounded(self.estimate.low), rounded(self.estimate.high)
        return any(inside[0] < rounded(bound) < inside[1] for bound in (self.low, self.high))

    def __str__(self) -> str:
        mark = "✓" if self.agrees else "✗"
        return f"{self.estimate}{self.note} {f'({mark})' if self.open else mark}"


def by_key(readings: Iterable[Reading]) -> dict[str, list[Reading]]:
    """The ways of measuring, each with its readings (one for each head, say)."""
    ways: dict[str, list[Reading]] = {}
    for reading in readings:
        ways.setdefault(reading.key, []).append(reading)
    return ways


def verdict(readings: Iterable[Reading]) -> str:
    """Judges by ways of measuring: one agrees if it does so for every head it was taken of.

    Returns:
        "replicated" if every way of measuring agrees, "partly" if one at least does, "not replicated" if none.
    """
    agreeing = [all(r.agrees for r in way) for way in by_key(readings).values()]
    return "replicated" if all(agreeing) else "partly" if any(agreeing) else "not replicated"


def in_short(id: str, readings: Sequence[Reading]) -> dict[str, float | str]:
    """A claim in few numbers: its verdict under its id, and each way of measuring it, the mean over heads, under
    "id.key"."""
    means = {f"{id}.{key}": sum(r.estimate.value for r in way) / len(way) for key, way in by_key(readings).items()}
    return {id: verdict(readings), **means}
