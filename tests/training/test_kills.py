"""Full and read-only disks, a clock set back, and kills at any moment: nothing is lost, bit by bit."""

import dataclasses
import errno
import os
import pickle
import random
import subprocess
import sys
import time
from functools import partial

import pytest
import torch
from tqdm import tqdm

from conftest import NIGHTLY
from helpers.training import checkpoints
from helpers.training.recipes import Recipe
from helpers.training.state import STATE
from helpers.training.train import Stopped, train
from helpers.training.trainer import Trainer

run = partial(train, threads=1, device=torch.device("cpu"), bar=partial(tqdm, disable=True))


@pytest.fixture(scope="module")
def short(recipe):
    return dataclasses.replace(recipe, steps=12, save_every=3, log_every=4)


def outcome(folder):
    """The weights and the log but for its seconds."""
    log = checkpoints.load_log(folder)
    return torch.cat([p.flatten() for p in checkpoints.load(folder).parameters()]), {**log, "seconds": None}


@pytest.fixture(scope="module")
def whole(short, tmp_path_factory):
    return outcome(run(short, tmp_path_factory.mktemp("whole")))


def same(found, expected):
    return torch.equal(found[0], expected[0]) and found[1] == expected[1]


@pytest.fixture
def small_disk(short, tmp_path):
    """A disk that holds a state and half of the next one."""
    trainer = Trainer(short, tmp_path / "size", torch.device("cpu"))
    trainer.step()
    trainer.save()
    size = (tmp_path / "size" / STATE).stat().st_size * 3 // 2
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], capture_output=True)
    if made.returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts as Linux does")
def test_a_full_disk_is_named_and_leaves_the_state_from_before(short, whole, small_disk, tmp_path):
    with pytest.raises(OSError, match=r"No space left.*state\.pt") as error:
        run(short, small_disk / "run")
    assert error.value.errno == errno.ENOSPC
    assert [p.name for p in (small_disk / "run").iterdir()] == [STATE]
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OSError, match="Read-only"):  # before the first step
        run(short, small_disk / "run")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / STATE).write_bytes((small_disk / "run" / STATE).read_bytes())
    assert same(outcome(run(short, tmp_path / "run")), whole)


def test_a_clock_that_is_set_back_changes_nothing(short, whole, tmp_path, monkeypatch):
    now = iter(range(10**9, 0, -1000))
    monkeypatch.setattr(time, "time", lambda: next(now))
    real = Trainer.step

    def step(self):
        real(self)
        if self.done == 8:
            raise Stopped("as if it were killed")

    monkeypatch.setattr(Trainer, "step", step)
    with pytest.raises(Stopped):
        run(short, tmp_path)
    os.utime(tmp_path / STATE, (0, 0))
    monkeypatch.setattr(Trainer, "step", real)
    assert same(outcome(run(short, tmp_path)), whole)
    seconds = checkpoints.load_log(tmp_path)["seconds"]
    assert seconds == sorted(seconds)


CHILD = """
import pickle, sys, torch
from helpers.training import train, trainer
step = trainer.Trainer.step
def said(self):
    step(self)
    print(self.done, flush=True)
trainer.Trainer.step = said
train.train(pickle.loads(bytes.fromhex(sys.argv[1])), sys.argv[2], threads=1, device=torch.device("cpu"))
"""


@pytest.mark.skipif(not NIGHTLY, reason="takes many minutes: 50 starts")
def test_a_run_killed_at_fifty_moments_ends_with_the_same_bits(recipe, tmp_path):
    long: Recipe = dataclasses.replace(recipe, steps=3000, save_every=1, log_every=100)
    code = [sys.executable, "-c", CHILD, pickle.dumps(long).hex(), str(tmp_path / "cut")]
    kills, moments = 0, random.Random()
    while kills < 50:
        with subprocess.Popen(code, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8") as child:
            assert child.stdout.readline(), "it trains"
            time.sleep(moments.uniform(0, 0.5))
            child.kill()
            child.communicate()
        kills += 1
        if (tmp_path / "cut" / "config.json").exists():
            break
    print(f"{kills} kills")
    assert kills > 20
    assert same(outcome(run(long, tmp_path / "cut")), outcome(run(long, tmp_path / "whole")))
