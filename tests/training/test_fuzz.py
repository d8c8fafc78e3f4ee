"""Damaged files by the hundred: each is refused with a documented error, or read as what it was before.

``HYPOTHESIS_PROFILE=nightly`` asks for 2,000 of each; ``--hypothesis-show-statistics`` prints how many there were.
"""

import dataclasses
import warnings
from contextlib import contextmanager, suppress

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import NIGHTLY
from helpers.data.userdata import SequenceError, check, read
from helpers.training import checkpoints, evaluator
from helpers.training.checkpoints import CheckpointError
from helpers.training.model import RecurrenceModel
from helpers.training.state import STATE
from helpers.training.trainer import Trainer

fuzzed = settings(
    max_examples=2000 if NIGHTLY else 25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
PIECES = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([b"NaN", b"1e999", b"-1", b"null", b"[", b"{}", b'"', b",", b"\n", b"\0", b"9" * 30, b"\xff"]),
)
# Where to cut (as a share of the length), how much to leave out, and what to put there; several times.
CHANGES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), PIECES), min_size=1, max_size=3)


def changed(content, changes):
    for place, length, piece in changes:
        at = int(place * len(content))
        content = content[:at] + piece + content[at + length :]
    return content


@pytest.fixture(scope="module")
def shipped(recipe, tmp_path_factory):
    """A checkpoint with a log, its model, and the state of a run."""
    folder, model = tmp_path_factory.mktemp("fuzz"), RecurrenceModel(recipe.model)
    checkpoints.save(folder, model, recipe, [(1, 1.0, 0.5, 0.25, 0.1), (2, 0.5, 0.4, 0.2, 0.2)], "an abacus")
    trainer = Trainer(dataclasses.replace(recipe, optimizer="adamw"), folder / "run", torch.device("cpu"))
    trainer.step()
    trainer.save()
    return folder, model, trainer


def told(error):
    assert "\n" not in str(error) and len(str(error)) < 700
    return str(error)


@contextmanager
def damaged(path, changes):
    """A file with changes, for the time being; a CheckpointError that names it is as good as a right answer."""
    whole = path.read_bytes()
    try:
        path.write_bytes(changed(whole, changes))
        yield whole
    except CheckpointError as error:
        assert path.name in told(error)
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
@fuzzed
@given(CHANGES)
def test_a_damaged_checkpoint(shipped, name, changes):
    folder, model, _ = shipped
    recipe = checkpoints.load_recipe(folder)
    # A config without its hash warns: then nothing is promised.
    with damaged(folder / name, changes), suppress(UserWarning), warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = checkpoints.load(folder)
        assert checkpoints.load_recipe(folder) == recipe
        assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), model.parameters(), strict=True))


@fuzzed
@given(CHANGES)
def test_a_damaged_log(shipped, changes):
    folder, *_ = shipped
    with damaged(folder / "training_log.csv", changes):
        log = checkpoints.load_log(folder)
        assert list(log) == list(checkpoints.LOG_COLUMNS) and len({len(column) for column in log.values()}) == 1
        assert all(0 <= value < np.inf for column in log.values() for value in column)


@fuzzed
@given(CHANGES)
def test_a_damaged_state(shipped, changes):
    *_, trainer = shipped
    path, before = trainer.out / STATE, [p.clone() for p in trainer.model.parameters()]
    with damaged(path, changes) as whole:
        trainer.load()
        assert path.read_bytes() == whole  # a change that changes nothing
    assert all(torch.equal(a, b) for a, b in zip(trainer.model.parameters(), before, strict=True))


@fuzzed
@given(CHANGES)
def test_a_damaged_config_at_the_evaluator(shipped, changes):
    folder, *_ = shipped
    with damaged(folder / "config.json", changes), suppress(*evaluator.UNUSABLE):
        each, variance = evaluator.errors(folder, 2)
        assert np.isfinite(each).all() and np.isfinite(variance)


@fuzzed
@given(CHANGES)
def test_a_damaged_sequence_of_ones_own(tmp_path_factory, changes):
    path = tmp_path_factory.getbasetemp() / "own.csv"
    path.write_bytes(changed(b"1.0,2.0\n3.0,1.5\n2.0,1.75\n2.5,1.625\n", changes))
    try:
        sequence = check(read(path), dimension=5, n_ctx=6)
        assert sequence.ndim == 2 and np.isfinite(sequence).all()
    except SequenceError:
        pass
