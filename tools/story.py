"""Runs the notebooks and builds the site with them: ``make story``; with --store outputs go back into the notebooks."""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
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

Keep = Callable[[nbformat.NotebookNode, Path], None]  # what is done with a notebook that has run


class Loop(asyncio.SelectorEventLoop):
    """Leaves Ctrl-C to asyncio, which stops all; nbclient would have it stop the notebook that began last."""

    def add_signal_handler(self, *_: object) -> None:
        raise RuntimeError("nbclient goes on without")


async def execute(path: Path, place: str, free: asyncio.Semaphore, keep: Keep | None) -> nbformat.NotebookNode:
    """Runs a notebook from top to bottom as soon as a place is free, with a line of progress, and then keeps it.

    Raises:
        RuntimeError: a cell failed; the message says which and how.
    """
    nb = nbformat.read(path, as_version=4)

    def progress(cell: nbformat.NotebookNode, cell_index: int) -> None:
        print(f"\r{place} {path.name}: cell {cell_index + 1} of {len(nb.cells)}".ljust(70), end="", flush=True)

    async with free:
        start = time.monotonic()
        try:
            await NotebookClient(
                nb,
                timeout=900,
                kernel_name="python3",
                extra_arguments=["--log-level=ERROR"],
                resources={"metadata": {"path": path.parent}},
                on_cell_start=progress,
            ).async_execute(env={**os.environ, "OMP_NUM_THREADS": "1"})
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            if asyncio.current_task().cancelling():  # nbclient takes being stopped for the death of its kernel
                raise asyncio.CancelledError from None
            raise RuntimeError(f"\n{path}: a cell failed\n{error}") from error
    for cell in nb.cells:
        if cell.cell_type == "code":  # sliders are dead without their kernel
            cell.outputs = [output for output in cell.outputs if sliders.VIEW not in output.get("data", {})]
    print(f"\r{place} {path.name}: {time.monotonic() - start:.0f} s".ljust(70), flush=True)
    if keep:
        keep(nb, path)
    return nb


async def execute_all(paths: Sequence[Path], jobs: int, keep: Keep | None) -> list[nbformat.NotebookNode]:
    """Runs notebooks, ``jobs`` at a time with a thread each: two of two threads each take far longer on two cores.

    Raises:
        ExceptionGroup: a cell failed; what else was running is stopped.
    """
    free = asyncio.Semaphore(jobs)
    async with asyncio.TaskGroup() as group:
        n = len(paths)
        tasks = [group.create_task(execute(path, f"[{i}/{n}]", free, keep)) for i, path in enumerate(paths, 1)]
    return [task.result() for task in tasks]


def run(paths: Sequence[Path], jobs: int, keep: Keep | None = None) -> list[nbformat.NotebookNode]:
    """``execute_all``, to its end; Ctrl-C stops all, but for what was kept."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(execute_all(paths, jobs, keep))


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
    p.add_argument("--jobs", type=int, default=2, help="how many to run at a time (default: %(default)s)")
    p.add_argument("notebooks", nargs="*", type=Path, help="which (default: all)")
    options = p.parse_args()
    if options.store and places.asked_model() != places.ANALYSED:
        p.error("argument --store: the stored outputs are the shipped paper-size model's; leave MODEL unset")
    if options.jobs < 1:
        p.error(f"argument --jobs: must be at least 1, got {options.jobs}")
    if places.OUTPUT / places.asked_model() == places.LIVE:
        options.jobs = 1  # notebook 02 trains this model anew, before the others load it
    paths = options.notebooks or sorted((places.ROOT / "notebooks").glob("*.ipynb"))
    try:
        books = run(paths, options.jobs, store if options.store else None)
    except ExceptionGroup as failed:
        told, other = failed.split((RuntimeError, OSError))
        if other:
            raise
        print(*told.exceptions, sep="\n", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    if not options.notebooks:
        folder, ids = places.model_folder(), measures.ids()
        rows = setup_rows(checkpoints.load_recipe(folder)) + claim_rows(results.of(folder, ids), ids)
        print("\n" + claims_table({str(folder): rows}))
    try:
        print(f"\nRead on: {build_site.build({path.name: nb for path, nb in zip(paths, books, strict=True)})}")
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    stop_cleanly()
    sys.exit(main())
