import dataclasses

import pytest
import torch

from helpers.analysis import interventions as iv

EVERY_HEAD = [(layer, head) for layer in range(3) for head in range(2)]
EVERY_PART = [f"{layer}_{part}" for layer in range(3) for part in ("attn_out", "mlp_out")]


def close(a, b):
    return (a - b).abs().max() < 1e-10


def test_doing_nothing_changes_nothing(obs):
    assert close(iv.ablate_heads(obs, []), obs.prediction)
    assert close(iv.freeze(obs, []), obs.prediction)


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


def test_the_constant_leaves_out_contexts_of_one_and_two():
    activation = torch.zeros(3, 6, 4, dtype=torch.float64)
    activation[:, :2] = 9.0
    assert iv.constant(activation).abs().max() == 0


@pytest.mark.parametrize("heads", [[(3, 0)], [(0, 2)], [(-1, 0)]])
def test_a_head_that_is_not_there_is_refused(obs, heads):
    with pytest.raises(ValueError, match=r"pairs below \(3, 2\)"):
        iv.ablate_heads(obs, heads)


def test_a_part_that_is_not_there_is_refused(obs):
    with pytest.raises(ValueError, match="names must be among .*got '3_mlp_out'"):
        iv.freeze(obs, ["3_mlp_out"])


@pytest.mark.parametrize("by", iv.ABLATIONS)
def test_each_ablation_puts_in_what_its_name_says(obs, by):
    z = obs.cache["z", 1]
    expected = {"mean": z[:, 2:].mean(dim=(0, 1)), "zero": z * 0, "resample": torch.cat([z[-1:], z[:-1]])}[by]

    def by_hand(value, hook):
        value = value.clone()
        value[:, :, 1] = expected[..., 1, :]
        return value

    found = iv.ablate_heads(obs, [(1, 1)], by=by)
    assert close(found, iv.run(obs, [("blocks.1.attn.hook_z", by_hand)])) and not close(found, obs.prediction)


def test_resampling_everything_predicts_another_sequence(obs):
    """With every head and the vector itself from another sequence, the answer is that sequence's."""
    z = [obs.cache["z", layer].roll(1, dims=0) for layer in range(3)]
    hooks = [(f"blocks.{i}.attn.hook_z", lambda v, hook, i=i: z[i]) for i in range(3)]
    other = obs.bridge.run_with_hooks(obs.embedded.roll(1, dims=0), fwd_hooks=hooks)
    assert close(other, obs.prediction.roll(1, dims=0))
    assert not close(iv.ablate_heads(obs, EVERY_HEAD, by="resample"), obs.prediction.roll(1, dims=0))


def test_a_scaled_head_is_intact_at_one_and_gone_at_zero(obs):
    def scaled(*strengths):
        return iv.run(obs, iv.scaling(obs, dict(strengths)))

    assert close(scaled(((2, 1), 1.0)), obs.prediction)
    assert close(scaled(((2, 1), 0.0)), iv.ablate_heads(obs, [(2, 1)], by="zero"))
    assert close(scaled(((0, 0), 0.0), ((2, 1), 0.0)), iv.ablate_heads(obs, [(0, 0), (2, 1)], by="zero"))
    assert not close(scaled(((2, 1), 2.0)), obs.prediction)


def test_watching_with_hooks_sees_what_they_make(obs):
    changed = iv.watched(obs, iv.ablation(obs, [(1, 0)]))
    assert close(changed.prediction, iv.ablate_heads(obs, [(1, 0)]))
    assert close(changed.cache["resid_pre", 1], obs.cache["resid_pre", 1])
    by_hand = obs.bridge.unembed(obs.bridge.ln_final(changed.cache["resid_post", 2]))
    assert close(changed.prediction, by_hand) and not close(changed.prediction, obs.prediction)


def test_a_constant_for_each_position_keeps_more(obs):
    kept = iv.freeze(obs, ["2_mlp_out"], by="position")
    by_hand = iv.run(obs, [("blocks.2.hook_mlp_out", lambda v, hook: v.mean(dim=0).expand_as(v))])
    assert close(kept, by_hand) and not close(kept, iv.freeze(obs, ["2_mlp_out"]))


def test_a_layer_that_is_affine_is_replaced_without_loss(obs):
    """The model's own layers are not affine."""
    assert not close(iv.linearize(obs, 2), obs.prediction[20:])
    stream = obs.cache["resid_pre", 2]
    affine = stream + stream @ torch.randn(12, 12, dtype=torch.float64) + 1
    other = dataclasses.replace(obs, cache={("resid_pre", 2): stream, ("resid_post", 2): affine})
    expected = obs.bridge.unembed(obs.bridge.ln_final(affine))[20:]
    torch.testing.assert_close(iv.linearize(other, 2), expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("call", [lambda o: iv.ablate_heads(o, [], by="x"), lambda o: iv.freeze(o, [], by="x")])
def test_another_way_is_refused(obs, call):
    with pytest.raises(ValueError, match="by must be one of .*got 'x'"):
        call(obs)


def test_cutting_all_that_is_written_leaves_positions_alone(obs):
    """With one sender that stands for all of them, the heads read the mean stream of each position."""
    x = obs.bridge.blocks[2].ln1(obs.cache["resid_pre", 2].mean(dim=0, keepdim=True))
    everything = {"blocks.0.hook_resid_pre": obs.cache["resid_pre", 2], ("resid_pre", 2): obs.cache["resid_pre", 2]}
    alone = dataclasses.replace(obs, cache=everything)
    for into in ("q", "k", "v"):
        weight, bias = getattr(obs.bridge, f"W_{into.upper()}")[2], getattr(obs.bridge, f"b_{into.upper()}")[2]
        mean = torch.einsum("bnd,hdk->bnhk", x, weight) + bias
        by_hand = iv.run(obs, [(f"blocks.2.attn.hook_{into}", lambda v, hook, mean=mean: mean.expand_as(v).clone())])
        assert close(iv.cut_path(alone, "embed", 2, into), by_hand)
        assert not close(iv.cut_path(obs, "1_mlp_out", 2, into), obs.prediction)


def test_a_path_that_is_not_there_is_refused(obs):
    with pytest.raises(ValueError, match="sender must be among"):
        iv.cut_path(obs, "2_attn_out", 2, "q")
    with pytest.raises(ValueError, match="into must be one of"):
        iv.cut_path(obs, "embed", 2, "z")
