import numpy as np
import pytest
import torch

from helpers.analysis.estimates import RESAMPLES, Estimate, line_fit, mean, number, ratio, resampling


def test_the_line_is_numpys():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((30, 4, 5))
    y = 3 + 2 * x + rng.standard_normal(x.shape)
    fit = line_fit(torch.from_numpy(x), torch.from_numpy(y))
    assert fit.slope.value == pytest.approx(np.polyfit(x.ravel(), y.ravel(), 1)[0])
    assert fit.correlation.value == pytest.approx(np.corrcoef(x.ravel(), y.ravel())[0, 1])
    assert fit.r2.value == pytest.approx(fit.correlation.value**2)
    assert fit.slope.low < 2 < fit.slope.high
    with pytest.raises(ValueError, match="one shape"):
        line_fit(torch.ones(2, 3), torch.ones(2, 4))


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution_and_covers():
    rng = np.random.default_rng(1)
    values = rng.standard_normal(400)
    estimate = mean(values)
    half = 1.96 * values.std() / 20
    assert estimate.value == pytest.approx(values.mean())
    assert estimate.low == pytest.approx(values.mean() - half, abs=0.015)
    assert estimate.high == pytest.approx(values.mean() + half, abs=0.015)
    covered = sum((e := mean(rng.standard_normal(100))).low < 0 < e.high for _ in range(200))
    assert 175 <= covered <= 199


@pytest.mark.parametrize("n", [1, 40, 512])
def test_resampled_sets_are_kept_and_those_that_a_fresh_draw_gives(n):
    drawn = np.random.default_rng(3).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    assert resampling(n, 3) is resampling(n, 3) and np.array_equal(resampling(n, 3), drawn)
    with pytest.raises(ValueError, match="read-only"):
        resampling(n, 3)[0, 0] = 2


def test_a_ratio_is_total_over_total():
    assert ratio(np.array([1.0, 3.0]), np.array([2.0, 2.0])).value == 1
    assert mean(np.arange(5.0)) == mean(np.arange(5.0))  # the resampling is seeded


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1e-12, "0"),
        (0.12345, "0.123"),
        (12.345, "12.3"),
        (9.999, "10.0"),
        (123.4, "123"),
        (1234.5, "1234"),
        (-0.5, "-0.500"),
        (2.5e-5, "2.50e-05"),
        (1e6, "1.00e+06"),
    ],
)
def test_numbers_have_three_digits(value, text):
    assert number(value) == text


def test_an_exact_number_shows_no_interval():
    assert str(Estimate(1.0, 1.0, 1.0)) == "1.00" and str(Estimate(1.0, 0.5, 1.5)) == "1.00 [0.500, 1.50]"
