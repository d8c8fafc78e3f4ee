from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.data.predictors import continue_by, exact_solver
from helpers.data.recurrences import Family, sample, unroll
from helpers.data.userdata import SequenceError, check, random_start, random_turn, read, to_model

SIZES = {"dimension": 3, "n_ctx": 14}


@settings(deadline=None)
@given(st.floats(-1.4, 1.4), st.floats(1e-3, 1e6), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_a_map_keeps_the_recurrence_fills_the_models_range_and_can_be_undone(c, unit, width, seed):
    a0, d = unit * np.random.default_rng(seed).standard_normal((2, 1, width))
    sequence = unroll(a0, np.array([c]), d, 15)[0]
    given_part = to_model(sequence[:8], **SIZES, seed=seed)
    assert given_part.vectors.shape == (8, 3)
    np.testing.assert_allclose(given_part.back(given_part.vectors), sequence[:8], rtol=1e-9, atol=1e-9 * unit)
    continued = continue_by(exact_solver, given_part.vectors, 7)
    tolerance = 1e-5 * np.abs(sequence).max()
    np.testing.assert_allclose(given_part.back(continued), sequence[8:], rtol=1e-4, atol=tolerance)
    whole = np.concatenate([given_part.vectors, continued])
    assert np.abs(whole).max() == pytest.approx(1, rel=1e-4)
    assert not np.array_equal(to_model(sequence[:8], **SIZES, seed=seed + 1).vectors, given_part.vectors)


@pytest.mark.parametrize("width", [1, 3, 7])
def test_a_turn_leaves_lengths_and_angles_and_is_drawn_anew_by_each_seed(width):
    turn, other = (random_turn(width, 7, np.random.default_rng(seed)) for seed in (0, 1))
    assert turn.shape == (7, width) and not np.allclose(turn, other)
    np.testing.assert_allclose(turn.T @ turn, np.eye(width), atol=1e-12)


def test_a_start_is_in_the_unit_of_the_first_step():
    x = np.random.default_rng(0).standard_normal(40)
    start, larger = (random_start(k * x, -0.8, np.random.default_rng(1)) for k in (1, 1000))
    np.testing.assert_allclose(larger, 1000 * start, rtol=1e-12)


@pytest.mark.parametrize("c", [-1.2, 0.5, 1.3])
def test_a_start_has_the_mean_and_the_spread_that_bayes_gives_for_its_first_step(c):
    rng, q = np.random.default_rng(0), (c - 1) ** 2 + 1
    x = np.sqrt(q) * np.ones(4000)  # so many entries that they give the unit away: it is 1
    start = random_start(x, c, rng)
    assert start.mean() == pytest.approx((c - 1) / np.sqrt(q), abs=0.05)
    assert start.std() == pytest.approx(1 / np.sqrt(q), rel=0.05)


@pytest.mark.parametrize("c", [-1.2, 0.5, 1.3])
def test_the_start_is_drawn_as_the_training_data_are(c):
    """Of sequences with this c, the regression of a_0 on a_1 - a_0 and what it leaves, in units of the first step."""
    family = Family(c_min=c, c_max=c)
    own = sample(replace(family, dimension=7), 200, seed=1).vectors[:, :6] * 100 + 50
    mapped = np.stack([to_model(one, dimension=40, n_ctx=14, seed=i).vectors for i, one in enumerate(own)])
    slopes, left = [], []
    for vectors in (sample(family, 200, seed=2).vectors, mapped):
        start, x = vectors[:, 0], vectors[:, 1] - vectors[:, 0]
        size = np.sqrt((x**2).mean(axis=1, keepdims=True))
        start, x = start / size, x / size
        slopes.append((start * x).mean() / (x * x).mean())
        left.append((start - slopes[-1] * x).std())
    assert slopes[1] == pytest.approx(slopes[0], abs=0.03) and left[1] == pytest.approx(left[0], abs=0.02)


def test_a_row_of_numbers_is_a_sequence():
    assert np.array_equal(check(read([1, 2, 4]), **SIZES), [[1], [2], [4]])
    table = np.arange(12.0).reshape(4, 3) ** 2
    assert np.array_equal(check(table, **SIZES), table)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([[10**400, 1, 2]] * 3, "source must hold numbers"),
        ([[1, 2, 3], [1, float("nan"), 3], [1, 2, 4]], "finite numbers, got nan in vector 1, entry 1"),
        ([[1, 2, 3], [1, 2, float("inf")], [1, 2, 4]], "finite numbers, got inf in vector 1, entry 2"),
        ([[1, 2, 3, 4]] * 3, "vectors of 1 to 3 entries for this model, got 4"),
        ([[]] * 3, "vectors of 1 to 3 entries for this model, got 0"),
        ([[1, 2, 3], [4, 5, 6]], "3 to 14 vectors for this model, got 2"),
        (np.ones((5, 3)), "constant"),
        ([["a", "b", "c"]] * 3, "source must hold numbers"),
        ([[1, 2, 3], [4, 5]], "rows of equal length"),
        (np.ones(3), "constant"),
        (np.ones((3, 3, 3)), r"shape \[vectors, entries\], got \[3, 3, 3\]"),
        ("nothing.npy", "cannot be read"),
        ("table.xlsx", r"must be a .npy file or text \(.csv, .*got 'table.xlsx'"),
        ([1, True, 3], "row 1 has True"),
        (np.array([True, False, True]), "row 0 has truth values"),
        (np.array([1, 2 + 1j, 3]), "row 1 has an imaginary part"),
        ([1, 2, 3j], "row 2 has 3j"),
        (np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"), "row 0 has dates"),
        ([1, np.datetime64("2020-01-01"), 3], "row 1 has np.datetime64"),
        (np.ma.masked_equal([1, 2, 3], 2), "row 1 is masked"),
        ([1, None, 3], "row 1 has None"),
        (["1", "2", "1_0"], "row 2 has '1_0'"),
        (pd.DataFrame({"a": [1, 2, 3], "b": [True, False, True]}), "row 0 has True"),
        (pd.Series([1, pd.NA, 3], dtype="Int64"), "(row 1 has <NA>|got nan in vector 1)"),
        ((n for n in range(4)), "it has <generator"),
    ],
)
def test_what_cannot_be_continued_is_refused_with_the_reason(source, message):
    with pytest.raises(SequenceError, match=message):
        check(read(source), **SIZES)


def test_of_too_many_vectors_the_last_are_used_and_it_is_said(capsys):
    table = np.arange(120.0).reshape(40, 3) ** 2
    assert np.array_equal(check(table, **SIZES), table[-14:])
    assert capsys.readouterr().out.startswith("the last 14 of 40 vectors are used; read(source)[:14]")


def test_files_are_read(tmp_path, capsys):
    table = np.arange(12.0).reshape(4, 3)
    np.save(tmp_path / "a.npy", table)
    np.savetxt(tmp_path / "a.csv", table, delimiter=",")
    assert np.array_equal(read(tmp_path / "a.npy"), table) and np.array_equal(read(str(tmp_path / "a.csv")), table)
    assert "a.csv: 3 columns" in capsys.readouterr().out
    (tmp_path / "b.CSV").write_bytes("t;v\n1;2,5\n3;4,5\n".encode("utf-16"))
    assert np.array_equal(read(tmp_path / "b.CSV"), [[1, 2.5], [3, 4.5]])
    assert capsys.readouterr().out == "b.CSV: 1 header row, 2 columns, decimal comma\n"
    (tmp_path / "c.csv").write_text("1,2\n2,5\n", encoding="utf-8")
    assert np.array_equal(read(tmp_path / "c.csv", decimal=","), [[1.2], [2.5]])
    np.save(tmp_path / "truth.npy", np.array([True, False]))
    with pytest.raises(SequenceError, match="row 0 has truth values"):
        read(tmp_path / "truth.npy")
    (tmp_path / "empty.npy").write_bytes(b"")
    with pytest.raises(SequenceError, match="source must hold numbers"):
        read(tmp_path / "empty.npy")
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object))
    with pytest.raises(SequenceError, match="source must hold numbers"):
        read(tmp_path / "objects.npy")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([[1 + 1j], [2], [3]], "row 0 has "),
        (np.array([1j, 2, 3]), "real numbers, row 0 has an imaginary part"),
        ([[1e155], [2e155], [4e155]], r"numbers up to 1e\+100, got 1e\+155 in vector 0, entry 0"),
        ([1.0, 2.0, -np.inf], "got -inf in vector 2"),
        ([0.0, 1e-150, 2e-150], "must change by at least 1e-100"),
    ],
)
def test_numbers_that_cannot_be_squared_and_complex_ones_are_refused(source, message):
    with pytest.raises(SequenceError, match=message):
        check(read(source), **SIZES)


@pytest.mark.parametrize("unit", [1e-99, 1e-60, 1e60, 1e99])
def test_what_is_accepted_comes_back_in_its_unit(unit):
    sequence = unit * np.array([[1.0, 2.0], [3.0, 1.0], [2.0, 1.5], [2.5, 1.25]])
    mapped = to_model(check(read(sequence), **SIZES), **SIZES)
    np.testing.assert_allclose(mapped.back(mapped.vectors), sequence, rtol=1e-9)
    assert np.abs(mapped.vectors).max() <= 1


@pytest.mark.filterwarnings("error")
def test_an_empty_file_is_refused_without_a_warning(tmp_path):
    (tmp_path / "own.csv").write_text("\n", encoding="utf-8")
    with pytest.raises(SequenceError, match="source is empty"):
        check(read(tmp_path / "own.csv"), **SIZES)
