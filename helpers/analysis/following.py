"""Whether a prediction follows c: what "solves the task" means in this series.

Two measures, each by sign of c. The *loss* is the squared error over that of the best rule which does not know c
(``helpers.data.blind``): 0 for the exact solver, 1 for a rule blind to c, whatever the scale of the data. The *implied
c* is read from predictions by bins of c and compared with what the targets of the same bin imply.

Both have a range in which they say something. Errors are summed over lengths of context, and that of the blind rule
falls fourfold with each vector more: so the loss, and what is ``kept``, are about contexts of 3 to 5
(``loss_by_context``). Among c > 0 they ask little more than the sign of c: ``on_line`` asks which. The implied c mixes
with the size of a prediction where vectors and steps are nearly parallel: for |c| above some 1.2 it is ill determined,
with wide intervals, and where they are parallel to rounding it is left out (``PARALLEL``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.analysis.effects import Sums, TwoRegressors
from helpers.analysis.estimates import Estimate, bootstrap, ratio, rounded
from helpers.analysis.observation import Observation
from helpers.data.blind import best_weights, predict
from helpers.data.recurrences import from_third

Prediction = Float[Tensor, "batch n_ctx dimension"]
SMALLEST, BINS = 0.2, 4  # of |c|: below it the vectors hardly move from the third on, and c is ill conditioned
PARALLEL = 1e-6  # the squared sine of the angle between vectors and steps below which they count as parallel
SIGNS = {"c < 0": -1, "c > 0": 1}


class NothingToKeep(ValueError):
    """A model that is the blind rule, of which no intervention keeps or takes anything."""


def signs(obs: Observation) -> dict[str, int]:
    """The signs of c that the observed sequences have, beyond ``SMALLEST``: a family may have one alone.

    Raises:
        ValueError: they have neither.
    """
    found = {name: sign for name, sign in SIGNS.items() if (sign * obs.c >= SMALLEST).any()}
    if not found:
        raise ValueError(f"the observed sequences must have a c beyond ±{SMALLEST}, got {obs.family}")
    return found


def blind_prediction(obs: Observation) -> Prediction:
    """What the best rule that does not know c predicts for the observed sequences."""
    return torch.from_numpy(predict(best_weights(obs.family), obs.vectors.numpy()))


def loss(obs: Observation, prediction: Prediction, chosen: Bool[Tensor, " batch"]) -> Estimate:
    """The squared error over that of the best rule blind to c, on the chosen sequences, contexts of 3 and more."""
    return ratio(*(obs.errors(p)[chosen].sum(dim=1) for p in (prediction, blind_prediction(obs))))


def loss_by_context(
    obs: Observation, prediction: Prediction, chosen: Bool[Tensor, " batch"]
) -> list[tuple[Estimate, float]]:
    """``loss`` for each length of context, from 3 on, and the share that the length has of the blind rule's error.

    The shares sum to 1, and weighted by them the losses sum to ``loss``: what has no share does not count there.
    """
    late, blind = (obs.errors(p)[chosen] for p in (prediction, blind_prediction(obs)))
    shares = (blind.sum(dim=0) / blind.sum()).tolist()
    return [(ratio(late[:, i], blind[:, i]), share) for i, share in enumerate(shares)]


@dataclass(frozen=True)
class Bin:
    """What is implied for the sequences with c between two bounds: by the targets, by a prediction, and how far off."""

    low: float
    high: float
    true: float
    implied: Estimate
    off: Estimate


def _implied(sums: TwoRegressors) -> Sums:
    size, share = sums.coefficients
    return share / size


def _c_of(sums: Sequence[Sums], i: int) -> Sums:
    """The c that the i-th of several fits implies, their sums one after another."""
    return _implied(TwoRegressors(*sums[6 * i : 6 * i + 6]))


def _by_bin(
    obs: Observation, sign: int, *predictions: Prediction
) -> Iterator[tuple[float, float, list[TwoRegressors]]]:
    """For each bin of |c| its bounds and the sums, by sequence, of each prediction's fit.

    Bins without sequences are left out, and those where every vector is parallel to the step to it, as where sequences
    swing around zero: nothing tells there how much of either a prediction holds.
    """
    present, step = from_third(obs.vectors), from_third(obs.vectors - obs.vectors.roll(1, dims=1))
    fits = [TwoRegressors.of(present, step, from_third(p)) for p in predictions]
    largest = max(abs(obs.family.c_min), abs(obs.family.c_max))
    edges = torch.linspace(SMALLEST, largest, BINS + 1, dtype=torch.float64).tolist()
    for low, high in pairwise(edges):
        chosen = (sign * obs.c >= low) & ((sign * obs.c < high) | (high == largest))
        in_bin = [TwoRegressors(*(s[chosen] for s in sums)) for sums in fits]
        if TwoRegressors(*(s.sum().item() for s in in_bin[0])).told(least=PARALLEL):
            yield low, high, in_bin


def implied_by_bin(obs: Observation, prediction: Prediction, sign: int) -> list[Bin]:
    """The implied c (``effects.implied_c``) by bins of equal width of |c| from ``SMALLEST`` to the family's largest.

    A prediction and the targets are fitted alike, so that an exact prediction is off by 0 in every bin. Bins are left
    out where they have no sequences, or none whose c could be told.
    """
    bins = []
    for low, high, (guess, truth) in _by_bin(obs, sign, prediction, obs.targets):
        true = _implied(TwoRegressors(*(s.sum() for s in truth))).item()
        off = bootstrap(lambda *s: _c_of(s, 0) - _c_of(s, 1), *guess, *truth)
        bins.append(Bin(low, high, true, guess.estimate(_implied), off))
    return bins


def farther(obs: Observation, prediction: Prediction) -> dict[str, Estimate]:
    """By sign of c, how much farther from c an intervention takes the implied c, in the bin where it does so most.

    The distance of the implied c from the true one, less that of the model's own; below 0 where an intervention brings
    it nearer. A sign whose c cannot be told anywhere is left out.
    """

    def difference(*sums):
        now, own, true = (_c_of(sums, i) for i in range(3))
        return abs(now - true) - abs(own - true)

    found = {}
    for name, sign in signs(obs).items():
        bins = _by_bin(obs, sign, prediction, obs.prediction, obs.targets)
        moves = [bootstrap(difference, *(s for one in fits for s in one)) for *_, fits in bins]
        if moves:
            found[name] = max(moves, key=lambda move: rounded(move.value))
    return found


def distance_left(obs: Observation, before: Prediction, after: Prediction) -> Estimate:
    """How far the implied c of ``after`` is from the true one, over what it was ``before``, where that was farthest.

    The bin of c, of either sign, is the one in which ``before`` is farthest off; 0 if ``after`` is right there. Where
    ``before`` is right already this divides by next to nothing: ask ``farthest`` first.

    Raises:
        ValueError: no sequence's c can be told.
    """

    def left(*sums):
        late, early, true = (_c_of(sums, i) for i in range(3))
        return (late - true) / (early - true)

    def off(sums: list[TwoRegressors]) -> float:
        _, early, true = (_implied(TwoRegressors(*(s.sum() for s in one))).item() for one in sums)
        return abs(early - true)

    bins = [sums for sign in signs(obs).values() for *_, sums in _by_bin(obs, sign, after, before, obs.targets)]
    if not bins:
        raise ValueError(f"the observed sequences must have a c beyond {SMALLEST} that can be told, got {obs.family}")
    return bootstrap(left, *(s for one in max(bins, key=off) for s in one))


def kept(obs: Observation, prediction: Prediction) -> dict[str, Estimate]:
    """By sign of c, how much is left of what knowing c brings the model, when an intervention makes it predict this.

    1 at the model's own error, 0 at that of the best rule blind to c, below 0 beyond it. It says something only of a
    model that ``knows`` c, and of the lengths of context at which it is ahead of the blind rule (``loss_by_context``).

    Raises:
        NothingToKeep: for a sign of c the model's error is the blind rule's, so that knowing c brings it nothing.
    """
    errors = [obs.errors(p).sum(dim=1) for p in (blind_prediction(obs), prediction, obs.prediction)]

    def left(blind: Sums, now: Sums, own: Sums) -> Sums:
        return np.divide(blind - now, blind - own)

    found = {}
    for name, sign in signs(obs).items():
        blind, now, own = (e[sign * obs.c > 0] for e in errors)
        if blind.sum() == own.sum():
            raise NothingToKeep(f"the model must know more of c than the blind rule, whose error it has for {name}")
        found[name] = bootstrap(left, blind, now, own)
    return found


def farthest(obs: Observation, prediction: Prediction) -> float:
    """How far the implied c is from the true one in the bin, of either sign, where it is farthest; 0 without a bin."""
    offs = (one.off for one in following(obs, prediction).values() if one.off is not None)
    return max((abs(off.value) for off in offs), default=0.0)


@dataclass(frozen=True)
class Following:
    """How far a prediction follows c, for one sign of c.

    Attributes:
        loss: error over that of the best rule blind to c.
        off: the implied c of the bin where it is farthest from the true one, less that; None where c cannot be told.
    """

    loss: Estimate
    off: Estimate | None


def following(obs: Observation, prediction: Prediction) -> dict[str, Following]:
    """Loss and implied c of a prediction, by sign of c.

    Raises:
        ValueError: as ``signs``.
    """
    found = {}
    for name, sign in signs(obs).items():
        offs = [one.off for one in implied_by_bin(obs, prediction, sign)]
        worst = max(offs, key=lambda off: rounded(abs(off.value)), default=None)
        found[name] = Following(loss(obs, prediction, sign * obs.c > 0), worst)
    return found
