import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
import pytest

from helpers import places
from helpers.display import notebook


def cells(shown):
    """The rows of a Markdown table below its header."""
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in shown.data.strip().splitlines()[2:]]


def test_r2_is_what_is_left_of_the_error_of_zero_over_contexts_of_three_and_more():
    rng = np.random.default_rng(0)
    errors = {"zero": rng.uniform(1, 2, (50, 6)), "half": rng.uniform(0, 1, (50, 6)), "solver": np.full((50, 6), 1e-20)}
    for error in errors.values():
        error[:, :2] = 1e6  # contexts of one and two vectors do not count
    rows = {name: rest for name, *rest in cells(notebook.show_errors(errors))}
    mse = {name: error[:, 2:].mean() for name, error in errors.items()}
    assert rows["zero"][1] == "0.00000" and rows["solver"] == ["below 1e-12", "1.00000"]
    assert rows["half"][1] == f"{1 - mse['half'] / mse['zero']:.5f}"
    assert float(rows["half"][0].split()[0]) == pytest.approx(mse["half"], rel=1e-2)


def test_a_table_has_a_row_for_each_row():
    shown = notebook.show_table(("name", "value"), [("a", 1), ("b", 2)])
    assert shown.data.startswith("| name | value |") and cells(shown) == [["a", "1"], ["b", "2"]]


@pytest.mark.parametrize(
    ("environment", "renderer"),
    [
        ({}, "plotly_mimetype"),
        ({"STORE_PNG": "1"}, "plotly_mimetype+png"),
        ({"STORE_PNG": "1", "PLOTLY_RENDERER": "notebook"}, "plotly_mimetype+png"),
        ({"COLAB_RELEASE_TAG": "r", "STORE_PNG": "1"}, "colab"),
        ({"PLOTLY_RENDERER": "notebook"}, "plotly_mimetype+notebook"),
        ({"PLOTLY_RENDERER": "iframe+svg", "COLAB_RELEASE_TAG": "r"}, "plotly_mimetype+iframe+svg"),
        ({"PLOTLY_RENDERER": "plotly_mimetype"}, "plotly_mimetype"),
    ],
)
def test_a_figure_is_shown_as_the_place_wants_it(environment, renderer, monkeypatch):
    before = pio.renderers.default
    for name in ("STORE_PNG", "COLAB_RELEASE_TAG", "PLOTLY_RENDERER"):
        monkeypatch.delenv(name, raising=False)
    pio.renderers.default = environment.get("PLOTLY_RENDERER", "")  # as plotly does when it is imported
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    try:
        for _ in range(2):  # the cell may be run again
            notebook.setup()
            assert pio.renderers.default == renderer
        if "notebook" in renderer:  # what an exported page shows
            assert "plotly" in go.Figure(go.Bar(y=[1]))._repr_mimebundle_()["text/html"].lower()
    finally:
        pio.renderers.default = before


def test_a_model_is_the_one_that_is_named_and_observed_once(monkeypatch):
    monkeypatch.setenv("MODEL", "small")
    model, recipe = notebook.load()
    assert (
        model.config == recipe.model and model.config.dimension == 8 and notebook.load("fast")[0].config.dimension == 40
    )
    obs = notebook.observe(count=4)
    assert obs is notebook.observe(count=4, name="small") and len(obs.sequences) == 4


def test_claims_are_shown_for_the_model_of_the_notebook_and_beside_it(monkeypatch):
    monkeypatch.setenv("MODEL", "small")
    shown = notebook.show_claims("S1", "S4", beside="paper")
    assert shown.data.splitlines()[0].endswith("| the model of this notebook | `paper` |")
    (s1, s4) = cells(shown)
    assert (
        s1[0] == "S1" and s1[-2].startswith("**differs**<br>8 dimensions") and s1[-1].startswith("**as in the paper**")
    )
    assert s4[0] == "S4" and "Muon" in s4[-2] and "AdamW 0.0001" in s4[-1]


def test_another_model_than_that_of_the_text_is_said_at_the_top(monkeypatch):
    seen = []
    monkeypatch.setattr(notebook, "display", lambda what: seen.append(what.data))
    for unset in ("", None):
        monkeypatch.setenv("MODEL", unset or "")
        if unset is None:
            monkeypatch.delenv("MODEL")
        notebook.setup()
        assert seen == [] and places.model_folder().name == places.ANALYSED
    monkeypatch.setenv("MODEL", "small")
    notebook.setup()
    assert seen == ["This text was written about `origin`; numbers and figures below are of `small`."]


def test_a_progress_bar_leaves_nothing_behind(monkeypatch):
    seen = []
    monkeypatch.setattr(notebook, "display", lambda what, **options: seen.append(*what))
    monkeypatch.setattr(notebook, "clear_output", lambda: seen.append("cleared"))
    assert list(notebook.ProgressBar(range(3))) == [0, 1, 2]
    assert seen == [notebook.VIEW, "cleared"]
