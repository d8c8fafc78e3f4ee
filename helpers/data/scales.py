"""The scale of an error: what solver, least squares, naive rules and the best blind rule make of sequences."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from helpers.data import blind
from helpers.data.predictors import PREDICTORS
from helpers.data.recurrences import Family, from_third

LEAST_SQUARES, SOLVER, BLIND = "affine least squares", "the family's solver", "best rule blind to the parameters"


def errors(
    family: Family, vectors: Float[np.ndarray, "batch length dimension"]
) -> dict[str, Float[np.ndarray, "batch length-1"]]:
    """Each rule's squared error, mean over entries; column k is the error after k + 1 vectors."""
    rules = {LEAST_SQUARES if name == "exact solver" else name: rule for name, rule in PREDICTORS.items()}
    rules |= {BLIND: lambda v: blind.predict(blind.best_weights(family), v), SOLVER: family.solve}
    seen, targets = vectors[:, :-1], vectors[:, 1:]
    return {name: ((rule(seen) - targets) ** 2).mean(axis=2) for name, rule in rules.items()}


def scale(family: Family, vectors: Float[np.ndarray, "batch length dimension"]) -> dict[str, float]:
    """Each rule's mean squared error over contexts of 3 vectors and more."""
    return {name: float(from_third(each).mean()) for name, each in errors(family, vectors).items()}
