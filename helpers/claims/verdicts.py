"""How a measurement becomes a verdict: thresholds, readings, rows. All thresholds of the series stand here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from helpers.analysis.estimates import Estimate

# A model "solves the task" when it explains this share of the targets' variance; an ablation "barely hurts" when the
# model still does. The best of the naive predictors explains 0.97.
SOLVED_R2 = 0.99
# A claim that something "is" a copy, a multiple of the identity, a comparison, needs that to explain more than half: of
# the variance (R2, the square of a correlation), of a matrix (the square of a cosine), of all attention, of all
# eigenvalues. One number for all of them, so that none can be chosen to please. A correlation or cosine explains half
# when its square does.
HALF = 0.5
HALF_R = HALF**0.5
# "Near zero" for a share of the answer: one twentieth.
NEAR_ZERO = 0.05
# The paper's alpha > 2: more of the previous vector than twice the present one.
ALPHA = 2.0
# "Low" effective rank: at most half of what random weights of the same shape have; "sparse": half as much again.
LOW_RANK, SPARSE = 0.5, 1.5
# A checkerboard: this much more attention on its black squares than even attention would put there.
CHECKERBOARD = 0.1
# Sequences with c beyond this alternate (below -0.7) or keep their direction (above 0.7) strongly enough to tell.
STRONG_C = 0.7
# The paper's test MSE.
PAPER_MSE = 1e-4


@dataclass(frozen=True)
class Reading:
    """One way to measure a claim: what was measured, the estimate, and between which bounds it agrees with the claim.

    Attributes:
        note: printed after the estimate.
        also: a second condition for agreement.
    """

    what: str
    estimate: Estimate
    low: float = -inf
    high: float = inf
    note: str = ""
    also: bool = True

    @property
    def agrees(self) -> bool:
        """Whether the point estimate lies between the bounds."""
        return self.also and self.low <= self.estimate.value <= self.high

    @property
    def open(self) -> bool:
        """Whether a bound lies inside the interval, so that another sample of sequences could have said otherwise."""
        return any(self.estimate.low < bound < self.estimate.high for bound in (self.low, self.high))

    def __str__(self) -> str:
        mark = "✓" if self.agrees else "✗"
        return f"{self.estimate}{self.note} {f'({mark})' if self.open else mark}"


@dataclass(frozen=True)
class Row:
    """One line of the results table."""

    id: str
    claim: str
    paper: str
    here: str
    verdict: str


def by_kind(readings: Iterable[Reading]) -> dict[str, list[Reading]]:
    """The ways of measuring, each with its readings (one for each head, say)."""
    kinds: dict[str, list[Reading]] = {}
    for reading in readings:
        kinds.setdefault(reading.what, []).append(reading)
    return kinds


def in_short(id: str, readings: Sequence[Reading]) -> dict[str, float | str]:
    """A claim in few numbers: its verdict, and each way of measuring it, the mean over heads."""
    kinds = {f"{id} {what.split(' (')[0]}": kind for what, kind in by_kind(readings).items()}
    means = {name: sum(r.estimate.value for r in kind) / len(kind) for name, kind in kinds.items()}
    return {id: verdict(readings), **means}


def verdict(readings: Iterable[Reading]) -> str:
    """Judges by ways of measuring: one agrees if it does so for every head it was taken of.

    Returns:
        "replicated" if every way of measuring agrees, "partly" if one at least does, "not replicated" if none.
    """
    agreeing = [all(r.agrees for r in kind) for kind in by_kind(readings).values()]
    return "replicated" if all(agreeing) else "partly" if any(agreeing) else "not replicated"


def summary(readings: Iterable[Reading]) -> str:
    """The readings in one table cell, readings of one kind (one for each head, say) together."""
    cells = {what: ", ".join(map(str, kind)) for what, kind in by_kind(readings).items()}
    return "; ".join(f"{what}: {values}" for what, values in cells.items())


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def claims_table(models: Mapping[str, Sequence[Row]]) -> str:
    """The results table: id, claim, the paper's figure, and for each model its verdict with the numbers."""
    lines = zip(*models.values(), strict=True)
    return markdown(
        ("id", "claim", "the paper", *models),
        ((rows[0].id, rows[0].claim, rows[0].paper, *(f"**{r.verdict}**<br>{r.here}" for r in rows)) for rows in lines),
    )
