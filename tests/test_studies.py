"""The scripts in bench/ and studies/ that train many variants: what they vary, and the tables they leave."""

import csv
import dataclasses

import choices
import pytest
import settings

from helpers.claims.measures import CLAIMS
from helpers.training.recipes import RECIPES


def test_the_table_of_choices_is_of_todays_choices():
    with choices.TABLE.open(newline="") as file:
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
    base, other = (dataclasses.asdict(settings.recipe_of(name, "muon", 0)) for name in ("default", setting))
    assert all(base[k] == other[k] for k in base if k not in ("model", "family"))
    return {k: other[part][k] for part in ("model", "family") for k in base[part] if base[part][k] != other[part][k]}


def test_every_setting_differs_from_the_default_in_one_thing_or_joins_two_that_do():
    single = [changes(name) for name in settings.SETTINGS if ", " not in name]
    assert single[0] == {} and all(len(change) == 1 or set(change) == {"c_min", "c_max"} for change in single[1:])
    for name in settings.SETTINGS:
        if ", " in name:
            first, rest = name.split(", ", 1)
            assert changes(name) == changes({"GPT-2": "initialized as GPT-2"}.get(first, first)) | changes(rest)


def test_the_runs_are_three_seeds_of_each_setting_and_five_of_the_default():
    runs = settings.runs()
    assert len(set(runs)) == len(runs)
    for setting in settings.SETTINGS:
        for optimizer in ("muon", "adamw"):
            seeds = [seed for s, o, seed in runs if (s, o) == (setting, optimizer)]
            assert seeds == list(range(5 if setting == "default" else 1 if setting.startswith("wide") else 3))
    assert settings.recipe_of("4 heads", "adamw", 2).model.seed == settings.recipe_of("4 heads", "adamw", 2).seed == 2


def test_a_run_that_has_a_row_is_not_done_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "TABLE", tmp_path / "settings.csv")
    monkeypatch.setattr(settings, "measured", lambda recipe, optimizer, folder: {"A1": "partly", "A1.x": 0.123456})
    first, second, diverged = settings.runs()[:3]
    assert settings.rows_there() == {}
    rows = {second: settings.work(*second, tmp_path), first: settings.work(*first, tmp_path)}

    def diverges(*_):
        raise FloatingPointError

    monkeypatch.setattr(settings, "measured", diverges)
    rows[diverged] = settings.work(*diverged, tmp_path)
    settings.write_table(rows)
    assert settings.TABLE.read_text().splitlines() == [
        "setting,optimizer,seed,A1,A1.x,test_mse",
        "default,muon,0,partly,0.1235,",
        "default,adamw,0,partly,0.1235,",
        "default,untrained,0,,,inf",
    ]
    assert list(settings.rows_there()) == [first, second, diverged]


def test_the_table_of_settings_is_of_todays_settings_and_claims():
    """A claim that is newer than the table has no column, and the table none of a claim or a key that is gone."""
    rows = settings.rows_there()
    assert set(rows) <= set(settings.runs())
    known = {id: {f"{id}.{key}" for key in one.labels} for id, one in CLAIMS.items()}
    of_run = {"setting", "optimizer", "seed", "test_mse", "r2"}
    assert set(next(iter(rows.values()))) <= of_run.union(known, *known.values())
    assert sum(setting == "default" and optimizer != "untrained" for setting, optimizer, _ in rows) == 10
