"""The results of the shipped models, stored once: README, site, drawing and the notebooks' tables all render from them.

``python -m helpers.claims --write`` measures every shipped model and writes checkpoints/results.csv, a row for each
reading. A test measures again and fails if the file is stale.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from pathlib import Path

import pandas as pd

from helpers.analysis.estimates import Estimate, rounded
from helpers.analysis.observation import observe
from helpers.claims import measures
from helpers.claims.portrait import portrait
from helpers.claims.readings import Reading
from helpers.places import CHECKPOINTS
from helpers.training import checkpoints

RESULTS = CHECKPOINTS / "results.csv"
PORTRAIT = "drawing"  # in the place of a claim's id: what the drawing shows and no claim asks for
COLUMNS = (
    "model",
    "weights",
    "claim",
    "key",
    "head",
    "value",
    "low",
    "high",
    "at_least",
    "at_most",
    "agrees",
    "weight",
    "note",
)
TEXT = {name: str for name in ("model", "weights", "claim", "key", "head", "note")}
Found = dict[str, list[Reading]]


def weights_of(folder: Path) -> str:
    """The first twelve digits of the SHA-256 of a checkpoint's weights."""
    return checkpoints.sha256(folder)[:12]


def to_rows(folder: Path, found: Mapping[str, Sequence[Reading]]) -> pd.DataFrame:
    """Readings by claim as rows; numbers to twelve significant digits, no bound is an empty cell."""
    rows = [
        (
            *(folder.name, weights_of(folder), id, r.key, r.head),
            *(rounded(x, 12) for x in (r.estimate.value, r.estimate.low, r.estimate.high)),
            *(None if abs(bound) == inf else rounded(bound, 12) for bound in (r.low, r.high)),
            *(r.agrees, rounded(r.weight, 12), r.note),
        )
        for id, readings in found.items()
        for r in readings
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def to_readings(rows: pd.DataFrame) -> Found:
    """Rows of one model as readings by claim."""
    found: Found = {}
    for row in rows.itertuples():
        low, high = (-inf if pd.isna(row.at_least) else row.at_least), (inf if pd.isna(row.at_most) else row.at_most)
        estimate = Estimate(row.value, row.low, row.high)
        found.setdefault(row.claim, []).append(
            Reading(row.key, estimate, row.head, low, high, row.note, also=bool(row.agrees), weight=row.weight)
        )
    return found


def updated(measured: Sequence[pd.DataFrame], ids: Sequence[str] | None = None) -> pd.DataFrame:
    """Newly measured rows of models; where only some claims were measured, among the stored rows of all others."""
    rows = pd.concat(measured, ignore_index=True)
    if ids is None:
        return rows
    stored = load()  # by some versions of pandas not to the last bit
    for column in set(COLUMNS) - set(TEXT) - {"agrees"}:
        stored[column] = [rounded(x, 12) for x in stored[column]]
    rows = pd.concat([stored[~stored["claim"].isin(ids)], rows])
    order = {name: i for i, name in enumerate([*rows["model"].unique(), *measures.ids(), PORTRAIT])}
    return rows.sort_values(["model", "claim"], key=lambda column: column.map(order), kind="stable", ignore_index=True)


def stale(folders: Iterable[Path]) -> list[str]:
    """The names of those checkpoints of whose weights there are no stored rows."""
    stored = set(load()["weights"])
    return [folder.name for folder in folders if weights_of(folder) not in stored]


def write(rows: pd.DataFrame, path: Path = RESULTS) -> None:
    """Writes the file whole or not at all."""
    content = io.StringIO()
    rows.to_csv(content, index=False, lineterminator="\n")
    checkpoints.write(path, content.getvalue().encode())


def load(path: Path = RESULTS) -> pd.DataFrame:
    """The stored rows.

    Raises:
        FileNotFoundError: there are none.
        ValueError: it is another kind of table.
    """
    table = pd.read_csv(path, dtype=TEXT, keep_default_na=False, na_values={"at_least": "", "at_most": ""})
    if tuple(table.columns) != COLUMNS:
        raise ValueError(f"{path}: the columns must be {', '.join(COLUMNS)}")
    return table


def measure(folder: Path, ids: Iterable[str] | None = None) -> Found:
    """The readings of each claim (default: of all, and the portrait's) of a checkpoint, measured now.

    Args:
        ids: of claims, and ``PORTRAIT``.

    Raises:
        ValueError: what ``measures.measure`` raises.
        checkpoints.CheckpointError: it cannot be loaded.
    """
    obs = observe(checkpoints.load(folder), checkpoints.load_recipe(folder).family)
    wanted = [*measures.ids(), PORTRAIT] if ids is None else list(ids)
    found = measures.measure(obs, [id for id in wanted if id != PORTRAIT])
    return found | ({PORTRAIT: portrait(obs)} if PORTRAIT in wanted else {})


def of(folder: Path, ids: Iterable[str]) -> Found:
    """Some claims' readings of a checkpoint: the stored ones if its weights are among the shipped, else measured now.

    Raises: as ``measure``.
    """
    table, wanted = load(), list(ids)
    rows = table[table["weights"] == weights_of(folder)]
    if len(rows):
        return to_readings(rows[rows["claim"].isin(wanted)])
    return measures.measure(observe(checkpoints.load(folder), checkpoints.load_recipe(folder).family), wanted)
