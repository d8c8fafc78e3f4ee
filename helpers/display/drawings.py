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
    return SVG(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="the model from embedding to unembedding" font-family="Open Sans, DejaVu Sans, sans-serif">'
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
