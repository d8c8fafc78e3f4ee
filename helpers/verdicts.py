"""How a measurement becomes a verdict: thresholds, readings, rows. All thresholds of the series stand here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# A model "solves the task" when it explains this share of the targets' variance; an ablation "barely hurts" when the
# model still does. The best of the naive predictors explains 0.96.
SOLVED_R2 = 0.99
# A claim that something "is" a copy, an identity, a correlation needs more than half of the way from nothing (0) to
# perfect (1). One number for all of them, so that none can be chosen to please.
HALF = 0.5
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
    """One way to measure a claim: what was measured, the number as printed, and whether it agrees."""

    what: str
    value: str
    agrees: bool


@dataclass(frozen=True)
class Row:
    """One line of the results table."""

    id: str
    claim: str
    paper: str
    here: str
    verdict: str


def verdict(readings: Sequence[Reading]) -> str:
    """ "replicated" if every reading agrees, "partly" if at least half of them do, else "not replicated"."""
    agreeing = sum(r.agrees for r in readings)
    if agreeing == len(readings):
        return "replicated"
    return "partly" if 2 * agreeing >= len(readings) else "not replicated"


def summary(readings: Iterable[Reading]) -> str:
    """The readings in one table cell, readings of one kind (one for each head, say) together."""
    kinds: dict[str, list[str]] = {}
    for reading in readings:
        kinds.setdefault(reading.what, []).append(f"{reading.value} {'✓' if reading.agrees else '✗'}")
    return "; ".join(f"{what}: {', '.join(values)}" for what, values in kinds.items())


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def claims_table(rows: Iterable[Row]) -> str:
    """The results table: id, claim, paper, here, verdict."""
    return markdown(
        ("id", "claim", "paper", "here, with 95 % interval", "verdict"),
        ((r.id, r.claim, r.paper, r.here, f"**{r.verdict}**") for r in rows),
    )
