"""Measures on sequences that a model was not trained on, by models of which the answer is known."""

import dataclasses

import numpy as np
import pytest
import torch

from helpers.analysis import outside
from helpers.analysis.observation import continue_sequences, observe
from helpers.claims import measures
from helpers.claims.readings import in_short
from helpers.data.predictors import exact_solver
from helpers.data.recurrences import Family, sample

NARROW = Family(dimension=5, length=7, c_min=-1.0, c_max=1.0)


def test_the_mechanism_is_the_claims_measures(model):
    obs = observe(model, NARROW, count=24)
    found = outside.mechanism(obs, contexts=8, draws=2)
    for name in ("A1.attention", "A2.r2", "C3.output"):
        id = name.split(".")[0]
        assert found[name] == pytest.approx(in_short(id, measures.measure(obs, [id])[id])[name], rel=1e-6, abs=1e-9)
    assert 0 <= found["identity"] <= 1.5


def test_a_solver_follows_c_and_the_copy_of_the_last_does_not(model):
    obs = observe(model, NARROW, count=200)
    exact = torch.from_numpy(exact_solver(obs.vectors.numpy()))
    told = outside.implied(dataclasses.replace(obs, prediction=exact))
    assert told == pytest.approx({"c < 0": 1, "c > 0": 1, "follows": 1}, abs=1e-6)
    still = outside.implied(dataclasses.replace(obs, prediction=obs.vectors))
    assert still == pytest.approx({"c < 0": 0, "c > 0": 0, "follows": 0}, abs=1e-6)


def test_errors_stand_beside_those_of_solver_least_squares_and_blind_rule():
    asked = outside.sequences("|c| from 1 to 1.5", NARROW, 50)
    errors = outside.squared("|c| from 1 to 1.5", NARROW, asked, asked.vectors[:, :-1])
    assert errors["solver"].max() < 1e-12 < errors["blind"].mean() < errors["model"].mean()
    assert outside.loss(errors, "blind").value == pytest.approx(1) and outside.loss(errors).value > 1
    broken = outside.sequences("c changes halfway", NARROW, 50)
    errors = outside.squared("c changes halfway", NARROW, broken, broken.vectors[:, :-1])
    assert errors["solver"].max() < 1e-9 < errors["least squares"].mean() and errors["model"].shape == (50, 3)


def test_a_rollout_starts_as_any_continuation_and_goes_on_by_a_window(model):
    vectors = sample(NARROW, 3, 0).vectors
    far = outside.rollout(model, vectors[:, :4], 9)
    near = continue_sequences(model, vectors[:, :4], 3)
    np.testing.assert_allclose(far[:, :3], near, atol=1e-9)
    whole = np.concatenate([vectors[:, :4], far], axis=1)
    again = continue_sequences(model, whole[:, 6:12], 1)
    np.testing.assert_allclose(far[:, 8], again[:, 0], atol=1e-9)
