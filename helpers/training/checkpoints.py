"""A trained model on disk: model.safetensors, config.json and training_log.csv in one folder.

config.json holds the recipe, the SHA-256 of the weights and the machine. Every file is written whole under another name
and then renamed, config.json last: a folder with a config.json that fits its weights is complete.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path

import safetensors
import safetensors.torch

from helpers.data.recurrences import Family
from helpers.training.disk import write
from helpers.training.model import ModelConfig, RecurrenceModel
from helpers.training.recipes import Recipe

LOG_COLUMNS = ("step", "rate", "train_mse", "test_mse", "seconds")
UNUSED = "native.tok_embed.weight"  # TransformerLens's token embedding: never trained, never stored


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message names the file and what is wrong with it."""


def packed(model: RecurrenceModel) -> bytes:
    """The trained weights as a safetensors file's content."""
    weights = {name: t.detach().cpu().contiguous() for name, t in model.state_dict().items() if name != UNUSED}
    return safetensors.torch.save(weights)


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
    content = packed(model)
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([LOG_COLUMNS, *log])
    config = {"sha256": hashlib.sha256(content).hexdigest(), "machine": machine, "recipe": asdict(recipe)}
    write(folder / "model.safetensors", content)
    write(folder / "training_log.csv", table.getvalue().encode())
    write(folder / "config.json", (json.dumps(config, indent=2) + "\n").encode())


def _build(kind: type, values: object, path: Path):
    """A dataclass from its dictionary; unknown or impossible fields are the file's fault."""
    if not isinstance(values, dict):
        raise CheckpointError(f"{path}: {kind.__name__} must be a table of fields, got {values!r}")
    unknown = sorted(set(values) - {f.name for f in fields(kind)})
    if unknown:
        raise CheckpointError(f"{path}: unknown field {unknown[0]!r} of {kind.__name__}")
    try:
        return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})  # JSON has lists
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: {error}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error


def _config(folder: Path) -> dict:
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: no such checkpoint folder")
    path = folder / "config.json"
    content = _read(path)
    try:
        config = json.loads(content)
    except ValueError as error:
        raise CheckpointError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(config, dict) or not isinstance(config.get("recipe"), dict) or "sha256" not in config:
        raise CheckpointError(f"{path}: 'recipe' and 'sha256' must be there")
    return config


def load_recipe(folder: Path | str) -> Recipe:
    """The recipe a checkpoint was trained with. Raises CheckpointError like ``load``."""
    path = Path(folder) / "config.json"
    values = dict(_config(Path(folder))["recipe"])
    for name, kind in (("model", ModelConfig), ("family", Family)):
        if name in values:
            values[name] = _build(kind, values[name], path)
    return _build(Recipe, values, path)


def trained_on(folder: Path | str) -> str:
    """The machine a checkpoint was trained on (the last one, if several). Raises CheckpointError like ``load``."""
    return _config(Path(folder)).get("machine", "")


def sha256(folder: Path | str) -> str:
    """The SHA-256 of a checkpoint's weights, as config.json has it. Raises CheckpointError like ``load``."""
    return str(_config(Path(folder))["sha256"])


def load(folder: Path | str) -> RecurrenceModel:
    """The trained model, in float32 on the CPU.

    Raises:
        CheckpointError: a file is missing, cut short or altered, has an unknown field, or does not fit the
            configuration. The message names the file.
    """
    folder = Path(folder)
    recipe, path = load_recipe(folder), folder / "model.safetensors"
    content = _read(path)
    if hashlib.sha256(content).hexdigest() != sha256(folder):
        raise CheckpointError(f"{path}: cut short or altered (its SHA-256 is not the one in config.json)")
    try:
        weights = safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise CheckpointError(f"{path}: not a safetensors file ({error})") from error
    model = RecurrenceModel(recipe.model)
    weights[UNUSED] = model.state_dict()[UNUSED]
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: the weights do not fit config.json ({error})") from error
    return model.eval()


def load_log(folder: Path | str) -> dict[str, list[float]]:
    """The training log, a list for each of ``LOG_COLUMNS``. Raises CheckpointError if it is missing or damaged."""
    path = Path(folder) / "training_log.csv"
    rows = list(csv.reader(io.StringIO(_read(path).decode(errors="replace"))))
    if not rows or tuple(rows[0]) != LOG_COLUMNS:
        raise CheckpointError(f"{path}: the first line must be {','.join(LOG_COLUMNS)}")
    try:
        table = [[float(value) for value in row] for row in rows[1:]]
        return {name: [row[i] for row in table] for i, name in enumerate(LOG_COLUMNS)}
    except (ValueError, IndexError) as error:
        raise CheckpointError(f"{path}: {error}") from error


def reached(log: Mapping[str, Sequence[float]], level: float) -> tuple[float, float] | None:
    """The step and the seconds at which a log's test MSE first stood at ``level`` or below; None if it never did."""
    rows = zip(log["step"], log["seconds"], log["test_mse"], strict=True)
    return next(((step, seconds) for step, seconds, mse in rows if mse <= level), None)
