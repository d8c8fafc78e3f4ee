import pytest
import torch

from conftest import seen
from helpers.analysis import interventions as iv
from helpers.analysis.components import INPUT, attention, head, layer, mlp

EVERY_HEAD = [head(i, h) for i in range(3) for h in range(2)]
EVERY_PART = [part(i) for i in range(3) for part in (attention, mlp)]


def close(a, b):
    return (a - b).abs().max() < 1e-10


def test_doing_nothing_changes_nothing(obs):
    assert close(iv.ablate_heads(obs, []), obs.prediction)
    assert close(iv.freeze(obs, []), obs.prediction)


@pytest.mark.parametrize("first", range(3))
def test_a_pass_starts_at_the_first_layer_touched_and_has_the_bits_of_a_whole_one(obs, first):
    hooks = iv.ablation(obs, [head(first, 1), head(2, 0)])
    ran = []
    handles = [b.register_forward_hook(lambda *_, i=i: ran.append(i)) for i, b in enumerate(obs.bridge.blocks)]
    found = iv.predict_with(obs, hooks)
    for handle in handles:
        handle.remove()
    assert ran == list(range(first, 3))
    assert torch.equal(found, obs.bridge.run_with_hooks(obs.embedded, fwd_hooks=hooks))


def test_each_head_counts_and_an_ablation_leaves_no_trace(obs):
    for one in EVERY_HEAD:
        assert not close(iv.ablate_heads(obs, [one]), obs.prediction)
    assert close(iv.predict_with(obs, []), obs.prediction)


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
        iv.predict_with(obs, [("blocks.2.hook_mlp_out", lambda v, hook: iv.constant(v).expand_as(v))]),
        iv.freeze(obs, [mlp(2)]),
    )


def test_ablating_everything_leaves_what_the_mean_stream_predicts(obs):
    ablated = iv.freeze(obs, [INPUT, *EVERY_PART])
    stream = obs.cache["resid_post", 2][:, 2:].mean(dim=(0, 1))
    assert close(ablated, obs.bridge.unembed(obs.bridge.ln_final(stream[None, None])).expand_as(ablated))
    assert not close(iv.freeze(obs, EVERY_PART), ablated)


def test_the_constant_leaves_out_contexts_of_one_and_two():
    activation = torch.zeros(3, 6, 4, dtype=torch.float64)
    activation[:, :2] = 9.0
    assert iv.constant(activation).abs().max() == 0


@pytest.mark.parametrize("absent", [head(3, 0), head(0, 2), head(-1, 0)])
def test_a_head_that_is_not_there_is_refused(obs, absent):
    for call in (lambda: iv.ablate_heads(obs, [absent]), lambda: iv.scaling(obs, {absent: 0.5})):
        with pytest.raises(ValueError, match=f"no {absent} in a model of 3 layers of 2 heads"):
            call()


def test_a_part_that_is_not_there_or_of_another_kind_is_refused(obs):
    with pytest.raises(ValueError, match="no L3 MLP in a model of 3 layers"):
        iv.freeze(obs, [mlp(3)])
    for part, call in ((layer(1), iv.freeze), (head(0, 1), iv.freeze), (mlp(1), iv.ablate_heads)):
        with pytest.raises(ValueError, match=f"of kind .* is needed here, got {part}"):
            call(obs, [part])


@pytest.mark.parametrize("by", iv.ABLATIONS)
def test_each_ablation_puts_in_what_its_name_says(obs, by):
    z = obs.cache["z", 1]
    expected = {"mean": z[:, 2:].mean(dim=(0, 1)), "zero": z * 0, "resample": torch.cat([z[-1:], z[:-1]])}[by]

    def by_hand(value, hook):
        value = value.clone()
        value[:, :, 1] = expected[..., 1, :]
        return value

    found = iv.ablate_heads(obs, [head(1, 1)], by=by)
    assert close(found, iv.predict_with(obs, [("blocks.1.attn.hook_z", by_hand)])) and not close(found, obs.prediction)


def test_resampling_everything_predicts_another_sequence(obs):
    """With every head and the vector itself from another sequence, the answer is that sequence's."""
    z = [obs.cache["z", layer].roll(1, dims=0) for layer in range(3)]
    hooks = [(f"blocks.{i}.attn.hook_z", lambda v, hook, i=i: z[i]) for i in range(3)]
    other = obs.bridge.run_with_hooks(obs.embedded.roll(1, dims=0), fwd_hooks=hooks)
    assert close(other, obs.prediction.roll(1, dims=0))
    assert not close(iv.ablate_heads(obs, EVERY_HEAD, by="resample"), obs.prediction.roll(1, dims=0))


def test_a_scaled_head_is_intact_at_one_and_gone_at_zero(obs):
    def scaled(*strengths):
        return iv.predict_with(obs, iv.scaling(obs, dict(strengths)))

    one, other, same_layer = head(2, 1), head(0, 0), head(2, 0)
    assert close(scaled((one, 1.0)), obs.prediction)
    assert close(scaled((one, 0.0)), iv.ablate_heads(obs, [one], by="zero"))
    for two in (other, same_layer):
        assert close(scaled((two, 0.0), (one, 0.0)), iv.ablate_heads(obs, [two, one], by="zero"))
    assert not close(scaled((one, 2.0)), obs.prediction)


def test_observing_under_hooks_sees_what_they_make(obs):
    changed = obs.under(iv.ablation(obs, [head(1, 0)]))
    assert close(changed.prediction, iv.ablate_heads(obs, [head(1, 0)]))
    assert close(changed.cache["resid_pre", 1], obs.cache["resid_pre", 1])
    by_hand = obs.bridge.unembed(obs.bridge.ln_final(changed.cache["resid_post", 2]))
    assert close(changed.prediction, by_hand) and not close(changed.prediction, obs.prediction)


def test_a_constant_for_each_position_keeps_more(obs):
    kept = iv.freeze(obs, [mlp(2)], by="position")
    by_hand = iv.predict_with(obs, [("blocks.2.hook_mlp_out", lambda v, hook: v.mean(dim=0).expand_as(v))])
    assert close(kept, by_hand) and not close(kept, iv.freeze(obs, [mlp(2)]))


def test_a_layer_that_is_affine_is_replaced_without_loss(obs):
    """The model's own layers are not affine."""
    fit, judged = obs.halves()
    assert not close(iv.linearize(fit, judged, 2), judged.prediction)
    matrix = torch.randn(12, 12, dtype=torch.float64)
    known, stream = (half.cache["resid_pre", 2] for half in (fit, judged))
    planted = {("resid_pre", 2): known, ("resid_post", 2): known + known @ matrix + 1}
    expected = obs.bridge.unembed(obs.bridge.ln_final(stream + stream @ matrix + 1))
    found = iv.linearize(seen(fit, planted), judged, 2)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("call", [lambda o: iv.ablate_heads(o, [], by="x"), lambda o: iv.freeze(o, [], by="x")])
def test_another_way_is_refused(obs, call):
    with pytest.raises(ValueError, match="by must be one of .*got 'x'"):
        call(obs)
