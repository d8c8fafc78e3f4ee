import copy

import numpy as np
import pytest

from helpers.analysis.forecast import forecast
from helpers.data.recurrences import Family, sample, unroll
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


def test_of_other_kinds_a_forecast_is_refused_or_widened(model):
    growth = 1.8 ** np.arange(9)
    with pytest.raises(SequenceError, match=r"c = 1\.8, outside .* allow_outside=True"):
        forecast(model, growth[:8])
    with pytest.warns(UserWarning, match=r"c = 1\.8"):
        mean, deviation = forecast(model, growth[:8], allow_outside=True)
    assert abs(mean.item() - growth[8]) < 2 * deviation.item()


def test_a_model_must_say_what_it_was_trained_on(model):
    bare = copy.copy(model)
    bare.family = None
    with pytest.raises(ValueError, match="model must say what it was trained on"):
        forecast(bare, [1, 2, 4])


@pytest.mark.parametrize(("noise", "step"), [(0.0, 0.01), (0.01, 0.0), (0.03, 0.02)])
def test_intervals_hold_for_rounded_and_noisy_readings(model, noise, step):
    """Of the readings to come, as they would be read, in shares of a sequence's range."""
    inside = []
    for seed in range(16):
        family = Family(dimension=6, length=10, c_min=-0.95, c_max=0.95, scaling="none")
        own = sample(family, 1, seed).vectors[0]
        readings = 100 * own / np.ptp(own) + 100 * noise * np.random.default_rng(seed).standard_normal(own.shape)
        readings = np.round(np.round(readings / (100 * step)) * 100 * step, 9) if step else readings
        mean, deviation = forecast(model, readings[:9], maps=8)
        inside.append(np.abs(mean[0] - readings[9]) < 1.96 * deviation[0])
    assert 0.9 <= np.mean(inside) <= (0.98 if noise else 1)  # rounding alone never errs by two of its deviations


def test_a_stated_noise_decides(model):
    readings = 21 + 60 * 0.88 ** np.arange(8)
    (mean, exact), (same, wide) = forecast(model, readings), forecast(model, readings, noise=2.0)
    assert mean == same and exact < 0.2 and wide > 2


def test_of_a_long_file_as_many_vectors_are_used_as_leave_room(model, capsys):
    table = 21 + 60 * 0.88 ** np.arange(40)[:, None]
    mean, _ = forecast(model, table, steps=3)
    np.testing.assert_allclose(mean, forecast(model, table[-12:], steps=3)[0])
    assert "the last 12 of 40 vectors are used" in capsys.readouterr().out


def test_what_cannot_be_forecast_is_refused(model):
    with pytest.raises(SequenceError, match="3 to 14 vectors"):
        forecast(model, [1, 2])
    with pytest.raises(ValueError, match="maps must be at least 2, got 1"):
        forecast(model, [1, 2, 4], maps=1)
    with pytest.raises(ValueError, match="steps must be 1 to 12"):
        forecast(model, [1, 2, 4], steps=13)
