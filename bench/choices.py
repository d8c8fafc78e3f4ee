"""Which choices make training fast: ``python bench/choices.py`` tries one after the other (an hour on 2 CPUs).

Each trial is the ``fast`` recipe with a third of its batch and one thing changed: all of them for 750 steps, and with
and without Muon for 3,000 (with its own batch the recipe gets to 1e-5 in that time). Results go to bench/choices.csv
row by row; a trial that has a row already is skipped, so the script can be stopped and started.
"""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import argparse
import csv
import math
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from jaxtyping import Float
from tqdm import tqdm

from helpers.training import checkpoints, train, trainer
from helpers.training.machine import describe
from helpers.training.recipes import RECIPES, Recipe

TABLE = Path(__file__).with_name("choices.csv")
LEVELS = (1e-3, 1e-4, 1e-5)
COLUMNS = (
    "one thing changed",
    "of steps",
    *(f"{unit} to {level:.0e}" for level in LEVELS for unit in ("steps", "seconds")),
    "MSE at the end",
    "MSE of averaged weights",
    "seconds",
    "machine",
)
STEPS, LONG = 750, 3000
WIDTH = 6.94  # exponent of the average: its memory is about a tenth of the steps so far (arXiv 2312.02696)
FAST = replace(RECIPES["fast"], batch=64, steps=STEPS, decays=(STEPS,))
FINALISTS = ("nothing", "AdamW alone, 3e-3")


def cosine(recipe: Recipe, step: int) -> float:
    """The learning rate's way down as half a cosine, tried in place of the straight line."""
    line = STRAIGHT(recipe, step)
    return line if step < recipe.warmup else 0.5 * (1 - math.cos(math.pi * line))


def growing(recipe: Recipe, step: int) -> Float[np.ndarray, "batch length dimension"]:
    """Batches that are twice as large in the second half of the run."""
    return SAME(replace(recipe, batch=2 * recipe.batch) if step >= recipe.steps // 2 else recipe, step)


STRAIGHT, SAME = trainer.rate_at, trainer.batch_at
CHOICES: dict[str, tuple[Recipe, dict]] = {
    "nothing": (FAST, {}),
    "Muon and AdamW × 3": (replace(FAST, learning_rate=3e-3, muon_learning_rate=9e-3), {}),
    "Muon and AdamW / 3": (replace(FAST, learning_rate=3.3e-4, muon_learning_rate=1e-3), {}),
    "AdamW alone, 1e-3": (replace(FAST, optimizer="adamw"), {}),
    "AdamW alone, 3e-3": (replace(FAST, optimizer="adamw", learning_rate=3e-3), {}),
    "cosine": (FAST, {"rate_at": cosine}),
    "constant rate": (replace(FAST, decays=()), {}),
    "batch 128": (replace(FAST, batch=128), {}),
    "GPT-2's initialization": (replace(FAST, model=replace(FAST.model, init="gpt2")), {}),
    "no clipping": (replace(FAST, clip=0.0), {}),
    "batch 64, from the middle on 128": (FAST, {"batch_at": growing}),
    "β₂ of AdamW 0.999": (replace(FAST, beta2=0.999), {}),
    "warm-up 300": (replace(FAST, warmup=300), {}),
}


def trials() -> dict[tuple[str, int], tuple[Recipe, dict]]:
    """Every trial, by what is changed and the number of steps."""
    short = {(name, STEPS): variant for name, variant in CHOICES.items()}
    for name in FINALISTS:
        recipe, replaced = CHOICES[name]
        short[name, LONG] = replace(recipe, steps=LONG, decays=(LONG,) if recipe.decays else ()), replaced
    return short


def trial(recipe: Recipe, replaced: dict) -> tuple[object, ...]:
    """Trains a variant: steps and seconds to each level, final error with and without averaging, seconds, machine."""
    with tempfile.TemporaryDirectory() as folder:
        it = trainer.Trainer(recipe, Path(folder), torch.device("cpu"))
    trained = [p for p in it.model.parameters() if p.requires_grad]
    average = [p.detach().clone() for p in trained]
    with ExitStack() as stack:
        for name, function in replaced.items():
            stack.enter_context(mock.patch.object(trainer, name, function))
        for _ in tqdm(range(recipe.steps), leave=False):
            start = time.monotonic()
            it.step()
            it.seconds += time.monotonic() - start
            with torch.no_grad():
                torch._foreach_lerp_(average, trained, 1 - (1 - 1 / it.done) ** (WIDTH + 1))
            if it.done % recipe.log_every == 0:
                it.evaluate()
    with torch.no_grad():
        for p, mean in zip(trained, average, strict=True):
            p.copy_(mean)
    log = dict(zip(checkpoints.LOG_COLUMNS, zip(*it.log, strict=True), strict=True))
    reached = [x for level in LEVELS for x in checkpoints.reached(log, level) or ("never", "")]
    return *reached, f"{log['test_mse'][-1]:.2e}", f"{it.test_mse():.2e}", it.seconds, describe(it.device)


def main() -> int:
    p = argparse.ArgumentParser(prog="bench/choices.py", description=(__doc__ or "").partition("\n")[0])
    p.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads (default: all)")
    threads = p.parse_args().threads
    if not 1 <= threads <= train.MOST_THREADS:
        p.error(f"argument --threads: must be between 1 and {train.MOST_THREADS}, got {threads}")
    torch.set_num_threads(threads)
    train.keep_memory()
    if not TABLE.exists():
        TABLE.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    with TABLE.open(newline="", encoding="utf-8") as file:
        there = {tuple(row[:2]) for row in csv.reader(file)}
    for (name, steps), variant in trials().items():
        if (name, str(steps)) not in there:
            try:
                found = trial(*variant)
            except FloatingPointError:
                found = (*("never", "") * len(LEVELS), "diverged", "diverged", "", "")
            row = (name, steps, *(round(x) if isinstance(x, float) else x for x in found))
            with TABLE.open("a", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerow(row)
            print(dict(zip(COLUMNS, row, strict=True)), flush=True)
    return 0


if __name__ == "__main__":
    stop_cleanly()
    sys.exit(main())
