"""Any registered family goes through training, checkpoint, evaluator and command line."""

import dataclasses
import json

import numpy as np
import pytest

from helpers.analysis.forecast import forecast
from helpers.data.families import FAMILIES, like
from helpers.training import checkpoints, evaluator, recipes
from helpers.training.command import main
from helpers.training.train import train


@pytest.mark.parametrize("name", sorted(set(FAMILIES) - {"affine"}))
def test_a_family_is_trained_stored_loaded_and_judged(recipe, tmp_path, name, monkeypatch, capsys):
    monkeypatch.setitem(recipes.RECIPES, "tiny", dataclasses.replace(recipe, steps=4))
    assert main(["--recipe", "tiny", "--family", name, "--out", str(tmp_path), "--threads", "1"]) == 0
    stored = checkpoints.load_recipe(tmp_path)
    assert stored.family == like(recipe.family, name) and checkpoints.load(tmp_path).family == stored.family
    assert json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))["recipe"]["family"]["kind"] == name
    found, variance = evaluator.errors(tmp_path, 200)
    logged = checkpoints.load_log(tmp_path)["test_mse"][-1]
    assert found[:, evaluator.THIRD :].mean() == pytest.approx(logged, rel=0.5) and variance > 0
    assert main(["--recipe", "tiny", "--family", name, "--out", str(tmp_path)]) == 0
    assert "finished before" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["--recipe", "tiny", "--out", str(tmp_path)])
    assert "holds a finished run of another recipe" in capsys.readouterr().err


def test_an_affine_recipe_is_stored_as_it_always_was(recipe):
    fields = ["dimension", "length", "c_min", "c_max", "scaling", "noise"]
    assert list(dataclasses.asdict(recipe)["family"]) == fields


@pytest.mark.parametrize(("kind", "message"), [("cubist", "kind must be one of"), (3, "kind must be one of")])
def test_an_unknown_family_in_a_config_is_refused(recipe, tmp_path, kind, message):
    folder = train(dataclasses.replace(recipe, steps=1), tmp_path, threads=1)
    about = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    about["recipe"]["family"]["kind"] = kind
    (folder / "config.json").write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(checkpoints.CheckpointError, match=message):
        checkpoints.load(folder)


def test_only_affine_models_forecast(recipe, tmp_path):
    model = checkpoints.load(train(dataclasses.replace(recipe, steps=1), tmp_path, threads=1))
    model.family = like(model.family, "matrix")
    with pytest.raises(ValueError, match="must be trained on affine recurrences to forecast, got 'matrix'"):
        forecast(model, np.arange(5.0))
