import pytest
import torch

from helpers.analysis import components
from helpers.analysis.components import attention, head, mlp
from helpers.analysis.constants import optimal_constants
from helpers.analysis.interventions import ablate_heads, freeze, predict_with
from helpers.analysis.planted import observe_planted


def error(obs, prediction):
    return obs.errors(prediction).mean().item()


@pytest.mark.parametrize("parts", [[head(1, 0)], [head(1, 0), head(1, 1)], [attention(1), mlp(1)], [mlp(2)]])
def test_no_constant_costs_less_on_the_sequences_it_was_fitted_on(obs, parts):
    best = error(obs, predict_with(obs, optimal_constants(obs, parts)))
    whole = all(part.kind != "head" for part in parts)
    assert best < error(obs, freeze(obs, parts) if whole else ablate_heads(obs, parts))
    assert best == pytest.approx(error(obs, predict_with(obs, optimal_constants(obs, parts, iterations=200))), rel=0.1)


def test_both_heads_of_a_layer_are_its_attention(obs):
    """Two ways to say the same: what the heads write together is one vector, if their outputs reach every direction."""
    one = error(obs, predict_with(obs, optimal_constants(obs, [attention(1)], iterations=300)))
    other = error(obs, predict_with(obs, optimal_constants(obs, obs.heads(1), iterations=300)))
    assert one <= other * 1.02  # z has fewer dimensions than the stream


def test_a_head_keeps_its_place(obs):
    """The heads that are not replaced write what they wrote."""
    ((name, hook),) = optimal_constants(obs, [head(1, 0)], iterations=1)
    value = obs.cache[name]
    changed = hook(value, None)
    assert torch.equal(changed[:, :, 1], value[:, :, 1])
    assert (changed[:, :, 0] - changed[0, 0, 0]).abs().max() == 0


def test_a_planted_bias_costs_nothing():
    obs = observe_planted()
    fit, judged = obs.halves()
    parts = [attention(1), mlp(1)]
    cost = error(judged, predict_with(judged, optimal_constants(fit, parts))) / error(judged, judged.prediction)
    assert cost < 1.05
    second = error(judged, predict_with(judged, optimal_constants(fit, [attention(2)])))
    assert second > 2 * error(judged, judged.prediction)


def test_a_constant_for_each_position_costs_no_more_than_one_for_all(obs):
    parts = [attention(1), mlp(1)]
    one, many = (
        error(obs, predict_with(obs, optimal_constants(obs, parts, by, iterations=200))) for by in ("mean", "position")
    )
    assert many <= one * 1.02
    with pytest.raises(ValueError, match="by must be one of .*got 'x'"):
        optimal_constants(obs, parts, "x")


def test_what_no_constant_can_replace_is_refused(obs):
    with pytest.raises(ValueError, match="a component of kind"):
        optimal_constants(obs, [components.layer(1)])
