import dataclasses

import numpy as np
import pytest

from helpers.data import blind, predictors
from helpers.data.recurrences import Family, from_third, sample

NARROW = Family(c_min=-1.0, c_max=1.0)


def mse(prediction, vectors):
    return ((from_third(prediction) - from_third(vectors[:, 1:])) ** 2).mean()


def test_more_vectors_never_hurt_and_no_naive_rule_is_better():
    vectors = sample(NARROW, 1024, 5).vectors
    seen = vectors[:, :-1]
    errors = [mse(blind.predict(blind.best_weights(NARROW, k), seen), vectors) for k in (1, 2, 3, 14)]
    assert errors == sorted(errors, reverse=True)
    naive = predictors.mse(vectors)
    assert errors[1] < min(naive["copy last"], naive["copy last but one"], naive["straight line"])
    assert naive["exact solver"] < 1e-12 < errors[-1]


def test_a_blind_rule_explains_nearly_all_of_the_variance():
    """Why a share of the variance is no yardstick."""
    vectors = sample(NARROW, 1024, 5).vectors
    guess = blind.predict(blind.best_weights(NARROW), vectors[:, :-1])
    assert 1 - mse(guess, vectors) / mse(np.zeros_like(guess), vectors) > 0.98


@pytest.mark.parametrize("c", [-0.7, 0.4])
def test_with_one_c_nothing_is_to_be_known_and_the_mixture_is_exact(c):
    family = dataclasses.replace(NARROW, c_min=c, c_max=c)
    vectors = sample(family, 64, 1).vectors
    assert mse(blind.predict(blind.fit(vectors, 2), vectors[:, :-1]), vectors) < 1e-20


def test_it_looks_at_nothing_to_come():
    weights = blind.best_weights(NARROW)
    assert np.array_equal(weights, np.tril(weights)) and (np.diag(weights) != 0).all()


def test_a_mixture_of_nothing_is_refused():
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        blind.fit(sample(NARROW, 4, 1).vectors, 0)
