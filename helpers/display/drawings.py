"""Pictures that are not plots: the model as a drawing, and CircuitsVis's attention views."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from IPython.display import HTML, SVG
from jaxtyping import Float

from helpers.display.theme import PALETTE
from helpers.training.model import ModelConfig


def _box(x: int, y: int, width: int, text: str, colour: str, height: int = 44) -> str:
    lines = text.split("\n")
    first = y + height / 2 + 5 - 8 * (len(lines) - 1)
    words = "".join(
        f'<text x="{x + width / 2}" y="{first + 16 * i}" text-anchor="middle" font-size="13">{line}</text>'
        for i, line in enumerate(lines)
    )
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{colour}" fill-opacity="0.15" '
        f'stroke="{colour}"/>{words}'
    )


def _arrow(x: int, start: int, end: int, colour: str, word: str) -> str:
    """A vertical arrow with a word beside it, read from below."""
    back = 7 if end < start else -7
    return (
        f'<path d="M{x} {start} V{end + back}" stroke="{colour}" fill="none" stroke-width="2"/>'
        f'<path d="M{x} {end} l-5 {back} h10 z" fill="{colour}"/>'
        f'<text transform="translate({x + 13} {(start + end) / 2 + 14}) rotate(-90)" font-size="11">{word}</text>'
    )


def model_drawing(config: ModelConfig, notes: Sequence[Sequence[str]] = (), result: str = "") -> SVG:
    """The model from left to right: vectors in, the residual stream through the layers, the next vector out.

    Args:
        notes: lines of text to stand below each layer.
        result: a line to stand below the unembedding.
    """
    left, step, stream = 130, 222, 176
    width = left + step * config.n_layers + 106
    height = 216 + 20 * max(map(len, notes), default=0)
    parts = [
        f'<line x1="100" y1="{stream}" x2="{width - 118}" y2="{stream}" stroke="#555555" stroke-width="4"/>',
        f'<text x="{left}" y="{stream + 22}" font-size="13">residual stream, {config.d_model} numbers at each of '
        f"{config.n_ctx} positions</text>",
        _box(4, stream - 36, 100, f"embedding\n{config.dimension} → {config.d_model}", PALETTE[6], 72),
        _box(width - 120, stream - 36, 116, f"unembedding\n{config.d_model} → {config.dimension}", PALETTE[6], 72),
        f'<text x="{width - 62}" y="{stream + 60}" text-anchor="middle" font-size="13">{result}</text>',
    ]
    for layer in range(config.n_layers):
        x = left + step * layer
        parts += [
            f'<text x="{x + 86}" y="20" text-anchor="middle" font-size="14" font-weight="bold">layer {layer}</text>',
            _box(x, 34, 76, f"{config.n_heads} heads,\n{config.d_head} wide", PALETTE[0], 60),
            _box(x + 88, 34, 84, f"MLP,\n{config.d_mlp} wide", PALETTE[1], 60),
        ]
        for centre, colour in ((x + 38, PALETTE[0]), (x + 130, PALETTE[1])):
            parts += [
                _arrow(centre - 16, stream - 2, 94, colour, "reads"),
                _arrow(centre + 16, 94, stream - 2, colour, "adds"),
            ]
        for i, line in enumerate(notes[layer] if notes else ()):
            parts.append(f'<text x="{x}" y="{stream + 50 + 19 * i}" font-size="13">{line}</text>')
    return _svg(width, height, "the model from embedding to unembedding", parts)


STEPS = (  # of the algorithm, from left to right: who does it, what is done, in the colour of the heads or of the rest
    ("layer 0", "averages the last vectors,\naway from what is like v_n", 0),
    ("layer 2", "subtracts averages, by place,\nsize and where it looks: for\nc &gt; 0, on beyond v_n", 0),
    ("the last layer norm", "divides, so that the\nweights sum to about 1", 6),
)


def algorithm_drawing(notes: Sequence[Sequence[str]]) -> SVG:
    """What the model computes, from left to right: the vectors' way through the steps, and below it the numbers'.

    Args:
        notes: lines of text to stand below each of ``STEPS``.
    """
    left, step, wide, top = 110, 236, 208, 40
    end, numbers, below = left + step * len(STEPS), top + 112, top + 196
    middle, width, height = top + 36, end + 92, below + 20 * max(map(len, notes))
    measured = (
        "numbers: how long v_n and the mixture are and the angle between them, here and on average so far;\n"
        "layers 0 to 2 write polynomials of them, and these set the sizes that are divided by"
    )
    parts = [
        f'<line x1="90" y1="{middle}" x2="{end + 2}" y2="{middle}" stroke="#555555" stroke-width="4"/>',
        _box(4, top + 8, 86, "vectors\nv_0 … v_n", PALETTE[6], 56),
        _box(end, top + 8, 86, "guess for\nthe next", PALETTE[6], 56),
        _box(left, numbers, end - left - step + wide, measured, PALETTE[1], 56),
    ]
    for i, ((who, what, colour), lines) in enumerate(zip(STEPS, notes, strict=True)):
        x, centre = left + step * i, left + step * i + wide / 2
        parts += [
            f'<text x="{centre}" y="{top - 12}" text-anchor="middle" font-size="14" font-weight="bold">{who}</text>',
            f'<rect x="{x}" y="{top}" width="{wide}" height="72" rx="6" fill="white"/>',
            _box(x, top, wide, what, PALETTE[colour], 72),
        ]
        # Both layers write numbers; layer 2 and the last layer norm read them.
        down, up = (top + 74, numbers - 2), (numbers - 2, top + 74)
        parts += [
            _arrow(int(centre) + 60 * j, *ends, PALETTE[1], "") for j, ends in enumerate([[down], [down, up], [up]][i])
        ]
        parts += [f'<text x="{x}" y="{below + 19 * j}" font-size="13">{line}</text>' for j, line in enumerate(lines)]
    return _svg(width, height, "what the model computes, step by step", parts)


def _svg(width: int, height: int, label: str, parts: Sequence[str]) -> SVG:
    return SVG(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="{label}" font-family="Open Sans, DejaVu Sans, sans-serif">'
        f'<rect width="{width}" height="{height}" fill="white"/>{"".join(parts)}</svg>'
    )


def attention_view(
    patterns: Float[np.ndarray, "heads n n"], labels: Sequence[str], names: Sequence[str], identity: str
) -> HTML:
    """CircuitsVis's attention heads, to hover over; ``identity`` tells the views of one page apart.

    The view is stored as a 2 KB link to CircuitsVis's script, drawn where the browser is online; a static heat map
    belongs beside it. CircuitsVis's random element name is replaced, so that the stored output does not change.
    """
    from circuitsvis.attention import attention_heads

    view = attention_heads(
        np.asarray(patterns, dtype=float).round(3).tolist(), list(labels), list(names), max_value=1.0, min_value=0.0
    )
    return HTML(re.sub(r"circuits-vis-[0-9a-f-]+", f"circuits-vis-{identity}", view.cdn_src))
