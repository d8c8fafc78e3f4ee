"""Points in three dimensions, in a figure that a reader can turn."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from helpers.display.theme import LEGEND_BELOW, PALETTE, theme

SYMBOLS = ("diamond", "cross", "square-open", "circle-open")  # in three dimensions plotly has few


def space(
    clouds: Mapping[str, Float[np.ndarray, "_ 3"]],
    title: str,
    *,
    axes: tuple[str, str, str],
    marks: Mapping[str, Float[np.ndarray, "_ 3"]] | None = None,
) -> go.Figure:
    """Points in three dimensions, joined in their order, that a reader can turn; ``marks`` are not joined, and grey."""
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
    for i, (name, points) in enumerate((marks or {}).items()):
        x, y, z = np.asarray(points, dtype=float).round(5).T.tolist()
        symbol = {"symbol": SYMBOLS[i % len(SYMBOLS)], "size": 6, "color": "#333333"}
        figure.add_scatter3d(x=x, y=y, z=z, name=name, mode="markers", marker=symbol)
    theme(figure, title, height=520)
    figure.update_scenes(dict(zip(("xaxis_title", "yaxis_title", "zaxis_title"), axes, strict=True)))
    figure.update_scenes(camera_eye={"x": 1.9, "y": 1.9, "z": 1.3})
    return figure.update_layout(legend=LEGEND_BELOW, margin_b=60)
