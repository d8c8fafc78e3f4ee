"""Builds the site: front page, notebooks with their outputs, results claim by claim and glossary, under build/site.

``make site`` takes the outputs stored in notebooks/; ``make story`` those it has just computed.
"""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import html
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import nbformat
import plotly.io as pio
from claims_page import notebooks
from plotly.offline import get_plotlyjs
from sphinx.cmd.build import build_main

from helpers.places import BUILD, ROOT

PLOTLY = "application/vnd.plotly.v1+json"
SOURCE, SITE = BUILD / "site_source", BUILD / "site"
COPIED = (
    *("bench/last.md", "bench/loop.md", "bench/waits.md", "CONTRIBUTING.md", "CITATION.cff", "LICENSE"),
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
docs/claims
docs/glossary
CONTRIBUTING
bench/last
bench/loop
bench/waits
```
"""


def interactive(nb: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Puts each figure as HTML in the place of its picture: as wide as the page, and named by its title."""
    for cell in nb.cells:
        for data in (output.get("data", {}) for output in cell.get("outputs", [])):
            if PLOTLY in data:
                figure = {"data": data[PLOTLY]["data"], "layout": dict(data[PLOTLY]["layout"], width=None)}
                plot = pio.to_html(
                    figure, config={"responsive": True}, include_plotlyjs=False, full_html=False, validate=False
                )
                title = html.escape(figure["layout"]["title"]["text"].replace("<br>", " "))
                data.clear()
                data["text/html"] = f'<figure class="plot" aria-label="{title}">{plot}</figure>'
    return nb


def lay_out(books: Mapping[str, nbformat.NotebookNode]) -> None:
    """Writes every page's source where the links between them lead, seen from the top of the repository."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.copytree(ROOT / "docs", SOURCE / "docs")
    for name in ("conf.py", "_static"):
        (SOURCE / "docs" / name).rename(SOURCE / name)
    (SOURCE / "_static" / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    for name in COPIED:
        (SOURCE / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, SOURCE / name)
    (SOURCE / "notebooks").mkdir()
    for name, nb in books.items():
        nb.metadata.language_info["pygments_lexer"] = "ipython3"  # the set-up cell has magics
        nbformat.write(interactive(nb), SOURCE / "notebooks" / name)
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = "\n".join(f"notebooks/{name.removesuffix('.ipynb')}" for name in books)
    (SOURCE / "index.md").write_text(page + CONTENTS.format(notebooks=listed), encoding="utf-8")


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
