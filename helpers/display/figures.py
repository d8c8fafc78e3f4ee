"""The few kinds of figure the series needs; ``helpers.display.theme`` has their common look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots
from torch import Tensor

from helpers.analysis.estimates import Estimate
from helpers.display.theme import HEADINGS, LEGEND_BELOW, MARKERS, PALETTE, SHARE, SIGNED, line_style, mark_level, theme

Values = Sequence[float] | Float[np.ndarray, " n"]
Matrix = Float[np.ndarray, "_ _"] | Float[Tensor, "_ _"]
Cloud = Float[np.ndarray, "..."] | Float[Tensor, "..."]
EXPONENT = {"type": "log", "exponentformat": "power", "dtick": 1}  # of an axis
POINTS = 1500  # of a cloud: enough to see it, few enough to store


def lines(
    x: Values | Sequence[str] | Mapping[str, Values],
    series: Mapping[str, Values | Sequence[Estimate]],
    title: str,
    *,
    x_title: str,
    y_title: str,
    log_x: bool = False,
    log_y: bool = False,
    markers: bool = True,
    joined: bool = True,
    level: tuple[float, str] | None = None,
) -> go.Figure:
    """One line per series (marks alone if not ``joined``); a series of estimates gets a band for its 95 % interval.

    ``x`` is the same for all series, or a mapping with each one's own. ``level`` draws a labelled horizontal line.
    """
    figure = go.Figure()
    for i, (name, values) in enumerate(series.items()):
        at = list(x[name] if isinstance(x, Mapping) else x)
        if isinstance(values[0], Estimate):
            band = [e.high for e in values] + [e.low for e in reversed(values)]
            figure.add_scatter(
                x=[*at, *reversed(at)],
                y=band,
                fill="toself",
                fillcolor=PALETTE[i % len(PALETTE)],
                opacity=0.2,
                line_width=0,
                mode="lines",
                hoverinfo="skip",
                showlegend=False,
            )
            values = [e.value for e in values]
        figure.add_scatter(
            x=at,
            y=list(values),
            name=name,
            mode="+".join(["lines"] * joined + ["markers"] * markers),
            **line_style(i),
        )
    if level is not None:
        mark_level(figure, *level, log_y)
    if isinstance(x, range) and len(x) <= 20:
        figure.update_xaxes(dtick=1)  # things that are counted have a tick each
    figure.update_xaxes(EXPONENT if log_x else {}).update_yaxes(EXPONENT if log_y else {})
    figure.update_layout(showlegend=len(series) > 1)
    return theme(figure, title, x_title, y_title)


def panels(
    x: Sequence[float],
    grid: Mapping[str, Mapping[str, Values]],
    title: str,
    *,
    x_title: str,
    y_title: str,
    columns: int = 3,
    log_x: bool = False,
    log_y: bool = False,
) -> go.Figure:
    """Small line plots side by side, one for each entry of ``grid``, all with the same series names.

    Their y axes differ, but for logarithmic ones.
    """
    rows = -(-len(grid) // columns)
    figure = make_subplots(rows, columns, subplot_titles=list(grid), shared_xaxes="all", vertical_spacing=0.32 / rows)
    for i, series in enumerate(grid.values()):
        for j, (name, values) in enumerate(series.items()):
            named = {"name": name, "legendgroup": name, "showlegend": i == 0 and len(series) > 1}
            line = go.Scatter(x=list(x), y=list(values), mode="lines+markers", **named, **line_style(j, size=5))
            figure.add_trace(line, row=i // columns + 1, col=i % columns + 1)
    theme(figure, title, height=170 + 190 * rows, above=HEADINGS)
    figure.update_xaxes(EXPONENT if log_x else {}).update_xaxes(title_text=x_title, row=rows)
    figure.update_yaxes({**EXPONENT, "matches": "y"} if log_y else {}).update_yaxes(title_text=y_title, col=1)
    return figure.update_layout(margin_b=100, legend=LEGEND_BELOW)


def heatmaps(
    matrices: Mapping[str, Matrix],
    title: str,
    *,
    x_title: str,
    y_title: str,
    unit: str,
    signed: bool = True,
    columns: int = 2,
    top: float | None = None,
) -> go.Figure:
    """Matrices on one colour scale, up to ``top``: diverging and centred on zero, or from zero up for shares."""
    columns = min(columns, len(matrices))
    rows = -(-len(matrices) // columns)
    figure = make_subplots(rows, columns, subplot_titles=list(matrices), horizontal_spacing=0.08, vertical_spacing=0.12)
    top = top or max(float(np.abs(np.asarray(m)).max()) for m in matrices.values())
    digits = 3 - int(np.floor(np.log10(top or 1)))
    for i, matrix in enumerate(matrices.values()):
        z = np.asarray(matrix, dtype=float).round(digits).tolist()
        row, column = i // columns + 1, i % columns + 1
        figure.add_heatmap(z=z, coloraxis="coloraxis", row=row, col=column)
        axis = figure.get_subplot(row, column).xaxis.plotly_name.replace("axis", "")
        figure.update_yaxes(scaleanchor=axis, row=row, col=column)
    theme(figure, title, height=150 + (310 if columns <= 2 else 190) * rows, above=HEADINGS)
    figure.update_xaxes(constrain="domain").update_xaxes(title_text=x_title, row=rows)
    figure.update_yaxes(constrain="domain", autorange="reversed").update_yaxes(title_text=y_title, col=1)
    return figure.update_layout(
        coloraxis={
            "colorscale": SIGNED if signed else SHARE,
            "cmin": -top if signed else 0,
            "cmax": top,
            "colorbar": {"title": {"text": unit, "side": "right"}, "thickness": 12, "exponentformat": "e"},
        }
    )


def _drawn(values: Mapping[str, Estimate], colour: int) -> dict:
    estimates = list(values.values())
    interval = {
        "type": "data",
        "array": [e.high - e.value for e in estimates],
        "arrayminus": [e.value - e.low for e in estimates],
    }
    return {"x": list(values), "y": [e.value for e in estimates], "error_y": interval, "marker_color": PALETTE[colour]}


def bars(
    values: Mapping[str, Estimate],
    title: str,
    *,
    x_title: str,
    y_title: str,
    log_y: bool = False,
    level: tuple[float, str] | None = None,
) -> go.Figure:
    """One bar per entry with its 95 % interval, or a mark on a log axis, where a bar has no foot to stand on.

    ``level`` draws a labelled horizontal line.
    """
    drawn = _drawn(values, 0)
    figure = go.Figure(go.Scatter(**drawn, mode="markers", marker_size=10) if log_y else go.Bar(**drawn))
    if level is not None:
        mark_level(figure, *level, log_y)
    if log_y:
        figure.update_yaxes(EXPONENT)
    return theme(figure, title, x_title, y_title)


def grouped_bars(groups: Mapping[str, Mapping[str, Estimate]], title: str, *, x_title: str, y_title: str) -> go.Figure:
    """Bars side by side, one for each group (a colour each) at each entry, with their 95 % intervals."""
    figure = go.Figure([go.Bar(name=name, **_drawn(values, i)) for i, (name, values) in enumerate(groups.items())])
    return theme(figure, title, x_title, y_title).update_layout(barmode="group", showlegend=len(groups) > 1)


def scatters(
    clouds: Mapping[str, tuple[Cloud, Cloud]],
    slopes: Mapping[str, float],
    title: str,
    *,
    x_title: str,
    y_title: str,
) -> go.Figure:
    """Point clouds side by side (``POINTS`` of each, evenly picked) with the straight line of each slope."""
    figure = make_subplots(1, len(clouds), subplot_titles=list(clouds), shared_yaxes=True)
    for i, (name, (x, y)) in enumerate(clouds.items(), 1):
        x, y = np.asarray(x).ravel(), np.asarray(y).ravel()
        pick = np.linspace(0, len(x) - 1, min(POINTS, len(x))).astype(int)
        figure.add_scatter(
            x=x[pick].tolist(),
            y=y[pick].tolist(),
            mode="markers",
            marker={"size": 3, "opacity": 0.4, "color": PALETTE[0]},
            row=1,
            col=i,
        )
        ends = np.array([x.min(), x.max()])
        middle = y.mean() - slopes[name] * x.mean()
        figure.add_scatter(
            x=ends.tolist(),
            y=(middle + slopes[name] * ends).tolist(),
            mode="lines",
            line={"color": PALETTE[1], "width": 3},
            row=1,
            col=i,
        )
    theme(figure, title, x_title, above=HEADINGS)
    return figure.update_layout(showlegend=False).update_yaxes(title_text=y_title, col=1)


def dots(
    panels: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]],
    title: str,
    *,
    levels: Mapping[str, Sequence[float]],
    least: Mapping[str, float] | None = None,
    x_title: str,
    y_title: str,
) -> go.Figure:
    """Measures of many runs: a panel for each measure, a row for each setting, a mark for each run.

    Args:
        panels: by measure, then by series (a colour and a marker each), then by setting.
        levels: where a measure has its thresholds; dotted lines in its panel.
        least: where the axis of a measure ends on the left; what is below is drawn there.
    """
    names = list(dict.fromkeys(name for series in panels.values() for runs in series.values() for name in runs))
    figure = make_subplots(1, len(panels), subplot_titles=list(panels), shared_yaxes=True, horizontal_spacing=0.03)
    for column, (measure, series) in enumerate(panels.items(), 1):
        for i, (name, runs) in enumerate(series.items()):
            floor = (least or {}).get(measure, -np.inf)
            points = [(max(value, floor), setting) for setting, values in runs.items() for value in values]
            figure.add_scatter(
                x=[x for x, _ in points],
                y=[y for _, y in points],
                name=name,
                legendgroup=name,
                showlegend=column == 1,
                mode="markers",
                marker={"symbol": MARKERS[i], "color": PALETTE[i], "size": 7, "opacity": 0.7},
                row=1,
                col=column,
            )
        for level in levels.get(measure, ()):
            figure.add_vline(x=level, line={"color": "#555555", "dash": "dot"}, row=1, col=column)
    theme(figure, title, height=190 + 26 * len(names), above=HEADINGS + 16)
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1])
    figure.update_yaxes(title_text=y_title, col=1)
    figure.update_xaxes(title_text=x_title, col=(len(panels) + 1) // 2)
    figure.update_annotations(font_size=12)
    return figure.update_layout(margin_b=90, margin_l=150, legend=LEGEND_BELOW)
