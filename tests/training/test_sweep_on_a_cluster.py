"""A sweep on a real scheduler with real workers, some of which are killed, as is the client."""

import json
import os
import subprocess
import sys
import time

import pytest

from helpers.places import ROOT
from helpers.training import checkpoints, sweeps, train
from helpers.training.state import STATE

pytest.importorskip("distributed")
from helpers.training.sweep import Table

SWEEP = """
runs = "runs"
[base]
recipe = "small"
steps = 200
decays = [200]
save_every = 20
[axes]
"batch" = [64]
data = { untrained = { trained = false }, diverges = { learning_rate = 1e30, optimizer = "adamw" } }
"""
PATIENCE = 240  # seconds for anything to happen; timing decides nothing


def start(*arguments):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "DASK_LOGGING__DISTRIBUTED": "error"}
    return subprocess.Popen(
        [sys.executable, "-m", *map(str, arguments)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def until(there, *alive):
    end = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < end
        for process in alive:
            assert process.poll() is None, process.communicate()[1].decode()[-2000:]
        time.sleep(0.02)


@pytest.fixture
def cluster(tmp_path):
    """A scheduler's file, and two workers without anybody to start them anew."""
    file = tmp_path / "scheduler.json"
    processes = [start("distributed.cli.dask_scheduler", "--port", 0, "--no-dashboard", "--scheduler-file", file)]
    try:
        until(file.exists, *processes)
        for _ in range(2):
            processes.append(
                start(
                    "distributed.cli.dask_worker",
                    "--scheduler-file",
                    file,
                    "--nthreads",
                    1,
                    "--no-nanny",
                    "--no-dashboard",
                )
            )
        yield file, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def by_hand(sweep):
    """The table without Dask and without a stop."""
    table = Table(sweep, {})
    for run in sweep:
        setting, seed = run
        row = {"setting": setting, "seed": seed}
        try:
            if setting in sweep.untrained:
                model = sweeps.RecurrenceModel(sweep.recipe(run).model)
            else:
                model = checkpoints.load(train.train(sweep.recipe(run), sweep.folder(run), threads=1))
            table.add(run, row | sweeps.held_out_error(model, sweep.recipe(run), {}))
        except FloatingPointError as error:
            table.add(run, row | {"test_mse": float("inf"), "error": f"FloatingPointError: {error}"})
    return sweep.table.read_bytes()


def test_no_run_is_lost_with_a_worker_or_with_the_client(tmp_path, cluster):
    """One worker is killed in the middle of a run, and the client twice."""
    scheduler, workers = cluster
    address = json.loads(scheduler.read_text(encoding="utf-8"))["address"]
    for name in ("killed", "calm"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "s.toml").write_text(SWEEP, encoding="utf-8")
    sweep = sweeps.read(tmp_path / "killed" / "s.toml")

    def saved():
        """When the runs' states were written, which a run leaves behind as long as it is not done."""
        return {path.stat().st_mtime_ns for path in sweep.runs.glob(f"*/{STATE}")}

    for kill in ("a worker", "the client", "nobody"):
        before = saved()
        client = start("helpers.training", "sweep", tmp_path / "killed" / "s.toml", "--scheduler", address)
        if kill != "nobody":
            until(lambda before=before: saved() - before, client)
            if kill == "a worker":
                workers[0].kill()
                before = saved()
                until(lambda before=before: saved() - before, client)
            client.kill()
        out, error = client.communicate(timeout=PATIENCE)
    assert client.returncode == 1 and b"4 rows, 1 failed (--retry)" in out, error.decode()[-2000:]
    assert workers[0].poll() is not None and workers[1].poll() is None
    assert sweep.table.read_bytes() == by_hand(sweeps.read(tmp_path / "calm" / "s.toml"))


def test_a_scheduler_that_is_not_there_is_told(tmp_path):
    (tmp_path / "s.toml").write_text(SWEEP, encoding="utf-8")
    client = start("helpers.training", "sweep", tmp_path / "s.toml", "--scheduler", "tcp://127.0.0.1:1")
    _, error = client.communicate(timeout=PATIENCE)
    assert client.returncode == 2 and b"Traceback" not in error and b"127.0.0.1:1" in error
