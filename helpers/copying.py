"""What heads do to the vectors they attend to: the OV scatter (A2, C3), the scaled copy (A3), the correction (C4)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from helpers.attribution import head_result, to_output
from helpers.circuits import ov
from helpers.estimates import Estimate, LineFit, bootstrap, line_fit
from helpers.observation import Observation
from helpers.recurrences import FIRST

BASES = ("residual", "vectors")


def varying(activation: Float[Tensor, "batch n_ctx width"]) -> Float[Tensor, "batch positions width"]:
    """An activation less its mean over sequences at each position, for contexts of 3 and more.

    What is the same for every sequence (position embeddings, biases) says nothing about the sequence, but is large
    enough in later layers to hide, and even to turn round, what happens to the part that does.
    """
    activation = activation[:, FIRST:]
    return activation - activation.mean(dim=0)


def ov_points(
    obs: Observation, layer: int, head: int, basis: str = "residual"
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
        source = obs.cache[f"blocks.{layer}.ln1.hook_normalized"]
        return varying(source), varying(source @ ov(obs, layer, head).AB)
    if basis == "vectors":
        scaled = obs.embedded / obs.cache[f"blocks.{layer}.ln1.hook_scale"]
        return varying(obs.vectors), varying(to_output(obs, scaled @ ov(obs, layer, head).AB))
    raise ValueError(f"basis must be one of {BASES}, got {basis!r}")


def ov_fit(obs: Observation, layer: int, head: int, basis: str = "residual") -> LineFit:
    """The straight line through ``ov_points``: slope, R2, correlation."""
    return line_fit(*ov_points(obs, layer, head, basis))


def copy_strength(obs: Observation, layer: int = 0) -> tuple[Estimate, Estimate]:
    """alpha in v_n -> v_n + alpha * v_{n-1}, as the layer's attention really applies it.

    The attention output at position n is regressed on the embedded v_n and v_{n-1} together. The stream then holds
    (1 + b) * v_n + a * v_{n-1}, and alpha = a / (1 + b): how much of the previous vector there is for each unit of the
    present one.

    Returns:
        alpha, and the share of the attention output that this regression explains (without which alpha says little).
    """
    written = varying(obs.cache[f"blocks.{layer}.hook_attn_out"])
    present = varying(obs.embedded)
    previous = varying(obs.embedded.roll(1, dims=1))

    def dot(x: Tensor, y: Tensor) -> Tensor:
        return (x * y).sum(dim=(1, 2))

    def coefficients(pp, qq, pq, pw, qw):
        determinant = pp * qq - pq * pq
        return (qw * pp - pw * pq) / determinant, (pw * qq - qw * pq) / determinant

    def alpha(*sums):
        a, b = coefficients(*sums)
        return a / (1 + b)

    def r2(*sums):
        *regression, ww = sums
        a, b = coefficients(*regression)
        return (a * sums[4] + b * sums[3]) / ww

    sums = (
        dot(present, present),
        dot(previous, previous),
        dot(present, previous),
        dot(present, written),
        dot(previous, written),
    )
    return bootstrap(alpha, *sums), bootstrap(r2, *sums, dot(written, written))


def remaining_error_fit(
    obs: Observation, layer: int, head: int, remaining: Float[Tensor, "batch n_ctx dimension"]
) -> LineFit:
    """A head's direct effect on the prediction against the error that remained before its layer (C4).

    A head that corrects has a positive correlation: what it adds points from the estimate so far to the target.
    """
    return line_fit(remaining[:, FIRST:], to_output(obs, head_result(obs, layer, head))[:, FIRST:])
