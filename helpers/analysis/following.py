"""Whether a prediction follows c: what "solves the task" means in this series.

Two measures, each by sign of c. The *loss* is the squared error over that of the best rule which does not know c
(``helpers.data.blind``): 0 for the exact solver, 1 for a rule blind to c, whatever the scale of the data. The *implied
c* is read from predictions by bins of c and compared with what the targets of the same bin imply.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.analysis.effects import TwoRegressors
from helpers.analysis.estimates import Estimate, bootstrap, ratio
from helpers.analysis.observation import Observation
from helpers.data.blind import best_weights, predict
from helpers.data.recurrences import from_third

Prediction = Float[Tensor, "batch n_ctx dimension"]
SMALLEST, BINS = 0.2, 4  # of |c|: below it the vectors hardly move from the third on, and c is ill conditioned
SIGNS = {"c < 0": -1, "c > 0": 1}


def blind_prediction(obs: Observation) -> Prediction:
    """What the best rule that does not know c predicts for the observed sequences."""
    return torch.from_numpy(predict(best_weights(obs.family), obs.vectors.numpy()))


def loss(obs: Observation, prediction: Prediction, chosen: Bool[Tensor, " batch"]) -> Estimate:
    """The squared error over that of the best rule blind to c, on the chosen sequences, contexts of 3 and more."""
    return ratio(*(obs.errors(p)[chosen].sum(dim=1) for p in (prediction, blind_prediction(obs))))


@dataclass(frozen=True)
class Bin:
    """What is implied for the sequences with c between two bounds: by the targets, by a prediction, and how far off."""

    low: float
    high: float
    true: float
    implied: Estimate
    off: Estimate


def implied_by_bin(obs: Observation, prediction: Prediction, sign: int) -> list[Bin]:
    """The implied c (``effects.implied_c``) by bins of equal width of |c| from ``SMALLEST`` to the family's largest.

    A prediction and the targets are fitted alike, so that an exact prediction is off by 0 in every bin. Bins without
    sequences are left out.
    """
    present, step = from_third(obs.vectors), from_third(obs.vectors - obs.vectors.roll(1, dims=1))
    guess, truth = (TwoRegressors.of(present, step, from_third(p)) for p in (prediction, obs.targets))
    largest = max(abs(obs.family.c_min), abs(obs.family.c_max))
    edges = torch.linspace(SMALLEST, largest, BINS + 1).tolist()

    def implied(sums: TwoRegressors):
        size, share = sums.coefficients
        return share / size

    def difference(*sums):
        return implied(TwoRegressors(*sums[:6])) - implied(TwoRegressors(*sums[6:]))

    bins = []
    for low, high in zip(edges, edges[1:], strict=False):
        chosen = (sign * obs.c >= low) & (sign * obs.c < high)
        if chosen.any():
            of_guess, of_truth = (TwoRegressors(*(s[chosen] for s in sums)) for sums in (guess, truth))
            true = implied(TwoRegressors(*(s.sum() for s in of_truth))).item()
            bins.append(Bin(low, high, true, of_guess.estimate(implied), bootstrap(difference, *of_guess, *of_truth)))
    return bins


@dataclass(frozen=True)
class Following:
    """How far a prediction follows c, for one sign of c.

    Attributes:
        loss: error over that of the best rule blind to c.
        off: the implied c of the bin where it is farthest from the true one, less that.
    """

    loss: Estimate
    off: Estimate


def following(obs: Observation, prediction: Prediction) -> dict[str, Following]:
    """Loss and implied c of a prediction, by sign of c.

    Raises:
        ValueError: the observed sequences have no c of one sign beyond ``SMALLEST``.
    """
    found = {}
    for name, sign in SIGNS.items():
        bins = implied_by_bin(obs, prediction, sign)
        if not bins:
            raise ValueError(f"the observed sequences must have {name} beyond {SMALLEST}, got {obs.family}")
        worst = max(bins, key=lambda one: abs(one.off.value))
        found[name] = Following(loss(obs, prediction, sign * obs.c > 0), worst.off)
    return found
