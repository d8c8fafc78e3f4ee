"""One's own sequence, from a file or a list into the model's units and back: ``read``, ``check``, ``to_model``.

An affine map v -> A v + b leaves an affine recurrence one with the same c. So a sequence of any unit and of any
dimension up to the model's can be brought to where the model was trained: A turns it in a random direction, b gives it
a random start, drawn as the training data's are for this c, and the scale makes the largest entry, of the vectors to
come too, 1. For that much, c is estimated beforehand (``fitting.fit``); what comes next is left to the model.
Other random maps give other predictions, and their spread says how sure the model is (``helpers.analysis.forecast``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from helpers.data.fitting import Fit, fit
from helpers.data.recurrences import scale_of
from helpers.data.tables import ENDINGS, SequenceError, decoded, table_of

LARGEST = 1e100  # in size: the squares of larger numbers overflow
MINIMUM = 3  # vectors from which the next one can be known


@dataclass(frozen=True)
class ModelInput:
    """A sequence in the model's units, vectors * scale = (sequence - origin) @ matrix.T + start; ``back`` undoes it."""

    vectors: Float[np.ndarray, "n dimension"]
    matrix: Float[np.ndarray, "dimension width"]
    start: Float[np.ndarray, " dimension"]
    origin: Float[np.ndarray, " width"]
    scale: float

    def there(self, sequence: Float[np.ndarray, "n width"]) -> Float[np.ndarray, "n dimension"]:
        """From the user's units to the model's, for other readings of the same sequence."""
        return ((sequence - self.origin) @ self.matrix.T + self.start) / self.scale

    def back(self, vectors: Float[np.ndarray, "... dimension"]) -> Float[np.ndarray, "... width"]:
        """From the model's units to the user's."""
        return (vectors * self.scale - self.start) @ self.matrix + self.origin


KINDS = {"b": "truth values", "M": "dates", "m": "durations", "V": "fields"}  # of numpy's arrays that hold no numbers


def numbers(array: object) -> Float[np.ndarray, "*shape"]:
    """An array, or what numpy makes one of, as floats, if nothing is lost thereby.

    Raises:
        SequenceError: a row has a truth value, a date, an imaginary part, a masked entry or text that is no number.
    """
    hidden = np.ma.getmaskarray(array) if isinstance(array, np.ma.MaskedArray) else np.zeros(1, dtype=bool)
    if hidden.any():
        raise SequenceError(f"source: row {np.argwhere(hidden)[0][0]} is masked")
    array = np.asarray(array, dtype=object if isinstance(array, (list, tuple)) else None)  # else True becomes 1 there
    if array.dtype.kind in "SU":
        array = array.astype(object)
    if array.dtype.kind in KINDS:
        raise SequenceError(f"source must hold numbers, row 0 has {KINDS[array.dtype.kind]}")
    if array.dtype.kind == "c":
        if len(imaginary := np.argwhere(array.imag != 0)):
            raise SequenceError(f"source must hold real numbers, row {imaginary[0][0]} has an imaginary part")
        array = array.real
    if array.dtype.kind == "O":
        for place, value in np.ndenumerate(array):
            if not _is_number(value):
                row = f"row {place[0]}" if place else "it"
                raise SequenceError(f"source must hold numbers in rows of equal length, {row} has {value!r:.60}")
    return array.astype(float)


def _is_number(value: object) -> bool:
    """Whether a float says all of it: truth values, dates, imaginary parts and lists have other ways to be one."""
    if isinstance(value, (bool, np.bool_, complex, np.complexfloating, np.datetime64, np.timedelta64, np.ndarray)):
        return False
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return not (isinstance(value, str) and "_" in value)  # Python's own way to write thousands


def read(source: str | Path | object, **told: object) -> Float[np.ndarray, "*shape"]:
    """Numbers from a file, or from anything numpy makes an array of; of a text file it prints how it was understood.

    Args:
        source: a .npy file, a text file (``tables.ENDINGS``), or the numbers themselves.
        told: delimiter, decimal and header of a text file that can be read in two ways; see ``tables.table_of``.
    Raises:
        SequenceError: no such file, another kind of file, rows of different lengths, or what is no number; it names
            the row.
    """
    try:
        if not isinstance(source, (str, Path)):
            return numbers(source)
        path = Path(source)
        if path.suffix.lower() == ".npy":
            return numbers(np.load(path, allow_pickle=False))
        if path.suffix.lower() not in ENDINGS:
            raise SequenceError(f"source must be a .npy file or text ({', '.join(ENDINGS)}), got {path.name!r}")
        table = table_of(decoded(path.read_bytes()), **told)
        print(f"{path.name}: {table.understood}")
        return table.values
    except SequenceError:
        raise
    except OSError as error:
        raise SequenceError(f"source: {source} cannot be read ({error.strerror or error})") from error
    except (ValueError, TypeError, OverflowError, EOFError, RuntimeError) as error:
        raise SequenceError(f"source must hold numbers in rows of equal length: {error}") from error


def check(array: Float[np.ndarray, "*shape"], *, dimension: int, n_ctx: int) -> Float[np.ndarray, "n width"]:
    """What was read, as a sequence of vectors that a model of this size can continue: of more, the last ``n_ctx``.

    Args:
        array: [vectors, entries]; a plain row of numbers is a sequence of vectors with one entry each.
        dimension, n_ctx: the model's.
    Raises:
        SequenceError: another shape, NaN or infinity, more entries than ``dimension``, fewer than 3 vectors, or all
            vectors equal (then every c fits).
    """
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise SequenceError(f"source must have the shape [vectors, entries], got {list(array.shape)}")
    count, width = array.shape
    if not 1 <= width <= dimension:
        raise SequenceError(f"source must have vectors of 1 to {dimension} entries for this model, got {width}")
    if count < MINIMUM:
        raise SequenceError(f"source must have {MINIMUM} to {n_ctx} vectors for this model, got {count}")
    wrongs = {"finite numbers": ~np.isfinite(array), f"numbers up to {LARGEST:g}": np.abs(array) > LARGEST}
    for wanted, wrong in wrongs.items():
        if wrong.any():
            n, entry = np.argwhere(wrong)[0]
            raise SequenceError(f"source must have {wanted}, got {array[n, entry]} in vector {n}, entry {entry}")
    if count > n_ctx:
        print(f"the last {n_ctx} of {count} vectors are used; read(source)[:{n_ctx}] would be the first")
        array = array[-n_ctx:]
    if (array == array[0]).all():
        raise SequenceError("source is constant: every vector equals the first, so any c fits and none can be found")
    if (step := np.abs(array - array[0]).max()) < 1 / LARGEST:
        raise SequenceError(f"source must change by at least {1 / LARGEST:g}, got {step:g} at most")
    return array


def random_turn(width: int, dimension: int, rng: np.random.Generator) -> Float[np.ndarray, "dimension width"]:
    """A matrix that turns vectors of ``width`` entries in a random direction among those of ``dimension``."""
    return np.linalg.qr(rng.standard_normal((dimension, dimension)))[0][:, :width]


def random_start(
    x: Float[np.ndarray, " dimension"], c: float, rng: np.random.Generator
) -> Float[np.ndarray, " dimension"]:
    """An a_0 for the sequence with this c and the first step x = a_1 - a_0, as the training data would have it.

    In the unit in which a_0 and d are standard normal, x = (c - 1) a_0 + d has the variance q = (c - 1)^2 + 1, so that
    |x|^2 / q is chi-squared, which gives the unit; and a_0 given x has the mean (c - 1) x / q and the variance 1 / q.
    """
    q = (c - 1) ** 2 + 1
    unit = np.sqrt(x @ x / (q * rng.chisquare(len(x))))
    return (c - 1) / q * x + unit / np.sqrt(q) * rng.standard_normal(len(x))


def to_model(
    sequence: Float[np.ndarray, "n width"], *, dimension: int, n_ctx: int, seed: int = 0, found: Fit | None = None
) -> ModelInput:
    """Brings a sequence that passed ``check`` into the model's units, by a random map.

    Args:
        dimension, n_ctx: the model's.
        seed: of the map.
        found: the sequence's ``fit`` with a curve of n_ctx + 1 vectors, where it is known already.
    """
    count, width = sequence.shape
    found = found or fit(sequence, n_ctx + 1)
    rng = np.random.default_rng(seed)
    matrix = random_turn(width, dimension, rng)
    whole = np.concatenate([sequence, found.curve[count : n_ctx + 1]])
    turned = (whole - sequence[0]) @ matrix.T
    start = random_start(turned[1], found.c, rng)
    scale = float(scale_of((turned + start)[None], "max")[0])
    return ModelInput((turned[:count] + start) / scale, matrix, start, sequence[0], scale)
