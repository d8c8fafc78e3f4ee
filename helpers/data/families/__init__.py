"""Families of recurrences beside the affine one, a file or a few lines each; a file that is put here is found.

FAMILIES["second order"](dimension=8) is one, as ``recurrences.Family()`` is; ``recurrences.sample`` draws from it.
"""

from importlib import import_module
from pkgutil import iter_modules

from helpers.data.families.registry import FAMILIES, Rule, family_class, like, named

for _module in sorted(iter_modules(__path__), key=lambda module: module.name):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["FAMILIES", "Rule", "family_class", "like", "named"]
