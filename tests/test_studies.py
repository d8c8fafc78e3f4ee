"""What bench/ and studies/ train in many variants: what they vary, and the tables they leave."""

import csv
import dataclasses

import choices
import layer_1
import pandas as pd
import pytest

from helpers import places
from helpers.analysis.beside import beside_rules
from helpers.analysis.moment import moment
from helpers.analysis.observation import observe
from helpers.claims import study
from helpers.claims.asked import every_claim
from helpers.claims.measures import CLAIMS
from helpers.data.conditions import CONDITIONS
from helpers.data.families import FAMILIES
from helpers.training import checkpoints, sweeps
from helpers.training.recipes import RECIPES

STUDIES = places.STUDY.parent
SETTINGS, BEYOND, PRECISION = (sweeps.read(STUDIES / f"{name}.toml") for name in ("settings", "beyond", "precision"))
BASE = SETTINGS.recipes[sweeps.BASE]


def test_the_table_of_choices_is_of_todays_choices():
    with choices.TABLE.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == choices.COLUMNS
    assert [(row[0], int(row[1])) for row in rows] == list(choices.trials())


def test_every_choice_changes_something():
    variants = [(recipe, tuple(replaced)) for recipe, replaced in choices.CHOICES.values()]
    assert len({repr(variant) for variant in variants}) == len(choices.CHOICES)
    for recipe, _ in variants:
        assert recipe.steps == choices.STEPS and recipe.model.d_model == RECIPES["fast"].model.d_model


def test_the_cosine_starts_and_ends_with_the_line_and_leaves_it_between():
    recipe = dataclasses.replace(RECIPES["fast"], steps=1100, decays=(1100,), warmup=100)
    steps = (50, 100, 350, 600, 850)
    line, curve = ([f(recipe, step) for step in steps] for f in (choices.STRAIGHT, choices.cosine))
    assert line == pytest.approx([0.51, 1, 0.75, 0.5, 0.25])
    assert curve == pytest.approx([0.51, 1, 0.854, 0.5, 0.146], abs=1e-3)


def test_the_growing_batch_doubles():
    recipe = dataclasses.replace(RECIPES["small"], batch=8)
    assert [len(choices.growing(recipe, step)) for step in (0, 299, 300, 599)] == [8, 8, 16, 16]


def test_a_trial_of_a_tiny_recipe_fills_every_column(recipe):
    row = choices.trial(dataclasses.replace(recipe, steps=4, log_every=2), {"rate_at": lambda recipe, step: 0.0})
    assert len(row) == len(choices.COLUMNS) - 2 and row[:2] == ("never", "")
    assert row[-4] == row[-3]  # with a rate of zero the average is the model itself


def test_a_study_measures_what_is_there():
    assert sweeps.measure_named(SETTINGS.measure) is every_claim
    assert sweeps.measure_named(BEYOND.measure) is beside_rules


def changes(setting):
    """What a setting changes, by field."""
    base, other = (dataclasses.asdict(recipe) for recipe in (BASE, SETTINGS.recipes[setting]))
    flat = [{**r.pop("model"), **r.pop("family"), **r} for r in (base, other)]
    return {k: flat[1][k] for k in flat[0] if flat[0][k] != flat[1][k]}


def test_every_setting_differs_from_the_base_in_one_thing():
    for name in SETTINGS.recipes:
        changed = set(changes(name)) - {"muon_learning_rate"}  # it belongs to the optimizer
        assert len(changed) == (name not in (sweeps.BASE, "untrained")) or changed == {"c_min", "c_max"}, name
    assert SETTINGS.untrained == {"untrained"}


def test_the_base_is_origin_in_a_shorter_recipe():
    origin, base = (dataclasses.asdict(r) for r in (RECIPES["origin"], BASE))
    assert all(origin[k] == base[k] for k in ("model", "family", "batch", "optimizer", "weight_decay", "first_context"))


def test_the_table_of_settings_is_of_todays_settings_and_claims():
    """A claim newer than the table has no column, a key that is gone none any more."""
    rows = study.load(places.STUDY)
    assert set(zip(rows["setting"], rows["seed"], strict=True)) <= set(SETTINGS)
    known = {id: {f"{id}.{key}" for key in one.labels} for id, one in CLAIMS.items()}
    of_run = {"setting", "seed", "test_mse", "r2", "error"}
    assert set(rows) <= of_run.union(known, *known.values())


def test_less_of_layer_1_stays_less_of_it(tmp_path, monkeypatch):
    """What a variant silences is 0 after training, shared weights are equal, and all else has moved."""
    small = {"dimension": 8, "d_model": 16, "n_heads": 2, "d_head": 8, "d_mlp": 32}
    base = dataclasses.replace(
        BASE,
        model=dataclasses.replace(BASE.model, **small),
        family=dataclasses.replace(BASE.family, dimension=8),
        **{"steps": 4, "log_every": 2, "warmup": 0, "decays": (4,)},
    )
    monkeypatch.setattr(layer_1, "SETTINGS", dataclasses.replace(SETTINGS, recipes={sweeps.BASE: base}))
    start = layer_1.RecurrenceModel(base.model).native.layers[1]
    models = {name: layer_1.trained(name, 0, tmp_path / str(i)) for i, name in enumerate(layer_1.CHANGES)}
    for name, silent, other in (("heads", "mlp.fc_out", "attn.o"), ("MLP", "attn.o", "mlp.fc_out")):
        layer = models[f"layer 1's {name} only"].native.layers[1]
        assert all((p == 0).all() for p in layer.get_submodule(silent).parameters())
        assert not layer.get_submodule(other).weight.equal(start.get_submodule(other).weight)
    one, two = models["layer 1 shared with 2"].native.layers[1:]
    assert all(a.equal(b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    row = layer_1.row_of("layer 1's MLP only", 0, tmp_path / "1")
    assert row["test_mse"] == pytest.approx((row["mse, c < 0"] + row["mse, c > 0"]) / 2, rel=0.1)


def test_precision_alone_differs_from_the_base():
    assert PRECISION.recipes == {sweeps.BASE: BASE, "bfloat16": dataclasses.replace(BASE, precision="bfloat16")}


def test_every_condition_beyond_the_data_changes_what_it_says():
    recipes = BEYOND.recipes
    assert len({repr(recipe) for recipe in recipes.values()}) == len(recipes)
    assert recipes[sweeps.BASE] == BASE and BEYOND.seeds == 3
    for name, recipe in recipes.items():
        assert recipe.steps == BASE.steps
        assert recipe.family.kind in (name, "affine") and (recipe.family.c_min, recipe.family.c_max) == (-1, 1)
    assert set(FAMILIES) - {"affine"} <= set(recipes)


def test_what_we_expected_beyond_the_data_is_of_conditions_that_are_asked():
    expected = pd.read_csv(STUDIES / "expectations_beyond.csv")
    asked = {"out of range": {*CONDITIONS, "50 steps from predictions"}, "family": set(BEYOND.recipes)}
    asked |= {part: {one.removeprefix(f"{part} ") for one in BEYOND.recipes} for part in ("dimension", "context")}
    asked["transfer"] = set(FAMILIES)
    for row in expected.itertuples():
        assert row.condition in asked[row.part], row
        assert row.low == row.low or row.high == row.high, row


def test_what_is_followed_over_training_is_followed_at_the_steps_of_the_claims():
    claims, followed = pd.read_csv(places.OVER_TRAINING), pd.read_csv(places.OVER_TIME)
    assert followed[["kept", "step"]].equals(claims[["kept", "step"]])
    folder = places.CHECKPOINTS / places.ANALYSED
    now = moment(observe(checkpoints.load(folder), checkpoints.load_recipe(folder).family))
    last = followed.iloc[-1]
    assert list(now) == list(followed.columns[2:])
    assert {key: float(f"{value:.3g}") for key, value in now.items()} == pytest.approx(dict(last[2:]), rel=6e-3)
