"""Everything of one prediction in one figure, with a hand on the sequence and on every head (notebook 7).

An ``Example`` is a sequence, ``drawn`` or ``typed``; ``picture`` draws it, ``explore`` puts the controls beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from io import StringIO

import numpy as np
import plotly.graph_objects as go
from ipywidgets import Dropdown, FileUpload, FloatSlider, IntRangeSlider, IntSlider, Textarea
from jaxtyping import Float
from plotly.subplots import make_subplots

from helpers.analysis import attention
from helpers.analysis.attribution import contributions, share_sums
from helpers.analysis.components import parse
from helpers.analysis.estimates import number
from helpers.analysis.interventions import scaling
from helpers.analysis.observation import Observation
from helpers.data.predictors import continue_by, exact_solver
from helpers.data.recurrences import Sequences, sequences_from, with_noise
from helpers.data.userdata import SequenceError, check, to_model
from helpers.display.sliders import sliders
from helpers.display.theme import HEADINGS, PALETTE, SHARE, line_style, theme

MOST_BESIDE = 4  # heat maps in a row
Vectors = Float[np.ndarray, "..."]


@dataclass(frozen=True)
class Example:
    """One sequence to look at; its last vector is the one to predict.

    Attributes:
        name: what titles call it.
        last: what the last vector is called, the truth or what stands in for it.
        back: from the model's units to those in which vectors are shown.
    """

    sequences: Sequences
    name: str
    last: str = "truth"
    back: Callable[[Vectors], Vectors] = np.asarray


def drawn(obs: Observation, c: float, d: float, noise: float, seed: int, vectors: int) -> Example:
    """A sequence of so many vectors and the one to predict, d so many times as large as in training."""
    rng = np.random.default_rng(seed)
    start, step = rng.standard_normal((2, 1, obs.config.dimension))
    whole = sequences_from(start, np.array([c]), d * step, obs.config.n_ctx + 1, obs.family.scaling)
    noisy = with_noise(whole, noise, rng)
    return Example(replace(noisy, vectors=noisy.vectors[:, : vectors + 1]), f"c = {c:g}")


def typed(obs: Observation, text: str, seed: int) -> Example:
    """A sequence typed in, one vector to a line, with the exact solver's guess for the next one.

    Args:
        seed: of the map to the model's units.
    Raises:
        SequenceError: it cannot be read, or not be continued.
    """
    try:
        source = np.loadtxt(StringIO(text.replace(",", " ").replace(";", " ")), ndmin=2)
    except ValueError as error:
        raise SequenceError(f"one vector to a line, please: {error}") from error
    size = {"dimension": obs.config.dimension, "n_ctx": obs.config.n_ctx}
    given = to_model(check(source, **size), **size, seed=seed)
    whole = np.concatenate([given.vectors, continue_by(exact_solver, given.vectors, 1)])[None]
    unknown = np.full(1, np.nan)  # neither its c nor its d is used
    sequences = Sequences(whole, unknown, np.full_like(whole[:, 0], np.nan), np.array([given.scale]))
    return Example(sequences, "Your sequence", "exact solver", given.back)


def picture(
    obs: Observation,
    *,
    own: str = "",
    c: float = -0.8,
    d: float = 1.0,
    noise: float = 0.0,
    seed: int = 0,
    vectors: int = 8,
    entries: tuple[int, int] | None = None,
    layer: int = 0,
    **strengths: float,
) -> go.Figure:
    """Prediction beside truth, what each component adds to it, and a layer's attention, for one sequence.

    Args:
        own: a sequence to use, one vector to a line; the next five arguments describe one that is drawn if it is empty.
        d: size of d, 1 as in training.
        entries: first and last entry of the vectors to show (default: all).
        layer: whose attention to show.
        strengths: what to multiply a head's output by ("L0H1" and so on; default 1).
    """
    try:
        example = typed(obs, own, seed) if own.strip() else drawn(obs, c, d, noise, seed, vectors)
    except SequenceError as error:
        return theme(go.Figure(), str(error))
    there = changed = obs.on(example.sequences)
    curves = {example.last: there.targets, "model": there.prediction}
    factors = {parse(name, obs.config): value for name, value in strengths.items()}
    if set(factors.values()) - {1.0}:
        changed = there.under(scaling(there, factors))
        curves["with heads changed"] = changed.prediction
    rows = {name: example.back(curve[0, -1].numpy()) for name, curve in curves.items()}
    last, *guesses = rows.values()
    errors = " and ".join(number(((guess - last) ** 2).mean()) for guess in guesses)
    n = there.vectors.shape[1]
    title = f"{example.name}: vector {n + 1} predicted from {n}, mean square error {errors}"
    low, high = entries or (0, obs.config.dimension - 1)
    shown = {name: row[low : high + 1] for name, row in rows.items()}
    sums = {str(part): share_sums(changed, added) for part, added in contributions(changed).items()}
    shares = {part: (with_target / square).item() for part, (with_target, square) in sums.items()}
    patterns = dict(zip(map(str, obs.heads(layer)), attention.pattern(changed, layer)[0].numpy(), strict=True))
    return _figure(title, shown, low, shares, patterns)


def _figure(
    title: str,
    rows: Mapping[str, Float[np.ndarray, " entries"]],
    first: int,
    shares: Mapping[str, float],
    patterns: Mapping[str, Float[np.ndarray, "n n"]],
) -> go.Figure:
    """The three parts of ``picture``, one above the other; ``first`` is the number of the first entry in ``rows``."""
    columns = min(len(patterns), MOST_BESIDE)
    maps = range(3, 3 + -(-len(patterns) // columns))  # the rows of heat maps
    places = [{}] * len(patterns) + [None] * (len(maps) * columns - len(patterns))
    whole = [{"colspan": columns}, *[None] * (columns - 1)]
    figure = make_subplots(
        2 + len(maps),
        columns,
        specs=[whole, whole, *(places[i : i + columns] for i in range(0, len(places), columns))],
        subplot_titles=[
            "the next vector, entry by entry",
            "share of the answer that each part writes",
            *(f"attention of {name}" for name in patterns),
        ],
        vertical_spacing=0.22 / (1 + len(maps)),
        row_heights=[0.28, 0.25, *[0.47] * len(maps)],
    )
    for i, (name, row) in enumerate(rows.items()):
        figure.add_scatter(
            x=list(range(first, first + len(row))),
            y=row.tolist(),
            name=name,
            mode="lines+markers",
            **line_style(i, size=5),
            row=1,
            col=1,
        )
    figure.add_bar(x=list(shares), y=list(shares.values()), marker_color=PALETTE[0], showlegend=False, row=2, col=1)
    for i, pattern in enumerate(patterns.values()):
        at = {"row": maps[i // columns], "col": i % columns + 1}
        figure.add_heatmap(z=pattern.tolist(), coloraxis="coloraxis", **at).update_yaxes(autorange="reversed", **at)
    theme(figure, title, height=450 + 370 * len(maps), above=HEADINGS)
    for row in maps:
        figure.update_yaxes(title_text="destination", row=row, col=1)
    figure.update_xaxes(title_text="source", row=maps[-1]).update_yaxes(title_text="value", row=1)
    figure.update_xaxes(title={"text": "entry", "standoff": 0}, row=1)
    figure.update_xaxes(tickfont_size=10, row=2)
    bar = {"title": {"text": "attention", "side": "right"}, "thickness": 12, "len": 0.42, "y": 0.2}
    return figure.update_layout(coloraxis={"colorscale": SHARE, "cmin": 0, "cmax": 1, "colorbar": bar})


def explore(obs: Observation) -> None:
    """The picture with its controls: the sequence, what to show, and a strength from 0 to 2 for every head."""
    config = obs.config
    own = Textarea(placeholder="or type a sequence of your own, one vector to a line", description="own")
    upload = FileUpload(accept=".csv,.txt", description="or a file")
    upload.observe(lambda _: setattr(own, "value", bytes(upload.value[0].content).decode()), "value")
    sliders(
        partial(picture, obs),
        upload,
        c=FloatSlider(value=-0.8, min=-1.5, max=1.5, step=0.1, description="c"),
        d=FloatSlider(value=1.0, min=0, max=3, step=0.1, description="size of d"),
        noise=FloatSlider(value=0.0, min=0, max=0.1, step=0.005, readout_format=".3f", description="noise"),
        seed=IntSlider(value=0, min=0, max=99, description="draw"),
        vectors=IntSlider(value=8, min=3, max=config.n_ctx, description="vectors"),
        own=own,
        entries=IntRangeSlider(value=(0, config.dimension - 1), min=0, max=config.dimension - 1, description="entries"),
        layer=Dropdown(options=list(range(config.n_layers)), description="attention"),
        **{
            str(head): FloatSlider(value=1.0, min=0, max=2, step=0.1, description=f"{head} ×")
            for layer in range(config.n_layers)
            for head in obs.heads(layer)
        },
    )
