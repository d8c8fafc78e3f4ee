"""What every notebook starts with, and how it shows tables and progress."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import plotly.io as pio
from IPython.display import Markdown, clear_output, display
from jaxtyping import Float
from tqdm.notebook import tqdm_notebook

from helpers.analysis.estimates import mean
from helpers.claims.markdown import markdown
from helpers.data.recurrences import from_third
from helpers.display.sliders import VIEW
from helpers.places import ANALYSED, COMPARED, asked_model, model_folder

if TYPE_CHECKING:  # importing TransformerLens takes seconds, which the first figure need not wait for
    from helpers.analysis.observation import Observation
    from helpers.claims.tables import Row
    from helpers.training.model import RecurrenceModel
    from helpers.training.recipes import Recipe


def setup() -> None:
    """Chooses how figures are shown: interactive, and as PLOTLY_RENDERER or the host (Kaggle, …) wants them besides.

    Colab's own way is enough on Colab. Where MODEL names another model than the one that the text is about, it says so.

    If STORE_PNG is set, what is stored is the same wherever it is made: the interactive figure and a PNG, which GitHub
    shows. That needs a Chromium and takes a second for each figure, so only ``make notebooks`` asks for it.
    """
    if "COLAB_RELEASE_TAG" in os.environ and not os.environ.get("PLOTLY_RENDERER"):
        pio.renderers.default = "colab"
    else:
        chosen = ["png"] if os.environ.get("STORE_PNG") else pio.renderers.default.split("+")  # plotly chose at import
        pio.renderers.default = "+".join(dict.fromkeys(["plotly_mimetype", *filter(None, chosen)]))
        pio.defaults.default_scale = 1.5
        logging.getLogger("choreographer").setLevel(logging.CRITICAL)  # what draws the PNGs talks to stderr at times
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    if (other := asked_model()) != ANALYSED:
        display(Markdown(f"This text was written about `{ANALYSED}`; numbers and figures below are of `{other}`."))


def load(name: str | None = None) -> tuple[RecurrenceModel, Recipe]:
    """The model of ``model_folder(name)`` and the recipe it was trained with."""
    from helpers.training import checkpoints

    folder = model_folder(name)
    return checkpoints.load(folder), checkpoints.load_recipe(folder)


def observe(count: int = 512, name: str | None = None) -> Observation:
    """The model of ``model_folder(name)``, observed on ``count`` sequences it was not trained on."""
    return _observed(model_folder(name), count)


@lru_cache(maxsize=3)
def _observed(folder: Path, count: int = 512) -> Observation:
    """The model of a checkpoint, observed on the sequences of the notebooks; to ask again costs nothing."""
    from helpers.analysis import observation
    from helpers.training import checkpoints

    return observation.observe(checkpoints.load(folder), checkpoints.load_recipe(folder).family, count)


def show_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Markdown:
    """A table that GitHub, JupyterLab and Colab all show."""
    return Markdown(markdown(header, rows))


def show_errors(errors: Mapping[str, Float[np.ndarray, "batch contexts"]]) -> Markdown:
    """Squared errors by predictor as a table of MSE and R2, over contexts of 3 vectors and more.

    "zero" must be among the predictors: its error is the variance.
    """
    mse = {name: mean(from_third(error).mean(axis=1)) for name, error in errors.items()}
    rows = (
        (name, e if e.value > 1e-12 else "below 1e-12", f"{1 - e.value / mse['zero'].value:.5f}")
        for name, e in mse.items()
    )
    return show_table(("predictor", "MSE with 95 % interval", "R²"), rows)


def show_claims(*ids: str, beside: str = COMPARED) -> Markdown:
    """Verdicts on claims, with their numbers: the model of this notebook, and a shipped one beside it.

    Those of a shipped model are the stored ones (``helpers.claims.results``); another model is measured now.
    """
    from helpers.claims import setup, tables
    from helpers.training import checkpoints

    def rows(name: str | None) -> list[Row]:
        folder = model_folder(name)
        lines = {row.id: row for row in setup.setup_rows(checkpoints.load_recipe(folder))}
        if asked := [id for id in ids if id not in lines]:
            from helpers.claims import results  # it imports TransformerLens

            lines |= {row.id: row for row in tables.claim_rows(results.of(folder, asked), asked)}
        return [row for id, row in lines.items() if id in ids]

    found = {"the model of this notebook": rows(None), f"`{beside}`": rows(beside)}
    return Markdown(tables.claims_table(found))


class ProgressBar(tqdm_notebook):
    """A progress bar that is there while work is under way and leaves no trace in the stored notebook."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options, display=False)
        display({VIEW: {"model_id": self.container.model_id, "version_major": 2, "version_minor": 0}}, raw=True)

    def close(self) -> None:
        super().close()
        clear_output()
