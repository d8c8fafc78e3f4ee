import dataclasses
import json

import numpy as np
import pytest
import torch

from conftest import CONFIG, FAMILY
from helpers.data.recurrences import SCALINGS, sample
from helpers.training import checkpoints, evaluator


@pytest.fixture
def folder(model, recipe, tmp_path):
    checkpoints.save(tmp_path, model, recipe)
    return tmp_path


def test_it_computes_the_trained_module(model, folder):
    weights = {
        k: v.astype(float) for k, v in evaluator.safetensors.numpy.load_file(folder / "model.safetensors").items()
    }
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
