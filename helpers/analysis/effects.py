"""What heads do to the vectors they attend to: the OV scatter (A2, C3), the scaled copy (A3), the correction (C4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.analysis.attribution import head_result, to_output
from helpers.analysis.circuits import ov
from helpers.analysis.components import Component, attention, check
from helpers.analysis.estimates import Estimate, LineFit, bootstrap, line_fit, ratio
from helpers.analysis.observation import Observation
from helpers.data.recurrences import from_third

PerEntry = Float[Tensor, "batch positions width"]
Sums = Float[Tensor, "*batch"] | Float[np.ndarray, " resamples"] | float  # by sequence or in all, resampled or not
ROUNDING = 1e-12  # the squared sine of an angle below which it is made of rounding
BASES = ("residual", "vectors")


def varying(activation: Float[Tensor, "batch n_ctx width"]) -> Float[Tensor, "batch positions width"]:
    """An activation less its mean over sequences at each position, for contexts of 3 and more.

    What is the same for every sequence (position embeddings, biases) says nothing about the sequence, but is large
    enough in later layers to hide, and even to turn round, what happens to the part that does.
    """
    activation = from_third(activation)
    return activation - activation.mean(dim=0)


def carried(obs: Observation, layer: int) -> dict[Component, float]:
    """What each head of a layer carries: its share of the summed squares of what the heads write, as far as it varies.

    What is the same in every sequence, which a bias could supply, does not count. The shares sum to 1; heads that all
    write constants have equal ones.
    """
    squares = {h: varying(head_result(obs, h)).square().sum().item() for h in obs.heads(layer)}
    total = sum(squares.values())
    return {h: square / total if total else 1 / len(squares) for h, square in squares.items()}


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
    check(head, obs.config, "head")
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

    def told(self, least: float) -> bool | Bool[Tensor, "*batch"]:
        """Of totals or by sequence, whether p and q are far enough from parallel (squared sine above ``least``)."""
        return self.pp * self.qq - self.pq * self.pq > least * self.pp * self.qq

    def estimate(self, statistic: Callable[[TwoRegressors], Sums]) -> Estimate:
        """A statistic of the totals over all sequences, with its interval."""
        return bootstrap(lambda *totals: statistic(TwoRegressors(*totals)), *self)


def in_basis(
    obs: Observation, stream: Float[Tensor, "batch n_ctx d_model"], basis: str
) -> Float[Tensor, "batch n_ctx width"]:
    """A part of the residual stream, as it is or ("vectors") as the unembedding reads it.

    Raises:
        ValueError: ``basis`` is not in ``BASES``.
    """
    if basis not in BASES:
        raise ValueError(f"basis must be one of {BASES}, got {basis!r}")
    return stream if basis == "residual" else to_output(obs, stream)


def copy_slope(obs: Observation, head: Component, basis: str = "residual") -> Estimate:
    """The slope of a head's ``ov_points`` in units of the direct path: what attending to a vector alone would add of it
    for each unit of the vector at the destination that the stream holds already.

    The unit is what the embedding alone holds of it, which can be small beside what the heads add (``direct_share``):
    slopes are large then, whatever the heads do. What the stream holds in all would be no better unit: where heads
    write most of it, their slopes would cancel, and only where they look be left.
    """
    x, y = ov_points(obs, head, basis)
    return ratio(*((x * one).sum(dim=(1, 2)) for one in (y, varying(in_basis(obs, obs.embedded, basis)))))


def direct_share(obs: Observation, basis: str = "residual", layer: int = 0) -> Estimate:
    """How much of what the stream holds of v_n after a layer's attention the direct path alone supplies."""
    source = obs.embedded if basis == "residual" else obs.vectors
    present, previous = varying(source), varying(source.roll(1, dims=1))
    direct, stream = (
        TwoRegressors.of(present, previous, varying(in_basis(obs, x, basis)))
        for x in (obs.embedded, obs.cache["resid_mid", layer])
    )
    return bootstrap(
        lambda *s: TwoRegressors(*s[:6]).coefficients[0] / TwoRegressors(*s[6:]).coefficients[0], *direct, *stream
    )


def copy_strength(
    obs: Observation, basis: str = "residual", head: Component | None = None, layer: int = 0
) -> tuple[Estimate, Estimate]:
    """alpha in v_n -> v_n + alpha * v_{n-1}, as a layer's attention really applies it.

    The stream after the attention is regressed on v_n and v_{n-1} together; alpha is how much it holds of the previous
    vector for each unit of the present one, whose direct path is included. A copy in one basis need not be one in the
    other, so this can be asked in either: of the stream against the embedded vectors, or of what the unembedding would
    read in it against the vectors themselves.

    Args:
        head: that head's part of alpha alone, in the same unit; by default that of the whole layer.
    Returns:
        alpha, and the share that v_n and v_{n-1} explain of what the head or the heads write, without which alpha says
        little.
    Raises:
        ValueError: ``basis`` is not in ``BASES``, the model has no such layer or head, or v_n and v_{n-1} cannot be
            told apart, as where c is 0.
    """
    if basis not in BASES:
        raise ValueError(f"basis must be one of {BASES}, got {basis!r}")
    source = obs.embedded if basis == "residual" else obs.vectors
    present, previous = varying(source), varying(source.roll(1, dims=1))
    heads = obs.cache[attention(layer).hook]
    stream, written = (
        TwoRegressors.of(present, previous, varying(in_basis(obs, x, basis)))
        for x in (obs.cache["resid_mid", layer], heads if head is None else head_result(obs, head))
    )

    if not TwoRegressors(*(s.sum().item() for s in stream)).told(least=ROUNDING):
        raise ValueError(f"v_n and v_(n-1) must differ, so c must not be 0 throughout, got {obs.family}")

    def alpha(*totals: Sums) -> Sums:
        unit, _ = TwoRegressors(*totals[:6]).coefficients
        _, copied = TwoRegressors(*totals[6:]).coefficients
        return copied / unit

    copied = stream if head is None else written
    return bootstrap(alpha, *stream, *copied), written.estimate(lambda totals: totals.r2)


def implied_c(obs: Observation, prediction: Float[Tensor, "batch n_ctx dimension"]) -> Estimate:
    """The c for which a multiple of v_n + c * (v_n - v_{n-1}), the true answer, comes closest to a prediction.

    By least squares over all sequences, contexts of 3 and more; they should have one c. The multiple is free, so that
    a prediction which is only too small implies the same c.

    That is told only where v_n and the step to it point in different ways. Where they are nearly parallel, as where |c|
    is above some 1.2 and the last vectors outgrow the rest, a wrong size and a wrong c look alike, and a mixture of
    values of c would imply almost anything. ``following`` leaves bins out where they are parallel to rounding; those
    beyond 1.2 it reads, and notebook 2's figure leaves them out.

    Raises:
        ValueError: the vectors do not move (c = 0), so that every c gives the same answer, or there are no contexts of
            3 vectors.
    """
    present, step = from_third(obs.vectors), from_third(obs.vectors - obs.vectors.roll(1, dims=1))
    if not present.numel():
        raise ValueError(f"contexts must have at least 3 vectors, got {obs.vectors.shape[1]}")
    if not step.abs().max() > ROUNDING * present.abs().max():
        raise ValueError("the vectors do not move, so that no c is implied: c must not be 0")

    def c(totals: TwoRegressors) -> Sums:
        size, share = totals.coefficients
        return share / size

    return TwoRegressors.of(present, step, from_third(prediction)).estimate(c)


def toward_target(
    obs: Observation, written: Float[Tensor, "batch n_ctx d_model"], estimate: Float[Tensor, "batch n_ctx dimension"]
) -> Estimate:
    """How well what heads write points from an estimate to the target: a partial correlation (C4).

    That of their direct effect on the prediction and the error that the estimate leaves, given the estimate. The error
    is taken of the best multiple of the estimate, so it is orthogonal to it; what heads write along the estimate, which
    only rescales it, would keep the plain correlation r below sqrt(1 - rho^2), rho being that of heads and estimate.
    This is r / sqrt(1 - rho^2): 1 for heads that write the error, or the error and any multiple of the estimate.
    """
    guess, target, effect = (varying(x) for x in (estimate, obs.targets, to_output(obs, written)))
    sums = TwoRegressors.of(guess, target, effect)

    def partial(*totals: Sums) -> Sums:
        s = TwoRegressors(*totals)
        error_effect = s.qy - s.pq / s.pp * s.py
        error, along = s.qq - s.pq**2 / s.pp, s.yy - s.py**2 / s.pp
        return error_effect / np.sqrt(error * along)

    return bootstrap(partial, *sums)
