"""The page of all results, claim by claim, from the stored rows: docs/claims.md (``make readme``)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import nbformat

from helpers.claims import measures
from helpers.claims.markdown import markdown
from helpers.claims.readings import Reading
from helpers.claims.setup import setup_rows
from helpers.claims.tables import claim_section
from helpers.places import CHECKPOINTS, ROOT
from helpers.training import checkpoints

PAGE = ROOT / "docs" / "claims.md"


NUMBER = r"-?\d[\d.]*(?:e-?\d+)?"
UNBROKEN = re.compile(rf"(?<![\w`(/.-])(?:[●◐○] )?{NUMBER}(?: \[{NUMBER}, {NUMBER}\])?")


def unbroken(table: str) -> str:
    """A table whose numbers, with their mark or interval, do not break over lines: no-break spaces and minus signs."""

    def join(found: re.Match[str]) -> str:
        return found[0].replace(" ", "\u00a0").replace("-", "−")

    return "\n".join(UNBROKEN.sub(join, line) if line.startswith("|") else line for line in table.split("\n"))


def anchor(heading: str) -> str:
    """A heading's address within its page, as GitHub and MyST make it."""
    return re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")


def notebooks() -> dict[str, nbformat.NotebookNode]:
    """The notebooks of the series by file name, in order."""
    return {path.name: nbformat.read(path, as_version=4) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}


def headings(id: str, books: Mapping[str, nbformat.NotebookNode]) -> list[tuple[str, tuple[str, str]]]:
    """Headings below a title that name a claim, in order: the notebook's file name, then heading and address."""
    return [
        (name, (heading, anchor(heading)))
        for name, nb in books.items()
        for cell in nb.cells
        for heading in re.findall(r"^##+ (.*)$", cell.source if cell.cell_type == "markdown" else "", re.MULTILINE)
        if re.search(rf"\b{id}\b", heading)
    ]


def evidence(id: str, books: Mapping[str, nbformat.NotebookNode]) -> str:
    """Where a claim is examined, as a link to the first heading that names it.

    Raises:
        LookupError: no heading does.
    """
    for name, (heading, at) in headings(id, books):
        return f"[{heading}](../notebooks/{name}#{at})"
    raise LookupError(f"no heading of a notebook names claim {id}")


def sections(models: Mapping[str, Mapping[str, list[Reading]]], books: Mapping[str, nbformat.NotebookNode]) -> str:
    """A section with a table for each claim, the set-up's first; each links to its evidence."""
    setups = zip(*(setup_rows(checkpoints.load_recipe(CHECKPOINTS / name)) for name in models), strict=True)
    parts: list[str] = []

    def section(id: str, text: str, paper: str, table: str) -> Iterable[str]:
        return f"## {id}: {text}", f"The paper: {paper}. Evidence: {evidence(id, books)}", table

    for rows in setups:
        cells = [(f"`{name}`", row.here, row.verdict) for name, row in zip(models, rows, strict=True)]
        parts += section(rows[0].id, rows[0].claim, rows[0].paper, markdown(("model", "here", ""), cells))
    for id in measures.ids():
        claim = measures.CLAIMS[id]
        parts += section(id, claim.text, claim.paper, unbroken(claim_section(id, models)))
    return "\n\n".join(parts)
