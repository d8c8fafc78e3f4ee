"""What every notebook starts with, and how it shows tables and progress."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import plotly.io as pio
from IPython.display import Markdown, clear_output, display
from jaxtyping import Float
from tqdm.notebook import tqdm_notebook

from helpers import verdicts
from helpers.estimates import mean
from helpers.recurrences import FIRST

if TYPE_CHECKING:  # importing TransformerLens takes seconds, which the first figure need not wait for
    from helpers.model import RecurrenceModel
    from helpers.observation import Observation
    from helpers.recipes import Recipe

ROOT = Path(__file__).resolve().parent.parent
LIVE = ROOT / "build" / "live"  # where notebook 02 puts the small model it trains


def setup() -> None:
    """Chooses how figures are shown: interactive, on Colab as Colab wants it, with a PNG beside it if STORE_PNG is set.

    GitHub shows the PNG; storing it needs a Chromium and takes a second for each figure, so only ``make notebooks``
    asks for it.
    """
    if "COLAB_RELEASE_TAG" in os.environ:
        pio.renderers.default = "colab"
    else:
        pio.renderers.default = "plotly_mimetype" + ("+png" if os.environ.get("STORE_PNG") else "")
        pio.defaults.default_scale = 1.5
    warnings.filterwarnings("ignore", category=DeprecationWarning)


def model_folder() -> Path:
    """The checkpoint the notebooks look into: "paper", or what the environment variable MODEL says.

    MODEL is the name of a folder in checkpoints/, or a path, seen from the top of the repository.
    Raises:
        FileNotFoundError: there is no such folder; the message lists those there are.
    """
    name = os.environ.get("MODEL", "paper")
    for folder in (ROOT / "checkpoints" / name, ROOT / name):
        if folder.is_dir():
            return folder
    known = sorted(p.name for p in (ROOT / "checkpoints").iterdir() if p.is_dir())
    raise FileNotFoundError(f"MODEL must be one of {known} or the path of a checkpoint folder, got {name!r}")


def load() -> tuple[RecurrenceModel, Recipe]:
    """The model of ``model_folder`` and the recipe it was trained with."""
    from helpers import checkpoints

    folder = model_folder()
    return checkpoints.load(folder), checkpoints.load_recipe(folder)


def observe(count: int = 512) -> Observation:
    """The model of ``model_folder``, watched on ``count`` sequences it was not trained on."""
    from helpers.observation import observe as watch_model

    model, recipe = load()
    return watch_model(model, recipe.family, count)


def show_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Markdown:
    """A table that GitHub, JupyterLab and Colab all show."""
    return Markdown(verdicts.markdown(header, rows))


def show_errors(errors: Mapping[str, Float[np.ndarray, "batch contexts"]]) -> Markdown:
    """Squared errors by predictor as a table of MSE and R2, over contexts of 3 vectors and more.

    "zero" must be among the predictors: its error is the variance.
    """
    mse = {name: mean(error[:, FIRST:].mean(axis=1)) for name, error in errors.items()}
    rows = (
        (name, e if e.value > 1e-12 else "below 1e-12", f"{1 - e.value / mse['zero'].value:.5f}")
        for name, e in mse.items()
    )
    return show_table(("predictor", "MSE with 95 % interval", "R²"), rows)


def show_claims(rows: Iterable[verdicts.Row]) -> Markdown:
    """Verdict rows as a table."""
    return Markdown(verdicts.claims_table(rows))


class ProgressBar(tqdm_notebook):
    """A progress bar that is there while work is under way and leaves no trace in the stored notebook."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options, display=False)
        kind = "application/vnd.jupyter.widget-view+json"
        display({kind: {"model_id": self.container.model_id, "version_major": 2, "version_minor": 0}}, raw=True)

    def close(self) -> None:
        super().close()
        clear_output()
