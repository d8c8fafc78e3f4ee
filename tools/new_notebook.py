"""Starts a notebook of the series from a template: ``make notebook NAME=my_recurrence``."""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import argparse
import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
FIRST = NOTEBOOKS / "01_data_generation.ipynb"  # badge and set-up are taken from here
BODY = """# %%
from helpers.display import figures
from helpers.analysis.estimates import number

obs = notebook.observe()
print(f"test MSE {obs.mse()}, R² {obs.r2():.5f}")
# %% [markdown]
## What we expect

**What the paper (or you) says.** … **If it is true**, … **If it is false**, …
# %%
errors = obs.errors().mean(dim=0).numpy()
contexts = range(3, 3 + len(errors))
title = f"From 3 vectors to {contexts[-1]} the error goes from {number(errors[0])} to {number(errors[-1])}"
figures.lines(contexts, {"the model": errors}, title, x_title="vectors in the context", y_title="MSE", log_y=True)
# %% [markdown]
What it shows: …

## Verdict

…

## Exercises

**Quick check.** …

- **a** …
- **b** …
- **c** …

<details><summary>Answer</summary><b>b</b>: …</details>

1. …
<details><summary>Answer</summary>…</details>
"""


def make(name: str) -> Path:
    """Writes notebooks/NN_name.ipynb, NN the next free number, and returns its path.

    Raises:
        FileExistsError: there is one of that name.
    """
    if there := sorted(NOTEBOOKS.glob(f"[0-9][0-9]_{name}.ipynb")):
        raise FileExistsError(f"argument name: {there[0].name} is there already")
    number = max(int(path.name[:2]) for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")) + 1
    path = NOTEBOOKS / f"{number:02}_{name}.ipynb"
    first = nbformat.read(FIRST, as_version=4)
    badge = next(line for line in first.cells[0].source.splitlines() if "colab-badge" in line)
    title = f"# {number} · {name.replace('_', ' ').capitalize()}"
    answer = "**The answer.** … Terms are collected in the [glossary](../docs/glossary.md)."
    head = f"{title}\n\n{badge.replace(FIRST.name, path.name)}\n\n**The question.** …\n\n{answer}"
    cells = [new_markdown_cell(head), new_code_cell(first.cells[1].source)]
    for part in re.split(r"^# %%", BODY, flags=re.MULTILINE)[1:]:
        kind, source = part.split("\n", 1)
        cells.append((new_markdown_cell if "markdown" in kind else new_code_cell)(source.strip()))
    nbformat.write(new_notebook(cells=cells, metadata=first.metadata), path)
    return path


def main(arguments: list[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="tools/new_notebook.py", description=__doc__)
    p.add_argument("name", help="small letters, digits and underscores, such as my_recurrence")
    name = p.parse_args(arguments).name
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        p.error(f"argument name: must be small letters, digits and underscores, got {name!r}")
    try:
        print(f"{make(name)} is there; make lab opens JupyterLab")
    except FileExistsError as error:
        p.error(str(error))
    return 0


if __name__ == "__main__":
    stop_cleanly()
    sys.exit(main())
