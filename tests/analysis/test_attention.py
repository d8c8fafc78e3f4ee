import pytest
import torch

from conftest import seen
from helpers.analysis import attention


def test_offsets_account_for_all_attention(obs):
    rows = {k: range(max(2, k), 6) for k in range(6)}  # the destinations an offset is averaged over
    total = sum(attention.at_offset(obs, 1, k) * len(rows[k]) for k in range(6))
    torch.testing.assert_close(total, torch.full((40, 2), 4.0, dtype=torch.float64))
    expected = attention.pattern(obs, 0)[:, :, torch.arange(2, 6), torch.arange(1, 5)].mean(-1)
    torch.testing.assert_close(attention.at_offset(obs, 0, 1), expected)
    with pytest.raises(ValueError, match="offset must be between 0 and 5, got 6"):
        attention.at_offset(obs, 0, 6)


def test_black_squares_and_their_chance_by_hand(obs):
    assert attention.uniform_share(attention.parity_mask(4)) == pytest.approx((1 / 3 + 1 / 4) / 2)
    assert attention.even_parity(4) == pytest.approx((1 / 3 + 1 / 4) / (2 / 3 + 3 / 4))
    rows = attention.pattern(obs, 2)[:, :, 2:]
    black = rows[:, :, 0, 0] + rows[:, :, 1, 1] + rows[:, :, 2, [0, 2]].sum(2) + rows[:, :, 3, [1, 3]].sum(2)
    itself = rows.diagonal(offset=2, dim1=2, dim2=3).sum(2)
    for found, expected in zip(attention.same_parity(obs, 2), (black / 4, 1 - itself / 4), strict=True):
        torch.testing.assert_close(found, expected)


def test_a_head_that_looks_at_itself_has_no_checkerboard(obs):
    """Half of its attention on the vector itself changes nothing: the rest decides."""
    itself = torch.eye(6, dtype=torch.float64).expand(40, 2, 6, 6)
    half = {"blocks.2.attn.hook_pattern": 0.5 * attention.pattern(obs, 2) + 0.5 * itself}
    there = seen(obs, obs.cache.cache_dict | half)
    shares = [black / earlier for black, earlier in (attention.same_parity(one, 2) for one in (obs, there))]
    torch.testing.assert_close(*shares)


def test_scores_are_what_the_pattern_is_the_softmax_of(obs):
    visible = torch.ones(6, 6, dtype=torch.bool).tril()
    expected = torch.softmax(attention.scores(obs, 2).masked_fill(~visible, float("-inf")), dim=-1)
    torch.testing.assert_close(attention.pattern(obs, 2), expected, rtol=0, atol=1e-12)


def test_a_head_that_compares_is_seen_to_compare(obs, monkeypatch):
    """Planted scores: a multiple of the similarity plus a constant for each destination gives a correlation of 1."""
    x = obs.normalized(2)
    noise = torch.randn(40, 6, 1, dtype=torch.float64)
    planted = torch.stack([sign * 7 * x @ x.transpose(1, 2) + noise for sign in (1, -1)], dim=1)
    planted += 100 * torch.diag_embed(torch.randn(40, 1, 6, dtype=torch.float64))  # scores with itself do not count
    monkeypatch.setattr(attention, "scores", lambda obs, layer: planted)
    same, opposite = obs.heads(2)
    assert attention.score_similarity_fit(obs, same).correlation.value == pytest.approx(1)
    assert attention.score_similarity_fit(obs, opposite).correlation.value == pytest.approx(-1)
