import dataclasses
import re

import pytest

from conftest import CONFIG, FAMILY
from helpers.analysis import following
from helpers.analysis.observation import observe
from helpers.analysis.planted import observe_planted
from helpers.claims import measures
from helpers.claims.readings import verdict
from helpers.claims.registry import CLAIMS
from helpers.places import ROOT
from helpers.training.model import RecurrenceModel

PAPER = {"S5", "S6", *(f"{part}{i}" for part, n in (("A", 4), ("B", 4), ("C", 5)) for i in range(1, n + 1))}


@pytest.fixture(scope="module")
def untrained(obs):
    return measures.measure(obs)


def test_every_claim_of_the_paper_has_a_measure_the_set_up_first():
    first, second, *rest = measures.ids()
    assert {first, second, *rest} >= PAPER and (first, second) == ("S5", "S6") and rest == sorted(rest)


def test_no_reading_of_an_untrained_model_agrees():
    """Of the initialization that the analysed model had, at a smaller size."""
    config = dataclasses.replace(CONFIG, init="flat", d_model=32, d_head=8, n_heads=4)
    found = measures.measure(observe(RecurrenceModel(config), FAMILY, count=60))
    assert {id: verdict(readings) for id, readings in found.items()} == dict.fromkeys(found, "not replicated")


def test_every_key_has_a_label_and_a_key_and_head_are_read_once(untrained):
    for id, readings in untrained.items():
        assert {r.key for r in readings} == set(measures.CLAIMS[id].labels), id
        assert len({(r.key, r.head) for r in readings}) == len(readings), id


def test_no_two_keys_of_a_claim_have_one_label():
    for id, one in measures.CLAIMS.items():
        assert len(set(one.labels.values())) == len(one.labels), id


def test_claims_are_refused_where_they_cannot_be_asked(model):
    obs = observe(model, dataclasses.replace(FAMILY, c_min=0.0), count=5)
    with pytest.raises(ValueError, match="c on both sides"):
        measures.measure(obs, ["C1"])
    assert {r.head for r in measures.measure(obs, ["S6"])["S6"]} == {"c > 0"}


def test_where_c_is_right_before_the_layer_its_share_that_is_left_is_not_asked(obs, monkeypatch):
    def keys():
        return {r.key for r in measures.measure(obs, ["C4"])["C4"]}

    assert "implied" in keys()
    monkeypatch.setattr(following, "farthest", lambda obs, prediction: 0.1)
    assert keys() == set(measures.CLAIMS["C4"].labels) - {"implied"}


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_of_another_depth_the_first_and_the_last_layer_are_asked(layers):
    config = dataclasses.replace(CONFIG, n_layers=layers, init="flat")
    obs = observe(RecurrenceModel(config), FAMILY, count=20)
    for id in ("A1", "A2", "A3", "A4"):
        assert measures.measure(obs, [id])[id]
    with pytest.raises(ValueError, match="the middle one of 3 layers"):
        measures.measure(obs, ["B1"])
    if layers == 1:
        with pytest.raises(ValueError, match="a last layer beside the first"):
            measures.measure(obs, ["C3"])
    else:
        heads = {r.head for r in measures.measure(obs, ["C3"])["C3"] if r.head}
        assert heads == {f"L{layers - 1}H{i}" for i in range(config.n_heads)}


def test_the_example_of_how_to_add_a_claim_is_one_that_can_fail(monkeypatch):
    monkeypatch.setattr("helpers.claims.registry.CLAIMS", dict(CLAIMS))  # where the decorator puts it
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    names = {}
    exec(re.search(r"## Add a claim.*?```python\n(.*?)```", guide, re.DOTALL)[1], names)
    untrained = observe(RecurrenceModel(dataclasses.replace(CONFIG, init="flat")), FAMILY, count=60)
    found = {name: verdict(names["a5"](obs)) for name, obs in {"planted": observe_planted(), "no": untrained}.items()}
    assert found == {"planted": "replicated", "no": "not replicated"} and "A5" not in CLAIMS
