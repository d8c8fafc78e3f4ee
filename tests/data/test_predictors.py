import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.data import predictors
from helpers.data.predictors import PREDICTORS, copy_last, copy_last_but_one, exact_solver, straight_line
from helpers.data.recurrences import Family, sample


def mse(rule, sequences):
    return ((rule(sequences.vectors)[:, 2:-1] - sequences.vectors[:, 3:]) ** 2).mean()


@given(st.floats(-1.5, 1.5), st.integers(0, 2**32 - 1))
def test_the_exact_solver_is_exact_from_three_vectors_on(c, seed):
    assert mse(exact_solver, sample(Family(c_min=c, c_max=c), 3, seed)) < 1e-12


@pytest.mark.parametrize(
    ("rule", "c"), [(copy_last, 0.0), (copy_last_but_one, -1.0), (copy_last_but_one, 0.0), (straight_line, 1.0)]
)
def test_each_naive_rule_is_exact_at_its_own_c_and_not_at_half(rule, c):
    assert mse(rule, sample(Family(c_min=c, c_max=c), 50, 0)) < 1e-20
    assert mse(rule, sample(Family(c_min=0.5, c_max=0.5), 50, 0)) > 1e-5


def test_the_error_of_each_rule_counts_from_three_vectors_on():
    sequences = sample(Family(), 50, 0)
    assert predictors.mse(sequences.vectors) == {
        name: pytest.approx(mse(rule, sequences), abs=1e-15) for name, rule in PREDICTORS.items()
    }


@pytest.mark.parametrize("rule", PREDICTORS.values(), ids=PREDICTORS)
def test_no_rule_looks_ahead(rule):
    vectors = sample(Family(), 4, 0).vectors
    changed = vectors.copy()
    changed[:, 7:] = 99.0
    np.testing.assert_array_equal(rule(vectors)[:, :7], rule(changed)[:, :7])


# Measured once by other code on 4,096 sequences: c_max, variance, copy last, copy last but one, straight line
@pytest.mark.parametrize(
    "golden",
    [(1.0, 0.112, 0.019, 0.0022, 0.084), (1.5, 0.091, 0.042, 0.0033, 0.155), (2.0, 0.073, 0.039, 0.0049, 0.137)],
)
def test_the_naive_rules_cost_what_an_independent_measurement_found(golden):
    c_max, *expected = golden
    sequences = sample(Family(c_min=-c_max, c_max=c_max), 4096, 0)
    found = [mse(PREDICTORS[name], sequences) for name in ("zero", "copy last", "copy last but one", "straight line")]
    np.testing.assert_allclose(found, expected, rtol=0.12)
