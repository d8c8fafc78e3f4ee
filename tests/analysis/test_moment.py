"""What is followed over training: that it is what it says, of a rule that is known."""

from dataclasses import replace

import pytest

from helpers import places
from helpers.analysis import following, moment
from helpers.analysis.observation import observe
from helpers.data.solvers import RULES
from helpers.training import checkpoints


@pytest.fixture(scope="module")
def small():
    folder = places.CHECKPOINTS / "small"
    return observe(checkpoints.load(folder), checkpoints.load_recipe(folder).family, 64)


def test_errors_add_up_to_the_loss_and_the_last_half_layer_is_the_prediction_at_its_best_multiple(small):
    found, blind = moment.moment(small, count=8), small.errors(following.blind_prediction(small))
    assert all(isinstance(value, float) for value in found.values())
    for side, sign in {"<": -1, ">": 1}.items():
        errors = [found[f"error.{n}.{side}"] for n in range(3, small.config.n_ctx + 1)]
        assert sum(errors) / blind[sign * small.c > 0].mean(dim=0).sum() == pytest.approx(found[f"loss.{side}"])
        assert set(errors) == {value for key, value in found.items() if key.startswith("error") and key[-1] == side}
    last = f"loss.layer {small.config.n_layers - 1}"
    losses = {key: found[f"{key}.<"] + found[f"{key}.>"] for key in ("loss", last)}
    assert losses[last] == pytest.approx(losses["loss"], rel=0.3)


def test_a_model_that_is_a_known_rule_has_its_weights_and_no_distance_to_it(small, monkeypatch):
    monkeypatch.setattr(moment, "rule_of", lambda obs: RULES["last pair"])
    found = moment._weighing(small)
    for side in "<>":
        assert found[f"sum.{side}"] == pytest.approx(1)
        assert found[f"distance.last pair.{side}"] == pytest.approx(0, abs=1e-9)
        assert found[f"distance.copy last but one.{side}"] > 0.1
        weights = [found[f"weight.{n}.{side}"] for n in range(1, moment.AT + 1)]
        assert weights[0] == pytest.approx(0, abs=1e-9)  # the last pair are the last three vectors
    assert found["weight.5.<"] < 1 < found["weight.5.>"]


def test_a_prediction_that_is_nearly_exact_has_nearly_no_loss_and_follows_c(small):
    found = moment.moment(replace(small, prediction=small.targets * (1 + 1e-6)), count=8)
    for side in "<>":
        assert found[f"loss.{side}"] < 1e-6 and found[f"implied.{side}"] == pytest.approx(1, abs=1e-4)


def test_a_context_that_is_too_short_is_refused(small):
    short = replace(small, config=replace(small.config, n_ctx=4))
    with pytest.raises(ValueError, match="at least 5 vectors, got 4"):
        moment.moment(short)
