"""The yardstick: the exact solver follows c, a rule blind to c does not, nor one that is blind for c > 0 alone."""

import dataclasses

import pytest
import torch

from conftest import CONFIG
from helpers.analysis import following
from helpers.analysis.observation import observe
from helpers.analysis.planted import observe_planted
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
    found = following.following(narrow, half_blind(narrow))
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


def half_blind(obs):
    """Right for c < 0, blind to c for c > 0."""
    return torch.where((obs.c < 0)[:, None, None], obs.targets, following.blind_prediction(obs))


def test_an_intervention_keeps_what_it_keeps(narrow):
    able = dataclasses.replace(narrow, prediction=narrow.targets)
    assert [one.value for one in following.kept(able, able.targets).values()] == [1, 1]
    assert [one.value for one in following.kept(able, half_blind(narrow)).values()] == [1, pytest.approx(0)]
    between = 0.5 * (able.targets + following.blind_prediction(narrow))
    for one in following.kept(able, between).values():
        assert one.value == pytest.approx(0.75)


@pytest.mark.parametrize("rule", [following.blind_prediction, half_blind])
def test_of_a_blind_model_nothing_is_kept(narrow, rule):
    blind = dataclasses.replace(narrow, prediction=rule(narrow))
    with pytest.raises(following.NothingToKeep, match="it has for c [<>] 0"):
        following.kept(blind, narrow.targets)


def test_farther_from_c_is_a_matter_of_direction(narrow):
    """An intervention that moves a wrong c toward the true one does no harm; one that moves a right c away does."""
    step = narrow.vectors - narrow.vectors.roll(1, dims=1)
    wrong = dataclasses.replace(narrow, prediction=narrow.targets + 0.3 * step)
    for one in following.farther(wrong, narrow.targets + 0.1 * step).values():
        assert one.value == pytest.approx(-0.2, rel=0.1)
    right = dataclasses.replace(narrow, prediction=narrow.targets)
    for one in following.farther(right, narrow.targets - 0.1 * step).values():
        assert one.value == pytest.approx(0.1, rel=0.1)


def test_the_distance_left_is_read_where_it_was_largest(narrow):
    step = narrow.vectors - narrow.vectors.roll(1, dims=1)
    before, after = narrow.targets + 0.4 * step, narrow.targets - 0.1 * step
    assert following.distance_left(narrow, before, after).value == pytest.approx(-0.25, rel=0.1)
    assert following.distance_left(narrow, before, narrow.targets).value == pytest.approx(0, abs=1e-9)
    assert following.distance_left(narrow, before, before).value == pytest.approx(1)


def test_where_c_was_read_before_nothing_is_far(narrow):
    step = narrow.vectors - narrow.vectors.roll(1, dims=1)
    assert following.farthest(narrow, narrow.targets) == pytest.approx(0, abs=1e-9)
    assert following.farthest(narrow, narrow.targets - 0.4 * step) == pytest.approx(0.4, rel=0.1)


def test_losses_by_context_sum_to_the_loss(narrow):
    chosen = narrow.c > 0
    found = following.loss_by_context(narrow, narrow.prediction, chosen)
    assert len(found) == narrow.config.n_ctx - 2 and sum(share for _, share in found) == pytest.approx(1)
    whole = following.loss(narrow, narrow.prediction, chosen).value
    assert sum(loss.value * share for loss, share in found) == pytest.approx(whole)
    assert [one.value for one, _ in following.loss_by_context(narrow, narrow.targets, chosen)] == [0] * len(found)


def test_where_sequences_swing_around_zero_no_c_is_told():
    """Vectors and steps are parallel there, so that any c fits."""
    obs = observe_planted()
    assert following.implied_by_bin(obs, obs.prediction, -1) == []
    assert set(following.farther(obs, obs.targets)) == {"c > 0"}
    assert following.following(obs, obs.prediction)["c < 0"].off is None


def test_a_sign_that_the_sequences_do_not_have_is_not_asked_for(model):
    obs = observe(model, dataclasses.replace(NARROW, c_min=0.3), count=20)
    assert set(following.following(obs, obs.targets)) == set(following.kept(obs, obs.targets)) == {"c > 0"}
    still = observe(model, dataclasses.replace(NARROW, c_min=-0.1, c_max=0.1), count=20)
    with pytest.raises(ValueError, match="must have a c beyond ±0.2"):
        following.following(still, still.targets)
    assert CONFIG.dimension == NARROW.dimension
