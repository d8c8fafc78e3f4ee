import numpy as np
import pytest

from helpers.analysis import interventions
from helpers.analysis.components import head
from helpers.data.predictors import continue_by, exact_solver
from helpers.data.recurrences import unroll
from helpers.display import explorer


def curves(figure):
    return {trace.name: np.array(trace.y) for trace in figure.data if trace.type == "scatter"}


def test_the_picture_shows_truth_and_prediction_of_the_sequence_that_was_asked_for(obs):
    sequences = explorer.drawn(obs, c=-0.9, d=2.0, noise=0.0, seed=3, vectors=4)
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
    there = obs.on(explorer.drawn(obs, -0.8, 1.0, 0.0, 0, 4))
    ablated = interventions.ablate_heads(there, [head(0, 1)], by="zero")[0, -1]
    np.testing.assert_allclose(shown["with heads changed"], ablated, atol=1e-12)
    bars = next(trace for trace in figure.data if trace.type == "bar")
    assert dict(zip(bars.x, bars.y, strict=True))["L0H1"] == 0


def test_ones_own_sequence_is_shown_in_its_own_units(obs):
    text = "100; 200\n110, 180\n118 164\n124.4 151.2"
    shown = curves(explorer.picture(obs, own=text))
    own = np.array([[100, 200], [110, 180], [118, 164], [124.4, 151.2]])
    np.testing.assert_allclose(shown["exact solver"], continue_by(exact_solver, own, 1)[0], rtol=1e-6)
    assert shown["model"].shape == (2,)


def test_only_the_entries_asked_for_are_shown(obs):
    whole, part = (curves(explorer.picture(obs, vectors=4, **more))["model"] for more in ({}, {"entries": (2, 4)}))
    np.testing.assert_array_equal(part, whole[2:5])


@pytest.mark.parametrize(
    ("text", "said"), [("1 2\n3", "one vector to a line"), ("1\n2", "3 to"), ("1\n1\n1", "constant")]
)
def test_what_cannot_be_continued_is_said_in_the_title(obs, text, said):
    assert said in explorer.picture(obs, own=text).layout.title.text


def test_every_control_moves_the_picture(obs, monkeypatch):
    seen = {}
    monkeypatch.setattr(explorer, "sliders", lambda draw, *others, **controls: seen.update(controls))
    explorer.explore(obs)
    asked = {name: control.value for name, control in seen.items()}
    assert explorer.picture(obs, **asked).to_dict() == explorer.picture(obs, vectors=8, c=-0.8).to_dict()
    assert {name for name in asked if name[0] == "L"} == {f"L{i}H{h}" for i in range(3) for h in range(2)}
    other = {"own": "1\n2\n4", "c": 0.7, "d": 2.0, "noise": 0.1, "seed": 5, "vectors": 4, "entries": (1, 3), "layer": 1}
    start = asked | {"vectors": 5}
    for name in seen:
        moved = explorer.picture(obs, **start | {name: other.get(name, 0.5)})
        assert moved.to_dict() != explorer.picture(obs, **start).to_dict(), name
