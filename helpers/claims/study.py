"""Reading studies/settings.csv: which claims hold under which choices, and how much they vary between seeds.

An interval over seeds is Student's: what the mean of as many runs tells of the mean of all.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import groupby
from math import nan
from pathlib import Path
from statistics import fmean, stdev

from helpers.analysis.estimates import Estimate, exactly

DIVERGED = "diverged"  # in the place of the test MSE of a run that has no measures; its other cells are empty
MARKS = {"replicated": "●", "partly": "◐", "not replicated": "○", "": "×"}
FIRST_COLUMNS = ("setting", "optimizer", "seed")
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}  # 97.5 % quantiles of Student's t, by number of runs
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

    ● replicated, ◐ partly, ○ not replicated, × diverged.
    """
    header = ["setting", "optimizer", "test MSE", *ids]
    rows = [
        [
            setting,
            optimizer,
            str(over_seeds(group, "test MSE")),
            *("".join(MARKS[run[id]] for run in group) for id in ids),
        ]
        for (setting, optimizer), group in _groups(runs)
        if optimizer != "untrained"
    ]
    return header, rows


def _measured(group: Sequence[Run], column: str) -> list[float]:
    """One measure of the runs that have it: all but those that diverged."""
    return [float(run[column]) for run in group if run[column] not in ("", DIVERGED)]


def over_seeds(group: Sequence[Run], column: str) -> Estimate:
    """The mean over runs that differ in the seed, with its 95 % interval; one run alone has none.

    Runs that diverged are left out; if all did, the mean is not a number.
    """
    values = _measured(group, column)
    if not values:
        return exactly(nan)
    half = STUDENT[len(values)] * stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return Estimate(fmean(values), fmean(values) - half, fmean(values) + half)


def over_optimizers(
    runs: Sequence[Run], ids: Sequence[str], setting: str = "default"
) -> tuple[list[str], list[list[str]]]:
    """Header and rows: each way of measuring some claims (heads averaged), a column for each optimizer, over seeds."""
    groups = {optimizer: group for (name, optimizer), group in _groups(runs) if name == setting}
    columns = [name for name in runs[0] if name.split(" ")[0] in ids and name not in ids]
    header = ["measure", *(f"{optimizer} ({len(group)} seeds)" for optimizer, group in groups.items())]
    return header, [[name, *(str(over_seeds(group, name)) for group in groups.values())] for name in columns]


def values(runs: Sequence[Run], column: str) -> dict[str, dict[str, list[float]]]:
    """One measure of every run: by optimizer, then by setting, a number for each seed that did not diverge."""
    found: dict[str, dict[str, list[float]]] = {}
    for (setting, optimizer), group in _groups(runs):
        found.setdefault(optimizer, {})[setting] = _measured(group, column)
    return found
