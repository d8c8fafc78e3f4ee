import dataclasses
import json
import re
from hashlib import sha256

import numpy as np
import pytest
import safetensors.torch
import torch

from conftest import CONFIG, FAMILY
from helpers.data.recurrences import SCALINGS, Family, sample
from helpers.training import checkpoints, evaluator
from helpers.training.model import ModelConfig, RecurrenceModel
from helpers.training.recipes import Recipe


@pytest.fixture
def folder(model, recipe, tmp_path):
    checkpoints.save(tmp_path, model, recipe)
    return tmp_path


def test_it_computes_the_trained_module(model, folder):
    _, _, weights = evaluator.stored(folder, np.float64)
    vectors = sample(FAMILY, 5, 0).vectors[:, :-1]
    plain = evaluator.forward(weights, vectors, CONFIG.n_layers, CONFIG.n_heads, CONFIG.d_head)
    single = {name: values.astype(np.float32) for name, values in weights.items()}
    shape = CONFIG.n_layers, CONFIG.n_heads, CONFIG.d_head
    assert evaluator.forward(single, vectors.astype(np.float32), *shape).dtype == np.float32
    with torch.no_grad():
        np.testing.assert_allclose(plain, model(torch.from_numpy(vectors).float()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_it_draws_from_the_same_family(scaling):
    family = dataclasses.replace(FAMILY, scaling=scaling, noise=0.1)
    ours, theirs = (
        np.abs(v) for v in (evaluator.draw(dataclasses.asdict(family), 4000), sample(family, 4000, 0).vectors)
    )
    np.testing.assert_allclose(np.median(ours, axis=(0, 2)), np.median(theirs, axis=(0, 2)), rtol=0.1)


def test_the_command_line_says_the_error_or_what_is_wrong(folder, capsys):
    assert evaluator.main([str(folder)]) == 0
    assert "test MSE" in (line := capsys.readouterr().out) and str(folder) in line
    (folder / "model.safetensors").write_bytes(b"not weights")
    for damage in ("weights", "config"):
        if damage == "config":
            (folder / "config.json").write_text(json.dumps({}), encoding="utf-8")
        with pytest.raises(SystemExit) as exit:
            evaluator.main([str(folder)])
        assert exit.value.code == 2 and "is not a checkpoint" in capsys.readouterr().err


def of_bits(folder, kind):
    """Stores the weights in another precision."""
    path, config = folder / "model.safetensors", folder / "config.json"
    path.write_bytes(safetensors.torch.save({k: t.to(kind) for k, t in safetensors.torch.load_file(path).items()}))
    about = json.loads(config.read_text(encoding="utf-8")) | {"sha256": sha256(path.read_bytes()).hexdigest()}
    config.write_text(json.dumps(about), encoding="utf-8")
    checkpoints.seal(folder)


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    "variant", [{"layer_norm": False}, {"tied": True}, {"layer_norm": False, "tied": True, "n_layers": 1}], ids=str
)
def test_it_judges_every_variant_of_the_model_as_training_does(recipe, tmp_path, variant, kind):
    recipe = dataclasses.replace(recipe, model=dataclasses.replace(CONFIG, init="torch", **variant))
    checkpoints.save(tmp_path, RecurrenceModel(recipe.model), recipe)
    of_bits(tmp_path, kind)
    vectors = torch.from_numpy(evaluator.draw(dataclasses.asdict(FAMILY), 40)).float()
    with torch.no_grad():
        theirs = (checkpoints.load(tmp_path)(vectors[:, :-1]) - vectors[:, 1:]).square().mean(dim=2)
    np.testing.assert_allclose(evaluator.errors(tmp_path, 40)[0], theirs, rtol=1e-3, atol=1e-5)


def test_what_a_config_leaves_out_are_the_defaults(tmp_path):
    for part, kind in (("model", ModelConfig), ("family", Family)):
        assert evaluator.DEFAULTS[part].items() <= dataclasses.asdict(kind()).items()
    assert set(evaluator.DEFAULTS["family"]) == set(dataclasses.asdict(Family()))
    recipe = Recipe(model=ModelConfig(d_model=8, d_mlp=4), steps=3)
    checkpoints.save(tmp_path, RecurrenceModel(recipe.model), recipe)
    whole, path = evaluator.errors(tmp_path, 4)[0], tmp_path / "config.json"
    about = json.loads(path.read_text(encoding="utf-8"))
    about["recipe"] = {"model": {"d_model": 8, "d_mlp": 4}, "steps": 3}
    path.write_text(json.dumps(about), encoding="utf-8")
    checkpoints.seal(tmp_path)
    assert checkpoints.load_recipe(tmp_path) == recipe and (evaluator.errors(tmp_path, 4)[0] == whole).all()


def fill(folder, value):
    """Weights of one value, hashes made to fit."""
    path, config = folder / "model.safetensors", folder / "config.json"
    path.write_bytes(
        safetensors.torch.save({k: torch.full_like(t, value) for k, t in safetensors.torch.load_file(path).items()})
    )
    about = json.loads(config.read_text(encoding="utf-8")) | {"sha256": sha256(path.read_bytes()).hexdigest()}
    about.pop("config_sha256")
    config.write_text(json.dumps(about), encoding="utf-8")


def change(folder, sealed=False, **fields):
    path = folder / "config.json"
    about = json.loads(path.read_text(encoding="utf-8"))
    about["recipe"]["model"].update(fields)
    if not sealed:
        about.pop("config_sha256")
    path.write_text(json.dumps(about), encoding="utf-8")


UNFIT = {
    "NaN": (lambda f: fill(f, float("nan")), "its error is not a finite number"),
    "huge": (lambda f: fill(f, 3e38), "its error is not a finite number"),
    "other heads": (lambda f: change(f, sealed=True, n_heads=4, d_head=2), "config.json was altered"),
    "fewer layers": (lambda f: change(f, n_layers=2), "config.json must say {.n_layers.: 3"),
    "no layer norm": (lambda f: change(f, layer_norm=False), "config.json must say .*layer_norm.: True"),
    "too many heads": (lambda f: change(f, n_heads=3), "ValueError: cannot reshape"),
    "heads in words": (lambda f: change(f, n_heads="two"), "two|TypeError"),
    "an altered weight": (lambda f: (f / "model.safetensors").open("ab").write(b"0"), "SHA-256 is not the one"),
    "deep JSON": (lambda f: (f / "config.json").write_text("[" * 100_000, encoding="utf-8"), "RecursionError"),
    "a list": (lambda f: (f / "config.json").write_text("[1]", encoding="utf-8"), "TypeError"),
    "a folder": (lambda f: [(f / "config.json").unlink(), (f / "config.json").mkdir()], "not a plain file"),
    "nothing": (lambda f: (f / "config.json").unlink(), "FileNotFoundError"),
}


@pytest.mark.parametrize(("damage", "message"), UNFIT.values(), ids=UNFIT)
def test_what_cannot_be_judged_is_said_in_a_line_and_is_no_success(folder, capsys, damage, message):
    damage(folder)
    with pytest.raises(SystemExit) as exit:
        evaluator.main([str(folder)])
    *_, line = capsys.readouterr().err.splitlines()
    assert exit.value.code == 2 and "is not a checkpoint that can be judged" in line and re.search(message, line)


def test_contexts_that_are_too_short_are_no_success(recipe, tmp_path, capsys):
    short = dataclasses.replace(
        recipe,
        model=dataclasses.replace(CONFIG, n_ctx=2),
        family=dataclasses.replace(FAMILY, length=3),
        first_context=1,
    )
    checkpoints.save(tmp_path, RecurrenceModel(short.model), short)
    with pytest.raises(SystemExit) as exit:
        evaluator.main([str(tmp_path)])
    assert exit.value.code == 2 and "this model's n_ctx is 2" in capsys.readouterr().err
