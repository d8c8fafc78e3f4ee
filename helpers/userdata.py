"""One's own sequence, from a file or a list into the model's units and back.

Shifting and scaling leave an affine recurrence one with the same c. So a sequence in any unit (money, degrees) can be
brought near to where the model was trained: the first vector is taken off every vector, and the largest entry made 1.
Near, not there: in training no sequence starts at zero, and the error after the shift is some ten times larger.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

MINIMUM = 3  # vectors from which the next one can be known


class SequenceError(ValueError):
    """A sequence that cannot be continued; the message says what is wrong with which argument."""


@dataclass(frozen=True)
class ModelInput:
    """A sequence in the model's units; ``back`` returns to the user's."""

    vectors: Float[np.ndarray, "n dimension"]
    offset: Float[np.ndarray, dimension]
    scale: float

    def back(self, vectors: Float[np.ndarray, "... dimension"]) -> Float[np.ndarray, "... dimension"]:
        """From the model's units to the user's."""
        return vectors * self.scale + self.offset


def read(source: str | Path | object) -> Float[np.ndarray, "n dimension"]:
    """Numbers from a .npy or .csv file, or from anything numpy makes an array of.

    Raises:
        SequenceError: no such file, another kind of file, rows of different lengths, or text that is no number.
    """
    try:
        if isinstance(source, (str, Path)):
            path = Path(source)
            if path.suffix == ".npy":
                array = np.load(path, allow_pickle=False)
            elif path.suffix == ".csv":
                array = np.loadtxt(path, delimiter=",", ndmin=2)
            else:
                raise SequenceError(f"source must be a .npy or .csv file, got {path.name!r}")
        else:
            array = source
        return np.asarray(array, dtype=float)
    except SequenceError:
        raise
    except OSError as error:
        raise SequenceError(f"source: {source} cannot be read ({error.strerror or error})") from error
    except (ValueError, TypeError, OverflowError, EOFError) as error:
        raise SequenceError(f"source must hold numbers in rows of equal length: {error}") from error


def to_model(source: str | Path | object, *, dimension: int, n_ctx: int, headroom: float = 1.0) -> ModelInput:
    """Checks a sequence of vectors [n, dimension] and brings it into the model's units.

    Args:
        source: see ``read``.
        dimension, n_ctx: the model's.
        headroom: how much larger than the largest entry so far the next vectors may become. The model was trained on
            sequences whose largest entry, the one to predict included, is 1; a sequence that grows needs room.
    Raises:
        SequenceError: not two-dimensional, NaN or infinity, another dimension, fewer than 3 vectors, more than
            ``n_ctx``, or all vectors equal (then every c fits).
    """
    array = read(source)
    if array.ndim != 2:
        raise SequenceError(f"source must have the shape [vectors, dimension], got {list(array.shape)}")
    count, width = array.shape
    if width != dimension:
        raise SequenceError(f"source must have vectors of {dimension} entries for this model, got {width}")
    if not MINIMUM <= count <= n_ctx:
        raise SequenceError(f"source must have {MINIMUM} to {n_ctx} vectors for this model, got {count}")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        n, entry = bad[0]
        raise SequenceError(f"source must have finite numbers, got {array[n, entry]} in vector {n}, entry {entry}")
    if not headroom >= 1:
        raise SequenceError(f"headroom must be at least 1, got {headroom}")
    offset = array[0]
    scale = headroom * np.abs(array - offset).max()
    if scale == 0:
        raise SequenceError("source is constant: every vector equals the first, so any c fits and none can be found")
    return ModelInput((array - offset) / scale, offset, float(scale))
