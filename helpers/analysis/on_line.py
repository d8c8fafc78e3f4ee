"""Which c a guess implies, sequence by sequence, and how it rises with c among sequences of one sign.

On the line of its sequence any mixture of the vectors seen is a size times v_n + c' (v_n - v_{n-1}), exactly. The size
is the sum of its weights, and c' the c that it implies. An error mixes the two and what ``following.kept`` says of
c > 0 is easily had: a rule that knows no more of c than its sign keeps about as much there as a model does, and is told
from one by how c' rises.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.analysis.effects import ROUNDING, TwoRegressors
from helpers.analysis.estimates import Estimate, line_fit
from helpers.analysis.following import SMALLEST, Prediction, signs
from helpers.analysis.observation import Observation
from helpers.data.blind import best_weights, predict

PerSequence = Float[Tensor, " batch"]


def on_line(obs: Observation, prediction: Prediction, seen: int = 3) -> tuple[PerSequence, PerSequence]:
    """Of each guess after ``seen`` vectors the size and the implied c.

    Neither is a number where v_n is parallel to the step, the implied c where the size is 0.

    Raises:
        ValueError: ``seen`` is not between 2 and the longest context.
    """
    if not 2 <= seen <= obs.config.n_ctx:
        raise ValueError(f"seen must be from 2 to {obs.config.n_ctx}, got {seen}")
    last = slice(seen - 1, seen)
    step = obs.vectors - obs.vectors.roll(1, dims=1)
    sums = TwoRegressors.of(obs.vectors[:, last], step[:, last], prediction[:, last])
    size, share = sums.coefficients
    told = sums.told(ROUNDING)
    return size.where(told, torch.nan), (share / size).where(told, torch.nan)


def _slopes(obs: Observation, other: PerSequence, x: PerSequence, y: PerSequence) -> dict[str, Estimate]:
    """By sign, the slope of y on x where the c of a sequence and another are ``SMALLEST`` or more, and y is finite."""
    found = {}
    for name, sign in signs(obs).items():
        chosen = (torch.minimum(sign * obs.c, sign * other) >= SMALLEST) & y.isfinite()
        found[name] = line_fit(x[chosen, None], y[chosen, None]).slope
    return found


def rises(obs: Observation, prediction: Prediction, seen: int = 3) -> dict[str, Estimate]:
    """By sign of c, how steeply the implied c rises with c after ``seen`` vectors, where |c| is ``SMALLEST`` or more.

    1 for a guess that follows c, 0 for one that implies the same c in all sequences of a sign, however small its error.

    Raises:
        ValueError: ``seen`` is not between 2 and the longest context, or too few sequences have a c that can be told.
    """
    return _slopes(obs, obs.c, obs.c, on_line(obs, prediction, seen)[1])


def moved(obs: Observation, prediction: Prediction, other: PerSequence, seen: int = 3) -> dict[str, Estimate]:
    """By sign of c, how far an intervention takes the implied c to another c of the same sign, after ``seen`` vectors.

    The slope of the implied c's change from the model's own on that of c, where |c| is ``SMALLEST`` or more for both: 1
    if it goes all the way, 0 if what was put in does not tell c.

    Raises:
        ValueError: ``seen`` is not between 2 and the longest context, or too few sequences have a c that can be told.
    """
    now, own = (on_line(obs, guess, seen)[1] for guess in (prediction, obs.prediction))
    return _slopes(obs, other, other - obs.c, now - own)


def knowing_the_sign(obs: Observation) -> Prediction:
    """What the best rule predicts that knows the sign of c alone: for each sign a fixed mixture of the vectors."""
    guess, family = torch.empty_like(obs.targets), obs.family
    below, above = dict(c_max=min(family.c_max, 0.0)), dict(c_min=max(family.c_min, 0.0))
    for chosen, bound in ((obs.c < 0, below), (obs.c >= 0, above)):
        if chosen.any():
            weights = best_weights(replace(family, **bound))
            guess[chosen] = torch.from_numpy(predict(weights, obs.vectors[chosen].numpy()))
    return guess
