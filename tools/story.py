"""Runs the notebooks and builds the site with them: ``make story``; with --store outputs go back into the notebooks."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import build_site
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from helpers import places
from helpers.claims import measures, results
from helpers.claims.setup import setup_rows
from helpers.claims.tables import claim_rows, claims_table
from helpers.display import sliders
from helpers.training import checkpoints

# The last two are for nbconvert, whose script would otherwise be a .txt.
LANGUAGE = {"name": "python", "file_extension": ".py", "nbconvert_exporter": "python"}


def execute(path: Path, place: str) -> nbformat.NotebookNode:
    """Runs a notebook from top to bottom, with a line of progress."""
    nb = nbformat.read(path, as_version=4)
    cells, start = len(nb.cells), time.monotonic()

    def progress(cell: nbformat.NotebookNode, cell_index: int) -> None:
        print(f"\r{place} {path.name}: cell {cell_index + 1} of {cells}", end="", flush=True)

    NotebookClient(
        nb,
        timeout=900,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": path.parent}},
        on_cell_start=progress,
    ).execute()
    for cell in nb.cells:
        if cell.cell_type == "code":  # sliders are dead without their kernel
            cell.outputs = [output for output in cell.outputs if sliders.VIEW not in output.get("data", {})]
    print(f"\r{place} {path.name}: {time.monotonic() - start:.0f} s" + " " * 20, flush=True)
    return nb


def store(nb: nbformat.NotebookNode, path: Path) -> None:
    """Writes a notebook with its outputs and nothing that changes from run to run."""
    nb.metadata = {"kernelspec": nb.metadata["kernelspec"], "language_info": LANGUAGE}
    for cell in nb.cells:
        cell.metadata.pop("execution", None)
        cell.metadata.pop("collapsed", None)
    checkpoints.write(path, (nbformat.writes(nb) + "\n").encode())


def main() -> int:
    p = argparse.ArgumentParser(prog="tools/story.py", description=__doc__)
    p.add_argument("--store", action="store_true", help="write the outputs back into notebooks/")
    p.add_argument("notebooks", nargs="*", type=Path, help="which (default: all)")
    options = p.parse_args()
    if options.store and os.environ.get("MODEL", places.ANALYSED) != places.ANALYSED:
        p.error("argument --store: the stored outputs are the shipped paper-size model's; leave MODEL unset")
    paths, executed = options.notebooks or build_site.notebooks(), {}
    for i, path in enumerate(paths, 1):
        try:
            nb = execute(path, f"[{i}/{len(paths)}]")
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            print(f"\n{path}: a cell failed\n{error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("\nstopped", file=sys.stderr)
            return 130
        if options.store:
            store(nb, path)
        executed[path.name] = nb
    if not options.notebooks:
        folder, ids = places.model_folder(), measures.ids()
        rows = setup_rows(checkpoints.load_recipe(folder)) + claim_rows(results.of(folder, ids), ids)
        print("\n" + claims_table({str(folder): rows}))
    try:
        print(f"\nRead on: {build_site.build(executed)}")
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
