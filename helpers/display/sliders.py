"""A figure that follows a hand: ``sliders`` shows what a function draws, and moves the function's arguments."""

from __future__ import annotations

import os
from collections.abc import Callable
from inspect import signature

import plotly.graph_objects as go
import torch
from IPython.display import display
from ipywidgets import Box, Layout, Output, Widget, interactive

VIEW = "application/vnd.jupyter.widget-view+json"


def in_voila() -> bool:
    """Whether the kernel serves a page of Voilà."""
    return os.environ.get("SERVER_SOFTWARE", "").startswith("voila")


class Redrawn:
    """An output that can be replaced where display updates do not arrive: Voilà passes on those of widgets alone."""

    def __init__(self, bundle: dict[str, object]) -> None:
        self.place = Output()
        self.update(bundle)
        display(self.place)

    def update(self, bundle: dict[str, object], raw: bool = True) -> None:
        self.place.outputs = ({"output_type": "display_data", "data": bundle, "metadata": {}},)


def as_control(draw: Callable[..., go.Figure], name: str, given: Widget | tuple[float, ...]) -> Widget:
    """What moves an argument of ``draw``: a widget as it is, or a slider over a range, as ``interact`` takes them.

    Args:
        name: of the argument; its default is where a slider starts.
        given: a widget, or (lowest, highest) or (lowest, highest, step). Whole numbers give a slider of whole numbers.
    """
    if isinstance(given, Widget):
        return given
    slider = interactive.widget_from_abbrev(given, signature(draw).parameters[name].default)
    slider.description, slider.continuous_update = name, False  # a figure is drawn where the hand lets go
    return slider


def sliders(draw: Callable[..., go.Figure], *others: Widget, **given: Widget | tuple[float, ...]) -> None:
    """The figure that ``draw`` makes, and controls (by the name of the argument they set) that draw it anew in place.

    ``given`` is as for ``as_control``; ``others`` are shown beside the controls. Only a running kernel can move them:
    in a stored notebook the figure stays and the controls do not.
    """
    controls = {name: as_control(draw, name, one) for name, one in given.items()}

    def bundle() -> dict[str, object]:
        with torch.no_grad():
            figure = draw(**{name: control.value for name, control in controls.items()})
        return figure._repr_mimebundle_()  # a figure that displays itself would not heed display_id

    def again(_: object) -> None:
        new = bundle()
        shown.update({"text/plain": ""}, raw=True)  # JupyterLab draws a plotly output once, and a new one anew
        shown.update(new, raw=True)

    box = Box([*controls.values(), *others], layout=Layout(display="flex", flex_flow="row wrap"))
    display({VIEW: {"model_id": box.model_id, "version_major": 2, "version_minor": 0}}, raw=True)
    shown = Redrawn(bundle()) if in_voila() else display(bundle(), raw=True, display_id=True)
    for control in controls.values():
        control.observe(again, "value")
