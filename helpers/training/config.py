"""config.json as text: strict JSON, its own SHA-256, and dataclasses from it. All that is wrong is a ValueError."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import fields
from typing import Any

from helpers.data.families import family_class
from helpers.data.fields import ACCEPTS, hold, shown
from helpers.training.model import ModelConfig
from helpers.training.recipes import Recipe

OWN = "config_sha256"  # of all else in the file: sizes can be other ones that fit the weights, and give other numbers
NEEDED, TEXTS = {"recipe", "sha256"}, {"machine", "sha256", OWN}


def _constant(text: str) -> float:
    raise ValueError(f"numbers must be finite, got {text}")


def parse(content: bytes) -> dict[str, Any]:
    """What a config.json holds.

    Raises:
        ValueError: it is no JSON, has a number that is none, or other entries than those that are written.
    """
    try:
        config = json.loads(content, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not valid JSON ({error})") from error
    if not isinstance(config, dict) or not set(config) >= NEEDED:
        raise ValueError("'recipe' and 'sha256' must be there")
    if unknown := sorted(set(config) - NEEDED - TEXTS):
        raise ValueError(f"unknown entry {unknown[0]!r}")
    for name in sorted(TEXTS & set(config)):
        if not isinstance(config[name], str) or not config[name].isprintable():
            raise ValueError(f"{name} must be a text of one line, got {shown(config[name])}")
        if name != "machine" and not re.fullmatch("[0-9a-f]{64}", config[name]):
            raise ValueError(f"{name} must be 64 hexadecimal digits, got {shown(config[name])}")
    return config


def own_sha256(config: dict[str, Any]) -> str:
    """The SHA-256 of a config but for the entry that holds it."""
    rest = {name: value for name, value in config.items() if name != OWN}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _from_table(kind: type, values: object) -> Any:
    """A dataclass from its dictionary. JSON has lists where a field holds several values."""
    if not isinstance(values, dict):
        raise ValueError(f"{kind.__name__} must be a table of fields, got {shown(values)}")
    known = {one.name: one.metadata[ACCEPTS] for one in fields(kind)}
    if unknown := sorted(set(values) - set(known)):
        raise ValueError(f"unknown field {unknown[0]!r} of {kind.__name__}")
    found = {}
    for name, value in values.items():
        found[name] = tuple(value) if known[name].several and isinstance(value, list) else value
        hold(name, known[name], found[name])
    return kind(**found)


def recipe_of(config: dict[str, Any]) -> Recipe:
    """The recipe of a parsed config.

    Raises:
        ValueError: a field is unknown, or its value is not accepted.
    """
    values = config["recipe"]
    if isinstance(values, dict):
        family = values.get("family")
        named = family.get("kind", "affine") if isinstance(family, dict) else "affine"
        parts = {"model": ModelConfig, "family": family_class(named)}
        values = values | {name: _from_table(kind, values[name]) for name, kind in parts.items() if name in values}
    return _from_table(Recipe, values)
