"""Every claim asked of a model, as a row of a table: a sweep's ``helpers.claims.asked:every_claim``."""

from __future__ import annotations

from helpers.analysis.observation import observe
from helpers.claims import measures
from helpers.claims.readings import in_short
from helpers.training.model import RecurrenceModel
from helpers.training.recipes import Recipe
from helpers.training.sweeps import Log, Row


def every_claim(model: RecurrenceModel, recipe: Recipe, log: Log) -> Row:
    """Verdicts and ways of measuring, by key, on the recipe's own data; what cannot be asked of the model is left out.

    One claim is asked of models of three layers and more alone, another of data with both signs of c.
    """
    obs = observe(model, recipe.family)
    found: Row = {"test_mse": obs.mse().value, "r2": obs.r2()}
    for id in measures.ids():
        try:
            found |= in_short(id, measures.measure(obs, [id])[id])
        except ValueError:
            continue
    return found
