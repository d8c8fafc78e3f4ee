"""Each kind of sequence beyond the training data is what its name says."""

import numpy as np
import pytest

from helpers.data.conditions import CONDITIONS
from helpers.data.recurrences import Family

FAMILY = Family(dimension=12, c_min=-1.0, c_max=1.0)


def drawn(name, count=200):
    return CONDITIONS[name].draw(FAMILY, count, np.random.default_rng(0))


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_has_the_familys_shape_and_its_solver_solves_it_unless_there_is_noise(name):
    s, condition = drawn(name), CONDITIONS[name]
    assert s.vectors.shape == (200, 15, 12) and np.isfinite(s.vectors).all()
    off = np.abs(condition.solve(s.vectors)[:, :-1] - s.vectors[:, 1:]).max(axis=(0, 2))[condition.judged(15)]
    assert (off.max() < 1e-6) == (not name.startswith(("noise", "a wrong")))
    assert (s.vectors == drawn(name).vectors).all()


def test_c_has_the_size_asked_for_and_both_signs():
    for name, low, high in (("|c| from 1 to 1.5", 1, 1.5), ("|c| from 2 to 4", 2, 4)):
        c = drawn(name).c
        assert low <= np.abs(c).min() and np.abs(c).max() <= high and 0.3 < (c > 0).mean() < 0.7


def test_shapes_of_start_and_offset():
    rank = {name: np.linalg.matrix_rank(drawn(name).vectors.reshape(-1, 12)) for name in CONDITIONS}
    assert rank["one direction for all"] == 1 and rank["as trained"] == 12
    each = np.linalg.matrix_rank(drawn("a_0 parallel to d").vectors, tol=1e-9)
    assert (each == 1).all() and rank["a_0 parallel to d"] == 12
    used = (np.abs(drawn("four entries of d and a_0").vectors).max(axis=1) > 0).sum(axis=1)
    assert (used == 4).all()
    large, small = (drawn(f"d {size} as large") for size in ("ten times", "a tenth"))
    assert np.median(np.abs(large.d).mean(1) / np.abs(large.vectors[:, 0]).mean(1)) == pytest.approx(10, rel=0.3)
    assert np.median(np.abs(small.d).mean(1) / np.abs(small.vectors[:, 0]).mean(1)) == pytest.approx(0.1, rel=0.3)
    tails = np.abs(drawn("heavy tails").vectors[:, 0])
    assert np.mean(tails.max(1) / np.median(tails, axis=1)) > 2 * np.mean(
        np.abs(drawn("as trained").vectors[:, 0]).max(1) / np.median(np.abs(drawn("as trained").vectors[:, 0]), axis=1)
    )


def test_what_is_broken_is_not_judged():
    chosen = CONDITIONS["a wrong vector in the middle"].judged(15)
    assert not chosen[6] and not chosen[:2].any() and chosen.sum() == 11  # entry 6 foretells vector 7
    assert CONDITIONS["as trained"].judged(15).sum() == 12
    s = drawn("c changes halfway")
    late = s.vectors[:, 7:] - s.more["other"][:, None, None] * s.vectors[:, 6:-1] - s.d[:, None]
    assert np.abs(late).max() < 1e-9
