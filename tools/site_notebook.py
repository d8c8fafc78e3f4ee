"""What the site makes of a notebook: figures that move, code that only draws folded, nothing fetched from the web."""

from __future__ import annotations

import html
import importlib.util
import re
from pathlib import Path
from typing import Any

import nbformat
import plotly.io as pio

PLOTLY = "application/vnd.plotly.v1+json"
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
CDN = re.compile(r'import (\{.*?\}) from "https://unpkg\.com/circuitsvis@[^"]*";')
VIEWS = "circuitsvis.js"  # in _static; a classic script, since a page opened as a file may not import a module


def circuitsvis() -> Path:
    """The script of CircuitsVis within its Python package, which takes seconds to import."""
    package = importlib.util.find_spec("circuitsvis").origin
    return Path(package).parent / "dist" / "cdn" / "iife.js"


def captioned(figure: dict[str, Any]) -> str:
    """A figure as HTML, as wide as the page; its title stands above it as text, which breaks where the page ends."""
    layout = dict(figure["layout"], width=None)
    title = layout.pop("title")["text"]
    spare = 40 + 20 * title.count("<br>")  # the room that helpers.display.theme gives the title
    layout |= {"height": layout["height"] - spare, "margin": layout["margin"] | {"t": layout["margin"]["t"] - spare}}
    shown = {"data": figure["data"], "layout": layout}
    plot = pio.to_html(shown, config={"responsive": True}, include_plotlyjs=False, full_html=False, validate=False)
    text = html.escape(title.replace("<br>", " "))
    return f'<figure class="plot" aria-label="{text}"><figcaption>{text}</figcaption><div>{plot}</div></figure>'


def pictured(cell: nbformat.NotebookNode) -> bool:
    """Whether a picture is among a cell's outputs."""
    kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
    return bool(kinds & {PLOTLY, "image/svg+xml"})


def as_page(nb: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Changes a notebook into what a reader of the site sees.

    The code of a figure, and that which shows nothing (set-up, what a later cell draws), is folded. That of a table or
    a sentence stays open: it is short, and says what was counted.
    """
    for cell in nb.cells:
        if cell.cell_type != "code":
            cell.source = cell.source.replace(BADGE, "../_static/colab.svg")
            continue
        if pictured(cell) or not cell.outputs:
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
        for data in (output.get("data", {}) for output in cell.outputs):
            if PLOTLY in data:
                figure = data[PLOTLY]
                data.clear()
                data["text/html"] = captioned(figure)
            elif CDN.search(view := data.get("text/html", "")):
                script = f'<script src="../_static/{VIEWS}"></script>'
                data["text/html"] = script + CDN.sub(r"const \1 = CircuitsVis;", view)
    return nb
