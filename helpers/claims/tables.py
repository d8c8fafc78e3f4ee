"""Claims as tables for a reader: from readings to lines of Markdown.

The measures are imported where they are needed: they import TransformerLens, which takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from helpers.analysis.estimates import number
from helpers.claims.markdown import markdown
from helpers.claims.readings import Reading, agreeing, by_key, mean, verdict, way_agrees, way_open

NOT_MEASURED = "not measured"
MARKS = {"replicated": "●", "partly": "◐", "not replicated": "○", NOT_MEASURED: "–"}
MANY = 4  # from so many heads on, a cell shows what they carry and the range of their numbers


@dataclass(frozen=True)
class Row:
    """One line of the results table."""

    id: str
    claim: str
    paper: str
    here: str
    verdict: str


def _of_heads(way: Sequence[Reading]) -> bool:
    return way[0].head.startswith("L")


def bound(way: Sequence[Reading]) -> str:
    """What a way of measuring asks for: "at least 0.500", "-0.0500 to 0.0500"."""
    low, high = way[0].low, way[0].high
    if low == -inf:
        return f"at most {number(high)}"
    return f"at least {number(low)}" if high == inf else f"{number(low)} to {number(high)}"


def shown(way: Sequence[Reading]) -> str:
    """The readings of a way of measuring, all heads or both signs of c together."""
    if not _of_heads(way):
        return ", ".join(f"{r.head}: {r}" if r.head else str(r) for r in way)
    mark = "✓" if way_agrees(way) else "✗"
    mark = f"({mark})" if way_open(way) else mark
    share = f"{number(agreeing(way))} carried by those that agree {mark}"
    if len(way) < MANY:
        return f"{', '.join(map(str, way))}; {share}"
    values = sorted(r.estimate.value for r in way)
    agree = sum(r.agrees for r in way)
    return f"{number(values[0])} to {number(values[-1])}, {agree} of {len(way)} heads agree; {share}"


def headline(readings: Iterable[Reading]) -> str:
    """One number for a claim, of its first way of measuring: the mean by weight over heads, or both signs of c."""
    way = next(iter(by_key(readings).values()))
    return number(mean(way)) if _of_heads(way) else ", ".join(number(r.estimate.value) for r in way)


def labelled(id: str, readings: Iterable[Reading]) -> dict[str, list[Reading]]:
    """The ways of measuring a claim by the labels that a reader sees."""
    from helpers.claims.measures import CLAIMS

    return {
        CLAIMS[id].labels[key].replace("{low}", number(way[0].low)).replace("{high}", number(way[0].high)): way
        for key, way in by_key(readings).items()
    }


def summary(id: str, readings: Iterable[Reading]) -> str:
    """The readings of a claim in one table cell."""
    return "; ".join(f"{label}: {shown(way)}" for label, way in labelled(id, readings).items())


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


def grid(models: Mapping[str, Mapping[str, Sequence[Reading]]], ids: Iterable[str]) -> str:
    """Claims by models at a glance: a mark for the verdict, and one number."""
    from helpers.claims.measures import CLAIMS

    def cell(readings: Sequence[Reading] | None) -> str:
        return f"{MARKS[verdict(readings)]} {headline(readings)}" if readings else MARKS[NOT_MEASURED]

    rows = (
        (
            id,
            CLAIMS[id].text,
            next(iter(CLAIMS[id].labels.values())).split(" (")[0],
            *(cell(found.get(id)) for found in models.values()),
        )
        for id in ids
    )
    return markdown(("", "claim", "the number", *(f"`{name}`" for name in models)), rows)


def claim_section(id: str, models: Mapping[str, Mapping[str, Sequence[Reading]]]) -> str:
    """All readings of one claim as a table: a line for each way of measuring, a column for each model."""
    ways = {name: labelled(id, found[id]) for name, found in models.items() if id in found}
    labels = dict.fromkeys(label for found in ways.values() for label in found)
    missing = {name: "not asked" if name in ways else NOT_MEASURED for name in models}
    rows = [("**verdict**", "", *(f"**{verdict(models[name][id])}**" if name in ways else "" for name in models))]
    for label in labels:
        asked = next(found[label] for found in ways.values() if label in found)
        cells = {name: ways[name].get(label) if name in ways else None for name in models}
        rows.append((label, bound(asked), *(shown(way) if way else missing[name] for name, way in cells.items())))
    return markdown(("measure", "asked for", *(f"`{name}`" for name in models)), rows)
