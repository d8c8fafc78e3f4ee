import dataclasses

import numpy as np
import pytest

from helpers.analysis import interventions
from helpers.analysis.components import head, parse
from helpers.analysis.interventions import scaling
from helpers.analysis.observation import observe
from helpers.data.predictors import continue_by, exact_solver
from helpers.data.recurrences import Family, unroll
from helpers.display import explorer
from helpers.training.model import ModelConfig, RecurrenceModel


@pytest.fixture(scope="module")
def twelve():
    """An untrained model with so many heads that their numbers have two digits."""
    config = ModelConfig(dimension=5, n_ctx=6, n_layers=2, d_model=12, n_heads=12, d_head=4, d_mlp=8)
    return observe(RecurrenceModel(config).eval(), Family(dimension=5, length=7), count=4)


def curves(figure):
    return {trace.name: np.array(trace.y) for trace in figure.data if trace.type == "scatter"}


def test_the_picture_shows_truth_and_prediction_of_the_sequence_that_was_asked_for(obs):
    sequences = explorer.drawn(obs, c=-0.9, d=2.0, noise=0.0, seed=3, vectors=4).sequences
    again = unroll(sequences.vectors[:, 0], sequences.c, sequences.d, 5)
    np.testing.assert_allclose(again, sequences.vectors, atol=1e-12)
    shown = curves(explorer.picture(obs, c=-0.9, d=2.0, seed=3, vectors=4))
    assert list(shown) == ["truth", "model"]
    np.testing.assert_allclose(shown["truth"], sequences.vectors[0, 4], atol=1e-12)
    there = obs.on(sequences)
    np.testing.assert_allclose(shown["model"], there.prediction[0, -1], atol=1e-12)


def test_a_head_switched_off_adds_a_curve_and_writes_nothing(obs):
    figure = explorer.picture(obs, vectors=4, L0H1=0.0)
    shown = curves(figure)
    there = obs.on(explorer.drawn(obs, -0.8, 1.0, 0.0, 0, 4).sequences)
    ablated = interventions.ablate_heads(there, [head(0, 1)], by="zero")[0, -1]
    np.testing.assert_allclose(shown["with heads changed"], ablated, atol=1e-12)
    bars = next(trace for trace in figure.data if trace.type == "bar")
    assert dict(zip(bars.x, bars.y, strict=True))["L0H1"] == 0


def test_of_twelve_heads_the_one_that_is_named_is_changed(twelve):
    figure = explorer.picture(twelve, vectors=4, layer=1, L0H11=0.0)
    there = twelve.on(explorer.drawn(twelve, -0.8, 1.0, 0.0, 0, 4).sequences)
    ablated = interventions.ablate_heads(there, [head(0, 11)], by="zero")[0, -1]
    np.testing.assert_allclose(curves(figure)["with heads changed"], ablated, atol=1e-12)
    bars = next(trace for trace in figure.data if trace.type == "bar")
    assert [name for name, y in zip(bars.x, bars.y, strict=True) if y == 0 and "H" in name] == ["L0H11"]
    maps = [trace for trace in figure.data if trace.type == "heatmap"]
    assert len({trace.yaxis for trace in maps}) == 12
    for trace, pattern in zip(
        maps, there.under(scaling(there, {head(0, 11): 0.0})).cache["pattern", 1][0], strict=True
    ):
        np.testing.assert_allclose(trace.z, pattern, atol=1e-12)
        assert figure.layout[trace.yaxis.replace("y", "yaxis")].autorange == "reversed"  # the first position on top
    headings = {note.text: (round(note.x, 3), round(note.y, 3)) for note in figure.layout.annotations}
    assert "attention of L1H11" in headings and len(set(headings.values())) == len(headings)


def controls_of(observed, monkeypatch):
    """What ``explore`` gives to the sliders: the function that draws, and where each control stands."""
    seen = {}

    def sliders(draw, *others, **controls):
        seen.update(draw=draw, controls=controls)

    monkeypatch.setattr(explorer, "sliders", sliders)
    explorer.explore(observed)
    return seen["draw"], seen["controls"]


def test_a_layers_strength_is_that_of_all_its_heads_and_multiplies_a_heads_own(twelve):
    factors = explorer.by_head(twelve, {"L1": 0.5, "L1H11": 0.5, "L0H2": 2.0})
    assert factors == {**{head(1, h): 0.5 for h in range(11)}, head(1, 11): 0.25, head(0, 2): 2.0}
    there = twelve.on(explorer.drawn(twelve, -0.8, 1.0, 0.0, 0, 4).sequences)
    ablated = interventions.ablate_heads(there, twelve.heads(1), by="zero")[0, -1]
    shown = curves(explorer.picture(twelve, vectors=4, L1=0.0))
    np.testing.assert_allclose(shown["with heads changed"], ablated, atol=1e-12)
    with pytest.raises(ValueError, match="there is no L5H0"):
        explorer.picture(twelve, vectors=4, L5=0.0)


def test_each_of_twelve_heads_can_be_chosen_and_turned_down(twelve, monkeypatch):
    draw, controls = controls_of(twelve, monkeypatch)
    first, *names = controls["head"].options
    assert first == controls["head"].value == "none" and names == [f"L{i}H{h}" for i in range(2) for h in range(12)]
    start = {name: control.value for name, control in controls.items()} | {"vectors": 4, "entries": None}
    assert list(curves(draw(**start))) == list(curves(draw(**start | {"strength": 0.0}))) == ["truth", "model"]
    there = twelve.on(explorer.drawn(twelve, -0.8, 1.0, 0.0, 0, 4).sequences)
    for name in ("L0H1", "L1H11"):
        ablated = interventions.ablate_heads(there, [parse(name, twelve.config)], by="zero")[0, -1]
        shown = curves(draw(**start | {"head": name, "strength": 0.0}))
        np.testing.assert_allclose(shown["with heads changed"], ablated, atol=1e-12)


def test_c_can_be_what_it_was_in_training(twelve, obs, monkeypatch):
    narrow = dataclasses.replace(twelve, family=dataclasses.replace(twelve.family, c_min=-0.5, c_max=1.0))
    for observed, low, start, high in ((obs, -1.5, -0.8, 1.5), (narrow, -0.5, -0.5, 1.0)):
        c = controls_of(observed, monkeypatch)[1]["c"]
        assert (c.min, c.value, c.max) == (low, start, high)


def test_an_example_says_what_it_is_and_in_which_units_it_is_shown(obs):
    drawn = explorer.drawn(obs, c=-0.9, d=1.0, noise=0.0, seed=0, vectors=4)
    typed = explorer.typed(obs, "100\n110\n118", seed=0)
    assert (drawn.name, drawn.last, typed.name, typed.last) == ("c = -0.9", "truth", "Your sequence", "exact solver")
    assert drawn.sequences.vectors.shape == (1, 5, 5) and typed.sequences.vectors.shape == (1, 4, 5)
    np.testing.assert_array_equal(drawn.back(drawn.sequences.vectors), drawn.sequences.vectors)
    np.testing.assert_allclose(typed.back(typed.sequences.vectors)[0, :, 0], [100, 110, 118, 124.4], rtol=1e-9)


def test_noise_is_in_every_vector_of_a_drawn_example(obs):
    clean, noisy = (explorer.drawn(obs, -0.9, 1.0, noise, 0, 4).sequences for noise in (0.0, 0.1))
    assert (clean.vectors != noisy.vectors).all() and np.array_equal(clean.c, noisy.c)
    assert 0.05 < (noisy.vectors - clean.vectors).std() < 0.2


def test_ones_own_sequence_is_shown_in_its_own_units(obs):
    text = "100; 200\n110; 180\n118; 164\n124.4; 151.2"
    shown = curves(explorer.picture(obs, own=text))
    own = np.array([[100, 200], [110, 180], [118, 164], [124.4, 151.2]])
    np.testing.assert_allclose(shown["exact solver"], continue_by(exact_solver, own, 1)[0], rtol=1e-6)
    assert shown["model"].shape == (2,)


def test_only_the_entries_asked_for_are_shown(obs):
    whole, part = (curves(explorer.picture(obs, vectors=4, **more))["model"] for more in ({}, {"entries": (2, 4)}))
    np.testing.assert_array_equal(part, whole[2:5])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 2\n3 4\n5", "row 3 has 1, the first 2"),
        ("1\n2", "3 to"),
        ("1\n1\n1", "constant"),
        ("1\n1.8\n3.24\n5.832\n10.4976", "c = 1.8, outside the -1.5 to 1.5"),
        ("3\n7\n1\n9\n2\n2", "not affine"),
    ],
)
def test_what_cannot_be_continued_is_said_in_the_title(obs, text, said):
    lines = explorer.picture(obs, own=text).layout.title.text.split("<br>")
    assert said in " ".join(lines) and max(map(len, lines)) <= 85


def test_every_control_moves_the_picture(obs, monkeypatch):
    draw, controls = controls_of(obs, monkeypatch)
    asked = {name: control.value for name, control in controls.items()}
    assert draw(**asked).to_dict() == explorer.picture(obs, vectors=8, c=-0.8).to_dict()
    assert {name for name in asked if name[0] == "L"} == {"L0", "L1", "L2"}
    other = {"own": "1\n2\n4", "c": 0.7, "d": 2.0, "noise": 0.1, "seed": 5, "vectors": 4, "entries": (1, 3), "layer": 1}
    other |= {"head": "L1H1"}
    start = asked | {"vectors": 5, "head": "L0H1", "strength": 0.8}
    for name in controls:
        moved = draw(**start | {name: other.get(name, 0.5)})
        assert moved.to_dict() != draw(**start).to_dict(), name
