"""A guess as a size and an implied c, and how that rises with c: knowing its sign is not enough."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.analysis import following, on_line
from helpers.analysis.observation import observe, observe_sequences
from helpers.data.recurrences import Family, sequences_from
from helpers.training.model import RecurrenceModel

FAMILY = Family(dimension=5, length=7, c_min=-1.0, c_max=1.0)


@pytest.fixture(scope="module")
def obs(model):
    return observe(model, FAMILY, count=300)


def steps(obs):
    return obs.vectors - obs.vectors.roll(1, dims=1)


@settings(deadline=None, max_examples=25)
@given(
    st.integers(2, 6),
    st.floats(-2, 2),
    st.lists(st.floats(-1, 1), min_size=6, max_size=6).filter(lambda w: sum(w) > 0.2),
)
def test_any_mixture_is_a_size_times_a_step(obs, seen, c, weights):
    """The size is the sum of the weights, and a mixture of the last two alone implies what stands in it."""
    w = torch.tensor(weights).double()[:seen]
    if w.sum().abs() < 0.1:
        w[-1] += 1
    mixed = torch.zeros_like(obs.targets)
    mixed[:, seen - 1] = torch.einsum("k,bkd->bd", w, obs.vectors[:, :seen])
    size, implied = on_line.on_line(obs, mixed, seen)
    clear = obs.c.abs() > 0.3
    torch.testing.assert_close(size[clear], w.sum().expand(int(clear.sum())), atol=1e-6, rtol=1e-6)
    exactly = obs.vectors + c * steps(obs)
    assert on_line.on_line(obs, 3 * exactly, seen)[1][clear].sub(c).abs().max() < 1e-6
    again = size[:, None] * (obs.vectors[:, seen - 1] + implied[:, None] * steps(obs)[:, seen - 1])
    torch.testing.assert_close(again[clear], mixed[clear, seen - 1], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("seen", [2, 3, 6])
def test_who_follows_c_rises_with_it_and_one_c_for_all_does_not(obs, seen):
    assert {k: pytest.approx(1) for k in following.SIGNS} == {
        k: e.value for k, e in on_line.rises(obs, obs.targets, seen).items()
    }
    half = obs.vectors + 0.5 * obs.c[:, None, None] * steps(obs)
    assert on_line.rises(obs, half, seen)["c > 0"].value == pytest.approx(0.5)
    one = obs.vectors + 0.5 * obs.c.sign()[:, None, None] * (1 + 1e-6 * obs.c)[:, None, None] * steps(obs)
    assert on_line.rises(obs, one, seen)["c > 0"].value == pytest.approx(0, abs=1e-5)


def test_a_swapped_c_is_followed_as_far_as_it_is(obs):
    able = dataclasses.replace(obs, prediction=obs.targets)
    other = obs.c.sign() * obs.c.abs().roll(1)
    for share in (1.0, 0.25, -0.5):
        c = obs.c + share * (other - obs.c)
        found = on_line.moved(able, obs.vectors + c[:, None, None] * steps(obs), other)
        assert [e.value for e in found.values()] == [pytest.approx(share)] * 2
    random = obs.vectors + obs.c.roll(7)[:, None, None] * steps(obs)
    assert all(e.low < 0.3 for e in on_line.moved(able, random, other).values())


def test_knowing_the_sign_is_enough_for_the_error_and_not_for_the_slope(obs):
    able = dataclasses.replace(obs, prediction=obs.targets)
    guess = on_line.knowing_the_sign(obs)
    kept, rises = following.kept(able, guess), on_line.rises(obs, guess)
    assert kept["c > 0"].value > 0.9 and rises["c > 0"].high < 0.5
    blind = on_line.rises(obs, following.blind_prediction(obs))
    assert all(e.high < 0.3 for e in blind.values())


def test_an_untrained_model_does_not_follow(obs):
    fresh = observe_sequences(RecurrenceModel(obs.config), FAMILY, obs.sequences)
    assert all(not e.low > 0.5 for e in on_line.rises(fresh, fresh.prediction).values())


def test_a_family_of_one_sign_has_the_blind_rule_alone(model):
    narrow = observe(model, dataclasses.replace(FAMILY, c_min=0.0), count=50)
    torch.testing.assert_close(on_line.knowing_the_sign(narrow), following.blind_prediction(narrow))
    assert set(on_line.rises(narrow, narrow.targets)) == {"c > 0"}


def test_what_cannot_be_told_is_no_number(model, obs):
    """A sequence that starts at 0 without d, or whose c is 0, has nothing to tell c by."""
    still = sequences_from(np.zeros((2, 5)), np.array([0.5, 0.0]), np.ones((2, 5)), 7, "max")
    size, implied = on_line.on_line(observe_sequences(model, FAMILY, still), obs.targets[:2])
    assert implied.isnan().all() and size.isnan().all()
    for seen in (1, 7):
        with pytest.raises(ValueError, match="seen must be from 2 to 6, got"):
            on_line.on_line(obs, obs.targets, seen)
