"""The yardstick: the exact solver follows c, a rule blind to c does not, nor one that is blind for c > 0 alone."""

import dataclasses

import pytest
import torch

from conftest import CONFIG
from helpers.analysis import following
from helpers.analysis.observation import observe
from helpers.data.recurrences import Family

NARROW = Family(dimension=5, length=7, c_min=-1.0, c_max=1.0)


@pytest.fixture(scope="module")
def narrow(model):
    return observe(model, NARROW, count=400)


def test_the_exact_solver_follows(narrow):
    for found in following.following(narrow, narrow.targets).values():
        assert found.loss.value == found.loss.high == 0
        assert found.off.value == pytest.approx(0, abs=1e-12)


def test_a_blind_rule_does_not(narrow):
    prediction = following.blind_prediction(narrow)
    assert narrow.r2(prediction) > 0.9
    for found in following.following(narrow, prediction).values():
        assert found.loss.value == pytest.approx(1)
        assert abs(found.off.value) > 0.2


def test_a_rule_that_is_right_for_one_sign_is_found_out(narrow):
    half = torch.where((narrow.c < 0)[:, None, None], narrow.targets, following.blind_prediction(narrow))
    found = following.following(narrow, half)
    assert found["c < 0"].loss.value == 0 and found["c > 0"].loss.value == pytest.approx(1)
    assert abs(found["c > 0"].off.value) > 0.2 > abs(found["c < 0"].off.value)


def test_a_prediction_that_is_only_too_small_implies_the_same_c(narrow):
    for found in following.following(narrow, 0.5 * narrow.targets).values():
        assert found.off.value == pytest.approx(0, abs=1e-9) and found.loss.value > 1


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_shift_of_c_is_read_in_every_bin(narrow, sign):
    step = narrow.vectors - narrow.vectors.roll(1, dims=1)
    bins = following.implied_by_bin(narrow, narrow.targets + 0.1 * step, sign)
    assert len(bins) == following.BINS
    for one in bins:
        assert one.off.value == pytest.approx(0.1, rel=0.1) and one.low <= sign * one.true <= one.high


def test_both_signs_are_asked_for(model):
    obs = observe(model, dataclasses.replace(NARROW, c_min=0.3), count=20)
    with pytest.raises(ValueError, match="must have c < 0 beyond 0.2"):
        following.following(obs, obs.targets)
    assert CONFIG.dimension == NARROW.dimension
