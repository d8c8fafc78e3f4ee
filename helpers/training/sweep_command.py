"""What ``python -m helpers.training sweep FILE`` does; ``--help`` says the rest."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from helpers.training.machine import DEVICES, device_named
from helpers.training.sweeps import SweepError, measure_named, read
from helpers.training.train import Stopped

MISSING = "a sweep needs Dask: pip install -e '.[sweep]' (or pip install distributed)"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m helpers.training sweep",
        description="Trains and measures every run of a sweep that has no row yet. Ctrl-C saves; the same command goes "
        "on from there.",
    )
    p.add_argument("file", type=Path, help="a TOML file: base, axes, seeds (helpers/training/sweeps.py)")
    p.add_argument("--jobs", type=int, default=2, help="runs at a time on this machine (default: %(default)s)")
    p.add_argument("--device", choices=DEVICES, default="cpu", help="where runs train, each on its own (default: cpu)")
    p.add_argument("--scheduler", help="tcp://… of a Dask cluster, in place of workers on this machine")
    p.add_argument("--run", nargs=2, metavar=("SETTING", "SEED"), help="this run alone, even if it has a row")
    p.add_argument("--retry", action="store_true", help="runs that failed, too")
    return p


def main(arguments: list[str] | None = None) -> int:
    """The command line's work; a user's mistake ends in one line and exit code 2, a stop in 130."""
    p = parser()
    options = p.parse_args(arguments)
    if options.jobs < 1:
        p.error(f"argument --jobs: must be at least 1, got {options.jobs}")
    try:
        if not options.scheduler:  # else it is the workers' machines that must have it
            device_named(options.device)
    except ValueError as error:
        p.error(f"argument --device: {error}")
    try:
        from helpers.training.sweep import Table, sweep_all
    except ModuleNotFoundError as error:
        p.exit(2, f"{p.prog}: error: {MISSING} ({error})\n")
    try:
        sweep = read(options.file)
        measure_named(sweep.measure)
        table = Table.of(sweep)
        runs = [run for run in sweep if run not in table.rows or (options.retry and run in table.failed())]
        if options.run:
            runs = [run for run in sweep if [run[0], str(run[1])] == options.run]
            if not runs:
                p.error(f"argument --run: SETTING must be one of {', '.join(sweep.recipes)}, SEED below {sweep.seeds}")
        if runs:
            table = sweep_all(sweep, runs, options.scheduler, options.jobs, options.device)
    except Stopped as stop:
        print(f"\n{stop}", file=sys.stderr)
        return 130
    except (SweepError, ValueError, OSError) as error:
        p.exit(2, f"{p.prog}: error: {error}\n")
    failed = table.failed()
    print(f"{sweep.table}: {len(table.rows)} rows" + (f", {len(failed)} failed (--retry)" if failed else ""))
    return 1 if failed else 0
