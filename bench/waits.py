"""What a reader waits for: imports, notebook 01's first figure, a move in the explorer (part of ``make bench``).

Each time is the median of several, on an otherwise idle machine; the table is kept in bench/waits.md.
"""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import datetime
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import torch
from nbclient import NotebookClient

from bench import milliseconds
from helpers import places
from helpers.claims.markdown import markdown
from helpers.display import explorer, notebook
from helpers.training import checkpoints
from helpers.training.machine import describe

LAST = Path(__file__).with_name("waits.md")
REPEATS = 5
CPU = torch.device("cpu")
IMPORTS = ("import torch", "import helpers.data.recurrences", "from helpers.display import figures, notebook")
MOVES = {"c": {"c": 0.5}, "draw": {"seed": 3}, "a head's strength": {"L1H0": 0.5}, "attention": {"layer": 2}}


def seconds(wait: Callable[[], object]) -> float:
    """Median time of a call, after one that does not count."""
    return milliseconds(wait, CPU, REPEATS, warmup=1) / 1000


def first_figure() -> None:
    """Starts a kernel and runs notebook 01 as far as its first figure."""
    nb = nbformat.read(places.ROOT / "notebooks" / "01_data_generation.ipynb", as_version=4)
    drawing = next(i for i, cell in enumerate(nb.cells) if "figures." in cell.source)
    nb.cells = nb.cells[: drawing + 1]
    NotebookClient(
        nb,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": places.ROOT / "notebooks"}},
    ).execute()
    if not any("application/vnd.plotly.v1+json" in out.get("data", {}) for out in nb.cells[-1].outputs):
        raise RuntimeError(f"{drawing}: the cell drew no figure")


def main() -> int:
    rows = [
        (f"`{line}`", seconds(lambda line=line: subprocess.run([sys.executable, "-c", line], check=True)))
        for line in IMPORTS
    ]
    rows.append(("notebook 01, from starting the kernel to the first figure", seconds(first_figure)))
    obs = notebook.observe()
    for name, move in MOVES.items():
        with torch.no_grad():
            rows.append((f"explorer, a move of {name}", seconds(lambda move=move: explorer.picture(obs, **move))))
    table = markdown(("a wait for", "seconds"), [(what, f"{t:.3f}") for what, t in rows])
    text = f"{describe(CPU)}; {datetime.date.today()}; `make bench`\n\n{table}\n"
    print("\n" + text)
    checkpoints.write(LAST, f"# What a reader waits for\n\n{text}".encode())
    return 0


if __name__ == "__main__":
    stop_cleanly()
    sys.exit(main())
