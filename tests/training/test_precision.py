"""Matrix products in bfloat16: what is in it, what stays in float32, and how far the path is from float32's."""

import dataclasses

import pytest
import torch

from helpers.training import checkpoints, command
from helpers.training.state import STATE, pack, unpack
from helpers.training.train import train
from helpers.training.trainer import Trainer

CPU = torch.device("cpu")


@pytest.fixture
def short(recipe):
    return dataclasses.replace(recipe, optimizer="adamw", learning_rate=1e-3, precision="bfloat16")


def test_products_alone_are_in_bfloat16(short, tmp_path):
    trainer, seen = Trainer(short, tmp_path, CPU), {}

    def see(name):
        return lambda module, inputs, output: seen.update({name: (inputs[0].dtype, output.dtype)})

    for name, module in trainer.model.native.named_modules():
        if isinstance(module, torch.nn.Linear | torch.nn.LayerNorm):
            module.register_forward_hook(see(name))
    loss = trainer.next_update()
    linear = [seen[name][1] for name in seen if not name.rpartition(".")[2].startswith("ln")]
    assert set(linear) == {torch.bfloat16} and len(linear) > 10
    norms = [seen[name] for name in seen if name.rpartition(".")[2].startswith("ln")]
    assert {dtype for dtype, _ in norms} == {torch.float32} and len(norms) == 2 * short.model.n_layers + 1
    moments = [value for state in trainer.optimizers[0].state.values() for value in state.values()]
    kept = [loss, *trainer.model.parameters(), *(p.grad for p in trainer.model.parameters()), *moments]
    assert {value.dtype for value in kept if value is not None} == {torch.float32}


def test_the_path_is_float32s_but_for_rounding(short, tmp_path):
    steps = {"steps": 200, "log_every": 20}
    logs = {
        precision: checkpoints.load_log(
            train(dataclasses.replace(short, precision=precision, **steps), tmp_path / precision, device=CPU)
        )["test_mse"]
        for precision in ("float32", "bfloat16")
    }
    assert logs["bfloat16"] == pytest.approx(logs["float32"], rel=0.05) and logs["bfloat16"] != logs["float32"]


def test_a_state_from_before_there_was_a_choice_goes_on(short, tmp_path):
    plain = dataclasses.replace(short, precision="float32")
    Trainer(plain, tmp_path, CPU).save()
    state = unpack(tmp_path / STATE, CPU)
    del state["recipe"]["precision"]
    (tmp_path / STATE).write_bytes(pack(state))
    Trainer(plain, tmp_path, CPU)
    with pytest.raises(checkpoints.CheckpointError, match="belongs to another recipe"):
        Trainer(short, tmp_path, CPU)


def test_the_command_trains_in_it_in_a_folder_of_its_own(monkeypatch, tmp_path, capsys):
    taken = []
    monkeypatch.setattr(command, "train", lambda recipe, out, **_: taken.append((recipe, out)))
    monkeypatch.setattr(command, "result", str)
    monkeypatch.setattr(command, "RUNS", tmp_path)
    monkeypatch.setattr(command, "slow_in_bfloat16", lambda device: device.type == "cpu")
    line = ["--recipe", "small", "--device", "cpu"]
    assert command.main([*line, "--precision", "bfloat16", "--family", "second order"]) == 0
    assert "no units for bfloat16" in capsys.readouterr().err
    assert command.main(line) == 0 and not capsys.readouterr().err
    assert [(recipe.precision, out.name) for recipe, out in taken] == [
        ("bfloat16", "small-second-order-bfloat16"),
        ("float32", "small"),
    ]
    with pytest.raises(SystemExit):
        command.main([*line, "--precision", "float16"])
    assert "float32, bfloat16" in capsys.readouterr().err.replace("'", "")
