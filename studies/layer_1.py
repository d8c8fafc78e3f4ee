"""What layer 1 is for: ``python studies/layer_1.py`` trains the study's base with less of it and writes layer_1.csv.

As in settings.toml, whose recipe and folders these are: "2 layers" is without it. Beside these, layer 1 has its heads
only, its MLP only (what the other writes is zero from the start and stays so), or the weights of layer 2 (*shared*).

Expected, before the first run: the errors of all lie within a factor of 2 of the base's, and those of two seeds within
1.3 of each other, so that no one part of layer 1 is needed; with heads only less is lost than with its MLP only, since
what layer 1 tells of earlier positions its heads must fetch; shared costs least.
"""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import argparse
import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
from torch import nn

from helpers.analysis.following import signs
from helpers.analysis.observation import observe
from helpers.training import checkpoints, sweeps, train
from helpers.training.machine import describe
from helpers.training.model import RecurrenceModel
from helpers.training.trainer import Trainer

TABLE = Path(__file__).with_name("layer_1.csv")
SETTINGS = sweeps.read(TABLE.with_name("settings.toml"))
CPU = torch.device("cpu")


def silence(output: nn.Linear) -> None:
    """Lets a layer write nothing, now and after training."""
    for p in output.parameters():
        p.requires_grad_(False).zero_()


def share(layers: nn.ModuleList) -> None:
    """Lets layer 1 be layer 2."""
    layers[1] = layers[2]


CHANGES: dict[str, Callable[[nn.ModuleList], None]] = {
    "layer 1's heads only": lambda layers: silence(layers[1].mlp.fc_out),
    "layer 1's MLP only": lambda layers: silence(layers[1].attn.o),
    "layer 1 shared with 2": share,
}
VARIANTS = ("base", "2 layers", *CHANGES)


class ChangedTrainer(Trainer):
    """A training whose layer 1 is changed; the optimizer leaves alone what has no gradient."""

    def __init__(self, change: Callable[[nn.ModuleList], None], *args: object) -> None:
        super().__init__(*args)
        change(self.model.native.layers)


def trained(variant: str, seed: int, folder: Path) -> RecurrenceModel:
    """The model of one run: as the study left it, or trained now and saved as an ordinary checkpoint."""
    recipe = SETTINGS.recipe((variant if variant in SETTINGS.recipes else sweeps.BASE, seed))
    if not (folder / "config.json").exists():
        change = CHANGES.get(variant, lambda layers: None)
        trainer = ChangedTrainer(change, recipe, folder, CPU)
        with train.stop_requests() as stop:
            while trainer.done < recipe.steps:
                trainer.step()
                if trainer.done % recipe.log_every == 0:
                    trainer.evaluate()
                    trainer.save()
                    print(f"{variant}, seed {seed}: step {trainer.done}, test MSE {trainer.log[-1][3]:.2e}", flush=True)
                if stop.is_set():
                    raise KeyboardInterrupt
        layers = trainer.model.native.layers
        layers[1] = copy.deepcopy(layers[1])  # a file of its own for what was shared
        checkpoints.save(folder, trainer.model, recipe, trainer.log, describe(CPU))
        (folder / "state.pt").unlink(missing_ok=True)
    return checkpoints.load(folder)


def row_of(variant: str, seed: int, folder: Path) -> dict[str, str | float]:
    """The errors of one run, for all sequences and by sign of c."""
    obs = observe(trained(variant, seed, folder), SETTINGS.recipes[sweeps.BASE].family)
    by_sign = {f"mse, {side}": obs.errors()[sign * obs.c > 0].mean().item() for side, sign in signs(obs).items()}
    return {"setting": variant, "seed": seed, "test_mse": obs.mse().value} | by_sign


def main() -> int:
    p = argparse.ArgumentParser(prog="studies/layer_1.py", description=__doc__.splitlines()[0])
    p.add_argument("--runs", type=Path, default=SETTINGS.runs, help="folder of the runs (default: %(default)s)")
    p.add_argument("--seeds", type=int, default=SETTINGS.seeds, help="so many seeds (default: %(default)s)")
    options = p.parse_args()
    rows = pd.read_csv(TABLE).to_dict("records") if TABLE.exists() else []
    with train.cpu_threads(1):
        for seed in range(options.seeds):
            for variant in VARIANTS:
                if (variant, seed) not in {(row["setting"], row["seed"]) for row in rows}:
                    rows.append(row_of(variant, seed, replace(SETTINGS, runs=options.runs).folder((variant, seed))))
                    table = pd.DataFrame(rows).to_csv(index=False, float_format="%.4g", lineterminator="\n")
                    checkpoints.write(TABLE, table.encode())
    return 0


if __name__ == "__main__":
    stop_cleanly()
    raise SystemExit(main())
