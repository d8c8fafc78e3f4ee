"""The best that any predictor can do after two vectors, when c is still open.

From three vectors on, c can be solved for (``exact.exact_solver``). After two, v_2 = v_1 + c * x with
x = v_1 - v_0, so the best guess takes the mean of c given the two, and its squared error is the variance of c times
the mean square of x.

What the two vectors say of c. Before scaling, v_1 - c * v_0 = d is standard normal. Scaling hides the unit but tells
something else: the whole sequence, which c continues as v_n = v_1 + (c + ... + c^(n-1)) * x, has size 1. With u the
direction of (v_0, v_1), q(c) = |v_0|^2 + |v_1 - c v_0|^2 and D entries to a vector, integrating the unknown unit out
gives p(c | u) proportional to q(c)^-D. The size then leaves only those c with size(c) = 1: isolated ones, each weighted
by 1 / |size'(c)| (change of variables), or, if the largest entry of all lies in v_0 or v_1 and the scaling is by the
largest entry, every c that makes no later entry larger.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from helpers.data.recurrences import Family

GRID = 2001  # values of c between c_min and c_max
ONE = 1e-9  # how far from 1 the size of a scaled sequence may be, by rounding


def sizes(
    family: Family,
    v0: Float[np.ndarray, " dimension"],
    v1: Float[np.ndarray, " dimension"],
    c: Float[np.ndarray, " grid"],
) -> Float[np.ndarray, " grid"]:
    """What ``family.scaling`` would divide the sequence by that v_0 and v_1 start, for each c."""
    powers = np.vander(c, family.length - 1, increasing=True).T
    sums = np.concatenate([-np.ones((1, len(c))), np.cumsum(powers, axis=0) - 1])
    x = v1 - v0  # v_n = v_1 + sums[n] * x, with sums -1, 0, c, c + c^2, ...
    if family.scaling == "rms":
        mean_square = (v1 @ v1 + 2 * (v1 @ x) * sums.mean(axis=0) + (x @ x) * (sums**2).mean(axis=0)) / len(x)
        return np.sqrt(mean_square)
    ends = np.stack([sums.min(axis=0), sums.max(axis=0)])  # an entry is largest where its sum is
    return np.abs(v1 + ends[:, :, None] * x).max(axis=(0, 2))


def posterior(
    family: Family, v0: Float[np.ndarray, " dimension"], v1: Float[np.ndarray, " dimension"]
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
    """The values that c can have after two vectors, and their probabilities.

    Raises:
        ValueError: ``family`` is not affine or has noise, which this derivation leaves out, or no sequence of it begins
            so.
    """
    if family.kind != "affine":
        raise ValueError(f"family must be affine, got {family.kind!r}")
    if family.noise:
        raise ValueError(f"family.noise must be 0, got {family.noise}")
    if family.c_min == family.c_max:
        return np.array([family.c_min]), np.ones(1)
    c = np.linspace(family.c_min, family.c_max, GRID)
    if family.scaling == "none":
        log_weight = -0.5 * ((v1 - c[:, None] * v0) ** 2).sum(axis=1)
    else:
        excess = sizes(family, v0, v1, c) - 1
        slope = np.ones(GRID)
        if family.scaling == "max" and max(np.abs(v0).max(), np.abs(v1).max()) >= 1 - ONE:
            c = c[excess <= ONE]
            if len(c) == 0:
                raise ValueError("no sequence of this family begins so: whatever c, an entry becomes larger than 1")
        else:
            at = np.flatnonzero(np.signbit(excess[:-1]) != np.signbit(excess[1:]))
            if len(at) == 0:  # it only touches 1
                return c[[np.abs(excess).argmin()]], np.ones(1)
            rise = excess[at + 1] - excess[at]
            c, slope = c[at] - excess[at] * (c[1] - c[0]) / rise, np.abs(rise)
        square = (v0**2).sum() + ((v1 - c[:, None] * v0) ** 2).sum(axis=1)
        log_weight = -len(v0) * np.log(square) - np.log(slope[: len(c)])
    weight = np.exp(log_weight - log_weight.max())
    return c, weight / weight.sum()


def after_two(
    family: Family, vectors: Float[np.ndarray, "batch n dimension"]
) -> tuple[Float[np.ndarray, "batch dimension"], Float[np.ndarray, " batch"]]:
    """The best guess for the third vector from the first two, and the squared error (mean over entries) to expect."""
    guesses, errors = [], []
    for v0, v1 in vectors[:, :2]:
        c, p = posterior(family, v0, v1)
        middle = p @ c
        guesses.append(v1 + middle * (v1 - v0))
        errors.append(p @ (c - middle) ** 2 * ((v1 - v0) ** 2).mean())
    return np.array(guesses), np.array(errors)
