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
LIVE = ROOT / "build" / "live"  # where notebook 02 puts the small model it trains


def model_folder(name: str | None = None) -> Path:
    """A checkpoint's folder; without a name that of the model the notebooks take apart.

    That is ``ANALYSED`` or what the environment variable MODEL says. A name is a folder in checkpoints/, or a path,
    seen from the top of the repository.
    Raises:
        FileNotFoundError: there is no such folder; the message lists those there are.
    """
    name = name or os.environ.get("MODEL", ANALYSED)
    for folder in (CHECKPOINTS / name, ROOT / name):
        if folder.is_dir():
            return folder
    known = sorted(p.name for p in CHECKPOINTS.iterdir() if p.is_dir())
    raise FileNotFoundError(f"MODEL must be one of {known} or the path of a checkpoint folder, got {name!r}")
