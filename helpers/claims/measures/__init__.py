"""Which measure answers which claim: a module for each layer, S5 to C5, found by being here.

To add a claim, add a module or a function with the decorator ``registry.claim``; nothing else lists them.
Where a claim speaks of "the heads" of a layer, each head is a reading of its own.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable

from helpers.analysis.observation import Observation
from helpers.claims.readings import Reading
from helpers.claims.registry import CLAIMS
from helpers.data.recurrences import THIRD

for module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{module.name}")


def ids() -> list[str]:
    """All claims that are measured, the set-up first."""
    return sorted(CLAIMS, key=lambda id: (id[0] != "S", id))


def measure(obs: Observation, wanted: Iterable[str] | None = None) -> dict[str, list[Reading]]:
    """The readings of each claim (default: of all).

    Raises:
        ValueError: a claim cannot be asked of this model: those of layer 1 are about 3 layers, C1 to C5 about the
            last of several, C1 about sequences with c beyond ``STRONG_C`` on either side, all about contexts of 3 and
            more.
        KeyError: an id that is not in ``CLAIMS``.
    """
    if obs.config.n_ctx <= THIRD:
        raise ValueError("the claims are about models with contexts of 3 vectors and more")
    return {id: CLAIMS[id].measure(obs) for id in (ids() if wanted is None else wanted)}
