"""Whether a sequence is one that a model was trained to continue: its c, and whether it is affine at all."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.stats import chi2

from helpers.data.fitting import Fit, rounding
from helpers.data.recurrences import Family
from helpers.places import CHECKPOINTS
from helpers.training import checkpoints

EDGE = 1e-3  # a c so little outside the range is not worth a word
SHARE = 0.25  # of a sequence's standard deviation: what noise may explain where none is stated
CERTAIN = 0.999  # level of the test of a stated noise


def covering(c: float, width: int) -> str | None:
    """The shipped model with the smallest test error of those that were trained on this c and take so many entries."""
    found = []
    for folder in CHECKPOINTS.iterdir():
        if folder.is_dir():
            family = checkpoints.load_recipe(folder).family
            if family.kind == "affine" and family.c_min <= c <= family.c_max and width <= family.dimension:
                found.append((checkpoints.load_log(folder)["test_mse"][-1], folder.name))
    return min(found)[1] if found else None


def unsuited(
    found: Fit, sequence: Float[np.ndarray, "n width"], family: Family, noise: float | None = None
) -> str | None:
    """What is wrong with a sequence for a model that was trained on a family, with the number; None if nothing is.

    Args:
        found: the sequence's fit.
        noise: the standard deviation of the readings, where it is known.
    """
    count, width = sequence.shape
    freedom = count * width - 2 * width - 1
    best = f"the affine recurrence that fits best (c = {found.c:.4g})"
    if noise is not None and freedom:
        stated = np.hypot(noise, rounding(sequence))
        if freedom * found.residual**2 > chi2.ppf(CERTAIN, freedom) * stated**2 + (1e-9 * np.abs(sequence).max()) ** 2:
            return f"source is not affine: {best} leaves {found.residual:.3g} where noise={noise:g} was stated"
    elif found.residual > max(SHARE * sequence.std(), 3 * rounding(sequence)):
        share = found.residual / sequence.std()
        return f"source is not affine: {best} leaves {found.residual:.3g}, {share:.0%} of its standard deviation"
    if family.c_min - EDGE > found.high or family.c_max + EDGE < found.low:
        other = covering(found.c, width)
        known = f"the shipped model {other!r} was trained on it" if other else "no shipped model was trained on it"
        return (
            f"source has c = {found.c:.4g}, outside the {family.c_min:g} to {family.c_max:g} of this model's training; "
            f"{known}"
        )
    return None
