"""The list of claims: each module of ``helpers.claims.measures`` adds its own with the decorator ``claim``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from helpers.analysis.observation import Observation
from helpers.claims.readings import Reading

Measure = Callable[[Observation], list[Reading]]


@dataclass(frozen=True)
class Claim:
    """A claim and how it is measured.

    Attributes:
        id: as in the list of claims, "A1".
        text: the claim in words.
        paper: the paper's evidence or figure.
        labels: for each key of its readings what a reader sees; "{low}" stands for the reading's lower bound.
        measure: takes the readings of a model.
    """

    id: str
    text: str
    paper: str
    labels: dict[str, str]
    measure: Measure


CLAIMS: dict[str, Claim] = {}
NOT_ASKED = "not asked"  # in the place of the paper's evidence, where a claim is the series' own


def claim(id: str, text: str, paper: str, **labels: str) -> Callable[[Measure], Measure]:
    """Registers a measure under its claim; ``labels`` are those of the keys of its readings.

    Raises:
        ValueError: the id is taken.
    """

    def register(measure: Measure) -> Measure:
        if id in CLAIMS:
            raise ValueError(f"id must be new, got {id!r}, which is {CLAIMS[id].text!r}")
        CLAIMS[id] = Claim(id, text, paper, labels, measure)
        return measure

    return register


def label(column: str) -> str:
    """What a reader sees for a column "A1.attention": the id and the label, less what varies and stands in brackets.

    A claim that is no longer there is shown by its key.
    """
    id, key = column.split(".", 1)
    text = CLAIMS[id].labels.get(key, key) if id in CLAIMS else key
    return f"{id} {text.split(' (')[0]}"
