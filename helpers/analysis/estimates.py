"""A measured number with its 95 % interval over sequences."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

RESAMPLES = 1000
EPSILON = 1e-13  # what varies by less of its size varies by rounding alone
PerSequence = Float[np.ndarray, " batch"] | Float[Tensor, " batch"]


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval; ``low`` = ``value`` = ``high`` where nothing was sampled (weights alone)."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        value, low, high = (number(x) for x in (self.value, self.low, self.high))
        return value if low == value == high else f"{value} [{low}, {high}]"


def exactly(value: float) -> Estimate:
    """A number of the weights alone, in which nothing was sampled."""
    return Estimate(value, value, value)


def rounded(value: float, digits: int = 9) -> float:
    """``value`` to so many significant digits.

    Whatever is decided from a number (which digits to print, whether a bound is passed, which of two is larger) is
    decided from this, since the last bits differ from one processor to another.
    """
    return float(f"{value:.{digits - 1}e}")


def number(value: float) -> str:
    """Three significant digits, whole numbers in full below 10,000; what is zero to nine decimals prints as 0."""
    value = rounded(value)
    if abs(value) < 5e-10:
        return "0"
    if 100 <= abs(value) < 1e4:
        return f"{value:.0f}"
    return f"{value:#.3g}" if 1e-3 <= abs(value) < 100 else f"{value:.2e}"


@lru_cache(maxsize=8)
def resampling(n: int, seed: int) -> Float[np.ndarray, "resamples n"]:
    """How often each of ``n`` sequences is in each resampled set; kept, since to draw it is most of a bootstrap's work.

    As float: whole numbers would be turned into it at each product.
    """
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(float)
    weights.setflags(write=False)
    return weights


def bootstrap(statistic: Callable[..., Float[np.ndarray, "*totals"]], *sums: PerSequence, seed: int = 0) -> Estimate:
    """Percentile bootstrap over sequences of a statistic made of totals (Efron & Tibshirani 1993, chapter 13).

    Args:
        statistic: takes one total for each of ``sums`` and gives the number; it must work on arrays elementwise.
        sums: for each sequence its share of a total, such as the sum of x * y over its positions and entries.
    Returns:
        The statistic of all sequences, with the 2.5 % and 97.5 % percentiles over resampled sets of sequences.
    Raises:
        ValueError: there is no sequence, a sum is not real or not finite, or no finite number follows from the totals
            or from those of a resampled set, as where they divide by 0.
    """
    given = [np.asarray(s) for s in sums]
    if unreal := [s.dtype for s in given if np.iscomplexobj(s)]:
        raise ValueError(f"an estimate needs real sums, got {unreal[0]}")
    table = np.stack([s.astype(float) for s in given])
    n = table.shape[1]
    if n == 0:
        raise ValueError("an estimate needs at least one sequence, got none")
    if not np.isfinite(table).all():
        raise ValueError(f"an estimate needs finite sums, got {table[~np.isfinite(table)][0]}")
    with np.errstate(all="ignore"):  # what is no number is found below
        value, drawn = float(statistic(*table.sum(axis=1))), statistic(*(table @ resampling(n, seed).T))
    if not math.isfinite(value):
        raise ValueError(f"an estimate needs totals of which a finite number follows, got {value}")
    if not np.isfinite(drawn).all():
        raise ValueError(f"an estimate needs more sequences, of {n} a resampled set may give no finite number")
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def mean(values: PerSequence) -> Estimate:
    """The mean over sequences."""
    return bootstrap(lambda total, n: total / n, values, np.ones(len(values)))


def ratio(numerator: PerSequence, denominator: PerSequence) -> Estimate:
    """Total over total.

    Raises:
        ValueError: ``denominator`` sums to 0, over all sequences or over a resampled set; or as ``bootstrap``.
    """
    with np.errstate(all="ignore"):
        total = np.asarray(denominator).sum()
    if len(denominator) and total == 0:
        raise ValueError("denominator must not sum to 0 over the sequences, got 0")
    return bootstrap(lambda a, b: a / b, numerator, denominator)


def affine(
    x: Float[Tensor, "... width"], fit_x: Float[Tensor, "... width"], fit_y: Float[Tensor, "... out"]
) -> Float[Tensor, "... out"]:
    """What the least-squares affine map from ``fit_x`` to ``fit_y`` makes of ``x``.

    Raises:
        ValueError: one of them is not real or not finite, from which least squares would make anything.
    """
    for name, values in {"x": x, "fit_x": fit_x, "fit_y": fit_y}.items():
        if values.is_complex() or not values.isfinite().all():
            raise ValueError(f"{name} must have real and finite numbers")

    def extended(t: Tensor) -> Tensor:
        return torch.cat([t, torch.ones_like(t[..., :1])], dim=-1)

    fit = torch.linalg.lstsq(extended(fit_x).flatten(0, -2), fit_y.flatten(0, -2), driver="gelsd")
    return extended(x) @ fit.solution


@dataclass(frozen=True)
class LineFit:
    """A least-squares line y = intercept + slope * x, with its R2 and correlation."""

    slope: Estimate
    r2: Estimate
    correlation: Estimate


def _centred(name: str, values: Float[Tensor, "batch ..."]) -> tuple[Float[Tensor, "batch entries"], float]:
    """Values less their mean, which would else drown how they vary, and the unit they were divided by."""
    if values.is_complex():
        raise ValueError(f"{name} must have real numbers, got {values.dtype}")
    values = values.double().flatten(1)
    largest = values.abs().max().item() if values.numel() else 0.0
    if not largest < math.inf:
        raise ValueError(f"{name} must have finite numbers, got {largest}")
    unit = largest if largest and not 1e-50 < largest < 1e50 else 1.0  # so that no fourth power overflows
    centred = values / unit
    centred = centred - centred.mean()
    if values.numel() and not centred.abs().max() > EPSILON * largest / unit:
        raise ValueError(f"{name} must vary, all of its entries are {values.flatten()[0].item():g}")
    return centred, unit


def line_fit(x: Float[Tensor, "batch ..."], y: Float[Tensor, "batch ..."]) -> LineFit:
    """Fits one straight line through all pairs of entries; the interval resamples whole sequences.

    Raises:
        ValueError: x and y differ in shape, or one of them is not real, not finite or does not vary, or there are so
            few sequences that a resampled set does not vary.
    """
    if x.shape != y.shape:
        raise ValueError(f"x and y must have one shape, got {tuple(x.shape)} and {tuple(y.shape)}")
    (x, unit_x), (y, unit_y) = _centred("x", x), _centred("y", y)
    count = np.full(len(x), float(x.shape[1]))
    sums = (count, x.sum(1), y.sum(1), (x * x).sum(1), (x * y).sum(1), (y * y).sum(1))

    def square(n, s, ss):
        """The summed square less the mean's; no number where nothing but rounding is left."""
        left = ss - s * s / n
        return np.where(left > EPSILON * ss, left, np.nan)

    def slope(n, sx, sy, sxx, sxy, syy):
        return (sxy - sx * sy / n) / square(n, sx, sxx) * (unit_y / unit_x)

    def correlation(n, sx, sy, sxx, sxy, syy):
        return (sxy - sx * sy / n) / np.sqrt(square(n, sx, sxx) * square(n, sy, syy))

    return LineFit(
        bootstrap(slope, *sums), bootstrap(lambda *s: correlation(*s) ** 2, *sums), bootstrap(correlation, *sums)
    )
