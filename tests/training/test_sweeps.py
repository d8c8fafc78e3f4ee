"""What a sweep's file says, and what is refused."""

import dataclasses
import re

import pytest

from helpers.data.families import like
from helpers.training import sweeps
from helpers.training.recipes import RECIPES

GOOD = """
table = "rows.csv"
seeds = 2
[base]
recipe = "small"
steps = 400
decays = [400]
model = { d_mlp = 64 }
[axes]
"model.n_heads" = [1, 4]
data = { "c from 0" = { family = { c_min = 0.0 } }, untrained = { trained = false } }
"""


def sweep(tmp_path, text):
    (tmp_path / "one.toml").write_text(text, encoding="utf-8")
    return sweeps.read(tmp_path / "one.toml")


def test_one_thing_changes_at_a_time(tmp_path):
    found = sweep(tmp_path, GOOD)
    settings = ["base", "model.n_heads = 1", "model.n_heads = 4", "c from 0", "untrained"]
    assert list(found) == [(setting, seed) for seed in range(2) for setting in settings]
    small = RECIPES["small"]
    base = dataclasses.replace(
        small, steps=400, decays=(400,), seed=1, model=dataclasses.replace(small.model, d_mlp=64, seed=1)
    )
    assert found.recipe(("base", 1)) == found.recipe(("untrained", 1)) == base
    four = dataclasses.replace(base, model=dataclasses.replace(base.model, n_heads=4))
    assert found.recipe(("model.n_heads = 4", 1)) == four
    positive = dataclasses.replace(base, family=dataclasses.replace(base.family, c_min=0.0))
    assert found.recipe(("c from 0", 1)) == positive
    assert found.untrained == {"untrained"}
    assert found.table == tmp_path / "rows.csv" and len({found.folder(run) for run in found}) == len(list(found))
    assert all(found.folder(run).parent == found.runs for run in found)


def test_or_all_of_them_together(tmp_path):
    found = sweep(tmp_path, GOOD.replace("seeds = 2", "product = true"))
    assert list(found.recipes) == [
        f"model.n_heads = {n}, {other}" for n in (1, 4) for other in ("c from 0", "untrained")
    ]
    both = found.recipe(("model.n_heads = 1, c from 0", 0))
    assert both.model.n_heads == 1 and both.family.c_min == 0 and both.steps == 400


def test_a_rule_is_changed_by_its_name(tmp_path):
    found = sweep(tmp_path, GOOD.replace("c_min = 0.0", 'kind = "rotation", noise = 0.1'))
    small, family = RECIPES["small"].family, found.recipe(("c from 0", 0)).family
    assert family == dataclasses.replace(like(small, "rotation"), noise=0.1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[base]", "[base", "cannot be read as TOML"),
        ("seeds = 2", "seeds = 0", "seeds must be at least 1, got 0"),
        ("seeds = 2", "seeds = true", r"seeds \(int\).*got seeds = True"),
        ("seeds = 2", "sets = 2", "got sets = 2"),
        ('"small"', '"smaller"', "base.recipe must be one of small, .*got 'smaller'"),
        ('recipe = "small"', "", "base.recipe must be one of"),
        ("d_mlp = 64", "d_mpl = 64", "base.model has the fields .*d_mlp.*; got 'd_mpl'"),
        ("d_mlp = 64", "d_mlp = 0", "base.model: d_mlp must be a whole number in .*got 0"),
        ("[400]", "[300]", "base: decays must be rising steps up to steps=400"),
        ("model = { d_mlp = 64 }", "model = 3", "base: model must be a ModelConfig, got 3"),
        ("[1, 4]", "[]", r"axes.model.n_heads must be a list of values or a table"),
        ("[1, 4]", "[1, 0]", r"axes: model.n_heads = 0.model: n_heads must be"),
        ("[axes]", "[axis]", "got axis = "),
        ("c_min = 0.0", "c_min = 2.0", "axes: c from 0"),
        ("c_min = 0.0", 'kind = "cubical"', "axes: c from 0.family: .*must be one of .*cubic.*got 'cubical'"),
        ("trained = false", 'trained = "no"', "axes: untrained: trained must be true or false, got 'no'"),
    ],
)
def test_what_is_no_sweep_is_told(tmp_path, unchecked, old, new, said):
    assert old in GOOD
    with pytest.raises(sweeps.SweepError, match=said) as told:
        sweep(tmp_path, GOOD.replace(old, new))
    assert str(tmp_path / "one.toml") in str(told.value) and "\n" not in str(told.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(sweeps.SweepError, match=re.escape(str(tmp_path / "none.toml"))):
        sweeps.read(tmp_path / "none.toml")


@pytest.mark.parametrize("name", ["", "os", "os:", "nowhere.at_all:x", "helpers.training.sweeps:nothing"])
def test_a_measure_that_is_not_there_is_told(name):
    with pytest.raises(sweeps.SweepError, match=f"measure must be 'package.module:function', got '{name}'"):
        sweeps.measure_named(name)


def test_without_a_measure_it_is_the_test_error(tmp_path, model, recipe):
    found = sweep(tmp_path, GOOD)
    assert sweeps.measure_named(found.measure) is sweeps.held_out_error
    assert set(sweeps.held_out_error(model, recipe, {})) == {"test_mse"}
