"""What the fields of a dataclass accept, said where they are declared, and the check that holds them to it.

steps: int = whole(100, 1, 2**40)
def __post_init__(self): check(self)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

ACCEPTS = "accepts"
KINDS = {int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class Accepts:
    """What a field's value must be.

    Attributes:
        kind: its type; where it is float, int will do, but a truth value is neither.
        low, high: the bounds of a number.
        ends: "[" and "]" where a bound itself is accepted, "(" and ")" where it is not.
        options: all there are, of a text.
        several: a tuple of such values.
    """

    kind: type
    low: float = 0
    high: float = 0
    ends: str = "[]"
    options: tuple[str, ...] = ()
    several: bool = False

    def __str__(self) -> str:
        if self.options:
            return f"one of {self.options}"
        if self.kind not in KINDS:
            return "true or false" if self.kind is bool else f"a {self.kind.__name__}"
        return f"{KINDS[self.kind]} in {self.ends[0]}{self.low:.12g}, {self.high:.12g}{self.ends[1]}"

    def one(self, value: object) -> bool:
        """Whether a single value will do."""
        if self.options:
            return isinstance(value, str) and value in self.options
        if self.kind not in KINDS:
            return isinstance(value, self.kind)
        if isinstance(value, bool) or not isinstance(value, (int, self.kind)):
            return False
        inside = self.low <= value <= self.high  # False for what is no number
        return inside and not (self.ends[0] == "(" and value == self.low or self.ends[1] == ")" and value == self.high)


def _declared(accepts: Accepts, default: object) -> Any:
    return field(default=default, metadata={ACCEPTS: accepts})


def whole(default: object, low: int, high: int, several: bool = False) -> Any:
    """A whole number between two bounds, which it may reach; or a tuple of such numbers."""
    return _declared(Accepts(int, low, high, several=several), default)


def real(default: object, low: float, high: float, ends: str = "[]", several: bool = False) -> Any:
    """A number between two bounds; or a tuple of such numbers."""
    return _declared(Accepts(float, low, high, ends, several=several), default)


def truth(default: bool) -> Any:
    """True or False."""
    return _declared(Accepts(bool), default)


def choice(default: object, options: tuple[str, ...], several: bool = False) -> Any:
    """One of some words; or a tuple of them."""
    return _declared(Accepts(str, options=options, several=several), default)


def part(kind: type) -> Any:
    """Another such dataclass, by default one with its defaults."""
    make: Callable[[], object] = kind
    return field(default_factory=make, metadata={ACCEPTS: Accepts(kind)})


def hold(name: str, accepts: Accepts, value: object) -> None:
    """Holds one value to what its field accepts. Raises ValueError like ``check``."""
    if accepts.several and not isinstance(value, tuple):
        raise ValueError(f"{name} must be several values, each {accepts}, got {shown(value)}")
    for item in value if accepts.several else (value,):
        if not accepts.one(item):
            raise ValueError(f"{name} must be {accepts}, got {shown(item)}")


def check(values: Any) -> None:
    """Holds a dataclass to what its fields accept.

    Raises:
        ValueError: a field's value is not accepted; it names the field and the value, and says what is.
    """
    for one in fields(values):
        hold(one.name, one.metadata[ACCEPTS], getattr(values, one.name))


def shown(value: object) -> str:
    """A value as a piece of one line."""
    try:
        return " ".join(repr(value).split())[:80]
    except ValueError:  # a whole number of so many digits that Python writes none
        return f"a very large {type(value).__name__}"
