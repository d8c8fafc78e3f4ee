import dataclasses
import errno
import hashlib
import json
import math
import os

import pytest
import safetensors.torch
import torch

from helpers.training import checkpoints, config, weights
from helpers.training.checkpoints import CheckpointError
from helpers.training.model import RecurrenceModel


@pytest.fixture
def folder(model, recipe, tmp_path):
    checkpoints.save(tmp_path, model, recipe, [(1, 1.0, 0.5, 0.25, 0.1), (2, 0.5, 0.4, 0.2, 0.2)], "an abacus")
    return tmp_path


def test_what_was_saved_is_what_is_loaded(folder, model, recipe):
    loaded = checkpoints.load(folder)
    vectors = torch.randn(2, 6, 5)
    assert torch.equal(loaded(vectors), model(vectors))
    assert checkpoints.load_recipe(folder) == recipe
    log = checkpoints.load_log(folder)
    assert log["test_mse"] == [0.25, 0.2] and checkpoints.trained_on(folder) == "an abacus"
    assert checkpoints.reached(log, 0.25) == (1, 0.1) and checkpoints.reached(log, 0.21) == (2, 0.2)
    assert checkpoints.reached(log, 0.19) is None
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "model.safetensors", "training_log.csv"]


def edit(folder, change, sealed=True):
    """Changes config.json, by default with its own SHA-256 made to fit again."""
    path = folder / "config.json"
    about = json.loads(path.read_text(encoding="utf-8"))
    change(about)
    about |= {config.OWN: config.own_sha256(about)} if sealed else {}
    path.write_text(json.dumps(about), encoding="utf-8")


def put(folder, **changes):
    """Changes fields of the model (with a leading underscore: of the recipe)."""

    def change(about):
        for name, value in changes.items():
            table = about["recipe"] if name.startswith("_") else about["recipe"]["model"]
            table[name.removeprefix("_")] = value

    edit(folder, change)


def store(folder, change, to=torch.float32):
    """Changes the stored weights, the SHA-256 made to fit."""
    path = folder / "model.safetensors"
    stored = {name: t.to(to) for name, t in safetensors.torch.load_file(path).items()}
    change(stored)
    path.write_bytes(safetensors.torch.save(stored))
    edit(folder, lambda about: about.update(sha256=hashlib.sha256(path.read_bytes()).hexdigest()))


def altered(folder):
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "truncated weights": (lambda f: (f / "model.safetensors").write_bytes(b"x" * 100), "model.safetensors: cut short"),
    "altered weights": (altered, "model.safetensors: cut short or altered"),
    "missing weights": (lambda f: (f / "model.safetensors").unlink(), "model.safetensors: cannot be read"),
    "missing config": (lambda f: (f / "config.json").unlink(), "config.json: cannot be read"),
    "broken config": (lambda f: (f / "config.json").write_text("{", encoding="utf-8"), "config.json: not valid JSON"),
    "empty config": (
        lambda f: (f / "config.json").write_text("{}", encoding="utf-8"),
        "config.json: 'recipe' and 'sha256'",
    ),
    "unknown field": (
        lambda f: edit(f, lambda c: c["recipe"]["model"].update(depth=3)),
        "unknown field 'depth' of Model",
    ),
    "unknown recipe field": (lambda f: edit(f, lambda c: c["recipe"].update(luck=1)), "unknown field 'luck' of Recipe"),
    "impossible field": (lambda f: edit(f, lambda c: c["recipe"]["model"].update(n_heads=0)), "n_heads must be"),
    "no table": (lambda f: edit(f, lambda c: c["recipe"].update(model=3)), "ModelConfig must be a table"),
    "other heads, same sizes": (
        lambda f: edit(f, lambda c: c["recipe"]["model"].update(n_heads=4, d_head=2), sealed=False),
        "config.json: altered",
    ),
    "another machine": (lambda f: edit(f, lambda c: c.update(machine="x"), sealed=False), "config.json: altered"),
    "no field of its own": (lambda f: edit(f, lambda c: c.update(luck=1)), "unknown entry 'luck'"),
    "sha256 as a list": (lambda f: edit(f, lambda c: c.update(sha256=[1])), "sha256 must be a text"),
    "machine of two lines": (lambda f: edit(f, lambda c: c.update(machine="a\nb")), "machine must be a text"),
    "a recipe as a list": (lambda f: edit(f, lambda c: c.update(recipe=[1])), "Recipe must be a table"),
    "truth for a number": (lambda f: put(f, n_layers=True), "n_layers must be a whole number in"),
    "text for a truth": (lambda f: put(f, layer_norm="false"), "layer_norm must be true or false, got 'false'"),
    "number for a truth": (lambda f: put(f, tied=1), "tied must be true or false, got 1"),
    "text for a seed": (lambda f: put(f, seed="0"), "seed must be a whole number in"),
    "list for a seed": (lambda f: put(f, seed=[0]), "seed must be a whole number in"),
    "endless seed": (lambda f: put(f, seed=10**4000), "seed must be a whole number in"),
    "truth for a rate": (lambda f: put(f, _learning_rate=True), "learning_rate must be a number in"),
    "list for init": (lambda f: put(f, init=["gpt2"]), "init must be one of"),
    "number for steps": (lambda f: put(f, _decays=600), "decays must be several values"),
    "steps in steps": (lambda f: put(f, _keep_steps=[[1]]), "keep_steps must be a whole number in"),
    "endless noise": (
        lambda f: (f / "config.json").write_text(
            (f / "config.json").read_text(encoding="utf-8").replace('"noise": 0.0', '"noise": 1e999'), encoding="utf-8"
        ),
        "noise must be a number in .*, got inf",
    ),
    "infinity": (lambda f: put(f, _clip=float("inf")), "numbers must be finite, got Infinity"),
    "deep JSON": (
        lambda f: (f / "config.json").write_text("[" * 100_000, encoding="utf-8"),
        "config.json: not valid JSON",
    ),
    "a number of many digits": (
        lambda f: (f / "config.json").write_text("1" * 9999, encoding="utf-8"),
        "config.json: not valid JSON",
    ),
    "a folder": (lambda f: [(f / "config.json").unlink(), (f / "config.json").mkdir()], "config.json: cannot be read"),
    "a pipe": (
        lambda f: [(f / "model.safetensors").unlink(), os.mkfifo(f / "model.safetensors")],
        "model.safetensors: cannot be read .not a plain file",
    ),
    "a large config": (lambda f: (f / "config.json").write_bytes(b" " * 2**21), "at most 1,048,576 are accepted"),
    "a huge model": (
        lambda f: put(f, n_layers=1024, d_mlp=2**20),
        "model.safetensors: the weights do not fit config.json: .* is missing",
    ),
    "NaN": (
        lambda f: store(f, lambda w: w["embed.weight"][1:2].fill_(math.nan)),
        "embed.weight must have finite weights",
    ),
    "Inf": (
        lambda f: store(f, lambda w: w["native.pos.weight"][2:].fill_(-math.inf), torch.float16),
        "native.pos.weight must have finite weights of at most 1e.06 in size, got inf",
    ),
    "absurd": (lambda f: store(f, lambda w: w["embed.weight"][0].fill_(-3e38)), "of at most 1e.06 in size, got 3.0"),
    "whole weights": (lambda f: store(f, lambda w: None, torch.int32), "must be of a type in"),
    "a tensor too few": (lambda f: store(f, lambda w: w.popitem()), "is missing"),
    "a tensor too many": (lambda f: store(f, lambda w: w.update(luck=torch.ones(1))), "'luck' is too many"),
    "shape mismatch": (lambda f: edit(f, lambda c: c["recipe"]["model"].update(d_mlp=24)), "weights do not fit config"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_is_refused_and_the_file_named(folder, damage, message):
    damage(folder)
    with pytest.raises(CheckpointError, match=message) as error:
        checkpoints.load(folder)
    assert str(folder) in str(error.value) and "\n" not in str(error.value) and len(str(error.value)) < 500


def test_nothing_is_built_before_the_files_agree(folder, monkeypatch):
    put(folder, d_mlp=2**20)
    monkeypatch.setattr(checkpoints, "RecurrenceModel", None)
    with pytest.raises(CheckpointError, match=r"weights do not fit config\.json: native\..* must be \["):
        checkpoints.load(folder)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_other_precisions_are_loaded_as_float32(folder, model, kind):
    store(folder, lambda w: None, kind)
    loaded = dict(checkpoints.load(folder).named_parameters())
    assert {t.dtype for t in loaded.values()} == {torch.float32}
    assert all(torch.equal(loaded[n], t.to(kind).float()) for n, t in model.named_parameters() if n != weights.UNUSED)


@pytest.mark.parametrize("variant", [{"layer_norm": False}, {"tied": True}, {"n_layers": 1}], ids=str)
def test_the_tensors_that_are_asked_for_are_those_of_the_model(recipe, tmp_path, variant):
    other = dataclasses.replace(recipe, model=dataclasses.replace(recipe.model, **variant))
    model = RecurrenceModel(other.model)
    found = {name: list(t.shape) for name, t in model.state_dict().items() if name != weights.UNUSED}
    assert weights.shapes(other.model) == found
    checkpoints.save(tmp_path, model, other)
    vectors = torch.randn(2, 6, 5)
    assert torch.equal(checkpoints.load(tmp_path)(vectors), model(vectors))


def test_a_config_from_before_its_own_hash_is_taken_with_a_word_and_sealed(folder, model):
    edit(folder, lambda c: c.pop(config.OWN), sealed=False)
    with pytest.warns(UserWarning, match="has no config_sha256"):
        checkpoints.load(folder)
    checkpoints.seal(folder)
    assert torch.equal(checkpoints.load(folder).W_E, model.W_E)
    edit(folder, lambda c: c["recipe"].update(steps=61), sealed=False)
    with pytest.raises(CheckpointError, match="altered"):
        checkpoints.load_recipe(folder)
    edit(folder, lambda c: c["recipe"]["model"].update(n_ctx=7), sealed=False)
    with pytest.raises(CheckpointError, match="must agree|must be model.n_ctx"):
        checkpoints.seal(folder)


def test_a_missing_folder_and_a_damaged_log_are_refused(folder):
    with pytest.raises(CheckpointError, match="no such checkpoint folder"):
        checkpoints.load(folder / "nowhere")
    head = "step,rate,train_mse,test_mse,seconds\n"
    for text, message in (
        ("a,b\n", "first line must be step,rate"),
        ("", "first line must be step,rate"),
        (head + "1,x,1,1,1\n", "could not convert"),
        (head + "1,1,1,1\n", "line 2 must have 5 numbers"),
        (head + "1,1,1,1,1\n\n2,1,1,1,1\n", "line 3 must have 5 numbers"),
        (head + "1,1,1,1,1,1\n", "line 2 must have 5 numbers"),
        (head + "1,1,nan,1,1\n", "at least 0, got nan"),
        (head + "1,1,1,inf,1\n", "at least 0, got inf"),
        (head + "1,1,1,-1,1\n", "at least 0, got -1"),
        (head + "2,1,1,1,1\n1,1,1,1,1\n", "steps must rise"),
        (head + "9" * 200_000, "field limit"),
        (head + '1,"1\n', "must have 5"),
        (head + "1,1,1,1,\0\n", "could not convert|NUL"),
    ):
        (folder / "training_log.csv").write_text(text, encoding="utf-8")
        with pytest.raises(CheckpointError, match=message):
            checkpoints.load_log(folder)


def test_a_write_that_fails_leaves_the_old_checkpoint(folder, model, recipe, monkeypatch):
    before = {p.name: p.read_bytes() for p in folder.iterdir()}

    def full_disk(_):
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        checkpoints.save(folder, model, recipe)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_a_checkpoint_without_a_log_has_an_empty_one(tmp_path, model, recipe):
    checkpoints.save(tmp_path, model, recipe)
    assert checkpoints.load_log(tmp_path) == {name: [] for name in checkpoints.LOG_COLUMNS}
