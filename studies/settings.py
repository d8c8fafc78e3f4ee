"""On which choices the claims depend: ``python studies/settings.py`` trains the model under other ones and asks again.

The base is ``origin`` at full width, in a shorter recipe: 6,000 steps whose rate rises to 1e-3 and falls to zero. One
choice is changed at a time, three seeds each, and every claim that can be asked of the model is measured as in the
notebooks. "untrained" is the control: what a measure says of the initialization alone.

Rows keep the measures as they were: what ``OLDER`` names is measured another way today (``measures_expected.csv`` says
how), and the verdicts on C1, C4 and C5 in a row that has it are by the older way.

The table, studies/settings.csv, has a row for each run, a column for each way of measuring a claim (heads by weight,
named by keys, "A1.attention") and one for each verdict. It is written anew after each run, and a run that has a row is
not done twice. While it trains, a run lives in a folder under --runs and is taken up where it was stopped. A run takes
five minutes on one core.
"""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from math import inf
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import torch
from tqdm import tqdm

from helpers.analysis.observation import observe
from helpers.claims import measures, study
from helpers.claims.readings import in_short
from helpers.training import checkpoints, train
from helpers.training.model import RecurrenceModel
from helpers.training.recipes import RECIPES, Recipe

TABLE = Path(__file__).with_name("settings.csv")
STEPS, SEEDS, UNTRAINED = 6000, 3, "untrained"
BASE = replace(
    RECIPES["origin"],
    steps=STEPS,
    learning_rate=1e-3,
    warmup=100,
    decays=(STEPS,),
    clip=1.0,
    keep_steps=(),
    keep_errors=(),
)
OLDER = {"C1.parity", "C4.without", "C5.even", "C5.expected"}  # ways of measuring that stand in rows made before
SETTINGS: dict[str, dict[str, dict]] = {  # what differs from BASE, in the model, in the data, in the training
    "base": {},
    "1 head": {"model": {"n_heads": 1}},
    "2 heads": {"model": {"n_heads": 2}},
    "4 heads": {"model": {"n_heads": 4}},
    "initialized as GPT-2": {"model": {"init": "gpt2"}},
    "by TransformerLens's old default": {"model": {"init": "transformer_lens"}},
    "by Xavier's rule": {"model": {"init": "xavier_uniform"}},
    "by torch": {"model": {"init": "torch"}},
    "|c| up to 1.5": {"family": {"c_min": -1.5, "c_max": 1.5}},
    "c from -1 to 0": {"family": {"c_max": 0.0}},
    "c from 0 to 1": {"family": {"c_min": 0.0}},
    "RMS = 1": {"family": {"scaling": "rms"}},
    "no layer norm": {"model": {"layer_norm": False}},
    "Muon": {"training": {"optimizer": "muon", "muon_learning_rate": 3e-3}},
    "batch 32": {"training": {"batch": 32}},
    "1 layer": {"model": {"n_layers": 1}},
    "2 layers": {"model": {"n_layers": 2}},
    "4 layers": {"model": {"n_layers": 4}},
    UNTRAINED: {},
}
Run = tuple[str, int]  # setting, seed
Row = dict[str, str | int | float]


def recipe_of(setting: str, seed: int) -> Recipe:
    """The recipe of one run."""
    changed = SETTINGS[setting]
    return replace(
        BASE,
        model=replace(BASE.model, seed=seed, **changed.get("model", {})),
        family=replace(BASE.family, **changed.get("family", {})),
        seed=seed,
        **changed.get("training", {}),
    )


def runs() -> list[Run]:
    """Every (setting, seed): all settings with the first seed, then with the next."""
    return [(setting, seed) for seed in range(SEEDS) for setting in SETTINGS]


def name(run: Run) -> str:
    """The name of a run's folder."""
    return "-".join(map(str, run)).replace(" ", "_").replace("|", "")


def work(setting: str, seed: int, folder: Path) -> Row:
    """Trains and measures one run: its row of the table. A run that diverges has an infinite test MSE and no more."""
    torch.set_num_threads(1)
    row: Row = {"setting": setting, "seed": seed}
    try:
        return row | measured(recipe_of(setting, seed), setting != UNTRAINED, folder)
    except FloatingPointError:
        return row | {"test_mse": inf}


def measured(recipe: Recipe, trained: bool, folder: Path) -> Row:
    """Trains a run unless it is trained, and asks of it every claim that can be asked."""
    model = RecurrenceModel(recipe.model)
    if trained:
        if not (folder / "config.json").exists():
            train.train(recipe, folder, device=torch.device("cpu"), threads=1, bar=partial(tqdm, disable=True))
        model = checkpoints.load(folder)
    obs = observe(model, recipe.family)
    found: Row = {"test_mse": obs.mse().value, "r2": obs.r2()}
    for id in measures.ids():
        try:
            found |= in_short(id, measures.measure(obs, [id])[id])
        except ValueError:  # not about models of this depth, or data of one sign of c
            continue
    return found


def rows_there() -> dict[Run, Row]:
    """The rows of the table, by run; none if there is no table yet."""
    rows = study.load(TABLE).to_dict("records") if TABLE.exists() else []
    return {(row["setting"], row["seed"]): row for row in rows}


def write_table(rows: dict[Run, Row]) -> None:
    """studies/settings.csv, in the order of ``runs``; a cell is empty where a run was not asked."""
    table = pd.DataFrame([rows[run] for run in runs() if run in rows])
    content = table.to_csv(index=False, float_format="%.4g", lineterminator="\n")
    checkpoints.write(TABLE, content.encode())


def fill(
    p: argparse.ArgumentParser,
    wanted: Sequence[Run],
    rows: dict[Run, Row],
    work: Callable[[str, int, Path], Row],
    write: Callable[[dict[Run, Row]], None],
) -> int:
    """The command line of a study: the runs that have no row, several at once; the table is written after each."""
    p.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs at once, one thread each (default: all CPUs)")
    p.add_argument("--again", action="store_true", help="measure all runs again, and train those not found in --runs")
    p.add_argument("--only", metavar="SETTING", choices=sorted({one for one, _ in wanted}), help="its rows, made again")
    options = p.parse_args()
    if options.jobs < 1:
        p.error(f"argument --jobs: must be at least 1, got {options.jobs}")
    asked = [run for run in wanted if options.only in (None, run[0])]
    rows = {run: row for run, row in rows.items() if not (run in asked and (options.again or options.only))}
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        jobs = {pool.submit(work, *run, options.runs / name(run)): run for run in asked if run not in rows}
        try:
            for job in tqdm(as_completed(jobs), total=len(jobs), unit="run"):
                rows[jobs[job]] = job.result()
                write(rows)
        except KeyboardInterrupt:  # the workers have had it, too, and saved
            pool.shutdown(cancel_futures=True)
            print("\nstopped; the same command goes on from there", file=sys.stderr)
            return 130
    return 0


def main() -> int:
    p = argparse.ArgumentParser(prog="studies/settings.py", description=(__doc__ or "").partition("\n")[0])
    p.add_argument("--runs", type=Path, default=Path("runs") / "settings", help="folder of the runs")
    return fill(p, runs(), rows_there(), work, write_table)


if __name__ == "__main__":
    stop_cleanly()
    sys.exit(main())
