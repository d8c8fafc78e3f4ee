"""Everything of one prediction in one figure, with a hand on the sequence and on every head (notebook 13).

An ``Example`` is a sequence, ``drawn`` or ``typed``; ``picture`` draws it, ``explore`` puts the controls beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from textwrap import wrap

import numpy as np
import plotly.graph_objects as go
from ipywidgets import Dropdown, FileUpload, FloatSlider, IntRangeSlider, IntSlider, Textarea
from jaxtyping import Float
from plotly.subplots import make_subplots

from helpers.analysis import attention
from helpers.analysis.attribution import contributions, share_sums
from helpers.analysis.components import Component, parse
from helpers.analysis.estimates import number
from helpers.analysis.interventions import scaling
from helpers.analysis.observation import Observation
from helpers.analysis.suitability import unsuited
from helpers.data.fitting import fit
from helpers.data.predictors import continue_by, exact_solver
from helpers.data.recurrences import Sequences, sequences_from, with_noise
from helpers.data.tables import ENDINGS, SequenceError, decoded, table_of
from helpers.data.userdata import check, to_model
from helpers.display.sliders import sliders
from helpers.display.theme import HEADINGS, PALETTE, SHARE, line_style, theme

MOST_BESIDE = 4  # heat maps in a row
LINES, BARS, GAP, AROUND = 148, 132, 75, 140  # heights in pixels
LARGE, SMALL = 250, 150  # of a heat map, two and more of them in a row
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
        SequenceError: it cannot be read, not be continued, or is not of the kind that the model was trained on.
    """
    size = {"dimension": obs.config.dimension, "n_ctx": obs.config.n_ctx}
    sequence = check(table_of(text).values, **size)
    found = fit(sequence, obs.config.n_ctx + 1)
    if wrong := unsuited(found, sequence, obs.family):
        raise SequenceError(wrong)
    given = to_model(sequence, **size, seed=seed, found=found)
    whole = np.concatenate([given.vectors, continue_by(exact_solver, given.vectors, 1)])[None]
    unknown = np.full(1, np.nan)  # neither its c nor its d is used
    sequences = Sequences(whole, unknown, np.full_like(whole[:, 0], np.nan), np.array([given.scale]))
    return Example(sequences, "Your sequence", "exact solver", given.back)


def by_head(obs: Observation, strengths: Mapping[str, float]) -> dict[Component, float]:
    """What to multiply each head's output by, from the strengths of heads ("L0H1") and of whole layers ("L0").

    A head that is named itself and in its layer gets the product.
    """
    factors: dict[Component, float] = {}
    for name, value in strengths.items():
        layer = re.fullmatch(r"L(\d+)", name)
        for head in obs.heads(int(layer[1])) if layer else [parse(name, obs.config)]:
            factors[head] = factors.get(head, 1.0) * value
    return factors


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
        strengths: what to multiply a head's output by ("L0H1"), or those of all heads of a layer ("L0"); default 1.
    """
    try:
        example = typed(obs, own, seed) if own.strip() else drawn(obs, c, d, noise, seed, vectors)
    except SequenceError as error:
        return theme(go.Figure(), "<br>".join(wrap(str(error), 85)))
    there = changed = obs.on(example.sequences)
    curves = {example.last: there.targets, "model": there.prediction}
    factors = by_head(obs, strengths)
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
    one = LARGE if columns <= 2 else SMALL
    plot = LINES + BARS + one * len(maps) + GAP * (1 + len(maps))
    figure = make_subplots(
        2 + len(maps),
        columns,
        specs=[whole, whole, *(places[i : i + columns] for i in range(0, len(places), columns))],
        subplot_titles=[
            "the next vector, entry by entry",
            "share of the answer that each part writes",
            *(f"attention of {name}" for name in patterns),
        ],
        vertical_spacing=GAP / plot,
        row_heights=[LINES, BARS, *[one] * len(maps)],
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
    theme(figure, title, height=AROUND + plot, above=HEADINGS)
    figure.update_annotations(font_size=16 if columns <= 2 else 13)
    for row in maps:
        figure.update_yaxes(title_text="destination", row=row, col=1)
    figure.update_xaxes(title_text="source", row=maps[-1]).update_yaxes(title_text="value", row=1)
    figure.update_xaxes(title={"text": "entry", "standoff": 0}, row=1)
    figure.update_xaxes(tickfont_size=10, dtick=1, row=2)
    below = 1 - (LINES + BARS + 2 * GAP) / plot  # the part of the plot that holds heat maps
    bar = {"title": {"text": "attention", "side": "right"}, "thickness": 12, "len": below, "y": below / 2}
    return figure.update_layout(coloraxis={"colorscale": SHARE, "cmin": 0, "cmax": 1, "colorbar": bar})


NOBODY = "none"  # of the heads


def explore(obs: Observation) -> None:
    """The picture with its controls: the sequence, what to show, and strengths from 0 to 2.

    With a dozen heads to a layer there is no room for a slider each. So every layer has one for all of its heads, and
    there is one more for a single head, which is chosen by name; where both name a head, they multiply.
    """
    config = obs.config
    layers = range(config.n_layers)
    heads = [str(head) for layer in layers for head in obs.heads(layer)]
    own = Textarea(placeholder="or type a sequence of your own, one vector to a line", description="own")
    upload = FileUpload(accept=",".join(ENDINGS), description="or a file")
    upload.observe(lambda _: setattr(own, "value", decoded(bytes(upload.value[0].content))), "value")

    def draw(head: str, strength: float, **others: object) -> go.Figure:
        return picture(obs, **others, **({} if head == NOBODY else {head: strength}))

    lowest, highest = obs.family.c_min, obs.family.c_max
    start = min(max(-0.8, lowest), highest)
    sliders(
        draw,
        upload,
        c=FloatSlider(value=start, min=lowest, max=highest, step=0.1, description="c"),
        d=FloatSlider(value=1.0, min=0, max=3, step=0.1, description="size of d"),
        noise=FloatSlider(value=0.0, min=0, max=0.1, step=0.005, readout_format=".3f", description="noise"),
        seed=IntSlider(value=0, min=0, max=99, description="draw"),
        vectors=IntSlider(value=8, min=3, max=config.n_ctx, description="vectors"),
        own=own,
        entries=IntRangeSlider(value=(0, config.dimension - 1), min=0, max=config.dimension - 1, description="entries"),
        layer=Dropdown(options=[(f"of layer {layer}", layer) for layer in layers], description="attention"),
        **{
            f"L{layer}": FloatSlider(value=1.0, min=0, max=2, step=0.1, description=f"layer {layer} ×")
            for layer in layers
        },
        head=Dropdown(options=[NOBODY, *heads], description="one head"),
        strength=FloatSlider(value=1.0, min=0, max=2, step=0.1, description="this head ×"),
    )
