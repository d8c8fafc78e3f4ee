import pytest
import torch

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
    assert attention.uniform_share(attention.parity_mask(4)) == pytest.approx((2 / 3 + 2 / 4) / 2)
    white = (attention.pattern(obs, 2) * ~attention.parity_mask(6)).sum(3)[:, :, 2:].mean(2)
    torch.testing.assert_close(attention.same_parity(obs, 2) + white, torch.ones(40, 2, dtype=torch.float64))


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
