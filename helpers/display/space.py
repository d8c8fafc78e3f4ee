"""Points in three dimensions, in a figure that a reader can turn."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from helpers.display.theme import LEGEND_BELOW, PALETTE, theme


def space(clouds: Mapping[str, Float[np.ndarray, "points 3"]], title: str, *, axes: tuple[str, str, str]) -> go.Figure:
    """Points in three dimensions, joined in their order, that a reader can turn."""
    figure = go.Figure()
    for i, (name, points) in enumerate(clouds.items()):
        x, y, z = np.asarray(points, dtype=float).round(5).T.tolist()
        colour = PALETTE[i % len(PALETTE)]
        figure.add_scatter3d(
            x=x,
            y=y,
            z=z,
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 3},
            marker={"size": 4, "color": colour},
        )
    theme(figure, title, height=520)
    figure.update_scenes(dict(zip(("xaxis_title", "yaxis_title", "zaxis_title"), axes, strict=True)))
    figure.update_scenes(camera_eye={"x": 1.9, "y": 1.9, "z": 1.3})
    return figure.update_layout(legend=LEGEND_BELOW, margin_b=60)
