"""Training from a recipe: ``python -m helpers.training --recipe small --out runs/small``.

A run lives in one folder. While it trains, ``state.pt`` holds everything needed to go on, and the same command takes it
up again; when it ends, the folder is a checkpoint (``helpers.checkpoints``).
"""

from __future__ import annotations

import argparse
import ctypes
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from tqdm.auto import tqdm

from helpers import checkpoints
from helpers.machine import describe, pick_device, why_not_compile
from helpers.recipes import ABOUT, RECIPES, Recipe
from helpers.run import STATE, Run

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
    """Lets torch use ``count`` CPU threads for the time being; ``None`` changes nothing."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """Turns SIGINT and SIGTERM into an event for the time being, so that no step is cut in half."""
    event = threading.Event()
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
) -> Path:
    """Trains a recipe to its end, taking up where an earlier call in the same folder was stopped.

    Args:
        out: the run's folder; at the end a checkpoint.
        fresh: start anew, whatever the folder holds.
        threads: CPU threads while it trains. A run repeats bit by bit on one, and small models lose little by it.
        compiled: let torch.compile make one program of the step (needs a C++ compiler; on CUDA it records CUDA graphs).
            The result differs by rounding.
        bar: makes the progress bar, as tqdm does.
    Returns:
        ``out``.
    Raises:
        Stopped: on Ctrl-C or SIGTERM, after the state was saved.
        checkpoints.CheckpointError: the folder holds the state of another recipe, or a damaged one.
        OSError: the folder cannot be made or written to.
        FloatingPointError: the test error is no longer a number; the state from before is left on disk.
    """
    if fresh:
        for name in ("config.json", STATE):
            (Path(out) / name).unlink(missing_ok=True)
    keep_memory()
    with cpu_threads(threads), stop_requests() as stop:
        run = Run(recipe, Path(out), device or pick_device(), compiled)
        before, start = run.seconds, time.monotonic()
        with bar(total=recipe.steps, initial=run.done, unit="step", leave=False) as progress:
            while run.done < recipe.steps:
                run.step()
                run.seconds = before + time.monotonic() - start
                progress.update()
                last = run.done == recipe.steps
                if run.done % recipe.log_every == 0 or last:
                    run.evaluate()
                    progress.set_postfix_str(f"test MSE {run.log[-1][3]:.2e}")
                if not last and (run.done % recipe.save_every == 0 or stop.is_set()):
                    run.save()
                if stop.is_set() and not last:
                    raise Stopped(f"stopped at step {run.done} of {recipe.steps}; {GO_ON}")
        checkpoints.save(run.out, run.model, recipe, run.log, describe(run.device))
        (run.out / STATE).unlink(missing_ok=True)
    return run.out


def parser() -> argparse.ArgumentParser:
    """The command line; ``--help`` lists the recipes with what they are for."""
    recipes = "\n".join(f"  {name:7} {about}" for name, about in ABOUT.items())
    p = argparse.ArgumentParser(
        prog="python -m helpers.training",
        description="Trains a model to continue affine recurrences. Ctrl-C saves; the same command goes on from there.",
        epilog=f"recipes:\n{recipes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--recipe", required=True, choices=RECIPES, help="what to train, see below")
    p.add_argument("--out", type=Path, help="folder of the run (default: runs/<recipe>)")
    p.add_argument("--device", choices=("cpu", "cuda", "mps"), help="where to compute (default: the best there is)")
    p.add_argument("--threads", type=int, help="CPU threads (default: all; a run repeats bit by bit on one thread)")
    p.add_argument("--compile", action="store_true", help="compile the step first (bench/last.md says what it gains)")
    p.add_argument("--fresh", action="store_true", help="start anew where the folder already holds a run")
    return p


def main(arguments: list[str] | None = None) -> int:
    """The command line's work; a user's mistake ends in one line and exit code 2, a stop in 130."""
    p = parser()
    options = p.parse_args(arguments)
    out: Path = options.out or Path("runs") / options.recipe
    if options.threads is not None and options.threads < 1:
        p.error(f"argument --threads: must be at least 1, got {options.threads}")
    try:
        device = torch.device(options.device) if options.device else pick_device()
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        p.error(f"argument --device: {options.device!r} cannot be used here: {str(error).splitlines()[0]}")
    if options.compile and (reason := why_not_compile(device)):
        p.error(f"argument --compile: torch.compile does not work here: {reason}")
    if (out / "config.json").exists() and not (out / STATE).exists() and not options.fresh:
        p.error(f"argument --out: {out} already holds a finished run; --fresh trains it anew")
    try:
        train(
            RECIPES[options.recipe],
            out,
            device=device,
            fresh=options.fresh,
            threads=options.threads,
            compiled=options.compile,
        )
    except Stopped as stop:
        print(f"\n{stop}", file=sys.stderr)
        return 130
    except (checkpoints.CheckpointError, OSError, FloatingPointError) as error:
        p.exit(2, f"{p.prog}: error: {error}\n")
    log = checkpoints.load_log(out)
    print(f"{out}: {log['step'][-1]:,.0f} steps, test MSE {log['test_mse'][-1]:.2e}, {log['seconds'][-1]:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
