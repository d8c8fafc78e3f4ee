"""What ``python -m helpers.training --recipe small`` does; ``--help`` says the rest."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from helpers.data.families import FAMILIES, like
from helpers.places import RUNS
from helpers.training import checkpoints
from helpers.training.machine import DEVICES, device_named, slow_in_bfloat16, why_not_compile
from helpers.training.recipes import ABOUT, PRECISIONS, RECIPES
from helpers.training.state import STATE
from helpers.training.train import MOST_THREADS, Stopped, train


def parser() -> argparse.ArgumentParser:
    """The command line; ``--help`` lists the recipes with what they are for."""
    recipes = "\n".join(f"  {name:7} {about}" for name, about in ABOUT.items())
    p = argparse.ArgumentParser(
        prog="python -m helpers.training",
        description="Trains a model to continue recurrences. Ctrl-C saves; the same command goes on from there.",
        epilog=f"recipes:\n{recipes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--recipe", required=True, choices=RECIPES, help="what to train, see below")
    p.add_argument("--family", choices=sorted(FAMILIES), help="sequences of another rule (default: the recipe's)")
    p.add_argument("--precision", choices=PRECISIONS, help="of matrix products (default: the recipe's, float32)")
    p.add_argument("--out", type=Path, help="folder of the run (default: runs/<recipe>[-<changes>] in the repository)")
    p.add_argument("--device", choices=DEVICES, help="where to compute (default: the best there is)")
    p.add_argument("--threads", type=int, help="CPU threads (default: all; a run repeats bit by bit on one thread)")
    p.add_argument("--compile", action="store_true", help="compile the step first (bench/last.md says what it gains)")
    p.add_argument("--fresh", action="store_true", help="start anew where the folder already holds a run")
    return p


def result(out: Path) -> str:
    """A finished run in one line."""
    log = checkpoints.load_log(out)
    return f"{out}: {log['step'][-1]:,.0f} steps, test MSE {log['test_mse'][-1]:.2e}, {log['seconds'][-1]:.0f} s"


def main(arguments: list[str] | None = None) -> int:
    """The command line's work; a user's mistake ends in one line and exit code 2, a stop in 130."""
    p = parser()
    options = p.parse_args(arguments)
    recipe = RECIPES[options.recipe]
    if options.family:
        recipe = replace(recipe, family=like(recipe.family, options.family))
    recipe = replace(recipe, precision=options.precision or recipe.precision)
    own = RECIPES[options.recipe]
    parts = [(recipe.family.kind, own.family.kind), (recipe.precision, own.precision)]
    changes = "".join(f"-{new.replace(' ', '-')}" for new, old in parts if new != old)
    out: Path = options.out or RUNS / f"{options.recipe}{changes}"
    if options.threads is not None and not 1 <= options.threads <= MOST_THREADS:
        p.error(f"argument --threads: must be between 1 and {MOST_THREADS}, got {options.threads}")
    try:
        device = device_named(options.device)
    except ValueError as error:
        p.error(f"argument --device: {error}")
    if recipe.precision == "bfloat16" and slow_in_bfloat16(device):
        print("this processor has no units for bfloat16: float32 will be many times faster here", file=sys.stderr)
    if options.compile and (reason := why_not_compile(device)):
        p.error(f"argument --compile: torch.compile does not work here: {reason}")
    try:
        if (out / "config.json").exists() and not (out / STATE).exists() and not options.fresh:
            if checkpoints.load_recipe(out) != recipe:
                p.error(f"argument --out: {out} holds a finished run of another recipe; --fresh replaces it")
            print(f"finished before; --fresh trains it anew (make train RECIPE={options.recipe} FRESH=1)")
            print(result(out))
            return 0
        train(
            recipe,
            out,
            device=device,
            fresh=options.fresh,
            threads=options.threads,
            compiled=options.compile,
        )
    except Stopped as stop:
        print(f"\n{stop}", file=sys.stderr)
        return 130
    except (checkpoints.CheckpointError, OSError, FloatingPointError) as error:
        p.exit(2, f"{p.prog}: error: {error}\n")
    print(result(out))
    return 0
