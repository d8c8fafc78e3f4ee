"""What heads do to the vectors they attend to: the OV scatter (A2, C3), the scaled copy (A3), the correction (C4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from helpers.analysis.attribution import head_result, to_output
from helpers.analysis.circuits import ov
from helpers.analysis.components import Component, attention
from helpers.analysis.estimates import Estimate, LineFit, bootstrap, line_fit
from helpers.analysis.observation import Observation
from helpers.data.recurrences import from_third

PerEntry = Float[Tensor, "batch positions width"]
Sums = Float[Tensor, "*batch"] | Float[np.ndarray, " resamples"] | float  # by sequence or in all, resampled or not
BASES = ("residual", "vectors")


def varying(activation: Float[Tensor, "batch n_ctx width"]) -> Float[Tensor, "batch positions width"]:
    """An activation less its mean over sequences at each position, for contexts of 3 and more.

    What is the same for every sequence (position embeddings, biases) says nothing about the sequence, but is large
    enough in later layers to hide, and even to turn round, what happens to the part that does.
    """
    activation = from_third(activation)
    return activation - activation.mean(dim=0)


def ov_points(
    obs: Observation, head: Component, basis: str = "residual"
) -> tuple[Float[Tensor, "batch positions width"], Float[Tensor, "batch positions width"]]:
    """Input and output of a head's OV circuit, entry by entry, as in the paper's figure of section 4.4.

    Args:
        basis: "residual": the normalized residual stream that the head reads, against what attending to it alone
            writes to the stream. "vectors": the sequence's own vectors, against what attending to them adds to the
            prediction, through embedding and unembedding with nothing in between.
    Raises:
        ValueError: another basis.
    """
    if basis == "residual":
        source = obs.normalized(head.layer)
        return varying(source), varying(source @ ov(obs, head).AB)
    if basis == "vectors":
        scaled = obs.embedded / obs.norm_scale(head.layer)
        return varying(obs.vectors), varying(to_output(obs, scaled @ ov(obs, head).AB))
    raise ValueError(f"basis must be one of {BASES}, got {basis!r}")


def ov_fit(obs: Observation, head: Component, basis: str = "residual") -> LineFit:
    """The straight line through ``ov_points``: slope, R2, correlation."""
    return line_fit(*ov_points(obs, head, basis))


class TwoRegressors(NamedTuple):
    """The inner products that the least-squares fit y = b * p + a * q needs: by sequence, or summed over sequences."""

    pp: Sums
    qq: Sums
    pq: Sums
    py: Sums
    qy: Sums
    yy: Sums

    @classmethod
    def of(cls, p: PerEntry, q: PerEntry, y: PerEntry) -> TwoRegressors:
        """By sequence, summed over positions and entries."""
        pairs = (p, p), (q, q), (p, q), (p, y), (q, y), (y, y)
        return cls(*((left * right).sum(dim=(1, 2)) for left, right in pairs))

    @property
    def coefficients(self) -> tuple[Sums, Sums]:
        """b and a."""
        determinant = self.pp * self.qq - self.pq * self.pq
        b = (self.py * self.qq - self.qy * self.pq) / determinant
        a = (self.qy * self.pp - self.py * self.pq) / determinant
        return b, a

    @property
    def r2(self) -> Sums:
        """The share of y's square that the fit explains."""
        b, a = self.coefficients
        return (b * self.py + a * self.qy) / self.yy

    def estimate(self, statistic: Callable[[TwoRegressors], Sums]) -> Estimate:
        """A statistic of the totals over all sequences, with its interval."""
        return bootstrap(lambda *totals: statistic(TwoRegressors(*totals)), *self)


def copy_strength(obs: Observation, layer: int = 0) -> tuple[Estimate, Estimate]:
    """alpha in v_n -> v_n + alpha * v_{n-1}, as the layer's attention really applies it.

    The attention output at position n is regressed on the embedded v_n and v_{n-1} together. The stream then holds
    (1 + b) * v_n + a * v_{n-1}, and alpha = a / (1 + b): how much of the previous vector there is for each unit of the
    present one.

    Returns:
        alpha, and the share of the attention output that this regression explains (without which alpha says little).
    """
    written = varying(obs.cache[attention(layer).hook])
    present, previous = varying(obs.embedded), varying(obs.embedded.roll(1, dims=1))
    fit = TwoRegressors.of(present, previous, written)

    def alpha(totals: TwoRegressors) -> Sums:
        b, a = totals.coefficients
        return a / (1 + b)

    return fit.estimate(alpha), fit.estimate(lambda totals: totals.r2)


def copy_as_read(obs: Observation, head: Component | None = None, layer: int = 0) -> tuple[Estimate, Estimate]:
    """alpha in v_n -> v_n + alpha * v_{n-1}, as the unembedding reads the stream after a layer's attention.

    A copy in the vectors' own basis need not be one in the residual stream, and the other way round, so this asks in
    the basis of the vectors (``ov_points``): what the stream (``resid_mid``) would add to the prediction is regressed
    on v_n and v_{n-1} together. The unit is what there is of v_n, its direct path included.

    Args:
        head: that head's part of alpha alone, in the same unit; by default that of the whole layer.
    Returns:
        alpha, and the share that v_n and v_{n-1} explain of what is read: of the stream, or of the head's output.
    """
    present, previous = varying(obs.vectors), varying(obs.vectors.roll(1, dims=1))
    stream = TwoRegressors.of(present, previous, varying(to_output(obs, obs.cache["resid_mid", layer])))
    written = (
        stream if head is None else TwoRegressors.of(present, previous, varying(to_output(obs, head_result(obs, head))))
    )

    def alpha(*totals: Sums) -> Sums:
        unit, _ = TwoRegressors(*totals[:6]).coefficients
        _, copied = TwoRegressors(*totals[6:]).coefficients
        return copied / unit

    return bootstrap(alpha, *stream, *written), written.estimate(lambda totals: totals.r2)


def implied_c(obs: Observation, prediction: Float[Tensor, "batch n_ctx dimension"]) -> Estimate:
    """The c for which a multiple of v_n + c * (v_n - v_{n-1}), the true answer, comes closest to a prediction.

    By least squares over all sequences, contexts of 3 and more; they should have one c. (Where c is large, v_n and the
    step to it are nearly parallel, and a mixture of values of c would imply almost anything.) The multiple is free, so
    that a prediction which is only too small implies the same c.

    Raises:
        ValueError: the vectors do not move (c = 0), so that every c gives the same answer.
    """
    present, step = from_third(obs.vectors), from_third(obs.vectors - obs.vectors.roll(1, dims=1))
    if not step.any():
        raise ValueError("the vectors do not move, so that no c is implied: c must not be 0")

    def c(totals: TwoRegressors) -> Sums:
        size, share = totals.coefficients
        return share / size

    return TwoRegressors.of(present, step, from_third(prediction)).estimate(c)


def remaining_error_fit(
    obs: Observation, head: Component, remaining: Float[Tensor, "batch n_ctx dimension"]
) -> LineFit:
    """A head's direct effect on the prediction against the error that remained before its layer (C4).

    A head that corrects has a positive correlation: what it adds points from the estimate so far to the target.
    """
    return line_fit(from_third(remaining), from_third(to_output(obs, head_result(obs, head))))
