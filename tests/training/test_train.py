import dataclasses
import os
import pickle
import random
import signal
import subprocess
import sys

import pytest
import torch

from helpers.places import ROOT
from helpers.training import checkpoints, disk
from helpers.training.command import main
from helpers.training.machine import why_not_compile
from helpers.training.recipes import RECIPES, Recipe
from helpers.training.state import STATE
from helpers.training.train import GO_ON, Stopped, train
from helpers.training.trainer import Trainer, batch_at, held_out, make_optimizers, rate_at

RUN_TO_SIGNAL = """
import os, sys, pickle, torch
from helpers.training import trainer, train
recipe, out, number, last = pickle.loads(bytes.fromhex(sys.argv[1])), *sys.argv[2:]
step = trainer.Trainer.step
def step_and_signal(self):
    step(self)
    if self.done == int(last):
        os.kill(os.getpid(), int(number))
trainer.Trainer.step = step_and_signal
try:
    train.train(recipe, out, threads=1, device=torch.device('cpu'))
except train.Stopped as stop:
    print(stop)
    sys.exit(130)
"""


def weights(folder):
    return torch.cat([p.flatten() for p in checkpoints.load(folder).parameters()])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_stopped_at_any_step_and_resumed_ends_with_the_same_bits(recipe, tmp_path, number):
    def ends(folder):
        log = checkpoints.load_log(train(recipe, folder, threads=1, device=torch.device("cpu")))
        return weights(folder), [log[column] for column in ("step", "train_mse", "test_mse")]

    last = random.randrange(recipe.save_every + 1, recipe.steps)
    print(f"signal {number} in step {last}")  # pytest shows it if the test fails
    code = [sys.executable, "-c", RUN_TO_SIGNAL, pickle.dumps(recipe).hex(), str(tmp_path / "cut")]
    cut = subprocess.run([*code, str(int(number)), str(last)], capture_output=True, encoding="utf-8", timeout=120)
    if number == signal.SIGKILL:
        assert cut.returncode == -number
    else:
        assert cut.returncode == 130 and f"stopped at step {last} of {recipe.steps}; {GO_ON}" in cut.stdout
    assert (tmp_path / "cut" / STATE).exists() and not (tmp_path / "cut" / "config.json").exists()
    whole, whole_log = ends(tmp_path / "whole")
    resumed, resumed_log = ends(tmp_path / "cut")
    assert torch.equal(resumed, whole) and resumed_log == whole_log
    assert not (tmp_path / "cut" / STATE).exists()


@pytest.mark.skipif(why_not_compile(torch.device("cpu")) is not None, reason="torch.compile does not work here")
@pytest.mark.usefixtures("unchecked")  # the checks are not for torch.compile to trace
def test_compiling_changes_nothing_but_the_rounding(recipe, tmp_path):
    def log(compiled):
        plain = dataclasses.replace(recipe, optimizer="adamw", learning_rate=1e-3)
        folder = train(plain, tmp_path / str(compiled), threads=1, compiled=compiled, device=torch.device("cpu"))
        return checkpoints.load_log(folder)["test_mse"]

    assert log(True) == pytest.approx(log(False), rel=1e-3)


def test_training_learns_and_keeps_a_log(recipe, tmp_path):
    log = checkpoints.load_log(train(dataclasses.replace(recipe, log_every=20), tmp_path))
    assert log["step"] == [20, 40, 60]
    assert log["test_mse"][-1] < 0.5 * log["test_mse"][0]


@pytest.mark.filterwarnings("ignore:.*has no SHA-256")
def test_a_damaged_state_is_refused_and_fresh_starts_anew(recipe, tmp_path):
    train(recipe, tmp_path)
    old = weights(tmp_path)
    for damage in (lambda p: p.write_bytes(b"half a file"), lambda p: torch.save({}, p)):
        damage(tmp_path / STATE)
        with pytest.raises(checkpoints.CheckpointError, match=r"state\.pt: not the state"):
            train(recipe, tmp_path)
    train(dataclasses.replace(recipe, seed=1), tmp_path, fresh=True)
    assert not torch.equal(weights(tmp_path), old)


def test_the_state_of_another_recipe_is_refused(recipe, tmp_path):
    Trainer(recipe, tmp_path, torch.device("cpu")).save()
    with pytest.raises(checkpoints.CheckpointError, match=r"state\.pt: belongs to another recipe"):
        train(dataclasses.replace(recipe, batch=9), tmp_path)


@pytest.mark.parametrize("steps", [1, 20])
def test_weights_that_are_no_numbers_are_never_saved(recipe, tmp_path, steps):
    wild = dataclasses.replace(recipe, learning_rate=1e30, optimizer="adamw", steps=steps, save_every=1)
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        train(wild, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_two_trainings_in_one_folder_do_not_meet(recipe, tmp_path, capsys):
    with disk.alone_in(tmp_path):
        with pytest.raises(disk.InUse, match=f"process {os.getpid()} "):
            train(dataclasses.replace(recipe, seed=2), tmp_path, fresh=True)
        with pytest.raises(SystemExit) as exit:
            main(["--recipe", "small", "--out", str(tmp_path)])
        assert exit.value.code == 2 and "is at work in it" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_clipping_bounds_the_step(recipe, tmp_path):
    def first_gradient(clip):
        trainer = Trainer(dataclasses.replace(recipe, clip=clip), tmp_path / str(clip), torch.device("cpu"))
        trainer.step()
        return torch.cat([p.grad.flatten() for p in trainer.model.parameters() if p.grad is not None]).norm().item()

    assert first_gradient(0.0) > 0.02 and first_gradient(0.01) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"clip": -1.0},
        {"learning_rate": 0.0},
        {"optimizer": "muon", "muon_learning_rate": 0.0},
        {"warmup": -1},
        {"seed": -1},
    ]
    + [
        {"weight_decay": float("nan")},
        {"first_context": 15},
        {"steps": 0},
        {"steps": 20, "decays": (50, 20)},
        {"steps": 20, "decays": (10,)},
        {"steps": 20, "warmup": 20, "decays": (20,)},
        {"beta2": 1.0},
        {"optimizer": "sgd"},
    ],
)
def test_an_impossible_recipe_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=f"{list(wrong)[-1]} must be"):
        Recipe(**wrong)


def test_batches_depend_on_seed_and_step_alone_and_never_meet_the_test_set(recipe):
    assert (batch_at(recipe, 5) == batch_at(recipe, 5)).all() and (batch_at(recipe, 5) != batch_at(recipe, 6)).any()
    assert (batch_at(recipe, 5) != batch_at(dataclasses.replace(recipe, seed=1), 5)).any()
    assert (held_out(recipe.family, 8) != batch_at(recipe, 0)).any()


def test_the_learning_rate_warms_up_and_falls_to_zero_at_each_decay():
    recipe = Recipe(steps=210, warmup=10, decays=(110, 210))
    rates = [rate_at(recipe, step) for step in range(210)]
    assert rates[:11] == pytest.approx([0.1 * k for k in range(1, 11)] + [1])
    assert rates[60] == pytest.approx(0.5) and rates[109] == pytest.approx(0.01)
    assert rates[110] == 1 and rates[160] == pytest.approx(0.5) and rates[209] == pytest.approx(0.01)
    assert {rate_at(Recipe(), step) for step in range(0, 100_000, 997)} == {1.0}


def test_muon_gets_the_blocks_matrices_and_adamw_all_the_rest(model, recipe):
    adamw, muon = make_optimizers(recipe, model)
    by_muon = sum(p.numel() for group in muon.param_groups for p in group["params"])
    blocks = sum(p.numel() for name, p in model.named_parameters() if ".layers." in name and p.ndim == 2)
    assert by_muon == blocks
    assert by_muon + sum(p.numel() for group in adamw.param_groups for p in group["params"]) == sum(
        model.n_parameters().values()
    )


def test_the_papers_recipe_is_the_papers():
    recipe = RECIPES["paper"]
    assert (recipe.optimizer, recipe.learning_rate, recipe.weight_decay, recipe.steps) == ("adamw", 1e-4, 0.01, 100_000)
    assert (recipe.decays, recipe.warmup, recipe.clip, recipe.beta2) == ((), 0, 0, 0.999)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--recipe", "huge"], "invalid choice: 'huge'"),
        (["--recipe", "small", "--threads", "0"], "--threads: must be between 1 and 1024, got 0"),
        (["--recipe", "small", "--threads", "99999999999"], "--threads: must be between 1 and 1024, got 99999999999"),
        (["--recipe", "small", "--device", "abacus"], "invalid choice: 'abacus'"),
        (["--recipe", "small", "--out", "checkpoints/fast"], "a finished run of another recipe; --fresh replaces it"),
        (["--recipe", "small", "--out", "README.md"], "README.md"),
        (["--recipe", "small", "--out", "README.md/deeper"], "README.md/deeper"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(arguments, message, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    assert exit.value.code == 2 and message in capsys.readouterr().err


def test_a_finished_run_is_told_and_not_trained_again(capsys):
    assert main(["--recipe", "small", "--out", str(ROOT / "checkpoints" / "small")]) == 0
    said = capsys.readouterr().out
    assert "make train RECIPE=small FRESH=1" in said and "600 steps, test MSE" in said


@pytest.mark.parametrize(("given", "flag"), [((), False), (("FRESH=1",), True), (("FRESH=",), False)])
def test_make_can_train_anew(given, flag):
    command = ["make", "-n", "-o", ".venv/ready", "train", "RECIPE=small", *given]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, encoding="utf-8").stdout
    assert ("--fresh" in said) == flag and "--recipe small" in said


def test_a_stop_is_an_exit_code_and_a_sentence(monkeypatch, capsys):
    def stopped(*_, **__):
        raise Stopped("stopped at step 3 of 9")

    monkeypatch.setattr("helpers.training.command.train", stopped)
    assert main(["--recipe", "small", "--out", "nowhere"]) == 130
    assert "stopped at step 3 of 9" in capsys.readouterr().err
