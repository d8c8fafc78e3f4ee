"""When claims come and go: asks them of the weights that a training kept on its way, and writes over_training.csv.

``python studies/over_training.py runs/origin`` after (or during) ``make train RECIPE=origin``: a row for each file in
the run's folder ``kept``, at the steps of ``Recipe.keep_steps`` and where the test error first passed those of
``keep_errors``. A file that has a row is not measured again. Columns are those of settings.csv. The shipped models
``origin-1e-4`` and ``origin`` close the table, from their stored results: the same training where it first had the
paper's error, and at its end.
"""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import argparse
import re
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from helpers.analysis.observation import observe
from helpers.claims import measures, results
from helpers.claims.readings import in_short
from helpers.places import ANALYSED, CHECKPOINTS, EARLY
from helpers.training import checkpoints, weights
from helpers.training.model import RecurrenceModel
from helpers.training.recipes import RECIPES, Recipe
from helpers.training.trainer import KEPT

TABLE = Path(__file__).with_name("over_training.csv")


def step_of(path: Path, log: dict[str, list[float]]) -> int:
    """The step at which a file was kept: in its name, or where the log first stood at the error in its name."""
    kind, value = re.fullmatch(r"(step|mse)_(.+)", path.stem).groups()
    return int(value) if kind == "step" else int(checkpoints.reached(log, float(value))[0])


def measured(path: Path, recipe: Recipe) -> dict[str, str | float]:
    """Every claim asked of kept weights."""
    model = RecurrenceModel(recipe.model)
    model.load_state_dict(weights.unpack(path.read_bytes(), recipe.model), strict=False)
    return row_of(measures.measure(observe(model.eval(), recipe.family)))


def row_of(found: results.Found) -> dict[str, str | float]:
    """Verdict and measures of every claim."""
    row: dict[str, str | float] = {"test_mse": found["S5"][0].estimate.value}
    for id, readings in found.items():
        row |= in_short(id, readings)
    return row


def shipped(name: str) -> dict[str, str | float]:
    """The row of a shipped model, from its stored results."""
    step = int(checkpoints.load_log(CHECKPOINTS / name)["step"][-1])
    return {"kept": name, "step": step} | row_of(results.of(CHECKPOINTS / name, measures.ids()))


def main() -> int:
    p = argparse.ArgumentParser(prog="studies/over_training.py", description=(__doc__ or "").partition("\n")[0])
    p.add_argument("run", type=Path, help="folder of a training that kept weights")
    p.add_argument("--recipe", default="origin", choices=RECIPES, help="what was trained (default: %(default)s)")
    p.add_argument("--log", type=Path, help="a finished run's folder, for the steps (default: the shipped model's)")
    options = p.parse_args()
    log = checkpoints.load_log(options.log or Path("checkpoints") / options.recipe)
    files = sorted((options.run / KEPT).glob("*.safetensors"), key=lambda path: (step_of(path, log), path.name))
    if not files:
        p.error(f"argument run: {options.run / KEPT} must hold weights (*.safetensors)")
    rows = [shipped(EARLY), shipped(ANALYSED)]
    if TABLE.exists():
        rows += [row for row in pd.read_csv(TABLE).to_dict("records") if row["kept"] not in (EARLY, ANALYSED)]
    for path in tqdm([path for path in files if path.stem not in {row["kept"] for row in rows}], unit="file"):
        rows.append({"kept": path.stem, "step": step_of(path, log)} | measured(path, RECIPES[options.recipe]))
        table = pd.DataFrame(sorted(rows, key=lambda row: row["step"]))
        checkpoints.write(TABLE, table.to_csv(index=False, float_format="%.4g", lineterminator="\n").encode())
    return 0


if __name__ == "__main__":
    stop_cleanly()
    raise SystemExit(main())
