"""A page for each claim, for the site: the paper's words, bars and their reasons, every number, where it is shown."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import nbformat
import pandas as pd
from claims_page import headings, unbroken

from helpers.analysis.estimates import number
from helpers.claims import measures, thresholds
from helpers.claims.markdown import markdown
from helpers.claims.readings import Reading, verdict
from helpers.claims.registry import NOT_ASKED
from helpers.claims.tables import MARKS, bound, claim_section, labelled
from helpers.places import ANALYSED, ROOT

EXPECTED = ROOT / "studies" / "expectations.csv"

Models = Mapping[str, Mapping[str, Sequence[Reading]]]
Books = Mapping[str, nbformat.NotebookNode]


def reasons() -> dict[str, str]:
    """The comment above each threshold, by its name; what is set from another has that one's."""
    found: dict[str, str] = {}
    comment, text = "", Path(thresholds.__file__).read_text(encoding="utf-8")
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if line.startswith("#"):
            comment = line[2:] if not lines[i - 1].startswith("#") else f"{comment} {line[2:]}"
        elif names := re.match(r"([A-Z_0-9]+(?:, [A-Z_0-9]+)*) = ", line):
            found |= dict.fromkeys(names[1].split(", "), comment)
    return found


@cache
def uses() -> dict[str, set[str]]:
    """The names that each function of the measures uses, labels included."""
    folder = Path(measures.__file__).parent
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.py"))]
    functions = [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {f.name: {node.id for node in ast.walk(f) if isinstance(node, ast.Name)} for f in functions}


def bars(id: str, readings: Sequence[Reading]) -> list[str]:
    """The thresholds that decide a claim, by name: those that its measure uses, or what it calls; heads are weighed."""
    seen: set[str] = {"NEARLY_ALL"} if any(r.head.startswith("L") for r in readings) else set()
    new = {measures.CLAIMS[id].measure.__name__}
    while new:
        seen |= new
        new = {name for function in new for name in uses().get(function, ())} - seen
    return [name for name in reasons() if name in seen]


def said(id: str, books: Books) -> str:
    """What the paper says: the first sentence of the paragraph that says so, under the heading that names the claim."""
    for name, _ in headings(id, books):
        text = "\n\n".join(cell.source for cell in books[name].cells if cell.cell_type == "markdown")
        (start,) = list(re.finditer(rf"^##+ .*\b{id}\b.*$", text, re.MULTILINE))[:1]
        section = re.split(r"^##+ ", text[start.end() :], maxsplit=1, flags=re.MULTILINE)[0]
        if words := re.search(r"\*\*What the paper says[^*]*\*\*\s+(.+)", section):
            return words[1]
    return "The paper does not ask this; the series does."


def numbers(id: str, readings: Sequence[Reading]) -> str:
    """Each reading of a claim as a line of a table."""
    rows = [
        (label, r.head, f"{r.estimate}{r.note}", bound([r]), "✓" if r.agrees else "✗", number(r.weight))
        for label, way in labelled(id, readings).items()
        for r in way
    ]
    header = ("measure", "of", "number, with its 95 % interval", "asked for", "agrees", "counts")
    return unbroken(markdown(header, rows))


def page(id: str, models: Models, books: Books) -> str:
    """One claim's page, as Markdown that stands in docs/claims/.

    Raises:
        LookupError: no heading of a notebook names the claim, or nothing was expected of it.
    """
    claim, found = measures.CLAIMS[id], {name: of[id] for name, of in models.items() if id in of}
    expectations = pd.read_csv(EXPECTED, index_col="claim")
    shown = [f"- [{heading}](../../notebooks/{name}#{at})" for name, (heading, at) in headings(id, books)]
    if not shown:
        raise LookupError(f"no heading of a notebook names claim {id}")
    if id not in expectations.index:
        raise LookupError(f"{EXPECTED} must say what is expected of claim {id}, before it is asked")
    expected = expectations.loc[id]
    here = verdict(found[ANALYSED])
    marks = markdown([f"`{name}`" for name in found], [[f"{MARKS[v]} {v}" for v in map(verdict, found.values())]])
    why = [f"- **{getattr(thresholds, name):.3g}** (`{name}`). {reasons()[name]}" for name in bars(id, found[ANALYSED])]
    each = [
        f"<details><summary>{name} ({len(readings)})</summary>\n\n{numbers(id, readings)}\n\n</details>"
        for name, readings in found.items()
    ]
    parts = [
        f"# {id}: {claim.text}",
        marks,
        "## What the paper says",
        said(id, books) + ("" if claim.paper == NOT_ASKED else f" (Its evidence or figure: {claim.paper}.)"),
        "## Expected and found",
        f"What we expected of `{ANALYSED}` was written down before this was asked of it.",
        markdown(
            ("expected", "found", "why we expected it"),
            [(f"{MARKS[expected.expected]} {expected.expected}", f"{MARKS[here]} {here}", expected.why)],
        ),
        "## What is measured, and what came out",
        unbroken(claim_section(id, models)),
        "How to read the marks stands above [all results](../claims.md).",
        "## The bars, and why",
        "\n".join(why),
        "## Every number",
        "*Counts*: the weight among the numbers of the same measure; of a head, its share of what its layer writes.",
        *each,
        "## Where it is shown",
        "\n".join(shown),
    ]
    return "\n\n".join(parts) + "\n"


def linked(grid: str, folder: str) -> str:
    """A page with the claims' ids at the start of table rows as links to their pages in ``folder``."""
    ids = "|".join(measures.ids())
    return re.sub(rf"^\| ({ids}) \|", rf"| [\1]({folder}/\1.md) |", grid, flags=re.MULTILINE)


def overview(results: str) -> str:
    """docs/claims.md with a link from each claim's section to its page."""
    for id in measures.ids():
        results = re.sub(
            rf"^(## {id}: .*\n\n.*)$", rf"\1. [Every number, and why these bars](claims/{id}.md)", results, flags=re.M
        )
    return results + "\n```{toctree}\n:hidden:\n" + "\n".join(f"claims/{id}" for id in measures.ids()) + "\n```\n"
