"""Which choices make training fast: ``python bench/choices.py`` trains one variant after the other (hours on 2 cores).

Each trial is the ``fast`` recipe cut to 1,000 steps with one thing changed. Results go to bench/choices.csv row by row;
a variant that has a row already is skipped, so the script can be stopped and started.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from tqdm import tqdm

from helpers import run, training
from helpers.recipes import RECIPES, Recipe

TABLE = Path(__file__).with_name("choices.csv")
COLUMNS = ("choice", "threads", "steps to 1e-2", "steps to 1e-3", "test MSE", "test MSE of averaged weights", "seconds")
STEPS, EVERY = 1000, 50
WIDTH = 6.94  # exponent of the average: its memory is about a tenth of the steps so far (arXiv 2312.02696)
FAST = replace(RECIPES["fast"], steps=STEPS, decays=(STEPS,))
CHOICES: dict[str, Recipe] = {
    "as in the recipe": FAST,
    "batch 128": replace(FAST, batch=128),
    "beta2 of AdamW 0.95": replace(FAST, beta2=0.95),
    "constant rate": replace(FAST, decays=()),
    "straight line": replace(FAST, shape="linear"),
    "both rates × 3": replace(
        FAST, learning_rate=3 * FAST.learning_rate, muon_learning_rate=3 * FAST.muon_learning_rate
    ),
    "both rates / 3": replace(
        FAST, learning_rate=FAST.learning_rate / 3, muon_learning_rate=FAST.muon_learning_rate / 3
    ),
    "warm-up 20": replace(FAST, warmup=20),
    "no clipping": replace(FAST, clip=0.0),
    "GPT-2's initialization": replace(FAST, model=replace(FAST.model, init="gpt2")),
    "AdamW alone, 1e-3": replace(FAST, optimizer="adamw"),
    "AdamW alone, 3e-3": replace(FAST, optimizer="adamw", learning_rate=3e-3),
}


assert all(recipe != FAST for name, recipe in CHOICES.items() if name != "as in the recipe")


def trial(recipe: Recipe) -> tuple:
    """Trains a variant; steps to two levels, final error with and without averaging, seconds."""
    with tempfile.TemporaryDirectory() as folder:
        it = run.Run(recipe, Path(folder), torch.device("cpu"))
    trained = [p for p in it.model.parameters() if p.requires_grad]
    average = [p.detach().clone() for p in trained]
    reached: dict[float, int | str] = {}
    for _ in tqdm(range(recipe.steps), leave=False):
        start = time.monotonic()
        it.step()
        it.seconds += time.monotonic() - start
        with torch.no_grad():
            torch._foreach_lerp_(average, trained, 1 - (1 - 1 / it.done) ** (WIDTH + 1))
        if it.done % EVERY == 0:
            mse = it.test_mse()
            for level in (1e-2, 1e-3):
                if mse <= level:
                    reached.setdefault(level, it.done)
    with torch.no_grad():
        for p, mean in zip(trained, average, strict=True):
            p.copy_(mean)
    return (
        reached.get(1e-2, "never"),
        reached.get(1e-3, "never"),
        f"{mse:.3g}",
        f"{it.test_mse():.3g}",
        round(it.seconds),
    )


def main() -> int:
    p = argparse.ArgumentParser(prog="bench/choices.py", description=__doc__.splitlines()[0])
    p.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads (default: all)")
    threads = p.parse_args().threads
    if threads < 1:
        p.error(f"argument --threads: must be at least 1, got {threads}")
    torch.set_num_threads(threads)
    training.keep_memory()
    if not TABLE.exists():
        TABLE.write_text(",".join(COLUMNS) + "\n")
    with TABLE.open(newline="") as file:
        there = {row[0] for row in csv.reader(file)}
    for name, recipe in CHOICES.items():
        if name not in there:
            try:
                row = (name, threads, *trial(recipe))
            except FloatingPointError:
                row = (name, threads, "never", "never", "diverged", "diverged", "")
            with TABLE.open("a", newline="") as file:
                csv.writer(file, lineterminator="\n").writerow(row)
            print(dict(zip(COLUMNS, row, strict=True)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
