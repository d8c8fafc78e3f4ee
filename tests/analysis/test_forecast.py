import numpy as np
import pytest

from helpers.analysis.forecast import forecast
from helpers.data.recurrences import unroll
from helpers.data.userdata import SequenceError
from helpers.places import ROOT
from helpers.training import checkpoints


@pytest.fixture(scope="module")
def model():
    return checkpoints.load(ROOT / "checkpoints" / "fast")


@pytest.mark.parametrize(("width", "c"), [(1, 0.9), (2, -1.1), (40, 1.2)])
def test_a_forecast_is_near_the_truth_and_says_how_near(model, width, c):
    a0, d = 1000 * np.random.default_rng(width).standard_normal((2, 1, width))
    sequence = unroll(a0, np.array([c]), d, 12)[0]
    mean, deviation = forecast(model, sequence[:10], steps=2, maps=8)
    error = np.abs(mean - sequence[10:])
    assert error.max() < 0.02 * np.ptp(sequence)
    assert (error < 4 * deviation).mean() > 0.9 and deviation.max() < 0.1 * np.ptp(sequence)


def test_what_cannot_be_forecast_is_refused(model):
    with pytest.raises(SequenceError, match="3 to 14 vectors"):
        forecast(model, [1, 2])
    with pytest.raises(ValueError, match="maps must be at least 2, got 1"):
        forecast(model, [1, 2, 4], maps=1)
    with pytest.raises(ValueError, match="steps must be 1 to 12"):
        forecast(model, [1, 2, 4], steps=13)
