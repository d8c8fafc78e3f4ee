import pytest
import torch

from helpers.analysis import attribution
from helpers.analysis.components import FINAL_BIAS, INPUT, layer, mlp
from helpers.analysis.estimates import ratio


def test_the_components_sum_to_the_prediction(obs):
    parts = attribution.contributions(obs)
    assert list(map(str, parts))[:6] == ["embed", "pos", "L0H0", "L0H1", "L0 bias", "L0 MLP"]
    assert (sum(parts.values()) - obs.prediction).abs().max() < 1e-9


def test_the_target_itself_has_a_share_of_one(obs):
    assert ratio(*attribution.share_sums(obs, obs.targets)).value == pytest.approx(1)
    assert ratio(*attribution.share_sums(obs, -0.5 * obs.targets)).value == pytest.approx(-0.5)


def test_the_last_lens_is_the_model(obs):
    lens = attribution.logit_lens(obs)
    assert list(map(str, lens)) == ["embedding", "layer 0", "layer 1", "layer 2"]
    torch.testing.assert_close(lens[layer(2)], obs.prediction, rtol=0, atol=1e-10)
    assert not torch.allclose(lens[layer(1)], obs.prediction)


def test_the_tuned_lens_reads_what_is_there_and_is_judged_on_other_sequences(obs, monkeypatch):
    """Planted streams: the target rotated is read without error, noise is not read at all (fitted, it would be)."""
    rotation = torch.randn(5, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(40, 6, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    fit, judged = obs.halves()
    streams = {
        id(half): {INPUT: half.targets @ rotation, layer(0): part}
        for half, part in zip((fit, judged), noise.split(20), strict=True)
    }
    monkeypatch.setattr(attribution, "residual_streams", lambda obs: streams[id(obs)])
    tuned = attribution.tuned_lens(fit, judged)
    assert judged.mse(tuned[INPUT]).value < 1e-20
    assert judged.mse(tuned[layer(0)]).value > judged.targets[:, 2:].var().item()


def test_the_held_lens_is_the_running_sum_of_the_components(obs):
    parts = attribution.contributions(obs)
    names = list(parts)
    upto = names[: names.index(mlp(1)) + 1] + [FINAL_BIAS]
    torch.testing.assert_close(attribution.held_lens(obs)[layer(1)], sum(parts[n] for n in upto), rtol=0, atol=1e-10)
    torch.testing.assert_close(attribution.held_lens(obs)[layer(2)], obs.prediction, rtol=0, atol=1e-10)


def test_rescaling_finds_the_size_and_only_the_size(obs):
    torch.testing.assert_close(attribution.rescaled(obs, 2.5 * obs.targets), obs.targets)
    assert obs.mse(attribution.rescaled(obs, obs.prediction)).value <= obs.mse().value
