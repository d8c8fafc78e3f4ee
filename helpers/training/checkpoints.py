"""A trained model on disk: model.safetensors, config.json and training_log.csv in one folder.

config.json holds the recipe, the SHA-256 of the weights, the machine and the SHA-256 of all that. Every file is written
whole under another name and then renamed, config.json last: a folder with a config.json that fits its weights is
complete.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from helpers.data.fields import shown
from helpers.training import config, weights
from helpers.training.disk import read, write
from helpers.training.machine import usual_torch
from helpers.training.model import RecurrenceModel
from helpers.training.recipes import Recipe

LOG_COLUMNS = ("step", "rate", "train_mse", "test_mse", "seconds")
LIMITS = {"model.safetensors": 2**34, "config.json": 2**20, "training_log.csv": 2**26}  # bytes; in each far too many


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message names the file and what is wrong with it."""


def save(
    folder: Path | str,
    model: RecurrenceModel,
    recipe: Recipe,
    log: Sequence[Sequence[float]] = (),
    machine: str = "",
) -> None:
    """Writes the three files.

    ``log`` has one row per evaluation, in the order of ``LOG_COLUMNS``; ``machine`` says where its seconds passed.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    content = weights.pack(model)
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([LOG_COLUMNS, *log])
    about = {"sha256": hashlib.sha256(content).hexdigest(), "machine": machine, "recipe": asdict(recipe)}
    write(folder / "model.safetensors", content)
    write(folder / "training_log.csv", table.getvalue().encode())
    _write_config(folder, about)


def _write_config(folder: Path, about: dict) -> None:
    about |= {config.OWN: config.own_sha256(about)}
    write(folder / "config.json", (json.dumps(about, indent=2) + "\n").encode())


def seal(folder: Path | str) -> None:
    """Writes the SHA-256 of a config.json into it, after it was edited or if it is from before it had one.

    Raises:
        CheckpointError: the checkpoint cannot be loaded even then.
    """
    about = _parsed(Path(folder))
    if config.OWN in about:
        del about[config.OWN]
    _write_config(Path(folder), about)
    load(folder)


def _read(folder: Path, name: str) -> bytes:
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: no such checkpoint folder")
    try:
        return read(folder / name, LIMITS[name])
    except OSError as error:
        raise CheckpointError(f"{folder / name}: cannot be read ({error.strerror or error})") from error


def _parsed(folder: Path) -> dict:
    try:
        return config.parse(_read(folder, "config.json"))
    except CheckpointError:
        raise
    except ValueError as error:
        raise CheckpointError(f"{folder / 'config.json'}: {error}") from error


def _checked(folder: Path) -> tuple[dict, Recipe]:
    """A config.json and its recipe, if each field is accepted and the file is as it was written."""
    about, path = _parsed(folder), folder / "config.json"
    try:
        recipe = config.recipe_of(about)
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from error
    if config.OWN not in about:
        warnings.warn(f"{path}: has no {config.OWN}, so that a change of it goes unnoticed", stacklevel=3)
    elif about[config.OWN] != config.own_sha256(about):
        raise CheckpointError(f"{path}: altered (its {config.OWN} is another); after an edit, checkpoints.seal(folder)")
    return about, recipe


def load_recipe(folder: Path | str) -> Recipe:
    """The recipe a checkpoint was trained with. Raises CheckpointError like ``load``."""
    return _checked(Path(folder))[1]


def trained_on(folder: Path | str) -> str:
    """The machine a checkpoint was trained on (the last one, if several). Raises CheckpointError like ``load``."""
    return _checked(Path(folder))[0].get("machine", "")


def sha256(folder: Path | str) -> str:
    """The SHA-256 of a checkpoint's weights, as config.json has it. Raises CheckpointError like ``load``."""
    return _checked(Path(folder))[0]["sha256"]


@usual_torch()
def load(folder: Path | str) -> RecurrenceModel:
    """The trained model, in float32 on the CPU. What the files say is compared before a model is built.

    Raises:
        CheckpointError: a file is missing, cut short or altered, has an unknown field or a value that is not accepted
            (weights that are no numbers, too), or does not fit the others. The message names the file.
    """
    folder = Path(folder)
    about, recipe = _checked(folder)
    path, content = folder / "model.safetensors", _read(folder, "model.safetensors")
    if hashlib.sha256(content).hexdigest() != about["sha256"]:
        raise CheckpointError(f"{path}: cut short or altered (its SHA-256 is not the one in config.json)")
    try:
        stored = weights.unpack(content, recipe.model)
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from error
    model = RecurrenceModel(recipe.model)
    model.load_state_dict(stored | {weights.UNUSED: model.state_dict()[weights.UNUSED]})
    model.family = recipe.family
    return model.eval()


def load_log(folder: Path | str) -> dict[str, list[float]]:
    """The training log, a list for each of ``LOG_COLUMNS``.

    Raises:
        CheckpointError: it is missing or damaged: other columns, a value that is no finite number of at least 0, or
            steps that do not rise.
    """
    path = Path(folder) / "training_log.csv"
    text = _read(Path(folder), "training_log.csv").decode(errors="replace")
    try:
        rows = list(csv.reader(io.StringIO(text)))
        if not rows or tuple(rows[0]) != LOG_COLUMNS:
            raise ValueError(f"the first line must be {','.join(LOG_COLUMNS)}")
        for number, row in enumerate(rows[1:], start=2):
            if len(row) != len(LOG_COLUMNS):
                raise ValueError(f"line {number} must have {len(LOG_COLUMNS)} numbers, got {shown(row)}")
        table = {name: [float(row[i]) for row in rows[1:]] for i, name in enumerate(LOG_COLUMNS)}
        if wrong := [x for column in table.values() for x in column if not 0 <= x < math.inf]:
            raise ValueError(f"values must be numbers of at least 0, got {wrong[0]}")
        if table["step"] != sorted(set(table["step"])):
            raise ValueError("steps must rise")
    except (ValueError, csv.Error) as error:
        raise CheckpointError(f"{path}: {error}") from error
    return table


def reached(log: Mapping[str, Sequence[float]], level: float) -> tuple[float, float] | None:
    """The step and the seconds at which a log's test MSE first stood at ``level`` or below; None if it never did."""
    rows = zip(log["step"], log["seconds"], log["test_mse"], strict=True)
    return next(((step, seconds) for step, seconds, mse in rows if mse <= level), None)
