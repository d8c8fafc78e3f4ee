"""One's own sequence, from a file or a list into the model's units and back: ``read``, ``check``, ``to_model``.

An affine map v -> A v + b leaves an affine recurrence one with the same c. So a sequence of any unit and of any
dimension up to the model's can be brought to where the model was trained: A turns it in a random direction, b gives it
a random start, drawn as the training data's are for this c, and the scale makes the largest entry, of the vectors to
come too, 1. For that much, c is estimated beforehand (``predictors.solve_c``); what comes next is left to the model.
Other random maps give other predictions, and their spread says how sure the model is (``helpers.analysis.forecast``).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from helpers.data.predictors import continue_by, exact_solver, solve_c
from helpers.data.recurrences import scale_of

LARGEST = 1e100  # in size: the squares of larger numbers overflow
MINIMUM = 3  # vectors from which the next one can be known


class SequenceError(ValueError):
    """A sequence that cannot be continued; the message says what is wrong with which argument."""


@dataclass(frozen=True)
class ModelInput:
    """A sequence in the model's units, vectors * scale = (sequence - origin) @ matrix.T + start; ``back`` undoes it."""

    vectors: Float[np.ndarray, "n dimension"]
    matrix: Float[np.ndarray, "dimension width"]
    start: Float[np.ndarray, " dimension"]
    origin: Float[np.ndarray, " width"]
    scale: float

    def back(self, vectors: Float[np.ndarray, "... dimension"]) -> Float[np.ndarray, "... width"]:
        """From the model's units to the user's."""
        return (vectors * self.scale - self.start) @ self.matrix + self.origin


def read(source: str | Path | object) -> Float[np.ndarray, "*shape"]:
    """Numbers from a .npy or .csv file, or from anything numpy makes an array of.

    Raises:
        SequenceError: no such file, another kind of file, rows of different lengths, text that is no number, or
            complex numbers.
    """
    try:
        if isinstance(source, (str, Path)):
            path = Path(source)
            if path.suffix == ".npy":
                array = np.load(path, allow_pickle=False)
            elif path.suffix == ".csv":
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of an empty file: that is said by ``check``
                    array = np.loadtxt(path, delimiter=",", ndmin=2)
            else:
                raise SequenceError(f"source must be a .npy or .csv file, got {path.name!r}")
        else:
            array = source
        if np.iscomplexobj(array):
            raise SequenceError(f"source must hold real numbers, got {np.asarray(array).dtype}")
        return np.asarray(array, dtype=float)
    except SequenceError:
        raise
    except OSError as error:
        raise SequenceError(f"source: {source} cannot be read ({error.strerror or error})") from error
    except (ValueError, TypeError, OverflowError, EOFError) as error:
        raise SequenceError(f"source must hold numbers in rows of equal length: {error}") from error


def check(array: Float[np.ndarray, "*shape"], *, dimension: int, n_ctx: int) -> Float[np.ndarray, "n width"]:
    """What was read, as a sequence of vectors that a model of this size can continue.

    Args:
        array: [vectors, entries]; a plain row of numbers is a sequence of vectors with one entry each.
        dimension, n_ctx: the model's.
    Raises:
        SequenceError: another shape, NaN or infinity, more entries than ``dimension``, fewer than 3 vectors, more than
            ``n_ctx``, or all vectors equal (then every c fits).
    """
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise SequenceError(f"source must have the shape [vectors, entries], got {list(array.shape)}")
    count, width = array.shape
    if not 1 <= width <= dimension:
        raise SequenceError(f"source must have vectors of 1 to {dimension} entries for this model, got {width}")
    if not MINIMUM <= count <= n_ctx:
        raise SequenceError(f"source must have {MINIMUM} to {n_ctx} vectors for this model, got {count}")
    wrongs = {"finite numbers": ~np.isfinite(array), f"numbers up to {LARGEST:g}": np.abs(array) > LARGEST}
    for wanted, wrong in wrongs.items():
        if wrong.any():
            n, entry = np.argwhere(wrong)[0]
            raise SequenceError(f"source must have {wanted}, got {array[n, entry]} in vector {n}, entry {entry}")
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


def to_model(sequence: Float[np.ndarray, "n width"], *, dimension: int, n_ctx: int, seed: int = 0) -> ModelInput:
    """Brings a sequence that passed ``check`` into the model's units, by a random map.

    Args:
        dimension, n_ctx: the model's.
        seed: of the map.
    """
    count, width = sequence.shape
    rng = np.random.default_rng(seed)
    matrix = random_turn(width, dimension, rng)
    whole = np.concatenate([sequence, continue_by(exact_solver, sequence, n_ctx + 1 - count)])
    turned = (whole - sequence[0]) @ matrix.T
    start = random_start(turned[1], solve_c(sequence[None])[0, -1], rng)
    scale = float(scale_of((turned + start)[None], "max")[0])
    return ModelInput((turned[:count] + start) / scale, matrix, start, sequence[0], scale)
