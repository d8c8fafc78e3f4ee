import numpy as np
import pytest
from ipywidgets import FloatSlider

from helpers.data.recurrences import unroll
from helpers.display import sliders


def test_a_sequence_has_the_c_that_was_asked_for(obs):
    one, other = (sliders.one_sequence(obs, c) for c in (-0.9, 0.4))
    assert one.c.tolist() == [-0.9] and other.c.tolist() == [0.4]
    again = unroll(one.vectors[:, 0], one.c, one.d, 7)
    np.testing.assert_allclose(again, one.vectors, atol=1e-12)
    direction = one.d / np.abs(one.d).max()
    np.testing.assert_allclose(direction, other.d / np.abs(other.d).max(), atol=1e-12)  # c moves alone


def test_the_attention_shown_is_cut_to_the_context(obs):
    figure = sliders.attention_at(obs, 2, c=-0.9, vectors=4)
    assert [len(trace.z) for trace in figure.data] == [4, 4] and "c = -0.9" in figure.layout.title.text


def test_a_head_at_factor_one_leaves_the_prediction(obs):
    intact, changed = (sliders.head_at(obs, 0, 1, factor).data for factor in (1.0, 0.0))
    assert list(intact[2].y) == pytest.approx(list(intact[1].y))
    assert list(changed[2].y) != pytest.approx(list(changed[1].y), rel=1e-3)


class Drawn:
    """Stands for a figure."""

    def __init__(self, number):
        self.number = number

    def _repr_mimebundle_(self):
        return {"figure": self.number}


def test_in_voila_the_figure_is_a_widgets_output(monkeypatch):
    shown = []
    monkeypatch.setattr(sliders, "display", lambda what, **options: shown.append(what))
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0.5")
    slider = FloatSlider(value=1.0)
    sliders.sliders(lambda x: Drawn(10 * x), x=slider)
    slider.value = 2.0
    (output,) = shown[1].outputs
    assert output["data"] == {"figure": 20.0}


def test_moving_a_slider_draws_again_in_the_same_place(monkeypatch):
    shown = []

    class Handle:
        def update(self, bundle, raw):
            shown.append(("update", bundle))

    def display(bundle, raw, display_id=False):
        shown.append(("display", bundle if display_id else list(bundle)))
        return Handle()

    monkeypatch.setattr(sliders, "display", display)
    slider = FloatSlider(value=1.0)
    sliders.sliders(lambda x: Drawn(10 * x), x=slider)
    assert shown == [("display", [sliders.VIEW]), ("display", {"figure": 10.0})]
    slider.value = 2.0
    assert shown[2:] == [("update", {"text/plain": ""}), ("update", {"figure": 20.0})]
