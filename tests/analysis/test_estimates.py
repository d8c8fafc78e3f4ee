import warnings

import numpy as np
import pytest
import torch

from helpers.analysis.estimates import RESAMPLES, Estimate, affine, line_fit, mean, number, ratio, resampling


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


def test_a_large_offset_hides_nothing():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((20, 9))
    y = 2 * x + rng.standard_normal(x.shape)
    near, far = (line_fit(torch.from_numpy(x + a), torch.from_numpy(y - 3 * a)) for a in (0, 1e8))
    assert near.correlation.value == pytest.approx(np.corrcoef(x.ravel(), y.ravel())[0, 1])
    for name in ("slope", "correlation", "r2"):
        for end in ("value", "low", "high"):
            assert getattr(getattr(far, name), end) == pytest.approx(getattr(getattr(near, name), end), rel=1e-6)


@pytest.mark.parametrize("unit", [1e-200, 1e-155, 1e60, 1e155, 1e300])
def test_a_line_does_not_depend_on_the_unit(unit):
    rng = np.random.default_rng(4)
    x, y = torch.from_numpy(rng.standard_normal((2, 20, 9)))
    plain, other = line_fit(x, y), line_fit(x * unit, y)
    assert other.correlation.value == pytest.approx(plain.correlation.value)
    assert other.slope.value * unit == pytest.approx(plain.slope.value)
    assert line_fit(x, y * unit).slope.value / unit == pytest.approx(plain.slope.value)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (torch.full((5, 4), 0.1), torch.randn(5, 4), "x must vary, all of its entries are 0.1"),
        (torch.randn(5, 4), torch.zeros(5, 4), "y must vary, all of its entries are 0"),
        (
            torch.full((5, 3), 1e155, dtype=torch.float64),
            torch.randn(5, 3),
            r"x must vary, all of its entries are 1e\+155",
        ),
        (torch.randn(5, 4) + 1j, torch.randn(5, 4), "x must have real numbers, got torch.complex64"),
        (torch.randn(5, 4), torch.full((5, 4), float("nan")), "y must have finite numbers, got nan"),
        (torch.tensor([[1.0, float("inf")]]), torch.ones(1, 2), "x must have finite numbers, got inf"),
        (torch.ones(0, 4), torch.ones(0, 4), "at least one sequence, got none"),
        (torch.tensor([[1.0], [2.0]]), torch.tensor([[1.0], [3.0]]), "more sequences, of 2 a resampled set"),
    ],
)
def test_what_has_no_line_is_refused_by_name(x, y, message):
    with pytest.raises(ValueError, match=message):
        line_fit(x, y)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("numerator", "denominator", "message"),
    [
        ([0.0, 0.0], [0.0, 0.0], "denominator must not sum to 0"),
        ([1.0, 2.0], [1.0, -1.0], "denominator must not sum to 0"),
        ([1.0, 2.0], [0.0, 1.0], "more sequences, of 2 a resampled set"),
        ([1e308, 1e308], [1.0, 1.0], "a finite number follows, got inf"),
        ([1e155, 1e155], [1e-300, 1e-300], "a finite number follows, got inf"),
        ([1 + 1j, 2.0], [1.0, 1.0], "real sums, got complex128"),
        ([], [], "at least one sequence, got none"),
    ],
)
def test_a_ratio_that_is_no_number_is_refused(numerator, denominator, message):
    with warnings.catch_warnings(), pytest.raises(ValueError, match=message):
        warnings.simplefilter("error")
        ratio(np.array(numerator), np.array(denominator))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("bad", [torch.tensor([[1.0], [torch.nan]]), torch.tensor([[1.0], [1j]])])
def test_an_affine_map_of_what_is_no_number_is_refused(bad):
    good = torch.ones(2, 1)
    for named in ({"x": bad}, {"fit_x": bad}, {"fit_y": bad}):
        with pytest.raises(ValueError, match=f"^{next(iter(named))} must have real and finite"):
            affine(**{"x": good, "fit_x": good, "fit_y": good} | named)


def test_an_exact_line_is_found_and_infinite_sums_have_no_estimate():
    x = torch.arange(12).reshape(4, 3)
    assert line_fit(x.double(), 3.0 * x.double() + 1).slope.value == pytest.approx(3)
    with pytest.raises(ValueError, match="finite sums, got inf"):
        mean(np.array([1.0, np.inf]))
