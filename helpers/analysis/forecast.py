"""A trained model's forecast of one's own sequence, with its uncertainty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float

from helpers.analysis.observation import continue_sequences
from helpers.data.userdata import check, read, to_model
from helpers.training.model import RecurrenceModel


def forecast(
    model: RecurrenceModel, source: str | Path | object, steps: int = 1, maps: int = 32, seed: int = 0
) -> tuple[Float[np.ndarray, "steps width"], Float[np.ndarray, "steps width"]]:
    """The next vectors of a sequence, in its own units, and the standard deviation of each entry.

    The sequence goes through the model under as many random maps (``userdata.to_model``), which leave the truth as it
    is. The forecast is the mean of what comes back, the uncertainty its spread: how far the model contradicts itself.
    It knows nothing of errors that all maps share; notebook 12 measures how often the truth is within two of it.

    Args:
        source: see ``userdata.read`` and ``userdata.check``.
        steps: vectors to predict, as many as fit into the model's context.
        maps: random maps, at least 2.
    Raises:
        userdata.SequenceError: the sequence cannot be continued.
        ValueError: ``maps`` is below 2, or ``steps`` does not fit.
    """
    if maps < 2:
        raise ValueError(f"maps must be at least 2, got {maps}")
    size = {"dimension": model.config.dimension, "n_ctx": model.config.n_ctx}
    sequence = check(read(source), **size)
    inputs = [to_model(sequence, **size, seed=seed + i) for i in range(maps)]
    continued = continue_sequences(model, np.stack([one.vectors for one in inputs]), steps)
    found = np.stack([one.back(vectors) for one, vectors in zip(inputs, continued, strict=True)])
    return found.mean(axis=0), found.std(axis=0, ddof=1)
