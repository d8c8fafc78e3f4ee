"""Where things lie, and which of the shipped models is meant."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHECKPOINTS = ROOT / "checkpoints"
ANALYSED = "origin"  # the setting the paper probably had: chosen before it was measured, by its error (S5)
EARLY = "origin-1e-4"  # the same training, stopped where it first had the paper's error
COMPARED = "paper"  # from larger initial weights, with 2 heads and c up to 1.5: what these choices change
BATCH_32 = "origin-32"  # the same setting with batches of 32
TWO_HEADS = "origin-2"  # the same setting with 2 heads
SHIPPED = (
    ANALYSED,
    EARLY,
    BATCH_32,
    TWO_HEADS,
    COMPARED,
)  # of which the claims are asked, in the order of the results table
STUDY = ROOT / "studies" / "settings.csv"
OVER_TRAINING = ROOT / "studies" / "over_training.csv"
OVER_TIME = ROOT / "studies" / "over_time.csv"
OUTPUT = Path(os.environ.get("SERIES_OUTPUT") or ROOT).absolute()  # elsewhere, where the repository is read-only
BUILD, RUNS = OUTPUT / "build", OUTPUT / "runs"
LIVE = BUILD / "live"  # where notebook 02 puts the small model it trains


def asked_model() -> str:
    """The environment variable MODEL, or ``ANALYSED`` where it is unset or empty."""
    return os.environ.get("MODEL") or ANALYSED


def model_folder(name: str | None = None) -> Path:
    """A checkpoint's folder; without a name that of ``asked_model``.

    A name is a folder in checkpoints/, or a path, seen from the top of the repository or from ``OUTPUT``.
    Raises:
        FileNotFoundError: there is no such folder; the message lists those there are.
    """
    name = name or asked_model()
    for folder in (CHECKPOINTS / name, ROOT / name, OUTPUT / name):
        if folder.is_dir():
            return folder
    known = sorted(p.name for p in CHECKPOINTS.iterdir() if p.is_dir())
    raise FileNotFoundError(f"MODEL must be one of {known} or the path of a checkpoint folder, got {name!r}")
