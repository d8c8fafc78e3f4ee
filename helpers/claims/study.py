"""Reading studies/settings.csv: which claims hold under which choices, and how much they vary between seeds.

A row is one trained model. Columns are named by keys: "A1" is the verdict on a claim, "A1.attention" one way of
measuring it, heads averaged. A cell is empty where the claim came after the row; a run that diverged has an infinite
test MSE and no measures. An interval over seeds is Student's: what the mean of as many runs tells of the mean of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t

from helpers.analysis.estimates import Estimate, exactly
from helpers.claims.tables import MARKS, NOT_MEASURED

DIVERGED, MISSING = "×", MARKS[NOT_MEASURED]  # marks of a run without a verdict
FIRST_COLUMNS = ("setting", "seed", "test_mse")
SCORES = {"replicated": 1.0, "partly": 0.5, "not replicated": 0.0}


def load(path: Path) -> pd.DataFrame:
    """The rows of the table, a run each.

    Raises:
        FileNotFoundError: there is no such table.
        ValueError: it is another kind of table.
    """
    runs = pd.read_csv(path)
    if runs.empty or not set(FIRST_COLUMNS) <= set(runs):
        raise ValueError(f"{path}: must have runs, and the columns {', '.join(FIRST_COLUMNS)}")
    return runs


def _marks(group: pd.DataFrame, id: str) -> str:
    """A mark for each seed; one for all if the claim was not measured of any."""
    found = group[id] if id in group else pd.Series(nan, group.index)
    diverged = np.isinf(group["test_mse"])
    if found.isna().all() and not diverged.any():
        return MISSING
    return "".join(
        DIVERGED if lost else MARKS.get(verdict, MISSING) for lost, verdict in zip(diverged, found, strict=True)
    )


def verdicts(runs: pd.DataFrame, ids: Sequence[str]) -> dict[str, list[str]]:
    """For every setting the verdicts on some claims, a mark for each seed.

    ● replicated, ◐ partly, ○ not replicated, × diverged, – not measured.
    """
    return {setting: [_marks(group, id) for id in ids] for setting, group in runs.groupby("setting", sort=False)}


def shifts(runs: pd.DataFrame, ids: Sequence[str], base: str = "base") -> pd.DataFrame:
    """How far a setting moves the verdicts: settings by claims, the mean over seeds less that of ``base``.

    A verdict counts 1 if replicated, 1/2 if partly and 0 if not; not a number where a claim was not asked.
    """
    found = pd.DataFrame({id: runs[id].map(SCORES) if id in runs else nan for id in ids}, runs.index, dtype=float)
    means = found.groupby(runs["setting"], sort=False).mean()
    return means - means.loc[base]


def over_seeds(values: pd.Series) -> Estimate:
    """The mean over runs that differ in the seed, with its 95 % interval; one run alone has none.

    Runs that diverged or were not asked are left out; if all were, the mean is not a number.
    """
    values = values[np.isfinite(values)]
    n = len(values)
    half = t.ppf(0.975, n - 1) * values.std() / n**0.5 if n > 1 else 0.0
    return Estimate(values.mean(), values.mean() - half, values.mean() + half) if n else exactly(nan)


def values(runs: pd.DataFrame, column: str) -> dict[str, list[float]]:
    """One measure of every run: by setting, a number for each seed that has it."""
    return {setting: group[column].dropna().tolist() for setting, group in runs.groupby("setting", sort=False)}
