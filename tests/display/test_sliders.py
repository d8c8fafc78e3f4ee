from ipywidgets import FloatSlider, IntSlider

from helpers.display import sliders


def draw(c=-0.9, head=11):
    """Stands for what draws a figure."""


def test_a_range_becomes_a_slider_that_starts_at_the_arguments_default():
    c, head = sliders.as_control(draw, "c", (-1.5, 1.5, 0.1)), sliders.as_control(draw, "head", (0, 11))
    assert isinstance(c, FloatSlider) and isinstance(head, IntSlider)
    assert (c.value, c.min, c.max, c.step, c.description) == (-0.9, -1.5, 1.5, 0.1, "c")
    assert (head.value, head.min, head.max, head.step, head.description) == (11, 0, 11, 1, "head")
    assert not c.continuous_update and not head.continuous_update


def test_a_widget_is_left_as_it_is():
    own = FloatSlider(value=0.5, description="mine")
    assert sliders.as_control(draw, "c", own) is own and own.description == "mine" and own.continuous_update


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


def test_a_figure_is_drawn_at_the_defaults_before_a_range_is_moved(monkeypatch):
    asked = []
    monkeypatch.setattr(sliders, "display", lambda what, **options: None)
    sliders.sliders(lambda c=0.5, head=1: asked.append((c, head)) or Drawn(0), c=(0, 1, 0.1), head=(0, 1))
    assert asked == [(0.5, 1)]
