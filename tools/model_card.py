"""A shipped model's card for a model hub: its metadata, then text; all numbers from recipe, log and results."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import yaml

from helpers.analysis.estimates import number
from helpers.claims import measures, results
from helpers.claims.markdown import markdown
from helpers.claims.readings import verdict
from helpers.claims.setup import setup_rows
from helpers.claims.tables import MARKS, headline
from helpers.places import CHECKPOINTS
from helpers.training import checkpoints

BODY = """# {name}: a transformer that continues affine recurrences

{layers} layers of {heads} heads, trained to continue a_n = c·a_(n−1) + d in context:
vectors of {dimension} dimensions, c from {c_min} to {c_max}, contexts of {first} to {n_ctx} vectors.
It belongs to a series of notebooks that takes it apart and tests the claims of arXiv 2410.17438.

## Use

`checkpoints.load("path/of/this/folder")` of the series' package `helpers` (`from helpers.training import checkpoints`)
reads it and checks its hash; `recurrences forecast my.csv` continues a sequence.
It knows nothing but such recurrences: what lies outside the range of c or is not affine is refused there.

## How it was trained

{recipe}

On: {machine}. `training_log.csv` is the log of the run, `config.json` the whole recipe.

## What came out

Test MSE {mse}.

{claims}
"""


def test_error(name: str) -> float:
    """The stored test MSE where the claims were asked of the model (S5), else that of the last line of its log."""
    table = results.load()
    rows = table[(table["model"] == name) & (table["claim"] == "S5")]
    return float(rows["value"].iloc[0] if len(rows) else checkpoints.load_log(CHECKPOINTS / name)["test_mse"][-1])


def verdicts(name: str) -> str:
    """The claims that were asked of a model, as a table."""
    table = results.load()
    found = results.to_readings(table[table["model"] == name])
    if not found:
        return "The claims of the paper were not asked of this model."
    rows = [
        (id, measures.CLAIMS[id].text, f"{MARKS[verdict(found[id])]} {verdict(found[id])}", headline(found[id]))
        for id in measures.ids()
        if id in found
    ]
    return markdown(("", "claim", "verdict", "the number"), rows)


def card(name: str, licence: str) -> str:
    """The card of the shipped model ``name``."""
    folder = CHECKPOINTS / name
    recipe = checkpoints.load_recipe(folder)
    family, model = recipe.family, recipe.model
    task = {"type": "time-series-forecasting", "name": "continue an affine recurrence in context"}
    data = {"type": "synthetic", "name": f"affine recurrences, c from {family.c_min:g} to {family.c_max:g}"}
    metric = {"type": "mse", "name": "test MSE", "value": test_error(name)}
    meta: dict[str, Any] = {
        "license": licence.lower(),
        "library_name": "pytorch",
        "tags": ["mechanistic-interpretability", "in-context-learning", "transformer-lens"],
        "model-index": [{"name": name, "results": [{"task": task, "dataset": data, "metrics": [metric]}]}],
    }
    chosen = {key: value for key, value in asdict(recipe).items() if not isinstance(value, (dict, tuple))}
    text = BODY.format(
        name=name,
        layers=model.n_layers,
        heads=model.n_heads,
        dimension=model.dimension,
        c_min=f"{family.c_min:g}",
        c_max=f"{family.c_max:g}",
        first=recipe.first_context,
        n_ctx=model.n_ctx,
        recipe=markdown(("", "here"), [*((row.claim, row.here) for row in setup_rows(recipe)), *chosen.items()]),
        machine=checkpoints.trained_on(folder),
        mse=number(test_error(name)),
        claims=verdicts(name),
    )
    return f"---\n{yaml.safe_dump(meta, sort_keys=False)}---\n\n{text}"
