"""Reading studies/settings.csv: which claims hold under which choices, and how much they vary between seeds."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from helpers.estimates import number

MARKS = {"replicated": "●", "partly": "◐", "not replicated": "○"}
FIRST_COLUMNS = ("setting", "optimizer", "seed")
Run = dict[str, str]


def load(path: Path) -> list[Run]:
    """The rows of the table, a run each, as text by column.

    Raises:
        FileNotFoundError: there is no such table.
        ValueError: it is another kind of table.
    """
    with path.open(newline="") as file:
        runs = list(csv.DictReader(file))
    if not runs or not set(FIRST_COLUMNS) <= set(runs[0]):
        raise ValueError(f"{path}: must have runs, and the columns {', '.join(FIRST_COLUMNS)}")
    return runs


def _groups(runs: Sequence[Run]) -> Iterator[tuple[tuple[str, str], list[Run]]]:
    """The runs that differ in nothing but the seed, by setting and optimizer, settings in the order of the table."""
    settings = list(dict.fromkeys(run["setting"] for run in runs))

    def key(run: Run) -> tuple[int, str]:
        return settings.index(run["setting"]), run["optimizer"]

    for (i, optimizer), group in groupby(sorted(runs, key=key), key):
        yield (settings[i], optimizer), list(group)


def verdicts(runs: Sequence[Run], ids: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Header and rows: for every setting and optimizer the verdicts on some claims, a mark for each seed.

    ● replicated, ◐ partly, ○ not replicated.
    """
    header = ["setting", "optimizer", "R²", *ids]
    rows = [
        [setting, optimizer, _range(group, "R²"), *("".join(MARKS[run[id]] for run in group) for id in ids)]
        for (setting, optimizer), group in _groups(runs)
        if optimizer != "untrained"
    ]
    return header, rows


def _range(group: Sequence[Run], column: str) -> str:
    values = sorted(float(run[column]) for run in group)
    mean = number(sum(values) / len(values))
    return f"{mean} ({number(values[0])} … {number(values[-1])})" if len(values) > 1 else mean


def measures(runs: Sequence[Run], id: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows: for every setting and optimizer each way of measuring a claim, mean and range over seeds."""
    columns = [name for name in runs[0] if name.startswith(f"{id} ")]
    header = ["setting", "optimizer", *(name.removeprefix(f"{id} ") for name in columns)]
    rows = [[*key, *(_range(group, name) for name in columns)] for key, group in _groups(runs)]
    return header, rows
