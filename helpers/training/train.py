"""Training from a recipe: ``python -m helpers.training --recipe small --out runs/small``.

A run lives in one folder. While it trains, ``state.pt`` holds everything needed to go on, and the same command takes it
up again; when it ends, the folder is a checkpoint (``helpers.training.checkpoints``).
"""

from __future__ import annotations

import ctypes
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from tqdm.auto import tqdm

from helpers.training import checkpoints
from helpers.training.disk import alone_in
from helpers.training.graphed import GraphedTrainer
from helpers.training.machine import describe, pick_device, usual_torch
from helpers.training.recipes import Recipe
from helpers.training.state import STATE
from helpers.training.trainer import Trainer

MOST_THREADS = 1024  # torch starts as many as it is told to, whatever the machine has
GO_ON = "without --fresh the same command goes on from there"


class Stopped(KeyboardInterrupt):
    """Training was asked to stop (Ctrl-C or SIGTERM) and has saved its state first."""


def keep_memory() -> None:
    """Asks glibc to keep freed memory, up to 1 GiB in blocks of up to 32 MiB, for the next step.

    glibc would else hand every large activation back to the system and fetch it anew, which costs a tenth of a step. It
    holds for the whole process. Where there is no glibc, nothing happens.
    """
    m_trim_threshold, m_mmap_threshold = -1, -3  # of malloc.h
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(m_mmap_threshold, 2**25)
        libc.mallopt(m_trim_threshold, 2**30)


@contextmanager
def cpu_threads(count: int | None) -> Iterator[None]:
    """Lets torch use ``count`` CPU threads for the time being; ``None`` changes nothing.

    Raises:
        ValueError: ``count`` is not between 1 and ``MOST_THREADS``.
    """
    if count is not None and not 1 <= count <= MOST_THREADS:
        raise ValueError(f"threads must be between 1 and {MOST_THREADS}, got {count}")
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def stop_requests(event: threading.Event | None = None) -> Iterator[threading.Event]:
    """Turns SIGINT and SIGTERM into an event for the time being, so that no step is cut in half."""
    event = event or threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event  # only the main thread may listen to signals
        return
    before = {s: signal.signal(s, lambda *_: event.set()) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def train(
    recipe: Recipe,
    out: Path | str,
    *,
    device: torch.device | None = None,
    fresh: bool = False,
    threads: int | None = None,
    compiled: bool = False,
    bar: Callable[..., tqdm] = tqdm,
    stop: threading.Event | None = None,
) -> Path:
    """Trains a recipe to its end, taking up where an earlier call in the same folder was stopped.

    Args:
        out: the run's folder; at the end a checkpoint.
        fresh: start anew, whatever the folder holds.
        threads: CPU threads while it trains. A run repeats bit by bit on one, and small models lose little by it.
        compiled: let torch.compile make one program of the step (needs a C++ compiler). The result differs by rounding.
        bar: makes the progress bar, as tqdm does.
        stop: set by another thread, it stops the training as Ctrl-C does.
    Returns:
        ``out``.
    Raises:
        Stopped: on Ctrl-C or SIGTERM, or told to by ``stop``, after the state was saved.
        checkpoints.CheckpointError: the folder holds the state of another recipe, or a damaged one.
        ValueError: ``threads`` is not between 1 and ``MOST_THREADS``.
        disk.InUse: another process trains in the folder.
        OSError: the folder cannot be made or written to, or the disk is full; the state from before is left on it.
        FloatingPointError: the test error is no longer a number; the state from before is left on disk.
    """
    keep_memory()
    with cpu_threads(threads), alone_in(Path(out)), usual_torch(), stop_requests(stop) as stop:
        if fresh:
            for name in ("config.json", STATE):
                (Path(out) / name).unlink(missing_ok=True)
        where = device or pick_device()
        kind = GraphedTrainer if where.type == "cuda" and recipe.optimizer == "adamw" else Trainer
        trainer = kind(recipe, Path(out), where, compiled)
        before, start = trainer.seconds, time.monotonic()
        with bar(total=recipe.steps, initial=trainer.done, unit="step", leave=False) as progress:
            while trainer.done < recipe.steps:
                trainer.step()
                trainer.seconds = before + time.monotonic() - start
                progress.update()
                last = trainer.done == recipe.steps
                if trainer.done % recipe.log_every == 0 or last:
                    trainer.evaluate()
                    progress.set_postfix_str(f"test MSE {trainer.log[-1][3]:.2e}")
                if not last and (trainer.done % recipe.save_every == 0 or stop.is_set()):
                    trainer.save()
                if stop.is_set() and not last:
                    raise Stopped(f"stopped at step {trainer.done} of {recipe.steps}; {GO_ON}")
        checkpoints.save(trainer.out, trainer.model, recipe, trainer.log, describe(trainer.device))
        (trainer.out / STATE).unlink(missing_ok=True)
    return trainer.out
