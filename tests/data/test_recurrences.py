import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.data.recurrences import Family, sample, scale_of, sequences_from, unroll, with_noise

seeds = st.integers(0, 2**32 - 1)


@given(st.floats(-1.5, 1.5).filter(lambda c: abs(c - 1) > 1e-2), seeds)
def test_unroll_agrees_with_the_closed_form(c, seed):
    a0, d = np.random.default_rng(seed).standard_normal((2, 1, 4))
    n = np.arange(15)[:, None]
    expected = c**n * a0[0] + d[0] * (1 - c**n) / (1 - c)
    np.testing.assert_allclose(unroll(a0, np.array([c]), d, 15)[0], expected, rtol=1e-9, atol=1e-9)


@given(st.sampled_from(["max", "rms", "none"]), st.integers(1, 6), st.integers(2, 15), seeds)
def test_a_scaled_sequence_follows_the_same_recurrence(scaling, dimension, length, seed):
    s = sample(Family(dimension=dimension, length=length, scaling=scaling), 5, seed)
    expected = s.c[:, None, None] * s.vectors[:, :-1] + s.d[:, None]
    np.testing.assert_allclose(s.vectors[:, 1:], expected, rtol=1e-9, atol=1e-9)


def test_sequences_are_written_out_from_their_start_and_divided():
    sequences = sequences_from(np.array([[1.0, 2.0]]), np.array([2.0]), np.array([[0.0, 1.0]]), 3, "max")
    assert sequences.scale == [11] and sequences.c == [2]
    np.testing.assert_allclose(11 * sequences.vectors[0], [[1, 2], [2, 5], [4, 11]], rtol=1e-15)
    np.testing.assert_allclose(11 * sequences.d[0], [0, 1], rtol=1e-15)


def test_each_scaling_bounds_what_it_says():
    assert np.allclose(np.abs(sample(Family(), 50, 0).vectors).max(axis=(1, 2)), 1)
    assert np.allclose((sample(Family(scaling="rms"), 50, 0).vectors ** 2).mean(axis=(1, 2)), 1)
    raw, scaled = sample(Family(scaling="none"), 50, 0), sample(Family(), 50, 0)
    assert np.allclose(scaled.vectors * scaled.scale[:, None, None], raw.vectors)
    assert np.array_equal(raw.c, scaled.c)


def test_a_seed_decides_the_sequences_and_c_fills_its_range():
    family = Family(c_min=-0.5, c_max=2.0)
    a, b, other = sample(family, 2000, 3), sample(family, 2000, 3), sample(family, 2000, 4)
    assert np.array_equal(a.vectors, b.vectors) and not np.array_equal(a.vectors, other.vectors)
    assert a.c.min() >= -0.5 and a.c.max() <= 2.0
    assert abs(a.c.mean() - 0.75) < 0.05


def test_noise_has_the_size_asked_for():
    clean, noisy = sample(Family(), 200, 1).vectors, sample(Family(noise=0.1), 200, 1).vectors
    assert abs((noisy - clean).std() - 0.1) < 0.002
    once, twice = (with_noise(sample(Family(), 200, 1), size, np.random.default_rng(0)).vectors for size in (1.0, 2.0))
    np.testing.assert_allclose(twice - clean, 2 * (once - clean), atol=1e-12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dimension": 0}, r"dimension must be a whole number in \[1, 65536\], got 0"),
        ({"length": 2.5}, "length must be"),
        ({"c_min": 2.0}, "c_min must not exceed c_max"),
        ({"scaling": "std"}, "scaling must be one of .*'max', 'rms', 'none'.*got 'std'"),
        ({"noise": -1.0}, "noise must be"),
        ({"noise": float("nan")}, "noise must be"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_an_impossible_family_is_refused_by_name(wrong, message):
    with pytest.raises(ValueError, match=message):
        Family(**wrong)


def test_what_cannot_be_sampled_or_scaled_is_refused():
    with pytest.raises(ValueError, match="count must be at least 1"):
        sample(Family(), 0, 0)
    with pytest.raises(ValueError, match="zero throughout"):
        scale_of(np.zeros((1, 3, 2)), "max")
    with pytest.raises(ValueError, match="scaling must be one of"):
        scale_of(np.ones((1, 3, 2)), "l2")


@pytest.mark.parametrize("scaling", ["max", "rms", "none"])
@pytest.mark.filterwarnings("ignore:overflow")
def test_a_sequence_that_outgrows_all_numbers_is_refused(scaling):
    with pytest.raises(ValueError, match="not finite, c or length being too large"):
        sample(Family(dimension=2, length=400, c_min=90, c_max=90, scaling=scaling), 3, 0)
