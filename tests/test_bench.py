"""What bench/ waits for is there; the times themselves are no matter of a test."""

import dataclasses
import re
import subprocess

import loop
import many
import pytest
import torch
import waits

from helpers.display import explorer
from helpers.places import ROOT
from helpers.training.trainer import Trainer


@pytest.mark.parametrize("line", waits.IMPORTS)
def test_an_import_that_is_timed_is_one_a_reader_can_write(line):
    exec(line, {})


def test_a_move_that_is_timed_moves_the_picture(obs):
    still = explorer.picture(obs, vectors=4).to_dict()
    for name, move in waits.MOVES.items():
        assert explorer.picture(obs, vectors=4, **move).to_dict() != still, name


def test_a_model_of_a_stack_goes_the_way_it_goes_alone(recipe, tmp_path):
    """Over 200 steps, within 1e-5 of the loss; float32 rounds to 6e-8."""
    plain = dataclasses.replace(recipe, steps=200, optimizer="adamw", learning_rate=1e-3, clip=0.0)
    recipes = many.seeds(plain, 3)
    stack = many.Stack(recipes, torch.device("cpu"))
    found = torch.stack([stack.step() for _ in range(200)])
    for k, one in enumerate(recipes):
        trainer = Trainer(one, tmp_path / str(k), torch.device("cpu"))
        for _ in range(200):
            trainer.step()
        torch.testing.assert_close(found[:, k], torch.stack(trainer.losses), rtol=1e-5, atol=0)
    assert (found[-1] < found[0] / 2).all() and not found[:, 0].allclose(found[:, 1], rtol=0.1)


def test_the_parts_that_are_timed_are_those_of_make_test():
    (parts,) = re.findall(r"^test: (.*?) *##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert tuple(parts.split()) == loop.PARTS


def test_a_target_that_fails_is_named_and_no_table_is_written(monkeypatch, tmp_path):
    def fails(command, **_):
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(loop, "LAST", tmp_path / "loop.md")
    monkeypatch.setattr(loop.subprocess, "run", fails)
    with pytest.raises(SystemExit, match="make --no-print-directory story failed"):
        loop.main()
    monkeypatch.setattr(loop, "seconds", lambda target: 60.0)
    assert not loop.LAST.exists() and loop.main() == 0
    assert "| `make test` | 4.0 |" in loop.LAST.read_text(
        encoding="utf-8"
    ) and "| `make story` | 1.0 |" in loop.LAST.read_text(encoding="utf-8")
