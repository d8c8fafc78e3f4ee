"""When claims come and go, and what the model does: asked of the weights that a training kept on its way.

``python studies/over_training.py runs/origin`` after (or during) ``make train RECIPE=origin``: over_training.csv gets
every claim's verdict and measures (columns as in settings.csv), over_time.csv what ``helpers.analysis.moment`` follows;
a row for each file in the run's folder ``kept``, at the steps of ``Recipe.keep_steps`` and where the test error first
passed those of ``keep_errors``. A file that has a row is not measured again. The shipped models ``origin-1e-4`` and
``origin`` close the tables: the same training where it first had the paper's error, and at its end.
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

from helpers.analysis.moment import moment
from helpers.analysis.observation import observe
from helpers.claims import measures, results
from helpers.claims.readings import in_short
from helpers.places import ANALYSED, CHECKPOINTS, EARLY, OVER_TIME, OVER_TRAINING
from helpers.training import checkpoints, weights
from helpers.training.model import RecurrenceModel
from helpers.training.recipes import RECIPES, Recipe
from helpers.training.trainer import KEPT

Row = dict[str, str | float]


def step_of(path: Path, log: dict[str, list[float]]) -> int:
    """The step at which a file was kept: in its name, or where the log first stood at the error in its name."""
    kind, value = re.fullmatch(r"(step|mse)_(.+)", path.stem).groups()
    return int(value) if kind == "step" else int(checkpoints.reached(log, float(value))[0])


def kept(path: Path, recipe: Recipe) -> RecurrenceModel:
    """The model with kept weights."""
    model = RecurrenceModel(recipe.model)
    model.load_state_dict(weights.unpack(path.read_bytes(), recipe.model), strict=False)
    return model.eval()


def row_of(found: results.Found) -> Row:
    """Verdict and measures of every claim."""
    row: Row = {"test_mse": found["S5"][0].estimate.value}
    for id, readings in found.items():
        row |= in_short(id, readings)
    return row


def claims(model: RecurrenceModel, recipe: Recipe) -> Row:
    """Every claim asked of a model."""
    return row_of(measures.measure(observe(model, recipe.family)))


def shipped(name: str) -> tuple[Row, Row]:
    """The rows of a shipped model, claims from its stored results."""
    folder = CHECKPOINTS / name
    start = {"kept": name, "step": int(checkpoints.load_log(folder)["step"][-1])}
    now = moment(observe(checkpoints.load(folder), checkpoints.load_recipe(folder).family))
    return start | row_of(results.of(folder, measures.ids())), start | now


def write(path: Path, rows: list[Row]) -> None:
    """The table, in the order of steps."""
    table = pd.DataFrame(sorted(rows, key=lambda row: row["step"]))
    checkpoints.write(path, table.to_csv(index=False, float_format="%.4g", lineterminator="\n").encode())


def main() -> int:
    p = argparse.ArgumentParser(prog="studies/over_training.py", description=(__doc__ or "").partition("\n")[0])
    p.add_argument("run", type=Path, help="folder of a training that kept weights")
    p.add_argument("--recipe", default="origin", choices=RECIPES, help="what was trained (default: %(default)s)")
    p.add_argument("--log", type=Path, help="a finished run's folder, for the steps (default: the shipped model's)")
    options = p.parse_args()
    recipe, log = RECIPES[options.recipe], checkpoints.load_log(options.log or Path("checkpoints") / options.recipe)
    files = sorted((options.run / KEPT).glob("*.safetensors"), key=lambda path: (step_of(path, log), path.name))
    if not files:
        p.error(f"argument run: {options.run / KEPT} must hold weights (*.safetensors)")
    ends = [shipped(EARLY), shipped(ANALYSED)]
    asked = {OVER_TRAINING: claims, OVER_TIME: lambda model, recipe: moment(observe(model, recipe.family))}
    for i, (table, ask) in enumerate(asked.items()):
        rows: list[Row] = [end[i] for end in ends]
        if table.exists():
            rows += [row for row in pd.read_csv(table).to_dict("records") if row["kept"] not in (EARLY, ANALYSED)]
        write(table, rows)
        done = {row["kept"] for row in rows}
        for path in tqdm([path for path in files if path.stem not in done], desc=table.stem, unit="file"):
            rows.append({"kept": path.stem, "step": step_of(path, log)} | ask(kept(path, recipe), recipe))
            write(table, rows)
    return 0


if __name__ == "__main__":
    stop_cleanly()
    raise SystemExit(main())
