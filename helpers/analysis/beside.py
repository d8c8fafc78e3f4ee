"""A model beside the rules of its family, as a row of a table: a sweep's ``helpers.analysis.beside:beside_rules``."""

from __future__ import annotations

from functools import cache
from math import inf

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.analysis.observation import observe, predict
from helpers.analysis.outside import mechanism
from helpers.data import scales
from helpers.data.families import FAMILIES, like
from helpers.data.recurrences import Family, from_third, sample
from helpers.training import checkpoints
from helpers.training.model import RecurrenceModel
from helpers.training.recipes import Recipe
from helpers.training.sweeps import Log, Row

SEED, COUNT = 20240715, 512  # of the sequences that a model is asked
CONTEXTS = (3, 4, 5, 8, 14, 30)  # at which errors are told by themselves
LEVELS = {"blind": 1.0, "half": 0.5, "fifth": 0.2}  # of the blind rule's error
SHORT = {"mse": "model", "solver": scales.SOLVER, "least_squares": scales.LEAST_SQUARES, "blind": scales.BLIND}


@cache
def _rules(
    family: Family, count: int
) -> tuple[Float[np.ndarray, "count length dimension"], dict[str, Float[np.ndarray, "count length-1"]]]:
    """Sequences of a family and each rule's squared errors on them: the same for all models of a sweep."""
    vectors = sample(family, count, SEED).vectors
    return vectors, scales.errors(family, vectors)


def _errors(model: RecurrenceModel, family: Family) -> dict[str, Float[Tensor, " contexts"]]:
    """Mean squared error of the model and of each rule of ``SHORT``, by context from 3 vectors on."""
    vectors, each = _rules(family, COUNT)
    guess = predict(model, torch.from_numpy(vectors[:, :-1])).numpy()
    each = each | {"model": ((guess - vectors[:, 1:]) ** 2).mean(axis=2)}
    return {short: torch.from_numpy(from_third(each[long])).mean(dim=0) for short, long in SHORT.items()}


def beside_rules(model: RecurrenceModel, recipe: Recipe, log: Log) -> Row:
    """What a model's error is worth on its own family and on every other, and measures of its mechanism.

    Returns:
        mse, solver, least_squares, blind: squared errors of the model and of rules, alone and, as mse.5, in contexts of
        so many vectors. loss: the model's over the blind rule's. steps.half: when the log's error first was half of the
        blind rule's. asked.matrix: the loss on that rule, in the same dimension and length, the blind rule fitted
        there. And what ``outside.mechanism`` returns.
    """
    family, by_context = recipe.family, _errors(model, recipe.family)
    found: Row = {"rule": family.kind, "dimension": family.dimension, "steps": recipe.steps}
    found |= {short: each.mean().item() for short, each in by_context.items()}
    found["loss"] = found["mse"] / found["blind"]
    for level, part in LEVELS.items():
        reached = checkpoints.reached(log, part * found["blind"]) if log else None
        found[f"steps.{level}"] = reached[0] if reached else inf
    for context in CONTEXTS:
        if context < family.length:
            found |= {f"{short}.{context}": each[context - 3].item() for short, each in by_context.items()}
    for name in FAMILIES:
        asked = _errors(model, like(family, name))
        found[f"asked.{name}"] = (asked["mse"].mean() / asked["blind"].mean()).item()
    return found | mechanism(observe(model, family))
