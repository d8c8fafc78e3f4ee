"""On which choices the claims depend: ``python studies/settings.py`` trains the model under other ones and asks again.

One thing is changed at a time, or a pair that turned out to matter, under two optimizers and several seeds, and every
claim is measured as in the notebooks.
The MLPs have 512 hidden units in the place of 3072, so that a run takes minutes on one core; ``wide`` runs and the
shipped models show what difference that makes. ``untrained`` models are the control: what a measure says
of the initialization alone. More heads of the same width also make attention wider. "adamw" is not the paper's
recipe (1e-4 for 100,000 steps) but AdamW with the schedule of the others.

The table, studies/settings.csv, has a row for each run, a column for each way of measuring a claim (heads averaged,
named by keys, "A1.attention") and one for each verdict. It is written anew after each run, and a run that has a row is
not done twice. While it trains, a run lives in a folder under --runs and is taken up where it was stopped.
"""

from __future__ import annotations

import argparse
import os
import sys
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
from helpers.data.recurrences import Family
from helpers.training import checkpoints, train
from helpers.training.model import ModelConfig, RecurrenceModel
from helpers.training.recipes import Recipe

TABLE = Path(__file__).with_name("settings.csv")
STEPS = 2500
BASE = Recipe(
    model=ModelConfig(d_mlp=512),
    steps=STEPS,
    learning_rate=1e-3,
    muon_learning_rate=3e-3,
    beta2=0.95,
    warmup=100,
    decays=(STEPS,),
    clip=1.0,
    log_every=100,
)
OPTIMIZERS = ("muon", "adamw", "untrained")
SETTINGS: dict[str, dict[str, dict]] = {  # what differs from BASE, in the model and in the data
    "default": {},
    "RMS = 1": {"family": {"scaling": "rms"}},
    "|c| up to 1": {"family": {"c_min": -1.0, "c_max": 1.0}},
    "|c| up to 2": {"family": {"c_min": -2.0, "c_max": 2.0}},
    "4 heads": {"model": {"n_heads": 4}},
    "8 heads": {"model": {"n_heads": 8}},
    "12 heads": {"model": {"n_heads": 12}},
    "initialized as GPT-2": {"model": {"init": "gpt2"}},
    "initialized by torch": {"model": {"init": "torch"}},
    "no layer norm": {"model": {"layer_norm": False}},
    "tied embedding": {"model": {"tied": True}},
    # Pairs of choices that turned out to matter: GPT-2's initialization makes copy and subtraction clearer, RMS scaling
    # takes layer 0's attention off the previous vector, and |c| up to 1 is best for similarity in layer 2.
    "GPT-2, RMS = 1": {"model": {"init": "gpt2"}, "family": {"scaling": "rms"}},
    "GPT-2, |c| up to 1": {"model": {"init": "gpt2"}, "family": {"c_min": -1.0, "c_max": 1.0}},
    # Does it hold at full width? One seed each.
    "wide": {"model": {"d_mlp": 3072}},
    "wide, GPT-2, |c| up to 1": {
        "model": {"d_mlp": 3072, "init": "gpt2"},
        "family": {"c_min": -1.0, "c_max": 1.0},
    },
}
Run = tuple[str, str, int]  # setting, optimizer, seed
Row = dict[str, str | int | float]
ABOUT_WEIGHTS = ("default", "initialized as GPT-2", "initialized by torch")  # what an untrained model is asked for


def recipe_of(setting: str, optimizer: str, seed: int) -> Recipe:
    """The recipe of one run."""
    changed = SETTINGS[setting]
    return replace(
        BASE,
        model=replace(BASE.model, seed=seed, **changed.get("model", {})),
        family=replace(Family(), **changed.get("family", {})),
        optimizer="adamw" if optimizer == "untrained" else optimizer,
        seed=seed,
    )


def runs() -> list[Run]:
    """Every (setting, optimizer, seed): one seed of each setting, then all of the default, then the others' rest."""
    seeds = {s: 5 if s == "default" else 1 if s.startswith("wide") else 3 for s in SETTINGS}
    every = [(s, o, seed) for s in SETTINGS for o in OPTIMIZERS for seed in range(seeds[s])]
    wanted = [(s, o, seed) for s, o, seed in every if o != "untrained" or s in ABOUT_WEIGHTS]
    first = [run for run in wanted if run[2] == 0]
    defaults = [run for run in wanted if run not in first and run[0] == "default"]
    return first + defaults + sorted((run for run in wanted if run not in [*first, *defaults]), key=lambda run: run[2])


def name(run: Run) -> str:
    """The name of a run's folder."""
    return "-".join(map(str, run)).replace(" ", "_").replace("|", "")


def work(setting: str, optimizer: str, seed: int, folder: Path) -> Row:
    """Trains and measures one run: its row of the table. A run that diverges has an infinite test MSE and no more."""
    torch.set_num_threads(1)
    row: Row = {"setting": setting, "optimizer": optimizer, "seed": seed}
    try:
        return row | measured(recipe_of(setting, optimizer, seed), optimizer, folder)
    except FloatingPointError:
        return row | {"test_mse": inf}


def measured(recipe: Recipe, optimizer: str, folder: Path) -> Row:
    """Trains a run unless it is trained, and asks every claim of it."""
    if optimizer == "untrained":
        folder.mkdir(parents=True, exist_ok=True)
        model = RecurrenceModel(recipe.model)
    else:
        if not (folder / "config.json").exists():
            train.train(recipe, folder, device=torch.device("cpu"), threads=1, bar=partial(tqdm, disable=True))
        model = checkpoints.load(folder)
    obs = observe(model, recipe.family)
    found: Row = {"test_mse": obs.mse().value, "r2": obs.r2()}
    for id, readings in measures.measure(obs).items():
        found |= in_short(id, readings)
    return found


def rows_there() -> dict[Run, Row]:
    """The rows of the table, by run; none if there is no table yet."""
    rows = study.load(TABLE).to_dict("records") if TABLE.exists() else []
    return {(row["setting"], row["optimizer"], row["seed"]): row for row in rows}


def write_table(rows: dict[Run, Row]) -> None:
    """studies/settings.csv, in the order of ``runs``; a cell is empty where a run was not asked."""
    table = pd.DataFrame([rows[run] for run in runs() if run in rows])
    content = table.to_csv(index=False, float_format="%.4g", lineterminator="\n")
    checkpoints.write(TABLE, content.encode())


def main() -> int:
    p = argparse.ArgumentParser(prog="studies/settings.py", description=__doc__.splitlines()[0])
    p.add_argument("--runs", type=Path, default=Path("runs") / "settings", help="folder of the runs")
    p.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs at once, one thread each (default: all CPUs)")
    p.add_argument("--again", action="store_true", help="measure all runs again, and train those not found in --runs")
    options = p.parse_args()
    if options.jobs < 1:
        p.error(f"argument --jobs: must be at least 1, got {options.jobs}")
    rows = {} if options.again else rows_there()
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        jobs = {pool.submit(work, *run, options.runs / name(run)): run for run in runs() if run not in rows}
        try:
            for job in tqdm(as_completed(jobs), total=len(jobs), unit="run"):
                rows[jobs[job]] = job.result()
                write_table(rows)
        except KeyboardInterrupt:  # the workers have had it, too, and saved
            pool.shutdown(cancel_futures=True)
            print("\nstopped; the same command goes on from there", file=sys.stderr)
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
