"""Every public function of helpers.data, claims, display and training: a documented error or a right answer."""

import dataclasses
import warnings
from math import inf

import numpy as np
import pandas as pd
import pytest
import strategies as some
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers import places
from helpers.claims import markdown, readings, registry, results, setup, study, tables
from helpers.claims.measures import error, layer0, layer1, layer2, measure
from helpers.data import bayes, blind, exact, fields, fitting, predictors, recurrences, solvers, userdata
from helpers.data import tables as text
from helpers.display import drawings, explorer, figures, marks, space, theme
from helpers.training import config, evaluator, model, recipes, trainer, weights

AXES = {"x_title": "x", "y_title": "y"}
SEQUENCES, COUNT, NAMES = some.sequences(), st.integers(-1, 4), st.text(max_size=5)
CONTEXTS = some.sequences(st.integers(3, 5), st.just(1.0)).map(torch.from_numpy)
MOVING = CONTEXTS.filter(lambda v: bool(v.diff(dim=1).abs().sum(dim=2).all()))
ONE = some.sequences(st.integers(2, 6), some.USUAL).map(lambda v: v[0])
FAMILIES = st.builds(
    recurrences.Family,
    st.integers(1, 4),
    st.integers(2, 6),
    st.floats(-1.5, 0),
    st.floats(0, 1.5),
    st.sampled_from(recurrences.SCALINGS),
)
SCALING, OBS, READ = st.sampled_from([*recurrences.SCALINGS, "x"]), some.OBSERVED, some.READINGS
START = some.drawn(2, 3)
SERIES = st.dictionaries(NAMES, some.arrays(3), min_size=1, max_size=3)
BARS = st.dictionaries(NAMES, some.ESTIMATES, min_size=1, max_size=3)
RECIPES = st.builds(dataclasses.replace, st.sampled_from(list(recipes.RECIPES.values())), seed=some.SEEDS)
FIELDS = st.dictionaries(st.sampled_from(["steps", "model", "seed", "x"]), st.one_of(NAMES, COUNT, some.WILD))
STRENGTHS = st.dictionaries(st.sampled_from(["L0", "L9", "L1H1", "x"]), some.PLAIN)
SMALL = st.builds(model.ModelConfig, *[st.integers(1, 4)] * 7, st.booleans(), st.booleans())
RUNS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.floats(0, inf), st.sampled_from([*study.SCORES, np.nan])),
    min_size=1,
    max_size=5,
).map(lambda rows: pd.DataFrame(rows, columns=["setting", "seed", "test_mse", "A1"]))


def keyed(reading):
    """A reading whose key every claim of the tables has a label for."""
    return dataclasses.replace(reading, key="heads")


def stored(found):
    return results.to_readings(results.to_rows(places.model_folder("small"), found))


def of_family(function):
    return lambda family, seed: function(family, recurrences.sample(family, 2, seed).vectors)


def first_two(function):
    return of_family(lambda family, v: function(family, v[0, 0], v[0, 1]))


CASES = {
    "bayes.sizes": (first_two(lambda f, a, b: bayes.sizes(f, a, b, np.linspace(-1, 1, 5))), FAMILIES, some.SEEDS),
    "bayes.posterior": (first_two(bayes.posterior), FAMILIES, some.SEEDS),
    "bayes.after_two": (of_family(bayes.after_two), FAMILIES, some.SEEDS),
    "blind.fit": (blind.fit, some.sequences(unit=some.USUAL), COUNT),
    "blind.predict": (lambda v: blind.predict(np.eye(v.shape[1]), v), some.sequences(unit=some.USUAL)),
    "fields.check": (lambda f: fields.check(f), FAMILIES),
    "fields.hold": (lambda v: fields.hold("x", fields.Accepts(float, 0, 1), v), st.one_of(some.WILD, NAMES, COUNT)),
    "fields.shown": (fields.shown, st.one_of(NAMES, st.integers())),
    "fitting.rounding": (fitting.rounding, ONE),
    "fitting.sums": (fitting.sums, some.arrays(3, st.floats(-2, 2)), st.integers(1, 6)),
    "fitting.squares": (fitting.squares, some.arrays(3, st.floats(-2, 2)), ONE.filter(lambda v: len(v) > 2)),
    "fitting.fit": (lambda v: [fitting.fit(v).c, fitting.fit(v).curve], ONE),
    "predictors.zero": (predictors.zero, SEQUENCES),
    "predictors.copy_last": (predictors.copy_last, SEQUENCES),
    "predictors.copy_last_but_one": (predictors.copy_last_but_one, SEQUENCES),
    "predictors.straight_line": (predictors.straight_line, SEQUENCES),
    "exact.solve_c": (exact.solve_c, SEQUENCES),
    "exact.exact_solver": (exact.exact_solver, some.sequences(st.integers(2, 6))),
    "predictors.squared_errors": (predictors.squared_errors, some.sequences(st.integers(2, 6), some.USUAL)),
    "predictors.mse": (predictors.mse, some.sequences(st.integers(2, 6), some.USUAL)),
    "predictors.continue_by": (predictors.continue_by, st.just(predictors.straight_line), ONE, st.integers(0, 3)),
    "recurrences.from_third": (recurrences.from_third, SEQUENCES),
    "recurrences.unroll": (lambda a, c: recurrences.unroll(a, np.full(2, c), a, 4), START, st.floats(-2, 2)),
    "recurrences.scale_of": (recurrences.scale_of, some.sequences(unit=some.USUAL), SCALING),
    "recurrences.sequences_from": (
        lambda a, c, s: vars(recurrences.sequences_from(a, np.full(2, c), a, 4, s)),
        *(some.drawn(2, 3, unit=some.USUAL), st.floats(-2, 2), SCALING),
    ),
    "recurrences.with_noise": (
        lambda f, x: recurrences.with_noise(recurrences.sample(f, 2, 0), x, np.random.default_rng(0)).vectors,
        *(FAMILIES, st.floats(0, 9)),
    ),
    "recurrences.sample": (lambda f, n, s: vars(recurrences.sample(f, n, s)), FAMILIES, COUNT, some.SEEDS),
    "solvers.last_pair": (solvers.last_pair, MOVING),
    "solvers.least_squares": (solvers.least_squares, MOVING),
    "solvers.ridge": (solvers.ridge, MOVING),
    "solvers.gradient_steps": (solvers.gradient_steps, MOVING, st.integers(0, 3)),
    "solvers.copy_last_but_one": (solvers.copy_last_but_one, CONTEXTS),
    "solvers.bayes_of_steps": (solvers.bayes_of_steps, CONTEXTS, FAMILIES, st.sampled_from([-1.0, 0.0, 1e-3, 9.0])),
    "tables.decoded": (text.decoded, st.binary(max_size=20)),
    "tables.table_of": (lambda s: text.table_of(s).understood, st.text("0123456789.,;\t \n-e#a\"'", max_size=20)),
    "userdata.numbers": (
        lambda v: userdata.numbers(v).shape,
        st.lists(st.lists(st.one_of(some.WILD, NAMES, st.booleans(), st.complex_numbers()), max_size=3), max_size=3),
    ),
    "userdata.check": (
        lambda v: userdata.check(v, dimension=2, n_ctx=4),
        st.tuples(COUNT.map(abs), COUNT.map(abs)).flatmap(lambda s: some.arrays(s, some.WILD)),
    ),
    "userdata.random_turn": (lambda n: userdata.random_turn(n, 4, np.random.default_rng(0)), st.integers(1, 4)),
    "userdata.random_start": (
        lambda v, c: userdata.random_start(v[0], c, np.random.default_rng(0)),
        *(some.drawn(2, 3, unit=some.USUAL), st.floats(-2, 2)),
    ),
    "userdata.to_model": (
        lambda v, s: userdata.to_model(userdata.check(v, dimension=4, n_ctx=6), dimension=4, n_ctx=6, seed=s).vectors,
        *(ONE, some.SEEDS),
    ),
    "markdown.markdown": (markdown.markdown, st.lists(NAMES), st.lists(st.lists(NAMES))),
    "readings.by_key": (readings.by_key, READ),
    "readings.share": (lambda rs: readings.share(rs, lambda r: r.open), READ),
    "readings.agreeing": (readings.agreeing, READ),
    "readings.way_agrees": (readings.way_agrees, READ),
    "readings.way_open": (readings.way_open, READ),
    "readings.verdict": (readings.verdict, READ),
    "readings.mean": (readings.mean, READ),
    "readings.in_short": (readings.in_short, NAMES, READ),
    "registry.label": (registry.label, NAMES.map(lambda s: f"A1.{s}")),
    "setup.setup_rows": (lambda r: setup.setup_rows(r), RECIPES),
    "study.verdicts": (study.verdicts, RUNS, st.just(["A1", "B9"])),
    "study.shifts": (lambda runs: len(study.shifts(runs, ["A1"], runs["setting"][0])), RUNS),
    "study.values": (study.values, RUNS, st.just("seed")),
    "tables.bound": (tables.bound, READ),
    "tables.shown": (tables.shown, READ),
    "tables.headline": (tables.headline, READ),
    "tables.labelled": (lambda rs: tables.labelled("C4", map(keyed, rs)), READ),
    "tables.summary": (lambda rs: tables.summary("C4", map(keyed, rs)), READ),
    "tables.claim_rows": (lambda rs: tables.claim_rows({"C4": [keyed(r) for r in rs]}, ["C4", "A1"]), READ),
    "tables.claims_table": (lambda rs: tables.claims_table({"m": tables.claim_rows({}, ["C4"])}), READ),
    "tables.grid": (lambda rs: tables.grid({"m": {"C4": [keyed(r) for r in rs]}, "n": {}}, ["C4"]), READ),
    "tables.claim_section": (
        lambda rs: tables.claim_section("C4", {"m": {"C4": [keyed(r) for r in rs]}, "n": {}}),
        READ,
    ),
    "results.to_readings": (
        lambda rs: results.to_readings(results.to_rows(places.model_folder("small"), {"A1": rs})),
        READ,
    ),
    "theme.line_style": (theme.line_style, st.integers(0, 30)),
    "trainer.rate_at": (trainer.rate_at, RECIPES, st.integers(0, 10**6)),
    "trainer.as_tensor": (trainer.as_tensor, some.drawn(2, 3, unit=some.USUAL)),
    "trainer.gelu": (trainer.gelu, some.tensors(3)),
    "trainer.batch_at": (trainer.batch_at, st.just(recipes.RECIPES["small"]), st.integers(0, 999)),
    "model.standard_deviation": (model.standard_deviation, SMALL),
    "weights.shapes": (weights.shapes, SMALL),
    "config.parse": (config.parse, st.one_of(st.binary(max_size=30), st.sampled_from([b"[" * 9999, b"{}", b"NaN"]))),
    "config.own_sha256": (config.own_sha256, st.dictionaries(NAMES, NAMES)),
    "config.recipe_of": (
        lambda v: config.recipe_of({"recipe": v}),
        st.one_of(NAMES, FIELDS),
    ),
    "evaluator.gelu": (evaluator.gelu, some.arrays(3)),
}
# Dearer ones.
OF_MODELS = {
    "figures.lines": (
        lambda s, b: figures.lines(range(3), s, "t", **AXES, log_y=b, level=(1, "l")),
        SERIES,
        st.booleans(),
    ),
    "figures.panels": (lambda s: figures.panels(range(3), {"a": s, "b": s}, "t", **AXES), SERIES),
    "figures.heatmaps": (lambda m: figures.heatmaps({"a": m}, "t", **AXES, unit="u"), some.arrays((2, 3))),
    "figures.bars": (lambda b: figures.bars(b, "t", **AXES), BARS),
    "figures.grouped_bars": (lambda b: figures.grouped_bars({"a": b}, "t", **AXES), BARS),
    "figures.scatters": (lambda m: figures.scatters({"a": (m, m)}, {"a": 1.0}, "t", **AXES), some.arrays((2, 3))),
    "figures.dots": (
        lambda v: figures.dots({"m": {"s": {"a": v}}}, "t", levels={"m": [0.5]}, **AXES),
        st.lists(some.PLAIN, max_size=3),
    ),
    "marks.marked": (
        lambda m: marks.marked(m, [["a"] * 2] * 2, "t", rows=["r", "s"], columns=["b", "c"], **AXES, unit="u"),
        some.arrays((2, 2), st.one_of(some.PLAIN, st.just(np.nan))),
    ),
    "space.space": (lambda m: space.space({"a": m}, "t", axes=("a", "b", "c")), some.arrays((2, 3))),
    "drawings.model_drawing": (lambda c: drawings.model_drawing(c).data, SMALL),
    "explorer.drawn": (explorer.drawn, OBS, *[st.floats(-1, 1)] * 2, st.floats(0, 1), some.SEEDS, st.integers(1, 2)),
    "explorer.typed": (explorer.typed, OBS, st.text("0123456789.,;\n-", max_size=20), some.SEEDS),
    "explorer.picture": (
        lambda o, own, s: explorer.picture(o, own=own, seed=s, vectors=2),
        *(OBS, st.sampled_from(["", "1\n2", "1\n2\n3.5\n5.5", "x"]), some.SEEDS),
    ),
    "explorer.by_head": (
        explorer.by_head,
        OBS,
        st.dictionaries(st.sampled_from(["L0", "L9", "L1H1", "x"]), some.PLAIN),
    ),
    "error.s5": (lambda o: [r.estimate for r in error.s5(o)], OBS),
    "error.s6": (lambda o: [r.estimate for r in error.s6(o)], OBS),
    "error.knows": (error.knows, OBS),
    "error.solved": (lambda o: [r.estimate for r in error.solved(o, "k", o.targets)], OBS),
    "error.solved_without": (lambda o: len(error.solved_without(o, "k", "L0H0", 1.0, o.targets)), OBS),
    "error.broken": (lambda o: error.broken(o, "k", o.targets).estimate, OBS),
    "layer0.a1": (lambda o: [r.estimate for r in layer0.a1(o)], OBS),
    "layer0.a2": (lambda o: [r.estimate for r in layer0.a2(o)], OBS),
    "layer0.a3": (lambda o: [r.estimate for r in layer0.a3(o)], OBS),
    "layer0.a4": (lambda o: [r.estimate for r in layer0.a4(o)], OBS),
    "layer1.middle": (layer1.middle, OBS),
    "layer1.b1": (lambda o: [r.estimate for r in layer1.b1(o)], OBS),
    "layer1.b3": (lambda o: [r.estimate for r in layer1.b3(o)], OBS),
    "layer2.last": (layer2.last, OBS),
    "layer2.signed": (lambda o: layer2.signed(o, "scores", 1), OBS),
    "layer2.c1": (lambda o: [r.estimate for r in layer2.c1(o)], OBS),
    "layer2.c2": (lambda o: [r.estimate for r in layer2.c2(o)], OBS),
    "layer2.c3": (lambda o: [r.estimate for r in layer2.c3(o)], OBS),
    "layer2.c5": (lambda o: [r.estimate for r in layer2.c5(o)], OBS),
    "measures.measure": (lambda o, id: len(measure(o, [id])), OBS, st.sampled_from(["S5", "A1", "C1"])),
}
THEIR_OWN = "a property, a fuzz test or a table of inputs in "
REASONS = {
    "bayes_of_vectors": f"{THEIR_OWN}tests/data/test_solvers.py",
    "blind.best_weights": "``blind.fit`` on one drawing of a family",
    "study.over_seeds": f"{THEIR_OWN}tests/claims/test_study.py",
    "study.load, results.load, results.write, results.weights_of, results.to_rows": f"{THEIR_OWN}tests/claims",
    "results.measure, results.of, portrait.portrait, portrait.account": "minutes each; tests/claims/test_results.py",
}


def called(case, data):
    function, *arguments = case
    drawn = [data.draw(one) for one in arguments]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        return some.answer(function, *drawn)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@some.examples(50)
@given(data=st.data())
def test_of_plain_values(case, data):
    called(case, data)


@pytest.mark.parametrize("case", OF_MODELS.values(), ids=OF_MODELS)
@some.examples(4)
@given(data=st.data())
def test_of_models_and_figures(case, data):
    called(case, data)


@some.examples(300)
@given(some.sequences(st.integers(3, 6)), st.integers(-300, 300))
def test_c_does_not_depend_on_the_unit(v, power):
    """Of a power of two: bit by bit, as long as nothing is lost at the ends of what a number can hold."""
    other = np.ldexp(v, power)
    if np.isfinite(other).all() and np.array_equal(np.ldexp(other, -power), v):
        assert np.array_equal(exact.solve_c(v), exact.solve_c(other))
