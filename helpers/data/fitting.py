"""What a sequence says of itself: the affine recurrence that fits it best, and how far its readings are from that.

With noise or rounding in every reading, a least-squares fit of the whole curve a_n = A + B s_n, s_n = 1 + c + ... +
c^(n-1), finds c without the bias that the differences of ``exact.solve_c`` have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar
from scipy.stats import t

from helpers.data.exact import solve_c

GRID = np.linspace(-2.5, 2.5, 201)
EXACT = 1e-3  # residuals so much smaller than rounding could be show that the digits are all there is
DIGITS = 7  # with more than so many, rounding is not worth a word


@dataclass(frozen=True)
class Fit:
    """The best affine recurrence.

    Attributes:
        c: of it; ``low`` and ``high`` end its 95 % interval.
        residual: standard deviation of the readings about it; 0 where three single numbers leave none.
        noise: the readings' own deviation, from ``residual`` and the rounding that their digits show.
        freedom: degrees of freedom of ``residual``; infinite where rounding says more.
        curve: what it is at the readings and after them.
    """

    c: float
    low: float
    high: float
    residual: float
    noise: float
    freedom: float
    curve: Float[np.ndarray, "length width"]

    @property
    def widening(self) -> float:
        """By how much Student's 95 % are wider than the normal's: few readings do not tell the noise well."""
        return 1.0 if np.isinf(self.freedom) else float(t.ppf(0.975, self.freedom)) / 1.96


def rounding(sequence: Float[np.ndarray, "n width"]) -> float:
    """The standard deviation that rounding to the digits of the numbers gives them, 0 if they have very many."""
    size = np.abs(sequence).max()
    for places in range(-2, 16):
        step = 10.0**-places
        if size >= step * 10**DIGITS:
            return 0.0
        if np.allclose(sequence, np.round(sequence, places), rtol=0, atol=1e-9 * step + 4e-16 * size):
            return step / np.sqrt(12)
    return 0.0


def sums(c: Float[np.ndarray, " grid"], length: int) -> Float[np.ndarray, "grid length"]:
    """1 + c + ... + c^(n-1) for n = 0, 1, ...; smooth where c = 1."""
    powers = c[:, None] ** np.arange(length - 1)
    return np.concatenate([np.zeros((len(c), 1)), powers.cumsum(axis=1)], axis=1)


def squares(c: Float[np.ndarray, " grid"], sequence: Float[np.ndarray, "n width"]) -> Float[np.ndarray, " grid"]:
    """What each c leaves unexplained, A and B being the best for it."""
    s = sums(c, len(sequence))
    s = s - s.mean(axis=1, keepdims=True)
    centred = sequence - sequence.mean(axis=0)
    slope = (s @ centred) / (s * s).sum(axis=1, keepdims=True)
    return ((centred - s[:, :, None] * slope[:, None]) ** 2).sum(axis=(1, 2))


def fit(
    sequence: Float[np.ndarray, "n width"], length: int | None = None, within: tuple[float, float] | None = None
) -> Fit:
    """The affine recurrence that fits a sequence of three vectors and more best.

    Args:
        length: of the curve (default: the sequence's own).
        within: lowest and highest c (default: any).
    Raises:
        ValueError: there are fewer vectors than three, one is not finite, or all are equal, so that any c fits.
    """
    count, width = sequence.shape
    if count < 3 or not width:
        raise ValueError(f"sequence must have at least 3 vectors of at least 1 entry, got {count} of {width}")
    if not np.isfinite(sequence).all():
        raise ValueError("sequence must have finite numbers")
    if (sequence == sequence[0]).all():
        raise ValueError("sequence must not be constant: any c fits")
    size = np.abs(sequence - sequence.mean(axis=0)).max() or 1.0
    scaled = (sequence - sequence.mean(axis=0)) / size
    solved = solve_c(scaled[None])[0, -1]
    grid = np.linspace(*within, len(GRID)) if within else np.sort([*GRID, solved])
    best = int(np.argmin(squares(grid, scaled)))
    ends = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = minimize_scalar(lambda c: squares(np.array([c]), scaled)[0], bounds=ends, options={"xatol": 1e-12}).x
    c = min((found, grid[best]), key=lambda c: squares(np.array([c]), scaled)[0])
    s = sums(np.array([c]), max(length or 0, count))[0]
    known = s[:count] - s[:count].mean()
    slope = known @ scaled / (known @ known)
    curve = sequence.mean(axis=0) + size * np.outer(s - s[:count].mean(), slope)
    freedom = count * width - 2 * width - 1
    residual = size * np.sqrt(squares(np.array([c]), scaled)[0] / freedom) if freedom else 0.0
    digits = rounding(sequence)
    if freedom and residual < EXACT * digits:
        digits = 0.0
    told = residual >= digits and freedom > 0
    result = float(residual if told else digits), float(freedom if told else np.inf)
    half = _half_interval(c, count, float(np.sqrt(slope @ slope)) * size, *result)
    return Fit(float(c), float(c - half), float(c + half), float(residual), *result, curve)


def _half_interval(c: float, count: int, slope: float, noise: float, freedom: float) -> float:
    """Half the 95 % interval of c: noise over how much the curve moves with c where A and B do not make up for it."""
    near = sums(np.array([c - 1e-5, c, c + 1e-5]), count)
    basis = np.linalg.qr(np.stack([np.ones(count), near[1]], axis=1))[0]
    moved = (near[2] - near[0]) / 2e-5
    own = np.linalg.norm(moved - basis @ (basis.T @ moved)) * slope
    return float(t.ppf(0.975, min(freedom, 1e6)) * noise / own) if own > 0 else np.inf
