"""What the README shows of the shipped model: the results table and the mechanism in one drawing.

``python tools/readme.py`` prints the table; with ``--write`` the README and docs/mechanism.svg are brought up to date.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from helpers.analysis import attention, circuits, components, interventions
from helpers.analysis.attribution import contributions, share_sums
from helpers.analysis.estimates import mean, number, ratio
from helpers.analysis.observation import Observation
from helpers.claims import measures, setup
from helpers.claims.verdicts import Row, claims_table
from helpers.display.drawings import model_drawing
from helpers.display.notebook import observe_checkpoint
from helpers.places import ANALYSED, BOUNDED, COMPARED, ROOT
from helpers.training import checkpoints

SHIPPED = {f"here, `{name}`": ROOT / "checkpoints" / name for name in (ANALYSED, COMPARED, BOUNDED)}
BEGIN, END = "<!-- claims: begin -->", "<!-- claims: end -->"
DRAWING = ROOT / "docs" / "mechanism.svg"


def all_rows(folder: Path, obs: Observation) -> list[Row]:
    """Every row of the results table for one checkpoint."""
    return setup.setup_rows(checkpoints.load_recipe(folder)) + measures.evaluate(obs, measures.MEASURES)


def table(folders: Mapping[str, Path]) -> str:
    """The results table, a column for each checkpoint."""
    return claims_table({title: all_rows(folder, observe_checkpoint(folder)) for title, folder in folders.items()})


def insert(page: str, table: str) -> str:
    """``page`` with ``table`` between its markers. Raises ValueError if a marker is missing."""
    if BEGIN not in page or END not in page:
        raise ValueError(f"the page must have the lines {BEGIN} and {END}")
    return page[: page.index(BEGIN) + len(BEGIN)] + "\n" + table + "\n" + page[page.index(END) :]


def mechanism(obs: Observation) -> str:
    """The model's drawing (SVG) with what was measured of the heads of each layer."""
    parts = contributions(obs)

    def each(values: list[float]) -> str:
        return ", ".join(f"{value:.2f}".replace("-0.00", "0.00") for value in values)

    def cost(layer: int) -> str:
        ablated = obs.mse(interventions.ablate_heads(obs, obs.heads(layer)))
        return f"error × {ablated.value / obs.mse().value:,.0f}"

    def share(part: components.Component) -> float:
        return ratio(*share_sums(obs, parts[part])).value

    previous = each([mean(attention.at_offset(obs, 0, 1)[:, h.head]).value for h in obs.heads(0)])
    constant = obs.r2(interventions.freeze(obs, [components.attention(1), components.mlp(1)]))
    negating = each([circuits.eigenvalue_score(circuits.ov(obs, h)) for h in obs.heads(2)])
    first = [
        ["attention on the", f"previous vector: {previous}"],
        ["made a constant, the", f"model keeps R² {constant:.2f}"],
        ["OV eigenvalue score", f"(−1: subtracts): {negating}"],
    ]
    notes = [
        [
            *lines,
            "share of the answer:",
            f"heads {each([share(h) for h in obs.heads(layer)])}",
            f"MLP {each([share(components.mlp(layer))])}",
            f"heads ablated: {cost(layer)}",
        ]
        for layer, lines in enumerate(first)
    ]
    return model_drawing(obs.config, notes, f"test MSE {number(obs.mse().value)}").data


def main(arguments: list[str] | None = None) -> int:
    """The command line; a mistake ends in one line and exit code 2."""
    p = argparse.ArgumentParser(prog="tools/readme.py", description="Measures the paper's claims.")
    p.add_argument("--model", type=Path, help="checkpoint folder (default: the shipped models of the paper's size)")
    p.add_argument("--write", action="store_true", help="bring README.md and docs/mechanism.svg up to date")
    options = p.parse_args(arguments)
    if options.model and options.write:
        p.error("argument --write: the README shows the shipped model; leave --model out")
    readme = ROOT / "README.md"
    try:
        found = table({str(options.model): options.model} if options.model else SHIPPED)
        if options.write:
            page, drawing = (
                insert(readme.read_text(), found),
                mechanism(observe_checkpoint(ROOT / "checkpoints" / ANALYSED)),
            )
            DRAWING.parent.mkdir(exist_ok=True)
            DRAWING.write_text(drawing)
            readme.write_text(page)
    except (OSError, ValueError) as error:
        p.exit(2, f"{p.prog}: error: {error}\n")
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
