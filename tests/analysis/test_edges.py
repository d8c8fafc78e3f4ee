"""Edges on and off, against TransformerLens's own hooks and the other path interventions."""

import dataclasses

import pytest
import torch

from helpers.analysis import components, edges, interventions, paths
from helpers.analysis.observation import observe
from helpers.training.model import RecurrenceModel


def on(obs):
    return edges.possible(obs.config).double()


def column(obs, component):
    return edges.senders(obs.config).index(component)


def row(obs, reader):
    return edges.readers(obs.config).index(reader)


def test_with_all_edges_on_the_model_is_itself(obs):
    mean = edges.at_position(obs)
    for every in (on(obs), torch.ones_like(on(obs)), on(obs).expand(len(obs.c), -1, -1)):
        torch.testing.assert_close(edges.predict(obs, every, mean), obs.prediction, rtol=0, atol=1e-9)


def test_with_all_edges_off_it_is_another_run(obs):
    other = obs.halves()[0]
    here = obs.halves()[1]
    none = 0 * on(here)
    torch.testing.assert_close(edges.predict(here, none, edges.written(other)), other.prediction, rtol=0, atol=1e-9)


@pytest.mark.parametrize("part", [components.head(0, 1), components.head(1, 0), components.head(2, 1)])
def test_a_head_with_no_edges_is_an_ablated_head(obs, part):
    """As TransformerLens's hook on what it writes says."""
    less = on(obs)
    less[:, column(obs, part)] = 0

    def put(value, hook):
        value = value.clone()
        value[:, :, part.head] = value[:, :, part.head].mean(dim=0)
        return value

    hooked = interventions.predict_with(obs, [(part.hook, put)])
    now = edges.predict(obs, less, edges.at_position(obs))
    torch.testing.assert_close(now, hooked, rtol=0, atol=1e-9)


def test_an_mlp_with_no_edges_is_a_frozen_mlp(obs):
    less = on(obs)
    less[:, column(obs, components.mlp(1))] = 0
    frozen = interventions.freeze(obs, [components.mlp(1)], "position")
    torch.testing.assert_close(edges.predict(obs, less, edges.at_position(obs)), frozen, rtol=0, atol=1e-9)


@pytest.mark.parametrize("into", edges.INTO)
def test_a_path_into_all_heads_is_that_of_paths(obs, into):
    """Of the input into layer 1, whose mean over sequences comes in its place."""
    less, written = on(obs), obs.cache[components.INPUT.hook]
    for h in obs.heads(1):
        less[row(obs, (h, into)), column(obs, components.INPUT)] = 0
    now = edges.predict(obs, less, edges.at_position(obs))
    torch.testing.assert_close(now, paths.into_heads(obs, written - written.mean(dim=0), 1, into), rtol=0, atol=1e-9)
    assert (now - obs.prediction).abs().max() > 1e-3


def test_there_are_as_many_edges_as_one_counts(obs):
    n, config = obs.config.n_heads, obs.config
    heads = 3 * n * sum(1 + layer * (n + 1) for layer in range(config.n_layers))
    others = sum(1 + layer * (n + 1) + n for layer in range(config.n_layers)) + 1 + config.n_layers * (n + 1)
    assert int(edges.possible(config).sum()) == heads + others
    assert edges.possible(config).shape == (len(edges.readers(config)), len(edges.senders(config)))


def test_half_layers_share_all_edges_out(obs):
    groups = edges.by_half(obs.config)
    assert sum(group.int() for group in groups.values()).equal(edges.possible(obs.config).int())
    r, s = groups["L1 k", "L0 heads"].nonzero().T
    assert {str(edges.readers(obs.config)[i][0]) for i in r} == {"L1H0", "L1H1"} and len(r) == 4
    assert {str(edges.senders(obs.config)[i]) for i in s} == {"L0H0", "L0H1"}
    assert ("output", "L2 MLP") in groups and ("L1 v", "L1 heads") not in groups


def test_effects_are_those_of_a_small_step(obs):
    """The mean square move of the prediction for a step of an edge towards off, by finite differences."""
    mean, found = edges.at_position(obs), edges.effects(obs, edges.at_position(obs), draws=64)
    weight = torch.zeros(len(obs.c)).double()
    blind = obs.errors(edges.blind_prediction(obs)).sum(dim=1)
    for sign in edges.signs(obs).values():
        weight[sign * obs.c > 0] = 1 / blind[sign * obs.c > 0].sum()
    for reader, sender in [((edges.OUTPUT, "in"), components.mlp(0)), ((components.head(0, 0), "q"), components.INPUT)]:
        r, s, step = row(obs, reader), column(obs, sender), on(obs)
        step[r, s] -= 1e-4
        move = (edges.predict(obs, step, mean) - obs.prediction)[:, 2:] / 1e-4
        exact = (weight * move.square().mean(dim=2).sum(dim=1)).sum()
        assert found[r, s] == pytest.approx(exact.item(), rel=0.2)


def test_without_layer_norm(recipe):
    model = RecurrenceModel(dataclasses.replace(recipe.model, layer_norm=False))
    obs = observe(model, recipe.family, 8)
    torch.testing.assert_close(edges.predict(obs, on(obs), edges.at_position(obs)), obs.prediction, rtol=0, atol=1e-9)
