import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.data import predictors
from helpers.data.recurrences import Family, sample
from helpers.data.solvers import (
    RULES,
    bayes_of_steps,
    bayes_of_vectors,
    gradient_steps,
    last_pair,
    least_squares,
    ridge,
)

NOISY = torch.from_numpy(sample(Family(noise=0.05), 8, 1).vectors)


@pytest.mark.parametrize("rule", [last_pair, least_squares])
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 14), bounds=st.sampled_from([(-1.5, -0.3), (0.3, 1.5)]))
def test_the_solvers_are_exact_where_nothing_disturbs(rule, seed, n, bounds):
    v = torch.from_numpy(sample(Family(c_min=bounds[0], c_max=bounds[1]), 4, seed).vectors)
    torch.testing.assert_close(rule(v[:, :n]), v[:, n], rtol=1e-6, atol=1e-8)


def test_all_pairs_are_those_of_the_exact_solver_in_numpy():
    expected = predictors.exact_solver(NOISY.numpy())[:, -1]
    np.testing.assert_allclose(least_squares(NOISY), expected)


def test_ridge_and_few_steps_stay_short_of_least_squares_and_many_steps_reach_it():
    last, full = NOISY[:, -1], least_squares(NOISY)
    moves = [
        (rule(NOISY) - last).norm(dim=1) / (full - last).norm(dim=1)
        for rule in (ridge, lambda v: gradient_steps(v, 1), lambda v: gradient_steps(v, 2))
    ]
    assert (moves[0] < 1).all()
    torch.testing.assert_close(torch.stack(moves[1:]), torch.tensor([[0.5], [0.75]]).double().expand(2, 8))
    torch.testing.assert_close(gradient_steps(NOISY, 60), full)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_moves_with_the_vectors_when_they_are_shifted_turned_and_scaled(name):
    turn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((40, 40)))
    turn, shift = torch.from_numpy(turn), torch.ones(40).double()
    torch.testing.assert_close(
        RULES[name](2 * NOISY @ turn + shift), 2 * RULES[name](NOISY) @ turn + shift, rtol=1e-8, atol=1e-8
    )


def implied(rule, vectors):
    """The c^ of a rule that says v_n + c^ (v_n - v_{n-1})."""
    step = vectors[:, -1] - vectors[:, -2]
    return ((rule(vectors) - vectors[:, -1]) * step).sum(dim=1) / step.square().sum(dim=1)


FAMILY = Family(c_min=-0.9, c_max=0.8)


def noisy(family, seed, count=8):
    return torch.from_numpy(sample(family, count, seed).vectors)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 14))
def test_with_little_noise_the_posterior_mean_is_least_squares_inside_the_range(seed, n):
    """And the bound outside it; the grid's spacing is 2e-4, the noise makes the posterior somewhat wider."""
    v = noisy(Family(noise=0.02), seed)[:, :n]
    solved = implied(least_squares, v)
    squares = v.diff(dim=1)[:, :-1].square().sum(dim=(1, 2))
    found = implied(lambda x: bayes_of_steps(x, FAMILY, 3e-4 * squares.min().sqrt().item()), v)
    wide = 3e-4 * (squares.min() / squares).sqrt().max() + 3e-4
    assert (found - solved.clamp(-0.9, 0.8)).abs().max() < 2 * wide


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), noise=st.floats(1e-3, 1e3))
def test_the_posterior_mean_stays_in_the_range_and_is_the_priors_mean_where_noise_drowns_all(seed, noise):
    v = noisy(Family(noise=0.3), seed)
    found = implied(lambda x: bayes_of_steps(x, FAMILY, noise), v)
    assert found.min() >= -0.9 - 1e-9 and found.max() <= 0.8 + 1e-9
    drowned = implied(lambda x: bayes_of_steps(x, FAMILY, 1e6), v)
    torch.testing.assert_close(drowned, torch.full((8,), -0.05, dtype=torch.float64), rtol=0, atol=1e-6)


@pytest.mark.parametrize("rule", [bayes_of_steps, bayes_of_vectors])
@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 14))
def test_posterior_means_are_exact_where_nothing_disturbs(rule, seed, n):
    v = noisy(Family(c_min=0.3, c_max=0.8), seed)
    found = rule(v[:, :n], Family(c_min=-1, c_max=1), 1e-3)
    assert (found - v[:, n]).abs().max() < 3e-3


@pytest.mark.parametrize("n", [3, 6, 12])
def test_with_noise_on_the_vectors_no_rule_has_a_smaller_error_than_their_posterior_mean(n):
    family = Family(dimension=5, c_min=-1, c_max=1, scaling="none", noise=0.3)
    rng = np.random.default_rng(0)
    clean = sample(Family(dimension=5, c_min=-1, c_max=1, scaling="none"), 2000, rng).vectors
    v, truth = torch.from_numpy(clean[:, :n] + 0.3 * rng.standard_normal(clean[:, :n].shape)), torch.from_numpy(clean)
    others = [*RULES.values(), lambda x: bayes_of_steps(x, family, 0.3), lambda x: bayes_of_vectors(x, family, 0.6)]
    best = (bayes_of_vectors(v, family, 0.3) - truth[:, n]).square().mean()
    assert all(best < (rule(v) - truth[:, n]).square().mean() for rule in others)


@pytest.mark.parametrize("rule", [bayes_of_steps, bayes_of_vectors])
def test_posterior_means_can_be_differentiated_and_need_noise(rule):
    few = NOISY[:2, :5, :3].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: rule(x, FAMILY, 0.05), (few,))
    with pytest.raises(ValueError, match="noise must be a standard deviation above 0, got 0"):
        rule(NOISY, FAMILY, 0)


@pytest.mark.parametrize("unit", [0.2, 3])
def test_the_unit_only_scales(unit):
    torch.testing.assert_close(
        unit * bayes_of_vectors(NOISY, FAMILY, 0.05), bayes_of_vectors(unit * NOISY, FAMILY, unit * 0.05, unit)
    )
