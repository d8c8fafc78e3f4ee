"""A reading: one number of one model, with the bounds between which it agrees with a claim; and what follows from many.

Whether a number agrees, and whether a bound lies inside its interval, is decided from numbers rounded to nine
significant digits, so that no mark hangs on the last bits, which differ from one processor to another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf

from helpers.analysis.estimates import Estimate, rounded
from helpers.claims.thresholds import NEARLY_ALL


@dataclass(frozen=True)
class Reading:
    """One number that answers a claim.

    Attributes:
        key: which way of measuring it is, short and stable: tables are stored under it. What a reader sees is the label
            that the claim gives the key (``registry.Claim.labels``).
        head: what it was taken of: a head or other component, as "L1H0", or a sign of c; empty where it is of the layer
            or the model.
        low, high: the bounds between which the estimate agrees with the claim.
        note: printed after the estimate.
        also: a second condition for agreement.
        weight: how much it counts among the readings of its key; of a head, its share of what its layer's heads write.
    """

    key: str
    estimate: Estimate
    head: str = ""
    low: float = -inf
    high: float = inf
    note: str = ""
    also: bool = True
    weight: float = 1.0

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


def share(way: Sequence[Reading], chosen: Callable[[Reading], bool]) -> float:
    """The share of a way's weight that its chosen readings have."""
    return rounded(sum(r.weight for r in way if chosen(r)) / sum(r.weight for r in way))


def agreeing(way: Sequence[Reading]) -> float:
    """The share of the weight that readings have which agree."""
    return share(way, lambda r: r.agrees)


def way_agrees(way: Sequence[Reading]) -> bool:
    """Whether a way of measuring agrees with the claim: if readings do that have nearly all of the weight.

    An idle head cannot speak against it, then, nor for it. Two signs of c weigh half each, so both must agree.
    """
    return agreeing(way) >= NEARLY_ALL


def way_open(way: Sequence[Reading]) -> bool:
    """Whether another sample of sequences could have turned the way round: its open readings have the weight to."""
    least, most = share(way, lambda r: r.agrees and not r.open), share(way, lambda r: r.agrees or r.open)
    return least < NEARLY_ALL <= most


def verdict(readings: Iterable[Reading]) -> str:
    """Judges by ways of measuring.

    Returns:
        "replicated" if every way of measuring agrees, "partly" if one at least does, "not replicated" if none.
    """
    found = [way_agrees(way) for way in by_key(readings).values()]
    return "replicated" if all(found) else "partly" if any(found) else "not replicated"


def mean(way: Sequence[Reading]) -> float:
    """The mean of a way's values, by weight."""
    return sum(r.weight * r.estimate.value for r in way) / sum(r.weight for r in way)


def in_short(id: str, readings: Sequence[Reading]) -> dict[str, float | str]:
    """A claim in few numbers: its verdict under its id, and each way of measuring it, the mean by weight over heads,
    under "id.key"."""
    return {id: verdict(readings)} | {f"{id}.{key}": mean(way) for key, way in by_key(readings).items()}
