"""The scripts in bench/ and studies/ that train many variants: what they vary, and the tables they leave."""

import csv
import dataclasses

import beyond
import choices
import layer_1
import pandas as pd
import pytest
import settings

from helpers.claims.measures import CLAIMS
from helpers.data.conditions import CONDITIONS
from helpers.data.families import FAMILIES
from helpers.training.recipes import RECIPES


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


def changes(setting):
    """What a setting changes, by field."""
    base, other = (dataclasses.asdict(settings.recipe_of(name, 0)) for name in ("base", setting))
    flat = [{**r.pop("model"), **r.pop("family"), **r} for r in (base, other)]
    return {k: flat[1][k] for k in flat[0] if flat[0][k] != flat[1][k]}


def test_every_setting_differs_from_the_base_in_one_thing():
    for name in settings.SETTINGS:
        changed = set(changes(name)) - {"muon_learning_rate"}  # it belongs to the optimizer
        assert len(changed) == (name not in ("base", settings.UNTRAINED)) or changed == {"c_min", "c_max"}, name


def test_the_base_is_origin_in_a_shorter_recipe():
    origin, base = (dataclasses.asdict(r) for r in (RECIPES["origin"], settings.BASE))
    assert all(origin[k] == base[k] for k in ("model", "family", "batch", "optimizer", "weight_decay", "first_context"))


def test_the_runs_are_three_seeds_of_each_setting():
    runs = settings.runs()
    assert len(set(runs)) == len(runs) == 3 * len(settings.SETTINGS)
    assert settings.recipe_of("4 heads", 2).model.seed == settings.recipe_of("4 heads", 2).seed == 2


def test_a_run_that_has_a_row_is_not_done_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "TABLE", tmp_path / "settings.csv")
    monkeypatch.setattr(settings, "measured", lambda recipe, trained, folder: {"A1": "partly", "A1.x": 0.123456})
    first, second, diverged = settings.runs()[:3]
    assert settings.rows_there() == {}
    rows = {second: settings.work(*second, tmp_path), first: settings.work(*first, tmp_path)}

    def diverges(*_):
        raise FloatingPointError

    monkeypatch.setattr(settings, "measured", diverges)
    rows[diverged] = settings.work(*diverged, tmp_path)
    settings.write_table(rows)
    assert settings.TABLE.read_text(encoding="utf-8").splitlines() == [
        "setting,seed,A1,A1.x,test_mse",
        "base,0,partly,0.1235,",
        "1 head,0,partly,0.1235,",
        "2 heads,0,,,inf",
    ]
    assert list(settings.rows_there()) == [first, second, diverged]


def test_what_cannot_be_asked_of_a_run_is_left_out(tmp_path, recipe):
    one = dataclasses.replace(recipe, model=dataclasses.replace(recipe.model, n_layers=1))
    found = settings.measured(one, False, tmp_path)
    assert "A1" in found and "S6" in found and not {"B1", "C3"} & set(found)


@pytest.mark.skipif(not settings.TABLE.exists(), reason="no run is finished yet")
def test_the_table_of_settings_is_of_todays_settings_and_claims():
    """A claim newer than the table has no column; of keys that are gone the table has only those named as older."""
    rows = settings.rows_there()
    assert set(rows) <= set(settings.runs())
    known = {id: {f"{id}.{key}" for key in one.labels} for id, one in CLAIMS.items()}
    of_run = {"setting", "seed", "test_mse", "r2"}
    assert set(next(iter(rows.values()))) <= of_run.union(known, settings.OLDER, *known.values())


def test_less_of_layer_1_stays_less_of_it(tmp_path, monkeypatch):
    """What a variant silences is 0 after training, shared weights are equal, and all else has moved."""
    small = {"dimension": 8, "d_model": 16, "n_heads": 2, "d_head": 8, "d_mlp": 32}
    base = dataclasses.replace(
        settings.BASE,
        model=dataclasses.replace(settings.BASE.model, **small),
        family=dataclasses.replace(settings.BASE.family, dimension=8),
        **{"steps": 4, "log_every": 2, "warmup": 0, "decays": (4,)},
    )
    monkeypatch.setattr(settings, "BASE", base)
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


def test_every_condition_beyond_the_data_changes_what_it_says():
    recipes = {name: beyond.recipe_of(name, 1) for name in beyond.CONDITIONS}
    assert len({repr(recipe) for recipe in recipes.values()}) == len(recipes)
    assert recipes["base"] == settings.recipe_of("base", 1)
    for name, recipe in recipes.items():
        assert recipe.steps == settings.STEPS and recipe.seed == recipe.model.seed == 1
        assert recipe.family.kind in (name, "affine") and (recipe.family.c_min, recipe.family.c_max) == (-1, 1)
    assert set(FAMILIES) - {"affine"} <= set(beyond.CONDITIONS)
    assert len(beyond.runs()) == 3 * len(recipes) and {seed for _, seed in beyond.runs()[: len(recipes)]} == {0}


def test_what_we_expected_beyond_the_data_is_of_conditions_that_are_asked():
    expected = pd.read_csv(beyond.TABLE.with_name("expectations_beyond.csv"))
    asked = {"out of range": {*CONDITIONS, "50 steps from predictions"}, "family": set(beyond.CONDITIONS)}
    asked |= {part: {one.removeprefix(f"{part} ") for one in beyond.CONDITIONS} for part in ("dimension", "context")}
    asked["transfer"] = set(FAMILIES)
    for row in expected.itertuples():
        assert row.condition in asked[row.part], row
        assert row.low == row.low or row.high == row.high, row


def test_a_run_beyond_the_data_is_trained_measured_and_asked_the_other_rules(tmp_path, monkeypatch):
    short = {"steps": 4, "log_every": 2, "warmup": 0, "decays": (4,)}
    small = {"dimension": 6, "n_ctx": 6, "d_model": 16, "n_heads": 2, "d_head": 8, "d_mlp": 32}
    family = dataclasses.replace(settings.BASE.family, dimension=6, length=7)
    base = dataclasses.replace(settings.BASE.model, **small)
    monkeypatch.setattr(settings, "BASE", dataclasses.replace(settings.BASE, model=base, family=family, **short))
    monkeypatch.setattr(beyond, "COUNT", 16)
    monkeypatch.setattr(beyond, "TABLE", tmp_path / "beyond.csv")
    monkeypatch.setattr(beyond, "TRANSFER", tmp_path / "transfer.csv")
    rows = {run: beyond.work(*run, tmp_path / settings.name(run)) for run in (("second order", 0), ("context 3", 0))}
    row = rows["second order", 0]
    assert row["loss"] == pytest.approx(row["mse"] / row["blind"]) and row["rule"] == "second order"
    assert row["solver.4"] < 1e-12 < row["solver.3"] and "mse.8" not in row and row["A2.r2"] <= 1
    beyond.write_tables(rows, tmp_path)
    assert list(beyond.rows_there()) == [("context 3", 0), ("second order", 0)]  # as runs() has them
    table = pd.read_csv(beyond.TRANSFER)
    assert set(table["asked"]) == set(FAMILIES) and set(table["condition"]) == {"second order"}
    beyond.write_tables(rows, tmp_path / "elsewhere")  # what the table has of transfer stays
    assert pd.read_csv(beyond.TRANSFER).equals(table)
