"""Files of numbers: what pandas, spreadsheets and numpy write comes back, and nothing is read silently wrong."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.data.tables import SequenceError, decoded, table_of

KINDS = (st.floats(-1e6, 1e6), st.integers(-5000, 5000).map(float), st.integers(-99999, 99999).map(lambda i: i / 100))
TABLES = st.tuples(st.integers(3, 7), st.integers(1, 3), st.sampled_from(KINDS)).flatmap(
    lambda of: st.lists(st.lists(of[2], min_size=of[1], max_size=of[1]), min_size=of[0], max_size=of[0])
)


def right_or_refused(text, table, **told):
    """Whether a text was read; if so, it is the table."""
    try:
        values = table_of(text, **told).values
    except SequenceError:
        return False
    np.testing.assert_array_equal(values, table)
    return True


@settings(max_examples=30, deadline=None)
@given(TABLES, st.sampled_from(",;\t|"), st.sampled_from(".,"), st.booleans(), st.booleans(), st.booleans())
def test_what_pandas_writes_comes_back(rows, sep, decimal, index, names, whole):
    frame = pd.DataFrame(np.array(rows))
    frame = frame.round().astype(int) if whole else frame
    if names:
        frame.columns = [f"column {i}" for i in range(frame.shape[1])]
    table = frame.to_numpy(dtype=float)
    if sep != decimal:
        text = frame.to_csv(sep=sep, decimal=decimal, index=index)
        right_or_refused(text, table)
        assert right_or_refused(text, table, delimiter=sep, decimal=decimal, header=True)


@pytest.mark.parametrize(("sep", "decimal"), [(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","), ("|", ".")])
@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize("width", [1, 3])
def test_of_an_ordinary_frame_nothing_need_be_said(sep, decimal, index, width):
    frame = pd.DataFrame(np.random.default_rng(width).standard_normal((6, width)), columns=list("abc")[:width])
    assert right_or_refused(frame.to_csv(sep=sep, decimal=decimal, index=index), frame.to_numpy())


@settings(max_examples=30, deadline=None)
@given(TABLES, st.sampled_from([",", ";", "\t", " "]), st.sampled_from(["%.18e", "%.17g", "%r", "%.3f", "%d"]))
def test_what_numpy_writes_comes_back(rows, delimiter, fmt):
    table, file = np.array(rows), io.StringIO()
    table = table.round() if fmt == "%d" else table.round(3) if fmt == "%.3f" else table
    np.savetxt(file, table, delimiter=delimiter, fmt="%.18e" if fmt == "%r" else fmt, header="a header")
    read = right_or_refused(file.getvalue(), table)
    assert read or fmt in ("%.3f", "%d", "%.17g")
    assert right_or_refused(file.getvalue(), table, delimiter=delimiter, decimal=".", header=False)


LOCALES = {
    "German": (";", ",", "."),
    "English": (",", ".", ","),
    "French": (";", ",", "\u202f"),
    "Swiss": (";", ".", "'"),
}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=3), min_size=3, max_size=6).filter(
        lambda rows: len({len(row) for row in rows}) == 1
    ),
    st.sampled_from(sorted(LOCALES)),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
    st.integers(1, 3),
    st.booleans(),
)
def test_what_spreadsheets_export_comes_back(rows, place, encoding, digits, header):
    delimiter, decimal, thousands = LOCALES[place]
    thousands = "\xa0" if encoding == "cp1252" and place == "French" else thousands
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    if header:
        writer.writerow(["Größe", *["Wert"] * (len(rows[0]) - 1)])
    for row in rows:
        cells = [f"{value / 10**digits:,.{digits}f}" for value in row]
        writer.writerow([c.replace(",", "t").replace(".", decimal).replace("t", thousands) for c in cells])
    text = decoded(file.getvalue().encode(encoding))
    table = np.array(rows) / 10**digits
    read = right_or_refused(text, table)
    assert read or digits == 3 or not header or all(abs(value) < 1000 * 10**digits for row in rows for value in row)


@pytest.mark.parametrize(
    ("text", "values", "understood"),
    [
        ("a,b\n1,2\n3,4\n", [[1, 2], [3, 4]], "1 header row, 2 columns"),
        ("x;y;z\r\n1;2,5;3\r\n4;5,5;6\r\n", [[1, 2.5, 3], [4, 5.5, 6]], "1 header row, 3 columns, decimal comma"),
        ("1,2,4,8", [1, 2, 4, 8], "one row: a sequence of 4 single numbers"),
        ("# made by hand\n# twice\n1\n2\n\n \n", [[1], [2]], "1 column"),
        ('"1,5"\n"2,5"', [[1.5], [2.5]], "1 column, decimal comma"),
        ("Wert\n1,5\n2,25\n", [[1.5], [2.25]], "1 header row, 1 column, decimal comma"),
        ("sep=;\n1;2\n3;4", [[1, 2], [3, 4]], "2 columns"),
        (",v\n0,1.5\n1,2.5", [[1.5], [2.5]], "1 header row, row numbers left out, 1 column"),
        ("1'234.5;2\n2;3", [[1234.5, 2], [2, 3]], '2 columns, thousands marked by "\'"'),
        ("1 2.5\n−3 4", [[1, 2.5], [-3, 4]], "2 columns"),
        ("1, 2\n3, 4", [[1, 2], [3, 4]], "2 columns"),
    ],
)
def test_how_a_file_was_understood_is_said(text, values, understood):
    table = table_of(text)
    assert table.understood == understood
    np.testing.assert_array_equal(table.values, values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\n\n3", "row 2 is empty"),
        ("a;b\n1;2\n;\n3;4", "row 3 is empty"),
        ("1\n2 # not 3\n4", "row 2 has a #"),
        ("1,2.5\n3,\n5,6", "row 2, entry 1: '' is no number"),
        ("1\nTrue\n3", "row 2, entry 0: 'True' is no number"),
        ("True\n2\n3", "row 1, entry 0: 'True' is no number"),
        ("NA\n2\n3", "row 1, entry 0: 'NA' is no number"),
        ("1+2j\n2\n3", r"row 1, entry 0: '1\+2j' is no number"),
        ("2020-01-01;3\n2020-01-02;4", "row 1, entry 0: '2020-01-01' is no number"),
        ("day,value\n2020-01-01,3", "row 2, entry 0: '2020-01-01' is no number"),
        ("1,2.5\n3,4\n5", "equal length: row 3 has 1, the first 2"),
        ("1,2\n3,4", "'1,2' may be 2 numbers or one"),
        ("1,234.5\n2,345.6", "'1,234.5' may be 2 numbers or one"),
        ("1 234\n5 678", "'1 234' may be 2 numbers or one"),
        ("1,234;5\n2,345;6", "'1,234' may have a decimal mark or thousands"),
        ("0,1\n1,2.5\n2,3", "may number the columns or be data"),
        ("5%\n6%", "row 1, entry 0: '5%' is no number"),
        (",v\n3,1.5\n1,2.5", "first column has no name"),
        ('1,"2\n3",4', "quoted cell"),
        ("a,b\n", "no numbers"),
        ("\n", "empty"),
    ],
)
def test_what_would_lose_a_value_or_can_be_read_in_two_ways_is_refused_by_row(text, message):
    with pytest.raises(SequenceError, match=message):
        table_of(text)


def test_what_is_told_decides():
    np.testing.assert_array_equal(table_of("1,2\n3,4", delimiter=",").values, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(table_of("1,2\n3,4", decimal=",").values, [[1.2], [3.4]])
    np.testing.assert_array_equal(table_of("1,234;5\n2,345;6", decimal=",").values, [[1.234, 5], [2.345, 6]])
    np.testing.assert_array_equal(table_of("1,234;5\n2,345;6", decimal=".").values, [[1234, 5], [2345, 6]])
    np.testing.assert_array_equal(table_of("0\n1\n3", header=False).values, [[0], [1], [3]])
    np.testing.assert_array_equal(table_of("0\n1\n3", header=True).values, [[1], [3]])


def test_what_is_no_text_is_refused():
    with pytest.raises(SequenceError, match="no text"):
        decoded(b"PK\x03\x04\x00\x00\x81\x8d")
