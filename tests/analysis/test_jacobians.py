import pytest
import torch

from helpers.analysis.jacobians import identity_share, pulled_back, rule_of, weights
from helpers.data.solvers import RULES, copy_last_but_one

GENERATOR = torch.Generator().manual_seed(0)
CONTEXTS = torch.randn(5, 6, 8, generator=GENERATOR, dtype=torch.float64)
UNIT = torch.nn.functional.normalize(torch.randn(5, 8, generator=GENERATOR, dtype=torch.float64), dim=1)


def test_the_model_as_a_rule_is_the_model(obs):
    torch.testing.assert_close(rule_of(obs)(obs.vectors[:, :5]), obs.prediction[:, 4])


def test_what_is_pulled_back_is_the_jacobian(obs):
    contexts = obs.vectors[:2, :4]
    r = torch.nn.functional.normalize(torch.ones_like(contexts[:, 0]), dim=1)
    found = pulled_back(rule_of(obs), contexts, r)
    step = 1e-5 * torch.randn(contexts.shape, generator=GENERATOR, dtype=torch.float64)
    moved = ((rule_of(obs)(contexts + step) - rule_of(obs)(contexts - step)) * r).sum(dim=1)
    torch.testing.assert_close((2 * found * step).sum(dim=(1, 2)), moved, rtol=1e-6, atol=1e-12)


def test_a_copy_has_one_weight_and_nothing_but_a_multiple_of_the_identity():
    expected = torch.tensor([0.0, 0, 0, 0, 1, 0]).double().expand(5, 6)
    torch.testing.assert_close(weights(copy_last_but_one, CONTEXTS, UNIT), expected)
    torch.testing.assert_close(identity_share(copy_last_but_one, CONTEXTS), torch.ones(5).double())


@pytest.mark.parametrize("name", RULES)
def test_where_all_vectors_are_shifted_the_prediction_is_shifted_as_far(name):
    back = pulled_back(RULES[name], CONTEXTS, UNIT)
    torch.testing.assert_close(back.sum(dim=1), UNIT)


def test_a_map_without_a_multiple_of_the_identity_has_none():
    """A quarter turn in each plane: its trace is zero."""
    turn = torch.block_diag(*[torch.tensor([[0.0, 1.0], [-1.0, 0.0]]).double()] * 4)
    assert identity_share(lambda v: v[:, -1] @ turn, CONTEXTS).abs().max() < 1e-12
    assert weights(lambda v: v[:, -1] @ turn, CONTEXTS, UNIT).abs().max() < 1e-12
