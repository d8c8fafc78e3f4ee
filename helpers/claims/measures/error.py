"""S5: the test error; and what an ablation or an intervention must do to the error to count."""

from __future__ import annotations

from helpers.analysis.interventions import Prediction
from helpers.analysis.observation import Observation
from helpers.claims.readings import Reading
from helpers.claims.registry import claim
from helpers.claims.thresholds import PAPER_MSE, SOLVED_R2


@claim("S5", "test error", "MSE 1e-4", mse="MSE")
def s5(obs: Observation) -> list[Reading]:
    return [Reading("mse", obs.mse(), high=PAPER_MSE, note=f" (R² {obs.r2():.5f})")]


def solved(obs: Observation, key: str, prediction: Prediction, head: str = "") -> Reading:
    """An ablation that "barely hurts": the model still solves the task."""
    note = f" (MSE {obs.mse(prediction)})"
    return Reading(key, obs.explained(prediction), head, low=SOLVED_R2, note=note)


def broken(obs: Observation, key: str, prediction: Prediction) -> Reading:
    """An intervention that matters: a model that solves the task no longer does."""
    return Reading(key, obs.explained(prediction), high=SOLVED_R2, also=obs.r2() >= SOLVED_R2)
