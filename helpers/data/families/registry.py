"""The families by name: ``@named("second order")`` above a subclass of ``Rule`` is all that it takes to add one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import dataclass_transform

from helpers.data.fields import choice, real
from helpers.data.recurrences import Family

FAMILIES: dict[str, type[Family]] = {Family.kind: Family}
SHARED = ("dimension", "length", "scaling", "noise")


@dataclass(frozen=True)
class Rule(Family):
    """A family of another rule than the affine, whose numbers are within -1 and 1 unless it says otherwise."""

    c_min: float = real(-1.0, -100, 100)
    c_max: float = real(1.0, -100, 100)


@dataclass_transform(frozen_default=True)
def named(name: str) -> Callable[[type[Family]], type[Family]]:
    """Makes a subclass of ``Rule`` a family that recipes, checkpoints and the command line know by this name.

    Raises:
        ValueError: another class has the name.
    """

    def add(rule: type[Family]) -> type[Family]:
        other = FAMILIES.get(name, rule)
        if (other.__module__, other.__qualname__) != (rule.__module__, rule.__qualname__):
            raise ValueError(f"name {name!r} is that of {other.__module__}.{other.__qualname__}")
        rule.__annotations__["kind"] = "str"
        rule.kind = choice(name, (name,))
        rule.kind.kw_only = True  # Family(40, 15, …) and the like go on to work
        FAMILIES[name] = dataclass(frozen=True)(rule)
        return FAMILIES[name]

    return add


def family_class(name: object) -> type[Family]:
    """The family of a name. Raises ValueError if there is none."""
    if not isinstance(name, str) or name not in FAMILIES:
        raise ValueError(f"kind must be one of {sorted(FAMILIES)}, got {name!r:.80}")
    return FAMILIES[name]


def like(family: Family, name: str) -> Family:
    """A family of another rule in the same dimension, length, scaling and noise. Raises ValueError as its fields do."""
    kind = family_class(name)
    if kind is type(family):
        return family
    return kind(**{one.name: getattr(family, one.name) for one in fields(family) if one.name in SHARED})
