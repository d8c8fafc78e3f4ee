import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.data.bayes import after_two, posterior, sizes
from helpers.data.predictors import squared_errors
from helpers.data.recurrences import SCALINGS, Family, sample, scale_of, unroll


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("dimension", [2, 12])
def test_the_posterior_is_calibrated(scaling, dimension):
    """c less its mean is 0 on average, whatever the mean, and its square is the variance; and it is news."""
    family = Family(dimension=dimension, scaling=scaling)
    sequences = sample(family, 1500, 0)
    points = [posterior(family, *two) for two in sequences.vectors[:, :2]]
    mean = np.array([p @ c for c, p in points])
    variance = np.array([p @ (c - p @ c) ** 2 for c, p in points])
    off = sequences.c - mean
    assert (off**2).mean() < 0.6 * sequences.c.var()
    open_ = variance > 1e-6  # elsewhere c is known: there it must be right
    assert np.abs(off[~open_]).max(initial=0) < 5e-3
    z = off[open_] / np.sqrt(variance[open_])
    n = open_.sum()
    assert abs(z.mean()) < 4 / np.sqrt(n) and abs((off * mean)[open_].mean()) < 4 * (off * mean)[open_].std() / n**0.5
    assert abs((off[open_] ** 2 - variance[open_]).mean()) < 4 * (off[open_] ** 2 - variance[open_]).std() / n**0.5


def test_without_scaling_it_is_what_sampling_finds():
    family, v0, v1 = Family(dimension=2, scaling="none"), np.array([1.0, -0.4]), np.array([0.3, 0.9])
    rng = np.random.default_rng(0)
    c, d = rng.uniform(-1.5, 1.5, 400_000), rng.standard_normal((400_000, 2))
    near = np.abs(c[:, None] * v0 + d - v1).max(axis=1) < 0.1
    values, p = posterior(family, v0, v1)
    assert p @ values == pytest.approx(c[near].mean(), abs=4 * c[near].std() / near.sum() ** 0.5 + 0.01)


@pytest.mark.parametrize(("scaling", "at"), [("max", (0.5, 0.2)), ("max", (1.0, 0.4)), ("rms", (0.7, 0.1))])
def test_with_scaling_it_is_right_wherever_one_looks(scaling, at):
    """One dimension, where many sequences begin alike: there the mean of c is the posterior's."""
    family = Family(dimension=1, scaling=scaling)
    sequences = sample(family, 100_000, 0)
    near = np.abs(sequences.vectors[:, :2, 0] - at).max(axis=1) < 0.15
    mean = np.array([np.dot(*posterior(family, *two)) for two in sequences.vectors[near, :2]])
    off = sequences.c[near] - mean
    assert near.sum() > 200 and abs(off.mean()) < 4 * off.std() / near.sum() ** 0.5


def test_what_cannot_be_a_beginning_is_refused():
    with pytest.raises(ValueError, match="no sequence of this family begins so"):
        posterior(Family(dimension=2), np.array([1.0, 5.0]), np.array([9.0, 1.0]))


def test_a_c_that_is_known_is_known():
    c, p = posterior(Family(dimension=2, c_min=0.5, c_max=0.5), np.ones(2), np.zeros(2))
    assert c == [0.5] and p == [1.0]


def test_the_guess_beats_every_rule_and_errs_as_expected():
    family = Family(dimension=8)
    sequences = sample(family, 2000, 1)
    guess, expected = after_two(family, sequences.vectors)
    found = ((guess - sequences.vectors[:, 2]) ** 2).mean(axis=1)
    assert abs((found - expected).mean()) < 4 * (found - expected).std() / 2000**0.5
    assert found.mean() < 0.5 * min(error[:, 1].mean() for error in squared_errors(sequences.vectors).values())


@given(st.floats(-1.5, 1.5), st.sampled_from(["max", "rms"]), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_sizes_are_those_of_the_sequence_written_out(c, scaling, seed):
    family = Family(dimension=3, scaling=scaling)
    a0, d = np.random.default_rng(seed).standard_normal((2, 1, 3))
    sequence = unroll(a0, np.array([c]), d, family.length)
    found = sizes(family, sequence[0, 0], sequence[0, 1], np.array([c]))
    np.testing.assert_allclose(found, scale_of(sequence, scaling), rtol=1e-9)


def test_noise_is_refused():
    with pytest.raises(ValueError, match="noise must be 0, got 0.1"):
        posterior(Family(noise=0.1), np.zeros(40), np.ones(40))
