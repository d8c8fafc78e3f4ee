"""Beyond the data: ``python studies/beyond.py`` trains the model in other dimensions, contexts and families.

The base and the recipe are those of ``studies/settings.py``: ``origin``, 6,000 steps. One thing is changed at a time,
three seeds each. studies/beyond.csv has a row for each run: its error beside those of the family's solver, of affine
least squares and of the best rule blind to the parameters; all of them by length of context; the step at which the
error first was that of the blind rule, half of it, a fifth of it; and measures of the mechanism. What each run in 40
dimensions makes of the other families is in studies/beyond_transfer.csv.

Runs are made in the order of the table, all with the first seed first. ``--only "second order"`` makes its rows again.
"""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import argparse
import sys
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path

import pandas as pd
import settings
import torch
from settings import Row, Run
from tqdm import tqdm

from helpers.analysis.observation import observe, predict
from helpers.analysis.outside import mechanism
from helpers.data import scales
from helpers.data.families import FAMILIES, like
from helpers.data.recurrences import Family, sample
from helpers.training import checkpoints, train
from helpers.training.model import RecurrenceModel
from helpers.training.recipes import Recipe

TABLE = Path(__file__).with_name("beyond.csv")
TRANSFER = TABLE.with_name("beyond_transfer.csv")
SEEDS, SEED, COUNT = 3, 20240715, 512  # the second: of the sequences that a model of one family is asked of another
CONTEXTS = (3, 4, 5, 8, 14, 30)  # at which errors are told by themselves
LEVELS = {"blind": 1.0, "half": 0.5, "fifth": 0.2}  # of the blind rule's error
CONDITIONS: dict[str, dict] = {
    "base": {},
    "context 3": {"n_ctx": 3},
    "second order": {"rule": "second order"},
    "dimension 160": {"dimension": 160},
    "rotation": {"rule": "rotation"},
    "dimension 5": {"dimension": 5},
    "diagonal": {"rule": "diagonal"},
    "quadratic": {"rule": "quadratic"},
    "dimension 2": {"dimension": 2},
    "matrix": {"rule": "matrix"},
    "switch": {"rule": "switch"},
    "mixture": {"rule": "mixture"},
    "context 6": {"n_ctx": 6},
    "dimension 80": {"dimension": 80},
    "cubic": {"rule": "cubic"},
    "noisy steps": {"rule": "noisy steps"},
    "noisy readings": {"noise": 0.02},
    "dimension 10": {"dimension": 10},
    "dimension 20": {"dimension": 20},
    "dimension 320": {"dimension": 320},
    "context 30": {"n_ctx": 30},
    "dimension 160, stream 512": {"dimension": 160, "d_model": 512},
    "dimension 320, stream 512": {"dimension": 320, "d_model": 512},
}


def recipe_of(condition: str, seed: int) -> Recipe:
    """The recipe of one run."""
    changed, base = CONDITIONS[condition], settings.BASE
    model = replace(
        base.model, seed=seed, **{k: v for k, v in changed.items() if k in ("dimension", "n_ctx", "d_model")}
    )
    family = replace(base.family, dimension=model.dimension, length=model.n_ctx + 1, noise=changed.get("noise", 0.0))
    family = like(family, changed.get("rule", "affine"))
    return replace(base, model=model, family=family, seed=seed)


def runs() -> list[Run]:
    """Every (condition, seed): all conditions with the first seed, then with the next."""
    return [(condition, seed) for seed in range(SEEDS) for condition in CONDITIONS]


def work(condition: str, seed: int, folder: Path) -> Row:
    """Trains and measures one run: its row. A run that diverges has an infinite test MSE and no more."""
    torch.set_num_threads(1)
    row: Row = {"condition": condition, "seed": seed}
    recipe = recipe_of(condition, seed)
    try:
        if not (folder / "config.json").exists():
            train.train(recipe, folder, device=torch.device("cpu"), threads=1, bar=partial(tqdm, disable=True))
    except FloatingPointError:
        return row | {"mse": inf}
    row |= {"rule": recipe.family.kind, "dimension": recipe.family.dimension, "steps": recipe.steps}
    model = checkpoints.load(folder)
    if (recipe.family.dimension, recipe.family.length) == (settings.BASE.family.dimension, settings.BASE.family.length):
        folder.joinpath("transfer.csv").write_text(transfer(model, row).to_csv(index=False), encoding="utf-8")
    return row | measured(model, recipe.family, checkpoints.load_log(folder))


def errors(model: RecurrenceModel, family: Family, seed: int = SEED) -> dict[str, list[float]]:
    """By length of context, from 3 on: the mean squared error of the model and of each rule of ``scales``."""
    vectors = sample(family, COUNT, seed).vectors
    guess = predict(model, torch.from_numpy(vectors[:, :-1])).numpy()
    each = scales.errors(family, vectors) | {"model": ((guess - vectors[:, 1:]) ** 2).mean(axis=2)}
    return {name: error.mean(axis=0)[2:].tolist() for name, error in each.items()}


SHORT = {"mse": "model", "solver": scales.SOLVER, "least_squares": scales.LEAST_SQUARES, "blind": scales.BLIND}


def measured(model: RecurrenceModel, family: Family, log: dict[str, list[float]]) -> Row:
    """What is asked of a trained model."""
    by_context = errors(model, family)
    found: Row = {short: sum(by_context[name]) / len(by_context[name]) for short, name in SHORT.items()}
    found |= {"variance": sum(by_context["zero"]) / len(by_context["zero"]), "loss": found["mse"] / found["blind"]}
    for level, part in LEVELS.items():
        reached = checkpoints.reached(log, part * found["blind"])
        found[f"steps.{level}"] = reached[0] if reached else inf
    for context in CONTEXTS:
        if context < family.length:
            found |= {f"{short}.{context}": by_context[name][context - 3] for short, name in SHORT.items()}
    return found | mechanism(observe(model, family))


def transfer(model: RecurrenceModel, row: Row) -> pd.DataFrame:
    """The model's error on every family of its dimension and length, beside the rules' there."""
    rows = []
    for name in FAMILIES:
        each = errors(model, like(settings.BASE.family, name))
        means = {short: sum(each[long]) / len(each[long]) for short, long in SHORT.items()}
        rows.append({"condition": row["condition"], "seed": row["seed"], "asked": name} | means)
    return pd.DataFrame(rows)


def rows_there() -> dict[Run, Row]:
    """The rows of the table, by run; none if there is no table yet."""
    rows = pd.read_csv(TABLE).to_dict("records") if TABLE.exists() else []
    return {(row["condition"], row["seed"]): row for row in rows}


def write_tables(rows: dict[Run, Row], folder: Path) -> None:
    """studies/beyond.csv in the order of ``runs``, and what the runs' folders have of transfer."""
    table = pd.DataFrame([rows[run] for run in runs() if run in rows])
    new = [folder / settings.name(run) / "transfer.csv" for run in runs()]
    tables = [pd.read_csv(one) for one in new if one.exists()]
    if TRANSFER.exists():
        tables.append(pd.read_csv(TRANSFER))
    for path, content in ((TABLE, table), (TRANSFER, pd.concat(tables) if tables else pd.DataFrame())):
        if path == TRANSFER and len(content):
            content = content.drop_duplicates(["condition", "seed", "asked"])
            content = content.sort_values(["seed", "condition"], kind="stable")
        text = content.to_csv(index=False, float_format="%.4g", lineterminator="\n")
        checkpoints.write(path, text.encode())


def main() -> int:
    p = argparse.ArgumentParser(prog="studies/beyond.py", description=(__doc__ or "").partition("\n")[0])
    p.add_argument("--runs", type=Path, default=Path("runs") / "beyond", help="folder of the runs")
    folder = p.parse_known_args()[0].runs
    return settings.fill(p, runs(), rows_there(), work, partial(write_tables, folder=folder))


if __name__ == "__main__":
    stop_cleanly()
    sys.exit(main())
