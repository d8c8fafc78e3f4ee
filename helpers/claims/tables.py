"""Claims as tables for a reader: from readings to lines of Markdown.

The measures are imported where they are needed: they import TransformerLens, which takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from helpers.analysis.estimates import number
from helpers.claims.markdown import markdown
from helpers.claims.readings import Reading, by_key, verdict

NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Row:
    """One line of the results table."""

    id: str
    claim: str
    paper: str
    here: str
    verdict: str


def summary(id: str, readings: Iterable[Reading]) -> str:
    """The readings of a claim in one table cell, those of one key (one for each head, say) together."""
    from helpers.claims.measures import CLAIMS

    cells = []
    for key, way in by_key(readings).items():
        label = CLAIMS[id].labels[key].replace("{low}", number(way[0].low))
        cells.append(f"{label}: {', '.join(map(str, way))}")
    return "; ".join(cells)


def claim_rows(found: Mapping[str, Sequence[Reading]], ids: Iterable[str]) -> list[Row]:
    """A line for each claim; one that was not measured of this model says so."""
    from helpers.claims.measures import CLAIMS

    rows = []
    for id in ids:
        here, word = (summary(id, found[id]), verdict(found[id])) if id in found else ("", NOT_MEASURED)
        rows.append(Row(id, CLAIMS[id].text, CLAIMS[id].paper, here, word))
    return rows


def claims_table(models: Mapping[str, Sequence[Row]]) -> str:
    """The results table: id, claim, the paper's figure, and for each model its verdict with the numbers."""
    lines = zip(*models.values(), strict=True)
    return markdown(
        ("id", "claim", "the paper", *models),
        ((rows[0].id, rows[0].claim, rows[0].paper, *(f"**{r.verdict}**<br>{r.here}" for r in rows)) for rows in lines),
    )
