"""A trained model's forecast of one's own sequence, with its uncertainty."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from jaxtyping import Float

from helpers.analysis.observation import continue_sequences
from helpers.analysis.suitability import unsuited
from helpers.data.fitting import Fit, fit, rounding
from helpers.data.userdata import MINIMUM, SequenceError, check, read, to_model
from helpers.training.model import RecurrenceModel

NEGLIGIBLE = 1e-6  # of a sequence's range: noise that is none
Forecast = Float[np.ndarray, "steps width"]


def forecast(
    model: RecurrenceModel,
    source: str | Path | object,
    steps: int = 1,
    maps: int = 32,
    seed: int = 0,
    *,
    noise: float | None = None,
    allow_outside: bool = False,
) -> tuple[Forecast, Forecast]:
    """The next vectors of a sequence, in its own units, and the standard deviation of each entry as it would be read.

    The sequence goes through the model under as many random maps (``userdata.to_model``), which leave the truth as it
    is. The forecast is the mean of what comes back. Its deviation has three parts: the spread of the maps, which is how
    far the model contradicts itself; how far the forecast moves when the readings move by as much noise and rounding as
    they show (``fitting.fit``); and that noise in the next reading itself. Notebook 14 measures how often the truth is
    within two of it.

    Args:
        source: see ``userdata.read`` and ``userdata.check``.
        steps: vectors to predict; with those that are known, all but the last fit into the model's context.
        maps: random maps, at least 2.
        noise: the standard deviation of the readings, where it is known; else it is estimated from them.
        allow_outside: continue, with a warning, what is not affine or has a c that the model was not trained on. The
            distance to the continuation of the best fit is then part of the deviation.
    Raises:
        userdata.SequenceError: the sequence cannot be continued, or is not of the kind that the model was trained on.
        ValueError: ``maps`` is below 2, ``noise`` is negative, ``steps`` does not fit, or the model is not from disk or
            of another rule than the affine.
    """
    if maps < 2:
        raise ValueError(f"maps must be at least 2, got {maps}")
    if noise is not None and not noise >= 0:
        raise ValueError(f"noise must be a standard deviation of at least 0, got {noise}")
    if (family := model.family) is None:
        raise ValueError("model must say what it was trained on: take it from checkpoints.load, or set model.family")
    if family.kind != "affine":
        raise ValueError(f"model must be trained on affine recurrences to forecast, got {family.kind!r}")
    size = {"dimension": model.config.dimension, "n_ctx": model.config.n_ctx}
    length = model.config.n_ctx + 1
    sequence = check(read(source), dimension=model.config.dimension, n_ctx=max(MINIMUM, length - steps))
    count = len(sequence)
    found = fit(sequence, length)
    outside = unsuited(found, sequence, family, noise)
    if outside and not allow_outside:
        raise SequenceError(f"{outside}; allow_outside=True continues it nevertheless")
    if outside:
        warnings.warn(outside, stacklevel=2)
    elif not family.c_min <= found.c <= family.c_max:  # by noise alone
        found = fit(sequence, length, within=(family.c_min, family.c_max))
    inputs = [to_model(sequence, **size, seed=seed + i, found=found) for i in range(maps)]

    def predicted(readings: list[Float[np.ndarray, "n width"]]) -> Float[np.ndarray, "maps steps width"]:
        given = np.stack([one.there(reading) for one, reading in zip(inputs, readings, strict=True)])
        continued = continue_sequences(model, given, steps)
        return np.stack([one.back(vectors) for one, vectors in zip(inputs, continued, strict=True)])

    plain = predicted([sequence] * maps)
    mean, variance = plain.mean(axis=0), plain.var(axis=0, ddof=1)
    deviation, widening = noise_of(found, sequence, noise)
    if deviation > NEGLIGIBLE * np.ptp(sequence):
        rng = np.random.default_rng(seed)
        moved = predicted([sequence + deviation * rng.standard_normal(sequence.shape) for _ in inputs])
        variance = variance + widening**2 * (((moved - plain) ** 2).mean(axis=0) + deviation**2)
    if outside:
        variance = variance + (mean - found.curve[count : count + steps]) ** 2
    return mean, np.sqrt(variance)


def noise_of(found: Fit, sequence: Float[np.ndarray, "n width"], stated: float | None) -> tuple[float, float]:
    """The deviation of the readings, and by how much too few of them widen an interval: none if it is stated."""
    if stated is None:
        return found.noise, found.widening
    return float(np.hypot(stated, rounding(sequence))), 1.0
