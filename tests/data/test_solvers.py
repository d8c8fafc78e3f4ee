import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.data import predictors
from helpers.data.recurrences import Family, sample
from helpers.data.solvers import RULES, gradient_steps, last_pair, least_squares, ridge

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
