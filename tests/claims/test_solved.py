"""Solved means follows c: from every such measure a rule blind to c gets "no", and so does one blind for one sign."""

import dataclasses

import pytest
import torch

from helpers.analysis import following, on_line
from helpers.analysis.observation import observe
from helpers.claims.measures.error import broken, knows, s6, solved, solved_without
from helpers.claims.readings import way_agrees
from helpers.data.recurrences import Family

NARROW = Family(dimension=5, length=7, c_min=-1.0, c_max=1.0)


@pytest.fixture(scope="module")
def narrow(model):
    return observe(model, NARROW, count=400)


@pytest.fixture(scope="module")
def rules(narrow):
    """Stand-ins for a model: what each predicts."""
    blind = following.blind_prediction(narrow)
    return {
        "exact": narrow.targets,
        "blind": blind,
        "half blind": torch.where((narrow.c < 0)[:, None, None], narrow.targets, blind),
    }


def standing_in(obs, prediction):
    return dataclasses.replace(obs, prediction=prediction)


def verdicts(readings):
    return [way_agrees([r for r in readings if r.key == key]) for key in {r.key for r in readings}]


@pytest.mark.parametrize(("rule", "able"), [("exact", True), ("blind", False), ("half blind", False)])
def test_only_who_follows_c_solves_the_task(narrow, rules, rule, able):
    obs = standing_in(narrow, rules[rule])
    assert knows(obs) == able
    assert verdicts(s6(obs)) == [able, able]
    # An intervention that changes nothing at all barely hurts, but only where there was something to hurt.
    assert verdicts(solved(obs, "x", obs.prediction)) == [able, able]
    assert verdicts(solved_without(obs, "x", "L1H0", 1.0, obs.prediction)) == [able, able]


def test_who_knows_the_sign_of_c_alone_has_not_solved_the_task(narrow, rules):
    """Its error for c > 0 is as small as a model's; the implied c tells it from one."""
    obs = standing_in(narrow, on_line.knowing_the_sign(narrow))
    assert knows(obs) and not any(verdicts(s6(obs)))
    able = standing_in(narrow, rules["exact"])
    kept, *_ = (r for r in solved(able, "x", obs.prediction) if r.key == "x" and "c > 0" in r.head)
    assert kept.agrees and not any(verdicts(solved(able, "x", obs.prediction)))


@pytest.mark.parametrize("left", ["blind", "half blind"])
def test_an_intervention_that_leaves_a_blind_rule_has_broken_the_model(narrow, rules, left):
    obs = standing_in(narrow, rules["exact"])
    assert broken(obs, "x", rules[left]).agrees and not broken(obs, "x", rules["exact"]).agrees
    assert not any(verdicts(solved(obs, "x", rules[left])))
    (kept, farther) = solved_without(obs, "x", "L1H0", 1.0, rules["half blind"])
    assert kept.note == farther.note == " (c > 0)" and not kept.agrees and not farther.agrees


@pytest.mark.parametrize("rule", ["blind", "half blind"])
def test_a_blind_model_cannot_be_broken(narrow, rules, rule):
    obs = standing_in(narrow, rules[rule])
    assert not broken(obs, "x", torch.zeros_like(obs.targets)).agrees


def test_other_ways_to_break_a_model_stand_beside_and_do_not_count(narrow, rules):
    obs = standing_in(narrow, rules["exact"])
    one = broken(obs, "x", rules["exact"], mean=rules["blind"])
    assert one.note.endswith("; mean 0)") and not one.agrees


def test_other_kinds_of_ablation_stand_beside_and_do_not_count(narrow, rules):
    obs = standing_in(narrow, rules["exact"])
    readings = solved(obs, "x", rules["exact"], mean=rules["blind"])
    assert readings[0].note == " (mean 0)" and all(r.agrees for r in readings)
