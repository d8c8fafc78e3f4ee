"""Activation maximization finds what was planted, and its opposite where that was turned round."""

import pytest
import torch

from helpers.analysis import attention, exciting
from helpers.analysis.planted import observe_planted


@pytest.mark.parametrize("k", [4.0, -4.0])
def test_the_pair_that_excites_a_planted_comparison_is_as_like_or_unlike_as_can_be(k):
    obs = observe_planted(k=k)
    found = exciting.excite(obs, 2, [2], n=5, starts=4)[0]
    cosine = exciting.likeness(obs, 2, found)[:, 2]
    assert (cosine.sign() == (1 if k > 0 else -1)).all() and cosine.abs().min() > 0.95
    sizes = obs.vectors[:, :5].norm(dim=2).median(dim=0).values
    torch.testing.assert_close(found.norm(dim=2), sizes.expand(4, 5))
    real = torch.nn.functional.normalize(obs.vectors[:, :5], dim=2) * sizes[:, None]
    of_real, of_found = (exciting.last_scores(obs, 2, vectors)[:, 0, 2] for vectors in (real, found))
    assert of_found.min() > of_real.max()


def test_scores_are_those_of_the_attention(obs):
    layer, n = 1, obs.config.n_ctx
    whole = attention.scores(obs, layer)[:, :, -1]
    found = exciting.last_scores(obs, layer, obs.vectors)
    torch.testing.assert_close(found, whole - whole.mean(dim=2, keepdim=True), rtol=0, atol=1e-9)
    assert exciting.likeness(obs, layer, obs.vectors).shape == (len(obs.c), n)


def test_a_source_for_each_head_is_asked_for(obs):
    with pytest.raises(ValueError, match=r"sources must be 2 positions below 4, got \[4, 0\]"):
        exciting.excite(obs, 2, [4, 0], n=4)
