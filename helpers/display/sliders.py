"""Sliders for the notebooks: a hand on c or on a head, and the figure that follows it.

Each figure is made by a function of its own; ``sliders`` shows it and lets a hand move its arguments.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import torch
from IPython.display import display
from ipywidgets import Box, Layout, Output, Widget

from helpers.analysis import attention, components, interventions
from helpers.analysis.estimates import number
from helpers.analysis.observation import Observation
from helpers.data.recurrences import Sequences, from_third, sample
from helpers.display import figures

VIEW = "application/vnd.jupyter.widget-view+json"


def one_sequence(obs: Observation, c: float, seed: int = 0) -> Sequences:
    """A sequence of the model's family with this c; vectors from the seed, so that c can be moved alone."""
    return sample(replace(obs.family, c_min=c, c_max=c), 1, seed)


def attention_at(obs: Observation, layer: int, c: float, vectors: int) -> go.Figure:
    """A layer's attention patterns for one sequence with this c, cut off after so many vectors (3 or more)."""
    there = obs.on(one_sequence(obs, c))
    patterns = attention.pattern(there, layer)[0, :, :vectors, :vectors]
    maps = {str(head): pattern for head, pattern in zip(obs.heads(layer), patterns, strict=True)}
    shares = from_third(patterns * attention.parity_mask(vectors)).sum(dim=2).mean(dim=1)
    share = ", ".join(map(number, shares.tolist()))
    return figures.heatmaps(
        maps,
        f"Attention of layer {layer} for one sequence with c = {c:g}:<br>{share} on black squares",
        x_title="source",
        y_title="destination",
        unit="attention",
        signed=False,
    )


def head_at(obs: Observation, layer: int, head: int, factor: float, c: float = -0.8) -> go.Figure:
    """The prediction after the longest context if a head wrote ``factor`` times what it writes, beside the truth."""
    there = obs.on(one_sequence(obs, c))
    chosen = components.head(layer, head)
    changed = interventions.predict_with(there, interventions.scaling(there, {chosen: factor}))[0, -1]
    curves = {"truth": there.targets[0, -1], "intact model": there.prediction[0, -1], "changed": changed}
    off = (changed - there.targets[0, -1]).square().mean().item()
    return figures.lines(
        range(obs.config.dimension),
        {name: np.asarray(values) for name, values in curves.items()},
        f"{chosen} × {factor:g}: mean square error {number(off)}, c = {c:g}",
        x_title="entry of the vector",
        y_title="value",
        markers=False,
    )


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


def sliders(draw: Callable[..., go.Figure], *others: Widget, **controls: Widget) -> None:
    """The figure that ``draw`` makes, and controls (by the name of the argument they set) that draw it anew in place.

    ``others`` are shown beside the controls. Only a running kernel can move them; in a stored notebook the figure stays
    and the controls do not.
    """

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
