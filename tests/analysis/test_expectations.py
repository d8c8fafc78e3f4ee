import pytest
import torch

from helpers.analysis import attention, edits, expectations
from helpers.analysis.attribution import to_output
from helpers.analysis.estimates import line_fit


def test_the_expectation_is_minus_what_is_newly_attended_to(obs):
    flipped = edits.as_pattern(edits.edit_scores(obs, 2, "flipped"))
    x = obs.normalized(2) - obs.normalized(2).mean(dim=0)
    read = sum((flipped - obs.cache["pattern", 2])[:, h] @ x for h in range(2))
    change = edits.with_scores(obs, 2, edits.edit_scores(obs, 2, "flipped")) - obs.prediction
    expected = line_fit(-to_output(obs, read)[:, 2:], change[:, 2:]).correlation.value
    found = expectations.expected_changes(obs, 2)["its own change of attention"].correlation.value
    assert found == pytest.approx(expected)


def test_swapping_the_previous_vector_moves_the_stream_by_its_share(obs):
    """The move after the attention, computed by attending to swapped normalized vectors."""
    x = obs.normalized(0) * obs.bridge.blocks[0].ln1.weight + obs.bridge.blocks[0].ln1.bias
    v = torch.einsum("bnd,hdk->bhnk", x, obs.bridge.W_V[0]) + obs.bridge.b_V[0][:, None]
    diagonal = torch.diag_embed(attention.pattern(obs, 0).diagonal(offset=-1, dim1=2, dim2=3), offset=-1)
    moved = torch.einsum("bhij,bhjk,hkd->bid", diagonal, v.roll(1, dims=0) - v, obs.bridge.W_O[0])
    before = torch.zeros_like(obs.embedded)
    before[:, 1:] = (obs.embedded.roll(1, dims=0) - obs.embedded)[:, :-1]
    expected = line_fit(before[:, 2:], moved[:, 2:])
    found = expectations.swap_previous(obs)["stream after the attention"]
    assert found.slope.value == pytest.approx(expected.slope.value)
    assert found.correlation.value == pytest.approx(expected.correlation.value)


def test_the_answers_own_dependence_on_the_previous_vector_has_slope_one(obs):
    """For a model that reads the previous vector in layer 0 alone and knows the answer, the slope would be 1."""
    answer = (1 + obs.c)[:, None, None] * obs.vectors - obs.c[:, None, None] * obs.vectors.roll(1, dims=1)
    torch.testing.assert_close(answer[:, 1:], obs.targets[:, 1:])
