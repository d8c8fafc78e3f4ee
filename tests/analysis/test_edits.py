import pytest
import torch

from helpers.analysis import attention, edits
from helpers.analysis.attribution import head_result
from helpers.analysis.interventions import predict_with


def close(a, b):
    return (a - b).abs().max() < 1e-10


def test_factor_zero_is_even_attention(obs):
    even = torch.ones(6, 6, dtype=torch.float64).tril() / torch.arange(1, 7, dtype=torch.float64)[:, None]
    by_hand = predict_with(obs, [("blocks.2.attn.hook_pattern", lambda v, hook: even.expand_as(v).clone())])
    assert close(edits.scale_scores(obs, 2, 0.0), by_hand)
    assert not close(by_hand, obs.prediction)


def test_factor_two_doubles_the_scores(obs):
    scores = attention.scores(obs, 2)
    visible = torch.ones(6, 6, dtype=torch.bool).tril()
    doubled = torch.softmax((2 * scores).masked_fill(~visible, float("-inf")), dim=-1)
    by_hand = predict_with(obs, [("blocks.2.attn.hook_pattern", lambda v, hook: doubled)])
    assert close(edits.scale_scores(obs, 2, 2.0), by_hand)


def test_what_is_not_edited_stays(obs):
    assert close(edits.scale_scores(obs, 1, 1.0), obs.prediction)
    assert close(edits.with_scores(obs, 1, attention.scores(obs, 1)), obs.prediction)


def test_a_constant_along_a_row_of_scores_changes_nothing(obs):
    shifted = attention.scores(obs, 2) + torch.randn(40, 2, 6, 1, dtype=torch.float64)
    assert close(edits.with_scores(obs, 2, shifted), obs.prediction)


def centred_content(scores):
    """Scores less their mean over sequences, each row less its mean over the sources it may see."""
    mask = attention.visible(6)
    content = (scores - scores.mean(dim=0)).masked_fill(~mask, 0)
    return (content - content.sum(-1, keepdim=True) / mask.sum(-1, keepdim=True)).masked_fill(~mask, 0)


def test_each_edit_of_the_scores_keeps_what_position_decides(obs):
    real = attention.scores(obs, 2)
    content = centred_content(real)
    found = {how: edits.edit_scores(obs, 2, how) for how in edits.SCORE_EDITS}
    flat = (real - found["flipped"]).mean(dim=0)  # a constant along each row, which changes no pattern
    for edited in found.values():
        assert close(centred_content(edited - real), centred_content(edited) - content)
        rows = [(edited - real).mean(dim=0)[:, n, : n + 1] for n in range(6)]
        assert all(close(row, row[:, :1].expand_as(row)) for row in rows), flat
    assert close(centred_content(found["position"]), torch.zeros_like(content))
    assert close(centred_content(found["flipped"]), -content)
    assert close(centred_content(found["opposite"]), -centred_content(found["identity"]))


def test_the_identity_edit_is_the_similarity_that_fits_best(obs):
    x = obs.normalized(2)
    similarity = centred_content((x @ x.transpose(1, 2))[:, None])
    for h in range(2):
        content = centred_content(attention.scores(obs, 2))[:, h : h + 1]
        size = (content * similarity).sum() / similarity.square().sum()
        found = centred_content(edits.edit_scores(obs, 2, "identity"))[:, h : h + 1]
        assert close(found, similarity * size)
        assert edits.identity_sizes(obs, 2)["scores"][h] == pytest.approx(size.item())


def by_hand(obs, content):
    """The prediction if what the heads of layer 2 write together had this content."""
    return predict_with(obs, [("blocks.2.hook_attn_out", lambda v, hook: v.mean(dim=0) + content)])


def best(real, ideal):
    real, ideal = real - real.mean(dim=0), ideal - ideal.mean(dim=0)
    return ideal * (real * ideal).sum() / ideal.square().sum()


def test_outputs_keep_their_mean_and_get_the_content_that_was_asked_for(obs):
    x, pattern = obs.normalized(2), obs.cache["pattern", 2]
    heads = [head_result(obs, h) for h in obs.heads(2)]
    even = torch.ones(6, 6, dtype=torch.float64).tril() / torch.arange(1, 7, dtype=torch.float64)[:, None]
    total = sum(heads) - sum(heads).mean(dim=0)
    identity = sum(best(heads[h], pattern[:, h] @ x) for h in range(2))
    expected = {
        "position": 0 * total,
        "flipped": -total,
        "identity": identity,
        "rest": total - identity,
        "own": sum(best(head, x) for head in heads),
        "even": sum(best(head, even @ x) for head in heads),
        "other": sum(best(heads[h], torch.cat([pattern[-1:], pattern[:-1]])[:, h] @ x) for h in range(2)),
        "rotation 3": sum(best(heads[h], pattern[:, h] @ x @ edits.rotation(12, 3)) for h in range(2)),
    }
    for how in expected:
        assert close(edits.edit_outputs(obs, 2, how), by_hand(obs, expected[how])), how


def test_a_rotation_keeps_lengths_and_angles():
    turn = edits.rotation(7)
    assert close(turn @ turn.T, torch.eye(7, dtype=torch.float64)) and not close(turn, edits.rotation(7, seed=1))


def test_another_edit_is_refused(obs):
    for edit in (edits.edit_scores, edits.edit_outputs):
        with pytest.raises(ValueError, match="how must be one of .*got 'x'"):
            edit(obs, 2, "x")
    with pytest.raises(ValueError, match="part must be one of .*got 'x'"):
        edits.kept(obs, 2, "x", "flipped")


@pytest.mark.parametrize("part", edits.PARTS)
def test_what_an_edit_keeps_is_measured_from_position_alone(obs, part):
    distance = {
        how: (edits.PARTS[part](obs, 2, how) - obs.prediction)[:, 2:].norm() ** 2 for how in ("position", "flipped")
    }
    assert edits.kept(obs, 2, part, "flipped")["flipped"].value == pytest.approx(
        1 - (distance["flipped"] / distance["position"]).item()
    )
