"""A table of marks in colour: many verdicts at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from helpers.display.theme import HEADINGS, SIGNED, theme


def marked(
    values: Float[np.ndarray, "rows columns"],
    marks: Sequence[Sequence[str]],
    title: str,
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    x_title: str,
    y_title: str,
    unit: str,
) -> go.Figure:
    """A table of marks whose cells are coloured by values between -1 and 1: white at zero, grey where there is none."""
    figure = go.Figure(
        go.Heatmap(
            z=np.where(np.isnan(values), None, np.asarray(values).round(3)).tolist(),
            text=[list(line) for line in marks],
            texttemplate="%{text}",
            textfont_size=12 if max(map(len, chain(*marks)), default=0) < 3 else 9,  # three circles fill a cell
            x=list(columns),
            y=list(rows),
            zmin=-1,
            zmax=1,
            colorscale=SIGNED,
            xgap=1,
            ygap=1,
            colorbar={"title": {"text": unit, "side": "right"}, "thickness": 12},
        )
    )
    theme(figure, title, x_title, y_title, height=150 + 26 * len(rows), above=HEADINGS + 16)
    figure.update_xaxes(side="top", showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False, automargin=True)
    return figure.update_layout(margin_b=20, plot_bgcolor="#eeeeee", font_size=12)
