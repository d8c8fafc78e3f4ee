"""Brings the README's results table and drawing up to date with the stored results: ``make readme``."""

from __future__ import annotations

import sys

import pandas as pd

from helpers.analysis.estimates import number
from helpers.claims import measures, results
from helpers.claims.setup import setup_rows
from helpers.claims.tables import Row, claim_rows, claims_table
from helpers.display.drawings import model_drawing
from helpers.places import ANALYSED, CHECKPOINTS, ROOT, SHIPPED
from helpers.training import checkpoints

BEGIN, END = "<!-- claims: begin -->", "<!-- claims: end -->"
README, DRAWING = ROOT / "README.md", ROOT / "docs" / "mechanism.svg"


def rows() -> dict[str, list[Row]]:
    """The lines of the results table, by shipped model."""
    table = results.load()
    return {
        name: setup_rows(checkpoints.load_recipe(CHECKPOINTS / name))
        + claim_rows(results.to_readings(table[table["model"] == name]), measures.ids())
        for name in SHIPPED
    }


def insert(page: str, table: str) -> str:
    """``page`` with ``table`` between its markers. Raises ValueError if a marker is missing."""
    if BEGIN not in page or END not in page:
        raise ValueError(f"the page must have the lines {BEGIN} and {END}")
    return page[: page.index(BEGIN) + len(BEGIN)] + "\n" + table + "\n" + page[page.index(END) :]


def page() -> str:
    """The README with the results table of today's stored results."""
    return insert(README.read_text(), claims_table({f"here, `{name}`": lines for name, lines in rows().items()}))


def mechanism() -> str:
    """The model's drawing (SVG) with what was measured of the heads of each layer."""
    table = results.load()
    config = checkpoints.load_recipe(CHECKPOINTS / ANALYSED).model
    of_model = table[table["model"] == ANALYSED]

    def values(claim: str, key: str, start: str = "") -> list[float]:
        chosen = (of_model["claim"] == claim) & (of_model["key"] == key) & of_model["head"].str.startswith(start)
        return of_model.loc[chosen, "value"].tolist()

    def each(numbers: list[float]) -> str:
        return ", ".join(f"{value:.2f}".replace("-0.00", "0.00") for value in numbers)

    first = [
        ["attention on the", f"previous vector: {each(values('A1', 'attention'))}"],
        ["made a constant, the", f"model keeps R² {values('B4', 'constant')[0]:.2f}"],
        ["OV eigenvalue score", f"(−1: subtracts): {each(values('C3', 'eigenvalue'))}"],
    ]
    notes = [
        [
            *lines,
            "share of the answer:",
            f"heads {each(values(results.PORTRAIT, 'share', f'L{layer}H'))}",
            f"MLP {each(values(results.PORTRAIT, 'share', f'L{layer} MLP'))}",
            f"heads ablated: error × {values(results.PORTRAIT, 'cost', f'layer {layer}')[0]:,.0f}",
        ]
        for layer, lines in enumerate(first)
    ]
    return model_drawing(config, notes, f"test MSE {number(values('S5', 'mse')[0])}").data


def main() -> int:
    """Writes README.md and docs/mechanism.svg."""
    try:
        README.write_text(page())
        DRAWING.write_text(mechanism())
    except (OSError, ValueError, pd.errors.ParserError) as error:
        sys.exit(f"tools/readme.py: error: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
