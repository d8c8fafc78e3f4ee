"""Brings README's grid, the page of results and the drawings up to date with the stored results: ``make readme``."""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import sys

import claims_page
import pandas as pd

from helpers.analysis.estimates import number
from helpers.claims import measures, results
from helpers.claims.tables import grid
from helpers.display.drawings import algorithm_drawing, model_drawing
from helpers.places import ANALYSED, CHECKPOINTS, ROOT, SHIPPED
from helpers.training import checkpoints

BEGIN, END = "<!-- claims: begin -->", "<!-- claims: end -->"
README, DRAWING, ALGORITHM = ROOT / "README.md", ROOT / "docs" / "mechanism.svg", ROOT / "docs" / "algorithm.svg"


def models() -> dict[str, results.Found]:
    """The stored readings by shipped model."""
    table = results.load()
    return {name: results.to_readings(table[table["model"] == name]) for name in SHIPPED}


def insert(page: str, table: str) -> str:
    """``page`` with ``table`` between its markers. Raises ValueError if a marker is missing."""
    if BEGIN not in page or END not in page:
        raise ValueError(f"the page must have the lines {BEGIN} and {END}")
    return page[: page.index(BEGIN) + len(BEGIN)] + "\n" + table + "\n" + page[page.index(END) :]


def page() -> str:
    """The README with the grid of today's stored results."""
    return insert(README.read_text(encoding="utf-8"), claims_page.unbroken(grid(models(), measures.ids())))


def claims() -> str:
    """The page of all results of today's stored results."""
    return insert(claims_page.PAGE.read_text(encoding="utf-8"), claims_page.sections(models(), claims_page.notebooks()))


def mechanism() -> str:
    """The model's drawing (SVG) with what was measured of the heads of each layer."""
    table = results.load()
    config = checkpoints.load_recipe(CHECKPOINTS / ANALYSED).model
    of_model = table[table["model"] == ANALYSED]

    def values(claim: str, key: str, start: str = "") -> list[float]:
        chosen = (of_model["claim"] == claim) & (of_model["key"] == key) & of_model["head"].str.startswith(start)
        return of_model.loc[chosen, "value"].tolist()

    def each(numbers: list[float]) -> str:
        shown = [f"{value:.2f}".replace("-0.00", "0.00") for value in sorted(numbers)]
        return ", ".join(shown) if len(shown) < 3 else f"{shown[0]} to {shown[-1]}"

    first = [
        ["attention on the", f"previous vector: {each(values('A1', 'attention'))}"],
        ["made constant, knowing c is", "kept: {:.2f} (c &lt; 0), {:.2f} (c &gt; 0)".format(*values("B4", "constant"))],
        ["OV eigenvalue score", f"(−1: subtracts): {each(values('C3', 'eigenvalue'))}"],
    ]
    notes = [
        [
            *lines,
            "share of the answer:",
            f"heads {each(values(results.PORTRAIT, 'share', f'L{layer}H'))}",
            f"MLP {each(values(results.PORTRAIT, 'share', f'L{layer} MLP'))}",
            f"heads mean-ablated: error × {values(results.PORTRAIT, 'cost', f'layer {layer}')[0]:,.0f}",
        ]
        for layer, lines in enumerate(first)
    ]
    return model_drawing(config, notes, f"test MSE {number(values('S5', 'mse')[0])}").data


def algorithm() -> str:
    """The algorithm's drawing (SVG) with what is kept of what knowing c brings, with and without its steps."""
    table = results.load()
    rows = table[(table["model"] == ANALYSED) & (table["key"] == "kept") & (table["claim"] == results.PORTRAIT)]
    kept = dict(zip(rows["head"], rows["value"], strict=True))

    def both(what: str) -> str:
        return "{:.2f} (c &lt; 0), {:.2f} (c &gt; 0)".format(*(kept[f"{what}, c {side} 0"] for side in "<>"))

    said = {"average": "this average alone keeps", "without layer 2": "kept without it, sum again 1"}
    said |= {"last size fixed": "kept with a size that stays"}
    return algorithm_drawing([[words, both(what)] for what, words in said.items()]).data


def main() -> int:
    """Writes README.md, docs/claims.md and the drawings docs/mechanism.svg and docs/algorithm.svg."""
    try:
        new = {README: page(), claims_page.PAGE: claims(), DRAWING: mechanism(), ALGORITHM: algorithm()}
        for path, text in new.items():  # when all could be made
            path.write_text(text, encoding="utf-8")
    except (OSError, ValueError, LookupError, pd.errors.ParserError) as error:
        sys.exit(f"tools/readme.py: error: {error}")
    return 0


if __name__ == "__main__":
    stop_cleanly()
    sys.exit(main())
