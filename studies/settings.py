"""On which choices the claims depend: ``python studies/settings.py`` trains the model under other ones and asks again.

One thing is changed at a time, under two optimizers and several seeds, and every claim is measured as in the notebooks.
The MLPs have 512 hidden units in the place of 3072, so that a run takes minutes on one core; ``default`` beside the
shipped models of full size shows what difference that makes. ``untrained`` models are the control: what a measure says
of the initialization alone. More heads of the same width also make attention wider. "adamw" is not the paper's
recipe (1e-4 for 100,000 steps) but AdamW with the schedule of the others.

A run lives in a folder under --runs, is taken up where it was stopped, and is never done twice. The table,
studies/settings.csv, is written anew after each: a row for each run, a column for each way of measuring a claim
(heads averaged) and one for each verdict.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import torch
from tqdm import tqdm

from helpers import checkpoints, claims, training
from helpers.model import ModelConfig, RecurrenceModel
from helpers.observation import observe
from helpers.recipes import Recipe
from helpers.recurrences import Family
from helpers.verdicts import in_short

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
}
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


def runs() -> list[tuple[str, str, int]]:
    """Every (setting, optimizer, seed): one seed of each setting, then all of the default, then the others' rest."""
    every = [(s, o, seed) for s in SETTINGS for o in OPTIMIZERS for seed in range(5 if s == "default" else 3)]
    wanted = [(s, o, seed) for s, o, seed in every if o != "untrained" or s in ABOUT_WEIGHTS]
    return sorted(wanted, key=lambda run: run[2] if run[0] != "default" else min(run[2], 0.5))


def work(setting: str, optimizer: str, seed: int, folder: Path) -> None:
    """Trains and measures one run; measures.json in its folder says that it is done."""
    torch.set_num_threads(1)
    recipe = recipe_of(setting, optimizer, seed)
    try:
        found = measures(recipe, optimizer, folder)
    except FloatingPointError:
        found = {"test MSE": "diverged"}
    checkpoints.write(folder / "measures.json", json.dumps(found).encode())


def measures(recipe: Recipe, optimizer: str, folder: Path) -> dict[str, float | str]:
    """Trains a run unless it is trained, and asks every claim of it."""
    if optimizer == "untrained":
        folder.mkdir(parents=True, exist_ok=True)
        model = RecurrenceModel(recipe.model)
    else:
        if not (folder / "config.json").exists():
            training.train(recipe, folder, device=torch.device("cpu"), threads=1, bar=partial(tqdm, disable=True))
        model = checkpoints.load(folder)
    obs = observe(model, recipe.family)
    found: dict[str, float | str] = {"test MSE": obs.mse().value, "R²": obs.r2()}
    for id, readings in claims.measure(obs, claims.MEASURES).items():
        found |= in_short(id, readings)
    return found


def write_table(folders: dict[tuple[str, str, int], Path]) -> None:
    """studies/settings.csv from the measures there are."""
    rows = []
    for (setting, optimizer, seed), folder in folders.items():
        path = folder / "measures.json"
        if path.exists():
            found = json.loads(path.read_text())
            short = {name: f"{x:.4g}" if isinstance(x, float) else x for name, x in found.items()}
            rows.append({"setting": setting, "optimizer": optimizer, "seed": seed, **short})
    if rows:
        with TABLE.open("w", newline="") as file:
            columns = max(rows, key=len)  # a run that diverged has fewer
            table = csv.DictWriter(file, list(columns), restval="", lineterminator="\n")
            table.writeheader()
            table.writerows(rows)


def main() -> int:
    p = argparse.ArgumentParser(prog="studies/settings.py", description=__doc__.splitlines()[0])
    p.add_argument("--runs", type=Path, default=Path("runs") / "settings", help="folder of the runs")
    p.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs at once, one thread each (default: all CPUs)")
    options = p.parse_args()
    if options.jobs < 1:
        p.error(f"argument --jobs: must be at least 1, got {options.jobs}")
    names = {run: "-".join(map(str, run)).replace(" ", "_").replace("|", "") for run in runs()}
    folders = {run: options.runs / name for run, name in names.items()}
    open_runs = {run: folder for run, folder in folders.items() if not (folder / "measures.json").exists()}
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(work, *run, folder) for run, folder in open_runs.items()]
        try:
            for job in tqdm(as_completed(jobs), total=len(jobs), unit="run"):
                job.result()
                write_table(folders)
        except KeyboardInterrupt:  # the workers have had it, too, and saved
            pool.shutdown(cancel_futures=True)
            print("\nstopped; the same command goes on from there", file=sys.stderr)
            return 130
    write_table(folders)
    return 0


if __name__ == "__main__":
    sys.exit(main())
