"""The best affine recurrence of a sequence, and the noise that it shows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.data.fitting import fit, rounding, squares, sums
from helpers.data.recurrences import Family, sample, unroll


@settings(max_examples=50, deadline=None)
@given(st.floats(-2, 2), st.integers(1, 3), st.integers(5, 12), st.floats(1e-3, 1e5), st.integers(0, 99))
def test_an_exact_sequence_is_found_and_continued(c, width, count, unit, seed):
    a0, d = unit * np.random.default_rng(seed).standard_normal((2, 1, width))
    sequence = unroll(a0, np.array([c]), d, 13)[0]
    found = fit(sequence[:count], 13)
    if np.abs(np.diff(sequence[:count], axis=0)[1:-1]).max() > 1e-3 * unit:  # else c is not to be seen
        assert found.c == pytest.approx(c, abs=1e-5) and found.noise <= 1e-6 * np.ptp(sequence)
        np.testing.assert_allclose(found.curve[:count], sequence[:count], atol=1e-6 * np.ptp(sequence[:count]))


def test_sums_and_squares_are_what_they_say():
    np.testing.assert_allclose(sums(np.array([1.0, -0.5]), 4), [[0, 1, 2, 3], [0, 1, 0.5, 0.75]])
    sequence = np.random.default_rng(0).standard_normal((6, 2))
    basis = np.stack([np.ones(6), sums(np.array([0.7]), 6)[0]], axis=1)
    left = np.linalg.lstsq(basis, sequence, rcond=None)[1].sum()
    assert squares(np.array([0.7]), sequence)[0] == pytest.approx(left)


def test_noise_and_c_are_estimated_without_bias_and_intervals_hold():
    family = Family(dimension=2, length=12, c_min=-0.9, c_max=0.9, scaling="none")
    drawn = sample(family, 200, seed=0)
    noise = 0.05 * np.random.default_rng(1).standard_normal(drawn.vectors.shape)
    found = [fit(one) for one in drawn.vectors + noise]
    assert np.mean([one.noise**2 for one in found]) == pytest.approx(0.05**2, rel=0.06)
    inside = np.mean([one.low <= c <= one.high for one, c in zip(found, drawn.c, strict=True)])
    assert 0.9 <= inside <= 0.99


@pytest.mark.parametrize(
    ("numbers", "deviation"),
    [([1.2, 3.4, 5.6], 0.1), ([120, 340, 560], 10), ([1, 2, 4.5], 0.1), ([np.pi, np.e, 1], 0), ([1e9, 1 + 1e9, 2], 0)],
)
def test_rounding_is_read_off_the_digits(numbers, deviation):
    assert rounding(np.array(numbers, dtype=float)[:, None]) == pytest.approx(deviation / np.sqrt(12))


def test_whole_numbers_that_follow_a_recurrence_to_the_last_digit_are_exact():
    exact, rounded = (
        fit(np.array(numbers, dtype=float)[:, None]) for numbers in ([1, 3, 7, 15, 31], [1, 3, 6, 10, 14])
    )
    assert exact.noise < 1e-9 and rounded.noise >= 1 / np.sqrt(12)


def test_a_range_keeps_c_within_it():
    growth = 1.2 ** np.arange(8.0)[:, None]
    assert fit(growth).c == pytest.approx(1.2) and fit(growth, within=(-1.0, 1.0)).c == pytest.approx(1, abs=1e-5)
