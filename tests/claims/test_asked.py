"""Every claim asked of a model, as a row of a sweep's table."""

import dataclasses

from helpers.claims.asked import every_claim
from helpers.training.model import RecurrenceModel


def test_what_cannot_be_asked_of_a_run_is_left_out(recipe):
    one = dataclasses.replace(recipe, model=dataclasses.replace(recipe.model, n_layers=1))
    found = every_claim(RecurrenceModel(one.model), one, {})
    assert "A1" in found and "S6" in found and not {"B1", "C3"} & set(found)
