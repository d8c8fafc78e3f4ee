import pytest
import torch

from helpers import attention
from helpers import interventions as iv

EVERY_HEAD = [(layer, head) for layer in range(3) for head in range(2)]
EVERY_PART = [f"{layer}_{part}" for layer in range(3) for part in ("attn_out", "mlp_out")]


def close(a, b):
    return (a - b).abs().max() < 1e-10


def test_doing_nothing_changes_nothing(obs):
    assert close(iv.ablate_heads(obs, []), obs.prediction)
    assert close(iv.freeze(obs, []), obs.prediction)
    assert close(iv.scale_scores(obs, 1, 1.0), obs.prediction)


def test_each_head_counts_and_an_ablation_leaves_no_trace(obs):
    for head in EVERY_HEAD:
        assert not close(iv.ablate_heads(obs, [head]), obs.prediction)
    assert close(iv.run(obs, []), obs.prediction)


def test_without_heads_no_position_knows_of_another(obs):
    """What is left after all heads are constant is a function of the present vector and its position."""
    prediction = iv.ablate_heads(obs, EVERY_HEAD)
    torch.testing.assert_close(prediction, iv.freeze(obs, EVERY_PART[::2]), rtol=0, atol=1e-10)
    embedded = obs.embedded.clone()
    embedded[:, :3] = embedded[:, :3].flip(0)
    means = [iv.constant(obs.cache["attn_out", layer]) for layer in range(3)]
    hooks = [
        (f"blocks.{layer}.hook_attn_out", lambda value, hook: means[int(hook.name.split(".")[1])].expand_as(value))
        for layer in range(3)
    ]
    other = obs.bridge.run_with_hooks(embedded, fwd_hooks=hooks)
    torch.testing.assert_close(prediction[:, 3:], other[:, 3:], rtol=0, atol=1e-10)


def test_a_frozen_part_adds_its_mean(obs):
    assert close(
        iv.run(obs, [("blocks.2.hook_mlp_out", lambda v, hook: iv.constant(v).expand_as(v))]),
        iv.freeze(obs, ["2_mlp_out"]),
    )


def test_ablating_everything_leaves_what_the_mean_stream_predicts(obs):
    ablated = iv.freeze(obs, ["embed", *EVERY_PART])
    stream = obs.cache["resid_post", 2][:, 2:].mean(dim=(0, 1))
    assert close(ablated, obs.bridge.unembed(obs.bridge.ln_final(stream[None, None])).expand_as(ablated))
    assert not close(iv.freeze(obs, EVERY_PART), ablated)


def test_factor_zero_is_even_attention(obs):
    even = torch.ones(6, 6, dtype=torch.float64).tril() / torch.arange(1, 7, dtype=torch.float64)[:, None]
    by_hand = iv.run(obs, [("blocks.2.attn.hook_pattern", lambda v, hook: even.expand_as(v).clone())])
    assert close(iv.scale_scores(obs, 2, 0.0), by_hand)
    assert not close(by_hand, obs.prediction)


def test_factor_two_doubles_the_scores(obs):
    scores = attention.scores(obs, 2)
    visible = torch.ones(6, 6, dtype=torch.bool).tril()
    doubled = torch.softmax((2 * scores).masked_fill(~visible, float("-inf")), dim=-1)
    by_hand = iv.run(obs, [("blocks.2.attn.hook_pattern", lambda v, hook: doubled)])
    assert close(iv.scale_scores(obs, 2, 2.0), by_hand)


def test_the_constant_leaves_out_contexts_of_one_and_two():
    activation = torch.zeros(3, 6, 4, dtype=torch.float64)
    activation[:, :2] = 9.0
    assert iv.constant(activation).abs().max() == 0


def test_the_interval_of_the_constant_share_is_that_of_resampling_it_whole():
    generator = torch.Generator().manual_seed(0)
    output = torch.randn(200, 6, 1, generator=generator, dtype=torch.float64) + 0.3
    found = iv.constant_share(output)
    picks = torch.randint(200, (500, 200), generator=generator)
    whole = torch.stack([output[p][:, 2:].mean() ** 2 / output[p][:, 2:].square().mean() for p in picks])
    assert found.high - found.low == pytest.approx((whole.quantile(0.975) - whole.quantile(0.025)).item(), rel=0.2)


def test_the_constant_share_is_one_for_a_bias_and_nearly_none_for_noise():
    bias = torch.ones(50, 6, 8, dtype=torch.float64)
    noise = torch.randn(50, 6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert iv.constant_share(bias).value == pytest.approx(1)
    assert iv.constant_share(noise).value < 0.05
    assert iv.constant_share(bias + noise).value == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("heads", [[(3, 0)], [(0, 2)], [(-1, 0)]])
def test_a_head_that_is_not_there_is_refused(obs, heads):
    with pytest.raises(ValueError, match=r"pairs below \(3, 2\)"):
        iv.ablate_heads(obs, heads)


def test_a_part_that_is_not_there_is_refused(obs):
    with pytest.raises(ValueError, match="names must be among .*got '3_mlp_out'"):
        iv.freeze(obs, ["3_mlp_out"])
