"""A sweep: many trainings that differ in a few choices and in their seeds, written down in a TOML file.

    table = "heads.csv"                # rows; this and runs are seen from the file's own folder
    runs = "../runs/heads"             # folder of the trainings under way and done
    seeds = 3
    measure = "package.module:function"  # what to ask of a model; left out, its test error

    [base]
    recipe = "origin"                  # one that ships, and what is other here
    steps = 6000
    model = { d_mlp = 512 }

    [axes]                             # one change at a time; product = true takes them all together
    "model.n_heads" = [1, 2, 4]
    data = { "c from 0" = { family = { c_min = 0.0 } }, untrained = { trained = false } }

A run is a setting with a seed, which the training data and the initial weights share. ``family = { kind = "matrix" }``
trains on another rule. A measure is asked of the model, its recipe and its training log, which is empty without one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import torch

from helpers.data.families import like
from helpers.data.recurrences import Family
from helpers.training.model import RecurrenceModel
from helpers.training.recipes import RECIPES, Recipe
from helpers.training.trainer import as_tensor, held_out, squared_errors

BASE = "base"
KEYS = {"table": str, "runs": str, "seeds": int, "measure": str, "product": bool, "base": dict, "axes": dict}
Run = tuple[str, int]  # setting, seed
Row = dict[str, str | int | float]
Log = Mapping[str, Sequence[float]]
Measure = Callable[[RecurrenceModel, Recipe, Log], Row]


class SweepError(ValueError):
    """The file is no sweep; the message names what is wrong in it and what is accepted."""


@dataclass(frozen=True)
class Sweep:
    """What is to be trained and where it goes.

    Attributes:
        table, runs: where rows and trainings are kept.
        measure: "package.module:function" of what is asked of each model and its recipe.
        seeds: so many of each setting, from 0 on.
        recipes: of each setting, for seed 0.
        untrained: settings whose models are left as they start.
    """

    table: Path
    runs: Path
    measure: str
    seeds: int
    recipes: Mapping[str, Recipe]
    untrained: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[Run]:
        """Every run: all settings with the first seed, then with the next."""
        return iter([(setting, seed) for seed in range(self.seeds) for setting in self.recipes])

    def recipe(self, run: Run) -> Recipe:
        """What one run is trained from."""
        setting, seed = run
        one = self.recipes[setting]
        return replace(one, model=replace(one.model, seed=seed), seed=seed)

    def folder(self, run: Run) -> Path:
        """Where one run is kept."""
        return self.runs / quote("{}-{}".format(*run), safe=" ,=")


def held_out_error(model: RecurrenceModel, recipe: Recipe, log: Log) -> Row:
    """The measure of a sweep that names none: mean squared error on the test sequences of the training log."""
    with torch.no_grad():
        errors = squared_errors(model.float(), as_tensor(held_out(recipe.family)))
    return {"test_mse": errors[recipe.first_context - 1 :].mean().item()}


def measure_named(name: str) -> Measure:
    """The function that a sweep names.

    Raises:
        SweepError: there is none of that name.
    """
    module, _, function = name.partition(":")
    try:
        return getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise SweepError(f"measure must be 'package.module:function', got {name!r} ({error})") from None


def read(path: Path | str) -> Sweep:
    """Reads a sweep from its file.

    Raises:
        SweepError: it cannot be read or says something that no sweep has.
    """
    path = Path(path)
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SweepError(f"{path}: cannot be read as TOML ({error})") from None
    try:
        return _sweep(said, path)
    except (ValueError, TypeError) as error:
        raise SweepError(f"{path}: {error}") from None


def _sweep(said: dict[str, Any], path: Path) -> Sweep:
    for key, value in said.items():
        if key not in KEYS or type(value) is not KEYS[key]:
            kinds = ", ".join(f"{name} ({kind.__name__})" for name, kind in KEYS.items())
            raise ValueError(f"a sweep has {kinds}; got {key} = {value!r}")
    if missing := [key for key in ("base", "axes") if key not in said]:
        raise ValueError(f"{missing[0]} is missing")
    seeds, base = said.get("seeds", 1), dict(said["base"])
    if seeds < 1:
        raise ValueError(f"seeds must be at least 1, got {seeds}")
    name = base.pop("recipe", None)
    if name not in RECIPES:
        raise ValueError(f"base.recipe must be one of {', '.join(RECIPES)}, got {name!r}")
    start = changed(RECIPES[name], base, "base")
    axes = {axis: _choices(axis, value) for axis, value in said["axes"].items()}
    settings: dict[str, list[tuple[str, dict]]] = {}
    if said.get("product", False):
        for picked in product(*(one.items() for one in axes.values())):
            settings[", ".join(name for name, _ in picked)] = list(picked)
    else:
        settings[BASE] = []
        for axis in axes.values():
            settings |= {name: [(name, change)] for name, change in axis.items()}
    recipes, untrained = {}, set()
    for setting, changes in settings.items():
        recipe = start
        for at, change in changes:
            if type(trained := change.get("trained", True)) is not bool:
                raise ValueError(f"axes: {at}: trained must be true or false, got {trained!r}")
            if not trained:
                untrained.add(setting)
            recipe = changed(recipe, {k: v for k, v in change.items() if k != "trained"}, f"axes: {at}")
        recipes[setting] = recipe
    table = path.parent / said.get("table", f"{path.stem}.csv")
    runs = path.parent / said.get("runs", f"../runs/{path.stem}")
    measure = said.get("measure", f"{__name__}:{held_out_error.__name__}")
    return Sweep(table.resolve(), runs.resolve(), measure, seeds, recipes, frozenset(untrained))


def _choices(axis: str, value: object) -> dict[str, dict]:
    """The settings of one axis: a table of named changes, or the values of one field."""
    if isinstance(value, dict) and value and all(isinstance(one, dict) for one in value.values()):
        return value
    if isinstance(value, list) and value:
        *outer, last = axis.split(".")
        found = {}
        for one in value:
            change: dict = {last: one}
            for part in reversed(outer):
                change = {part: change}
            found[f"{axis} = {one}"] = change
        return found
    raise ValueError(f"axes.{axis} must be a list of values or a table of named changes, got {value!r}")


def changed(whole: Any, changes: Mapping[str, Any], at: str) -> Any:
    """A recipe, or a part of one, with some fields changed; parts of it may be given as tables.

    Raises:
        ValueError: there is no such field, or it does not take the value; ``at`` says where it was asked for.
    """
    if isinstance(whole, Family) and "kind" in changes:
        try:
            whole = like(whole, changes["kind"])
        except ValueError as error:
            raise ValueError(f"{at}: {error}") from None
        changes = {name: value for name, value in changes.items() if name != "kind"}
    known, new = {field.name for field in fields(whole)}, {}
    for name, value in changes.items():
        if name not in known:
            raise ValueError(f"{at} has the fields {', '.join(sorted(known))}; got {name!r}")
        part = getattr(whole, name)
        if is_dataclass(part) and isinstance(value, dict):
            value = changed(part, value, f"{at}.{name}")
        new[name] = tuple(value) if isinstance(value, list) else value
    try:
        return replace(whole, **new)
    except ValueError as error:
        raise ValueError(f"{at}: {error}") from None
