"""A model beside the rules of its family, as a row of a sweep's table."""

import dataclasses
from math import inf

import pytest

from helpers.analysis import beside
from helpers.data.families import FAMILIES, like
from helpers.training.model import RecurrenceModel


def test_a_row_tells_what_the_error_is_worth(recipe, monkeypatch):
    monkeypatch.setattr(beside, "COUNT", 16)
    other = dataclasses.replace(recipe, family=like(recipe.family, "second order"))
    untrained = RecurrenceModel(recipe.model)
    log = {"step": [10.0, 20.0], "seconds": [1.0, 2.0], "test_mse": [1e3, 0.0]}
    row, none = beside.beside_rules(untrained, other, log), beside.beside_rules(untrained, other, {})
    assert row["loss"] == pytest.approx(row["mse"] / row["blind"]) and row["loss"] > 0.5
    assert row["rule"] == "second order" and row["solver.4"] < 1e-12 < row["solver.3"] and row["A2.r2"] <= 1
    assert row["mse.5"] > 0 and f"mse.{beside.CONTEXTS[-1]}" not in row
    assert row["steps.blind"] == row["steps.fifth"] == 20 and none["steps.blind"] == inf
    assert {f"asked.{name}" for name in FAMILIES} <= set(row)
    assert row["asked.second order"] == pytest.approx(row["loss"])
