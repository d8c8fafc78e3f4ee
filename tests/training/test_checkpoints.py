import errno
import json

import pytest
import torch

from helpers.training import checkpoints
from helpers.training.checkpoints import CheckpointError


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


def edit(folder, change):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


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
    "broken config": (lambda f: (f / "config.json").write_text("{"), "config.json: not valid JSON"),
    "empty config": (lambda f: (f / "config.json").write_text("{}"), "config.json: 'recipe' and 'sha256'"),
    "unknown field": (
        lambda f: edit(f, lambda c: c["recipe"]["model"].update(depth=3)),
        "unknown field 'depth' of Model",
    ),
    "unknown recipe field": (lambda f: edit(f, lambda c: c["recipe"].update(luck=1)), "unknown field 'luck' of Recipe"),
    "impossible field": (lambda f: edit(f, lambda c: c["recipe"]["model"].update(n_heads=0)), "n_heads must be"),
    "no table": (lambda f: edit(f, lambda c: c["recipe"].update(model=3)), "ModelConfig must be a table"),
    "shape mismatch": (lambda f: edit(f, lambda c: c["recipe"]["model"].update(d_mlp=24)), "weights do not fit config"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_is_refused_and_the_file_named(folder, damage, message):
    damage(folder)
    with pytest.raises(CheckpointError, match=message) as error:
        checkpoints.load(folder)
    assert str(folder) in str(error.value)


def test_a_missing_folder_and_a_damaged_log_are_refused(folder):
    with pytest.raises(CheckpointError, match="no such checkpoint folder"):
        checkpoints.load(folder / "nowhere")
    for text, message in (
        ("a,b\n", "first line must be step,rate"),
        ("step,rate,train_mse,test_mse,seconds\n1,x,1,1,1\n", "could not convert"),
    ):
        (folder / "training_log.csv").write_text(text)
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
