"""Numbers from a text file as people have them: exports of spreadsheets, of pandas, of numpy; ``table_of``.

What is not plain is found out from the file: encoding, delimiter, decimal mark, thousands separator, header. A reading
counts only if it is the one possible; where there are two, or a value would be lost, the file is refused, by row.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

ENDINGS = (".csv", ".tsv", ".txt", ".dat")
DELIMITERS = (";", "\t", "|", ",", " ")
NO_DELIMITER = "\x1f"
# Decimal mark and thousands separator. Blanks of all widths are one.
STYLES = ((".", ""), (",", ""), (".", ","), (",", "."), (".", "'"), (".", " "), (",", " "))
EXPONENT = r"(?:[eE][+-]?\d+)?"
# A cell of a first row that is no name of a column: it begins like a number, has no letter, or stands for a value.
NO_NAME = re.compile(r"\W*\d|[\W_]*$|(?:true|false|yes|no|na|nat|null|none|nan|inf(?:inity)?|n/a)$", re.IGNORECASE)
SPECIAL = r"[+-]?(?:nan|inf|infinity)"  # numbers to numpy; what comes after refuses them by their place
# A whole line that may be one number with a decimal comma, or with thousands separators.
ONE_NUMBER = (re.compile(rf"[+-]?\d+,\d+{EXPONENT}"), re.compile(r"[+-]?\d{1,3}([, ])\d{3}(?:\1\d{3})*(?:[.,]\d+)?"))


class SequenceError(ValueError):
    """A sequence that cannot be continued; the message says what is wrong with which argument."""


@dataclass(frozen=True)
class Table:
    """What a text holds, and how it was understood, in a line."""

    values: Float[np.ndarray, "*shape"]
    understood: str


def decoded(content: bytes) -> str:
    """A text file's content: UTF-8 or UTF-16 (with a byte-order mark, or by its zeros), else Windows' Western letters.

    Raises:
        SequenceError: it is no text.
    """
    marks = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
    named = next((name for mark, name in marks.items() if content.startswith(mark)), None)
    if named is None and b"\0" in content[:4]:
        named = "utf-16-be" if content[:1] == b"\0" else "utf-16-le"
    for encoding in [named] if named else ["utf-8", "cp1252"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise SequenceError("source is no text in UTF-8, UTF-16 or Windows' Western encoding")


def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    """What a number looks like in a style; a number without thousands separators is one in any."""
    d, t = re.escape(decimal), re.escape(thousands)
    ways = [rf"[+-]?(?:\d+(?:{d}\d*)?|{d}\d+){EXPONENT}", SPECIAL]
    ways += [rf"[+-]?\d{{1,3}}(?:{t}\d{{3}})+(?:{d}\d*)?"] if thousands else []
    return re.compile("|".join(ways), re.IGNORECASE)


PATTERNS = {style: _pattern(*style) for style in STYLES}


def _value(cell: str, style: tuple[str, str]) -> float:
    return float(cell.replace(style[1], "").replace(style[0], ".") if style[1] else cell.replace(style[0], "."))


def _lines(text: str) -> tuple[list[tuple[int, str]], str]:
    """Numbered lines without comments before and blank lines after the data; and Excel's ``sep=`` if it is there."""
    lines = list(enumerate(re.split(r"\r\n|\n|\r", text.replace("−", "-")), 1))
    given = ""
    if lines and (found := re.fullmatch(r"sep=(.)", lines[0][1])):
        given = found[1]
        del lines[0]
    while lines and not lines[-1][1].strip(" \t;,|"):
        del lines[-1]
    while lines and lines[0][1].lstrip().startswith("#"):
        del lines[0]
    for number, line in lines:
        if not line.strip(" \t;,|"):
            raise SequenceError(f"source: row {number} is empty")
        if "#" in line:
            raise SequenceError(f"source: row {number} has a #: comments may only stand before the data")
    if not lines:
        raise SequenceError("source is empty")
    return lines, given


def _one_number(line: str) -> bool:
    """Whether a whole line may be a single number."""
    return any(pattern.fullmatch(line.strip()) for pattern in ONE_NUMBER)


def _delimiter(lines: list[str], decimal: str | None) -> str:
    """The first that stands outside quotes below the first row; a character that never occurs where there is none."""
    body = [re.sub(r'"[^"]*"', "", line).strip() for line in lines[1:] or lines]
    found = next((d for d in DELIMITERS if d != decimal and any(d in line for line in body)), NO_DELIMITER)
    named = len(lines) > 1 and found in ", " and not re.search(r"[\d, ]", lines[0].strip())
    return NO_DELIMITER if named and all(map(_one_number, lines[1:])) else found  # a column under its name


def _cells(lines: list[tuple[int, str]], delimiter: str) -> list[tuple[int, list[str]]]:
    """Rows of cells, with the number of their line."""
    if delimiter == " ":
        return [(number, line.split()) for number, line in lines]
    reader = csv.reader((line for _, line in lines), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        rows = [[re.sub(r"\s", " ", cell).strip() for cell in row] for row in reader]
    except csv.Error as error:
        raise SequenceError(f"source: row {lines[0][0] + reader.line_num - 1}: {error}") from error
    if len(rows) != len(lines):
        raise SequenceError("source: a quoted cell goes on over the end of its row")
    return [(number, row) for (number, _), row in zip(lines, rows, strict=True)]


def _is_header(row: list[str]) -> bool:
    """Every cell is a word, and none is one that stands for a value."""
    return all(cell and not NO_NAME.match(cell) for cell in row)


def _read_in(rows: list[tuple[int, list[str]]], style: tuple[str, str]) -> np.ndarray | str:
    """The numbers in a style, or what is wrong with the first cell that is none."""
    for number, row in rows:
        for entry, cell in enumerate(row):
            if not PATTERNS[style].fullmatch(cell):
                return f"source: row {number}, entry {entry}: {cell!r} is no number" + (" (empty)" if not cell else "")
    return np.array([[_value(cell, style) for cell in row] for _, row in rows])


def _styles(rows: list[tuple[int, list[str]]], delimiter: str, decimal: str | None) -> list[tuple[str, str]]:
    """The styles that can be meant: with semicolons or tabs any, else the point, unless a comma is within a cell."""
    styles = [style for style in STYLES if decimal in (None, style[0])]
    if delimiter not in (";", "\t") and not any("," in cell for _, row in rows for cell in row):
        styles = [style for style in styles if style[0] == "." or decimal == ","]
    return styles


def _numbers_rows(rows: list[tuple[int, list[str]]], head: list[str]) -> bool:
    """Whether the first column has no name, as those have with which pandas and R number rows.

    Raises:
        SequenceError: it has none and does not number them.
    """
    if len(head) < 2 or head[0]:
        return False
    if [row[0] for _, row in rows] not in [[str(i + start) for i in range(len(rows))] for start in (0, 1)]:
        raise SequenceError("source: the first column has no name and does not number the rows")
    return True


def table_of(
    text: str, *, delimiter: str | None = None, decimal: str | None = None, header: bool | None = None
) -> Table:
    """Reads a text of numbers, one vector to a row; a single row is a sequence of single numbers.

    Args:
        delimiter, decimal: of the file, where it can be read in two ways; e.g. "," and ".".
        header: whether the first row is one, where it could be either.
    Raises:
        SequenceError: a row is empty or of another length, a cell is no number, or there are two ways to read the file.
    """
    lines, given = _lines(text)
    said = delimiter or given
    delimiter = said or _delimiter([line for _, line in lines], decimal)
    rows = _cells(lines, delimiter)
    first = rows[0][1]
    named = _is_header(first) if header is None else header
    if header is None and len(rows) > 1 and (first == [str(i) for i in range(len(first))] or first[0] == ""):
        named = first[0] == "" and all(first[1:])
        if not named:
            raise SequenceError("source: the first row may number the columns or be data: say header=True or False")
    head = rows.pop(0)[1] if named else []
    if not rows:
        raise SequenceError("source has a header and no numbers")
    width = len(head or rows[0][1])
    for number, row in rows:
        if len(row) != width:
            raise SequenceError(
                f"source must have rows of equal length: row {number} has {len(row)}, the first {width}"
            )
    plain = [line for _, line in lines[len(lines) - len(rows) :]]
    if not said and not head and width > 1 and all(_one_number(line) for line in plain):
        way = f'put one more blank between entries, or say delimiter="{delimiter}" or decimal=","'
        raise SequenceError(f"source: {plain[0].strip()!r} may be {width} numbers or one: {way}")
    found = {style: _read_in(rows, style) for style in _styles(rows, delimiter, decimal)}
    good = {style: values for style, values in found.items() if not isinstance(values, str)}
    if not good:
        raise SequenceError(next(iter(found.values())))
    style, values = next(iter(good.items()))
    if any(not np.array_equal(values, other, equal_nan=True) for other in good.values()):
        cell = next(cell for _, row in rows for cell in row if len({_value(cell, s) for s in good}) > 1)
        raise SequenceError(f'source: {cell!r} may have a decimal mark or thousands: say decimal="." or decimal=","')
    parts = ["1 header row"] if head else []
    if _numbers_rows(rows, head):
        values, head = values[:, 1:], head[1:]
        parts.append("row numbers left out")
    if len(values) == 1 and values.shape[1] > 1:
        return Table(values[0], ", ".join([*parts, f"one row: a sequence of {values.shape[1]} single numbers"]))
    parts.append(f"{values.shape[1]} column{'s' * (values.shape[1] > 1)}")
    used = "".join(cell for _, row in rows for cell in row)
    parts += ["decimal comma"] if style[0] == "," and "," in used else []
    parts += [f"thousands marked by {style[1]!r}"] if style[1] else []
    return Table(values, ", ".join(parts))
