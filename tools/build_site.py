"""Builds the site: front page, notebooks with their outputs, results claim by claim and glossary, under build/site.

``make site`` takes the outputs stored in notebooks/; ``make story`` those it has just computed.
"""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import citation
import claim_pages
import explorer_page
import nbformat
import readme
from claims_page import notebooks
from plotly.offline import get_plotlyjs
from site_notebook import BADGE, VIEWS, as_page, circuitsvis
from sphinx.cmd.build import build_main

from helpers.claims import measures
from helpers.places import BUILD, ROOT

SOURCE, SITE = BUILD / "site_source", BUILD / "site"
COPIED = (
    *("bench/last.md", "bench/loop.md", "bench/waits.md", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "LICENSE"),
    *("helpers/claims/measures/__init__.py", "helpers/claims/thresholds.py"),
    *("checkpoints/results.csv", "studies/expectations.csv"),
)
CONTENTS = """
```{{toctree}}
:hidden:
:caption: Notebooks
{notebooks}
```

```{{toctree}}
:hidden:
:caption: Reference
docs/explorer
docs/claims
docs/glossary
CONTRIBUTING
bench/last
bench/loop
bench/waits
CHANGELOG
docs/hosts
docs/cite
```
"""


def write_claims(books: Mapping[str, nbformat.NotebookNode]) -> None:
    """A page for each claim, and links to them from the page of all results."""
    folder, found = SOURCE / "docs" / "claims", readme.models()
    folder.mkdir()
    for id in measures.ids():
        (folder / f"{id}.md").write_text(claim_pages.page(id, found, books), encoding="utf-8")
    results = SOURCE / "docs" / "claims.md"
    results.write_text(claim_pages.overview(results.read_text(encoding="utf-8")), encoding="utf-8")


def lay_out(books: Mapping[str, nbformat.NotebookNode]) -> None:
    """Writes every page's source where the links between them lead, seen from the top of the repository."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.copytree(ROOT / "docs", SOURCE / "docs")
    for name in ("conf.py", "_static"):
        (SOURCE / "docs" / name).rename(SOURCE / name)
    (SOURCE / "_static" / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    shutil.copy(circuitsvis(), SOURCE / "_static" / VIEWS)
    for name in COPIED:
        (SOURCE / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, SOURCE / name)
    (SOURCE / "notebooks").mkdir()
    for name, nb in books.items():
        nb.metadata.language_info["pygments_lexer"] = "ipython3"  # the set-up cell has magics
        nbformat.write(as_page(nb), SOURCE / "notebooks" / name)
    page = (ROOT / "README.md").read_text(encoding="utf-8").replace(BADGE, "_static/colab.svg")
    write_claims(books)
    (SOURCE / "docs" / "cite.md").write_text(citation.page(), encoding="utf-8")
    listed = "\n".join(f"notebooks/{name.removesuffix('.ipynb')}" for name in books)
    (SOURCE / "index.md").write_text(
        claim_pages.linked(page, "docs/claims") + CONTENTS.format(notebooks=listed), encoding="utf-8"
    )
    explorer_page.add(SOURCE)


def build(executed: Mapping[str, nbformat.NotebookNode] | None = None) -> Path:
    """Builds the site and returns its first page.

    Args:
        executed: notebooks, by file name, to show in the place of those stored.
    Raises:
        RuntimeError: Sphinx found something wrong, and said what.
    """
    books = notebooks() | dict(executed or {})
    lay_out(books)
    if build_main(["-q", "-W", "--keep-going", "-j", "auto", str(SOURCE), str(SITE)]):
        raise RuntimeError("the site has faults, see above")
    return SITE / "index.html"


if __name__ == "__main__":
    stop_cleanly()
    try:
        print(f"Read on: {build()}")
    except RuntimeError as error:
        sys.exit(str(error))
