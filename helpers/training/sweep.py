"""Training a sweep (``helpers.training.sweeps``) on Dask: ``python -m helpers.training sweep FILE``.

On this machine Dask starts workers of its own; with ``--scheduler`` they are a cluster's, which must see the same files
and have the same packages. A worker trains one run at a time, on one thread. A run that is lost with its worker is
given to another, which goes on from the last state on disk.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path

import dask
import pandas as pd
import torch
from distributed import Client, Event, Future, LocalCluster, as_completed, get_worker
from tqdm.auto import tqdm

from helpers.training import checkpoints
from helpers.training.disk import InUse, write
from helpers.training.model import RecurrenceModel
from helpers.training.recipes import Recipe
from helpers.training.sweeps import Row, Run, Sweep, measure_named
from helpers.training.train import Stopped, cpu_threads, stop_requests, train

EVERY = 0.5  # seconds between two words of a worker about its run
LOSSES = 20  # workers that may be lost with a run before it counts as failed
PATIENCE = 30  # seconds that runs have to save their state when the sweep is stopped


class Progress:
    """What ``train`` takes for its progress bar: tells whoever watches the sweep, and hears if it should stop."""

    def __init__(self, told: Callable[[int, int, str], bool], stop: threading.Event, total: int, initial: int) -> None:
        self.told, self.stop, self.total, self.done = told, stop, total, initial
        self.text, self.last = "", 0.0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.told(self.done, self.total, self.text)

    def set_postfix_str(self, text: str) -> None:
        self.text = text

    def update(self) -> None:
        self.done += 1
        if time.monotonic() - self.last > EVERY:
            self.last = time.monotonic()
            if self.told(self.done, self.total, self.text):
                self.stop.set()


def work(run: Run, recipe: Recipe, folder: Path, measure: str, trained: bool, device: str, topic: str) -> Row:
    """One run on a worker: trains it, or takes up what is left of it, and measures it.

    Args:
        topic: where the worker says how far it is, and the name of the event that stops it.
    Raises:
        Stopped: the sweep was stopped, and the run's state is saved.
    """
    asked, stop, worker = Event(topic), threading.Event(), get_worker()

    def told(done: int, total: int, text: str) -> bool:
        worker.log_event(topic, (run, done, total, text))
        return asked.is_set()

    def bar(total: int, initial: int, **_: object) -> Progress:
        return Progress(told, stop, total, initial)

    def ready() -> bool:
        return (folder / "config.json").exists() and checkpoints.load_recipe(folder) == recipe

    with cpu_threads(1):
        while trained and not ready():
            if told(0, recipe.steps, ""):
                raise Stopped("before it had begun")
            try:
                train(recipe, folder, device=torch.device(device), threads=1, bar=bar, stop=stop)
            except InUse:  # by a worker that nobody waits for any more: it ends its run, and this one reads it
                time.sleep(EVERY)
        model = checkpoints.load(folder) if trained else RecurrenceModel(recipe.model)
        log = checkpoints.load_log(folder) if trained else {}
        setting, seed = run
        return {"setting": setting, "seed": seed} | measure_named(measure)(model, recipe, log)


@dataclass
class Table:
    """The rows of a sweep, a run each, on disk in the sweep's order after each that comes in."""

    sweep: Sweep
    rows: dict[Run, Row]

    @classmethod
    def of(cls, sweep: Sweep) -> Table:
        """The table as it is on disk, if it is. Raises OSError or ValueError if it is no such table."""
        if not sweep.table.exists():
            return cls(sweep, {})
        found = pd.read_csv(sweep.table, float_precision="round_trip")
        if not {"setting", "seed"} <= set(found):
            raise ValueError(f"{sweep.table}: must have the columns setting, seed")
        rows = [{k: v for k, v in row.items() if not pd.isna(v)} for row in found.to_dict("records")]
        return cls(sweep, {(row["setting"], row["seed"]): row for row in rows})

    def failed(self) -> list[Run]:
        """Runs whose row says why they failed."""
        return [run for run, row in self.rows.items() if "error" in row]

    def add(self, run: Run, row: Row) -> None:
        """Takes in a run and writes the table anew; a row of an older sweep stays, at the end."""
        self.rows[run] = row
        known = [one for one in self.sweep if one in self.rows]
        table = pd.DataFrame([self.rows[one] for one in [*known, *(set(self.rows) - set(known))]])
        if "error" in table:  # last, since most runs have none
            table["error"] = table.pop("error")
        self.sweep.table.parent.mkdir(parents=True, exist_ok=True)
        write(self.sweep.table, table.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode())


@contextmanager
def connected(scheduler: str | None, jobs: int) -> Iterator[Client]:
    """A client of the cluster at an address, or of one with so many workers that lives as long as the client."""
    if scheduler:
        with Client(scheduler, timeout=20) as client:
            yield client
        return
    settings = {"distributed.scheduler.allowed-failures": LOSSES, "distributed.comm.timeouts.connect": "60s"}
    with (
        dask.config.set(settings),
        LocalCluster(jobs, threads_per_worker=1, dashboard_address=None, memory_limit=0, silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        yield client


def sweep_all(
    sweep: Sweep,
    runs: list[Run],
    scheduler: str | None = None,
    jobs: int = 2,
    device: str = "cpu",
    bar: Callable[..., tqdm] = tqdm,
) -> Table:
    """Trains and measures runs, each row on disk as soon as it is there; a run that fails has a row that says why.

    Args:
        scheduler: of a Dask cluster; without it, ``jobs`` workers on this machine.
        device: where runs train, by torch's name; measures are taken on the CPU.
        bar: makes progress bars, as tqdm does: one for the sweep, one for each run under way.
    Raises:
        Stopped: on Ctrl-C, after the runs under way have saved their states.
        OSError: there is no such scheduler, or the table cannot be written.
    """
    table, bars, waiting, topic = Table.of(sweep), {}, set(runs), f"sweep {sweep.runs}"

    def show(event: tuple[object, tuple[Run, int, int, str]]) -> None:
        run, done, total, text = event[1]
        if run in waiting:
            if run not in bars:
                bars[run] = bar(total=total, unit="step", desc="{} {}".format(*run), leave=False)
            bars[run].n = done
            bars[run].set_postfix_str(text)

    with connected(scheduler, jobs) as client, stop_requests() as stop, bar(total=len(runs), unit="run") as whole:
        asked = Event(topic, client=client)
        asked.clear()
        client.subscribe_topic(topic, show)
        futures = {}
        for run in runs:
            folder, trained = sweep.folder(run), run[0] not in sweep.untrained
            job = client.submit(
                work, run, sweep.recipe(run), folder, sweep.measure, trained, device, topic, key=f"{topic}: {run}"
            )
            futures[job] = run
        left, end = as_completed(futures), inf
        while left.count() and time.monotonic() < end:
            for future in left.next_batch(block=False):
                run = futures[future]
                waiting.discard(run)
                if run in bars:
                    bars.pop(run).close()
                if not isinstance(future.exception(), Stopped):
                    table.add(run, row_of(run, future))
                    whole.update()
            if stop.is_set() and end == inf:
                asked.set()
                end = time.monotonic() + PATIENCE
            time.sleep(EVERY / 5)
        for one in bars.values():
            one.close()
    if stop.is_set() and waiting:
        raise Stopped("stopped; runs under way have saved their states, and the same command goes on from there")
    return table


def row_of(run: Run, future: Future) -> Row:
    """A run's row, or one that says why there is none; a run that diverged has an infinite error."""
    error = future.exception()
    if error is None:
        return future.result()
    setting, seed = run
    diverged = {"test_mse": inf} if isinstance(error, FloatingPointError) else {}
    said = " ".join(str(error).split())
    return {"setting": setting, "seed": seed} | diverged | {"error": f"{type(error).__name__}: {said}"}
