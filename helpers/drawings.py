"""Pictures that are not plots: the model as a drawing, and CircuitsVis's attention views."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from IPython.display import HTML, SVG
from jaxtyping import Float

from helpers.figures import PALETTE
from helpers.model import ModelConfig


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


def model_drawing(config: ModelConfig) -> SVG:
    """The model from left to right: vectors in, the residual stream through the layers, the next vector out."""
    left, step, stream = 128, 160, 176
    width = left + step * config.n_layers + 150
    parts = [
        f'<line x1="100" y1="{stream}" x2="{width - 130}" y2="{stream}" stroke="#555555" stroke-width="4"/>',
        f'<text x="{left}" y="{stream + 24}" font-size="13">residual stream, {config.d_model} numbers at each of '
        f"{config.n_ctx} positions</text>",
        _box(4, stream - 36, 100, f"embedding\n{config.dimension} → {config.d_model}", PALETTE[6], 72),
        _box(width - 134, stream - 36, 130, f"unembedding\n{config.d_model} → {config.dimension}", PALETTE[6], 72),
    ]
    for layer in range(config.n_layers):
        x = left + step * layer
        parts += [
            f'<text x="{x + 66}" y="20" text-anchor="middle" font-size="14" font-weight="bold">layer {layer}</text>',
            _box(x, 34, 62, f"{config.n_heads} heads\nof {config.d_head}", PALETTE[0], 60),
            _box(x + 72, 34, 62, f"MLP\n{config.d_mlp}", PALETTE[1], 60),
        ]
        for centre, colour in ((x + 31, PALETTE[0]), (x + 103, PALETTE[1])):
            parts += [
                f'<path d="M{centre - 14} {stream - 2} V96" stroke="{colour}" fill="none" stroke-width="2"/>',
                f'<path d="M{centre + 14} 96 V{stream - 14}" stroke="{colour}" fill="none" stroke-width="2"/>',
                f'<text x="{centre + 14}" y="{stream - 5}" text-anchor="middle" font-size="16">+</text>',
            ]
    return SVG(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 216" width="{width}" role="img" '
        f'aria-label="model" font-family="Open Sans, DejaVu Sans, sans-serif">'
        f'<rect width="{width}" height="216" fill="white"/>{"".join(parts)}</svg>'
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
