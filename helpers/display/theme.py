"""The look of the series: one theme, and one colour scale per meaning.

Colours are Okabe and Ito's, told apart by the colour-blind; lines differ in dash and marker too, for print in grey.
Signed values use a diverging scale centred on zero (red below, blue above), shares and sizes a single-hue one.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

WIDTH, HEIGHT = 760, 400
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")
MARKERS = ("circle", "square", "diamond", "cross", "triangle-up", "x", "star")
SIGNED, SHARE = "RdBu", "Blues"
HEADINGS = 24
LEGEND_BELOW = {"orientation": "h", "yref": "container", "y": 0.01, "yanchor": "bottom", "x": 0.5, "xanchor": "center"}


def theme(figure: go.Figure, title: str, x: str = "", y: str = "", height: int = HEIGHT, above: int = 0) -> go.Figure:
    """Gives a figure the common look; ``title`` states what the figure shows, long ones break at <br>.

    ``above`` is room, in pixels, for what stands between title and plot (the headings of panels).
    """
    breaks = title.count("<br>")
    figure.update_layout(
        template="plotly_white",
        colorway=PALETTE,
        width=WIDTH,
        height=height,
        title={"text": title, "font": {"size": 16}, "x": 0.02, "xanchor": "left", "y": 1 - (24 + 19 * breaks) / height},
        title_yanchor="bottom",
        margin={"l": 70, "r": 20, "t": 56 + 20 * breaks + above, "b": 60},
        font={"family": "Open Sans, DejaVu Sans, sans-serif", "size": 13},
        legend={"bgcolor": "rgba(255,255,255,0.7)"},
    )
    if x:
        figure.update_xaxes(title_text=x)
    if y:
        figure.update_yaxes(title_text=y)
    return figure


def line_style(i: int, **marker: object) -> dict[str, dict[str, object]]:
    """How the i-th of several lines is told from the others: by colour, dash and marker (with more options for it)."""
    return {
        "line": {"color": PALETTE[i % len(PALETTE)], "dash": DASHES[i % len(DASHES)]},
        "marker": {"symbol": MARKERS[i % len(MARKERS)], **marker},
    }


def mark_level(figure: go.Figure, value: float, text: str, log_y: bool) -> None:
    """Draws a labelled horizontal line."""
    figure.add_hline(y=value, line={"color": "#555555", "dash": "dot"})
    y = float(np.log10(value)) if log_y else value  # plotly places annotations on a log axis by their exponent
    figure.add_annotation(x=0.01, xref="paper", xanchor="left", y=y, yanchor="bottom", text=text, showarrow=False)
