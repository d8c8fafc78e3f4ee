import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.predictors import exact_solver
from helpers.recurrences import unroll
from helpers.userdata import SequenceError, read, to_model

SIZES = {"dimension": 3, "n_ctx": 14}


@given(st.floats(-1.4, 1.4), st.floats(1e-3, 1e6), st.integers(0, 2**32 - 1))
def test_shift_and_scale_keep_the_recurrence_and_can_be_undone(c, unit, seed):
    a0, d = unit * np.random.default_rng(seed).standard_normal((2, 1, 3))
    sequence = unroll(a0, np.array([c]), d, 9)[0]
    given_part = to_model(sequence[:8], **SIZES)
    np.testing.assert_allclose(given_part.back(given_part.vectors), sequence[:8], rtol=1e-9, atol=1e-9 * unit)
    continued = given_part.back(exact_solver(given_part.vectors[None])[0, -1])
    np.testing.assert_allclose(continued, sequence[8], rtol=1e-5, atol=1e-5 * np.abs(sequence).max())
    assert np.abs(given_part.vectors).max() == pytest.approx(1)


def test_headroom_leaves_room():
    assert np.abs(to_model(np.eye(3), **SIZES, headroom=2.0).vectors).max() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([[10**400, 1, 2]] * 3, "source must hold numbers"),
        ([[1, 2, 3], [1, float("nan"), 3], [1, 2, 4]], "finite numbers, got nan in vector 1, entry 1"),
        ([[1, 2, 3], [1, 2, float("inf")], [1, 2, 4]], "finite numbers, got inf in vector 1, entry 2"),
        ([[1, 2], [3, 4], [5, 6]], "vectors of 3 entries for this model, got 2"),
        ([[1, 2, 3], [4, 5, 6]], "3 to 14 vectors for this model, got 2"),
        (np.arange(45.0).reshape(15, 3), "3 to 14 vectors for this model, got 15"),
        (np.ones((5, 3)), "constant"),
        ([["a", "b", "c"]] * 3, "source must hold numbers"),
        ([[1, 2, 3], [4, 5]], "rows of equal length"),
        (np.ones(3), r"shape \[vectors, dimension\], got \[3\]"),
        ("nothing.npy", "cannot be read"),
        ("table.xlsx", "must be a .npy or .csv file"),
    ],
)
def test_what_cannot_be_continued_is_refused_with_the_reason(source, message):
    with pytest.raises(SequenceError, match=message):
        to_model(source, **SIZES)


def test_headroom_below_one_is_refused():
    with pytest.raises(SequenceError, match="headroom must be at least 1, got 0.5"):
        to_model(np.eye(3), **SIZES, headroom=0.5)


def test_files_are_read(tmp_path):
    table = np.arange(12.0).reshape(4, 3)
    np.save(tmp_path / "a.npy", table)
    np.savetxt(tmp_path / "a.csv", table, delimiter=",")
    assert np.array_equal(read(tmp_path / "a.npy"), table) and np.array_equal(read(str(tmp_path / "a.csv")), table)
    (tmp_path / "text.csv").write_text("one,two\n3,4\n")
    with pytest.raises(SequenceError, match="source must hold numbers"):
        read(tmp_path / "text.csv")
    (tmp_path / "empty.npy").write_bytes(b"")
    with pytest.raises(SequenceError, match="source must hold numbers"):
        read(tmp_path / "empty.npy")
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object))
    with pytest.raises(SequenceError, match="source must hold numbers"):
        read(tmp_path / "objects.npy")
