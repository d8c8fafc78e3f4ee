import dataclasses
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest
import torch

from conftest import FAMILY
from helpers.analysis.forecast import forecast
from helpers.analysis.observation import observe
from helpers.places import ROOT
from helpers.training import checkpoints, command, sweep_command
from helpers.training.machine import DEVICES, device_named, usual_torch
from helpers.training.train import train


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    yield
    torch.set_default_dtype(before)


SETTINGS = {  # what a notebook or another library may have left behind
    "no gradients": lambda: torch.set_grad_enabled(False),
    "inference": torch.inference_mode,
    "16 bits": lambda: default_dtype(torch.float16),
    "64 bits": lambda: default_dtype(torch.float64),
    "another device": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
}


@pytest.fixture(scope="module")
def plain(recipe, tmp_path_factory):
    """A short training, and what follows from it, under torch as it starts."""
    short = dataclasses.replace(recipe, steps=3)
    return short, *outcome(short, tmp_path_factory.mktemp("plain"))


def outcome(recipe, folder):
    """The weights after a training, what the loaded model predicts, and a forecast with it."""
    train(recipe, folder, threads=1, device=torch.device("cpu"))
    model = checkpoints.load(folder)
    obs = observe(model, FAMILY, count=4)
    predicted, spread = forecast(model, [[1.0, 2.0], [2.0, 1.0], [2.5, 0.5]], steps=2, maps=3)
    return {name: t.detach() for name, t in model.state_dict().items()}, obs.prediction, predicted, spread


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_settings_of_the_process_change_nothing(plain, tmp_path, setting):
    recipe, *wanted = plain
    with setting():
        weights, prediction, *forecasts = outcome(recipe, tmp_path)
    assert set(weights) == set(wanted[0])
    for name, t in weights.items():
        assert (t.dtype, t.device.type) == (torch.float32, "cpu") and torch.equal(t, wanted[0][name]), name
    assert prediction.dtype == torch.float64 and torch.equal(prediction, wanted[1])
    for found, expected in zip(forecasts, wanted[2:], strict=True):
        assert np.array_equal(found, expected)


def test_settings_come_back_also_after_an_error():
    with ExitStack() as stack:
        stack.enter_context(default_dtype(torch.float64))
        stack.enter_context(torch.no_grad())
        stack.enter_context(torch.device("meta"))
        with pytest.raises(KeyError), usual_torch():
            assert torch.zeros(1, requires_grad=True).square().requires_grad
            assert (torch.zeros(1).dtype, torch.zeros(1).device.type) == (torch.float32, "cpu")
            raise KeyError
        assert (torch.zeros(1).dtype, torch.zeros(1).device.type) == (torch.float64, "meta")
        assert not torch.is_grad_enabled()


def absent():
    """A device that a command line takes and that is not here."""
    return next(name for name in DEVICES[1:] if not torch.get_device_module(name).is_available())


@pytest.mark.parametrize(
    "line",
    [
        lambda name: command.main(["--recipe", "small", "--device", name]),
        lambda name: sweep_command.main([str(ROOT / "studies" / "settings.toml"), "--device", name]),
    ],
)
def test_a_device_that_is_not_here_is_refused_in_one_line(line, capsys):
    with pytest.raises(SystemExit) as exit:
        line(absent())
    assert exit.value.code == 2 and f"--device: '{absent()}' cannot be used here" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["abacus", "cpu:-3", ""])
def test_a_device_is_named_as_torch_names_it(name):
    if name:
        with pytest.raises(ValueError, match="cannot be used here"):
            device_named(name)
    else:
        assert device_named(name) == device_named(None)
    assert device_named("cpu") == torch.device("cpu")
