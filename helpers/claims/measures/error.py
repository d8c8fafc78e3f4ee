"""S5 and S6: the error, and whether the prediction follows c; what an intervention must do to either to count."""

from __future__ import annotations

from math import nan

from helpers.analysis import following
from helpers.analysis.estimates import Estimate, exactly, number, rounded
from helpers.analysis.following import Prediction, signs
from helpers.analysis.observation import Observation
from helpers.claims.readings import Reading
from helpers.claims.registry import NOT_ASKED, claim
from helpers.claims.thresholds import HALF, NEARLY_ALL, PAPER_MSE, SAME_C


@claim("S5", "test error", "MSE 1e-4", mse="MSE")
def s5(obs: Observation) -> list[Reading]:
    return [Reading("mse", obs.mse(), high=PAPER_MSE, note=f" (R² {obs.r2():.5f})")]


@claim("S6", "the prediction follows c", NOT_ASKED, loss="error ÷ best rule blind to c", off="implied c less c")
def s6(obs: Observation) -> list[Reading]:
    """Pooled over lengths of context, so about the shortest (``following.loss_by_context`` has each by itself)."""
    found = following.following(obs, obs.prediction)
    return [Reading("loss", one.loss, sign, high=1 - NEARLY_ALL) for sign, one in found.items()] + [
        Reading("off", one.off, sign, -SAME_C, SAME_C) for sign, one in found.items() if one.off is not None
    ]


def knows(obs: Observation, prediction: Prediction | None = None) -> bool:
    """Whether a prediction, the model's own by default, has at most half the error of the best rule blind to c, for
    each sign of c: what an intervention takes or leaves says something only then."""
    prediction = obs.prediction if prediction is None else prediction
    return all(rounded(following.loss(obs, prediction, sign * obs.c > 0).value) <= HALF for sign in signs(obs).values())


def kept(obs: Observation, prediction: Prediction) -> dict[str, Estimate]:
    """``following.kept``; no number where a model has nothing to keep, which agrees with no claim."""
    try:
        return following.kept(obs, prediction)
    except following.NothingToKeep:
        return dict.fromkeys(signs(obs), exactly(nan))


def solved(obs: Observation, key: str, prediction: Prediction, **others: Prediction) -> list[Reading]:
    """An intervention that "barely hurts", by sign of c: nearly all that knowing c brings is left, c is read the same.

    Args:
        key: of the first; that of the second ends in "_c".
        others: the same by other kinds of ablation, which stand beside the first and do not count.
    """
    own, able = kept(obs, prediction), knows(obs)
    beside = {name: kept(obs, other) for name, other in others.items()}
    notes = {sign: ", ".join(f"{name} {number(found[sign].value)}" for name, found in beside.items()) for sign in own}
    left = [
        Reading(key, one, sign, low=NEARLY_ALL, note=f" ({notes[sign]})" if beside else "", also=able)
        for sign, one in own.items()
    ]
    farther = following.farther(obs, prediction).items()
    return left + [Reading(f"{key}_c", one, sign, high=SAME_C, also=able) for sign, one in farther]


def solved_without(obs: Observation, key: str, head: str, weight: float, prediction: Prediction) -> list[Reading]:
    """``solved`` of one head, which counts by its weight: the sign of c for which it fares worse."""
    readings = solved(obs, key, prediction)
    left, farther = ([r for r in readings if r.key == name] for name in (key, f"{key}_c"))
    worst = [min(left, key=lambda r: rounded(r.estimate.value))]
    worst += [max(farther, key=lambda r: rounded(r.estimate.value))] if farther else []
    return [
        Reading(r.key, r.estimate, head, r.low, r.high, note=f" ({r.head})", also=r.also, weight=weight) for r in worst
    ]


def broken(obs: Observation, key: str, prediction: Prediction, also: bool = True, **others: Prediction) -> Reading:
    """An intervention that matters: for one sign of c at least, half of what knowing c brings is gone.

    Args:
        others: other kinds of it, which stand beside the first, for the worse sign of c of each, and do not count.
    """
    own = kept(obs, prediction)
    worst = min(own, key=lambda sign: rounded(own[sign].value))
    note = "".join(f", {sign}: {one}" for sign, one in own.items() if sign != worst)
    for name, other in others.items():
        note += f"; {name} {number(min(rounded(one.value) for one in kept(obs, other).values()))}"
    return Reading(key, own[worst], high=HALF, note=f" ({worst}{note})", also=also and knows(obs))
