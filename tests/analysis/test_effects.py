import dataclasses

import pytest
import torch

from conftest import FAMILY, seen
from helpers.analysis import effects
from helpers.analysis.components import head
from helpers.analysis.observation import observe
from helpers.analysis.planted import PRESENT, SLOPE, observe_planted


def planted(obs, written):
    """The observation with another layer-0 attention output."""
    stream = obs.cache["resid_pre", 0] + written
    hooks = {"blocks.0.hook_attn_out": written, "blocks.0.hook_resid_mid": stream}
    return seen(obs, obs.cache.cache_dict | hooks)


@pytest.mark.parametrize("basis", effects.BASES)
@pytest.mark.parametrize(("present", "previous", "alpha"), [(0.0, 2.3, 2.3), (1.0, 3.0, 1.5), (0.5, -0.75, -0.5)])
def test_the_strength_of_a_planted_copy_is_read_as_planted(obs, present, previous, alpha, basis):
    constant = torch.randn(6, 12, dtype=torch.float64)
    written = present * obs.embedded + previous * obs.embedded.roll(1, dims=1) + constant
    if basis == "vectors":  # a stream that the unembedding reads as the vectors: the final scale does not vary
        back = torch.linalg.pinv(obs.norm_matrix(None) @ obs.bridge.W_U)
        lift = (obs.vectors @ back) * obs.norm_scale(None)
        before = (obs.vectors.roll(1, dims=1) @ back) * obs.norm_scale(None)
        written = lift - obs.cache["resid_pre", 0] + present * lift + previous * before
    found, explained = effects.copy_strength(planted(obs, written), basis)
    assert found.value == pytest.approx(alpha)
    if basis == "residual":
        assert explained.value == pytest.approx(1)
        rotated = written @ torch.linalg.qr(torch.randn(12, 12, dtype=torch.float64)).Q
        assert effects.copy_strength(planted(obs, rotated), basis)[1].value < 0.6


def test_heads_have_parts_of_the_copy_that_sum_to_it(obs):
    parts = [effects.copy_strength(obs, "residual", h)[0].value for h in obs.heads(0)]
    assert sum(parts) == pytest.approx(effects.copy_strength(obs)[0].value)


@pytest.mark.parametrize("basis", effects.BASES)
@pytest.mark.parametrize("slope", [SLOPE, 0.5, -1.0])
def test_a_planted_copy_has_the_direct_path_as_its_unit(slope, basis):
    obs = observe_planted(slope=slope)
    for found, explained in (effects.copy_strength(obs, basis), effects.copy_strength(obs, basis, head(0, 0))):
        assert found.value == pytest.approx(slope / PRESENT, rel=0.1) and explained.value > 0.98
    assert effects.copy_slope(obs, head(0, 0), basis).value == pytest.approx(slope / PRESENT, rel=0.1)


@pytest.mark.parametrize(("back", "share"), [(1, 1.0), (0, PRESENT / (PRESENT + SLOPE))])
def test_the_direct_path_is_all_of_the_present_vector_unless_heads_copy_it_too(back, share):
    obs = observe_planted(back=back)
    for basis in effects.BASES:
        assert effects.direct_share(obs, basis).value == pytest.approx(share, rel=0.1)


def test_a_head_that_looks_elsewhere_is_not_read_as_a_copy_of_the_previous_vector():
    found, explained = effects.copy_strength(observe_planted(back=0), "vectors", head(0, 0))
    assert abs(found.value) < 0.1 and explained.value > 0.98  # it copies the present vector


def test_heads_carry_what_varies_of_what_they_write(obs):
    weights = obs.bridge.W_O[1]
    z = obs.cache["z", 1].clone()
    z[:, :, 1] = 3.0  # a constant, however large, carries nothing
    assert effects.carried(seen(obs, obs.cache.cache_dict | {"blocks.1.attn.hook_z": z}), 1) == {
        head(1, 0): 1,
        head(1, 1): 0,
    }
    one, other = (effects.varying(obs.cache["z", 1][:, :, h] @ weights[h]).square().sum().item() for h in range(2))
    assert effects.carried(obs, 1)[head(1, 0)] == pytest.approx(one / (one + other))
    still = seen(obs, obs.cache.cache_dict | {"blocks.1.attn.hook_z": torch.ones_like(z)})
    assert effects.carried(still, 1) == {head(1, 0): 0.5, head(1, 1): 0.5}


def test_the_varying_part_has_no_mean_and_ignores_constants(obs):
    x = obs.cache["resid_pre", 1]
    assert effects.varying(x).mean(0).abs().max() < 1e-12
    torch.testing.assert_close(effects.varying(x + torch.randn(6, 12, dtype=torch.float64)), effects.varying(x))


def test_bases(obs):
    for basis, width in (("residual", 12), ("vectors", 5)):
        x, y = effects.ov_points(obs, head(0, 1), basis)
        assert x.shape == y.shape == (40, 4, width)
    with pytest.raises(ValueError, match="basis must be one of .*got 'tokens'"):
        effects.ov_points(obs, head(0, 0), "tokens")


def written_as(obs, effect):
    """What a component would have to write for this effect on the prediction."""
    return effect @ torch.linalg.pinv(obs.norm_matrix(None) @ obs.bridge.W_U) * obs.norm_scale(None)


@pytest.mark.parametrize("along", [0.0, 0.5, -3.0])
def test_what_writes_the_error_points_to_the_target_whatever_it_writes_along_the_estimate(obs, along):
    """The plain correlation would fall with every multiple of the estimate."""
    estimate = obs.prediction
    guess, target = effects.varying(estimate), effects.varying(obs.targets)
    error = obs.targets - estimate * (guess * target).sum() / guess.square().sum()
    assert effects.toward_target(obs, written_as(obs, 2 * error + along * estimate), estimate).value == pytest.approx(1)
    found = effects.toward_target(obs, written_as(obs, along * estimate - error), estimate)
    assert found.value == pytest.approx(-1)


def test_what_has_nothing_to_do_with_the_error_does_not_point_to_the_target(obs):
    noise = torch.randn(obs.targets.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    assert abs(effects.toward_target(obs, written_as(obs, noise), obs.prediction).value) < 0.2


def test_error_and_output_are_not_exchanged(obs):
    """Another effect against the same error, and the same effect against another error, differ."""
    written = obs.cache["attn_out", 2]
    found = effects.toward_target(obs, written, obs.prediction).value
    from helpers.analysis.attribution import to_output

    y, g, t = (effects.varying(x).flatten() for x in (to_output(obs, written), obs.prediction, obs.targets))
    table = torch.corrcoef(torch.stack([y, t, g])).numpy()
    expected = (table[0, 1] - table[0, 2] * table[1, 2]) / ((1 - table[0, 2] ** 2) * (1 - table[1, 2] ** 2)) ** 0.5
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("c", [-1.4, 0.3, 1.4])
@pytest.mark.parametrize("size", [1.0, 0.4])
def test_the_truth_implies_its_own_c_whatever_its_size_and_copying_the_last_vector_none(model, size, c):
    obs = observe(model, dataclasses.replace(FAMILY, c_min=c, c_max=c), count=20)
    assert effects.implied_c(obs, size * obs.targets).value == pytest.approx(c)
    assert effects.implied_c(obs, size * obs.vectors).value == pytest.approx(0)
    assert effects.implied_c(obs, size * obs.vectors.roll(1, dims=1)).value == pytest.approx(-1)


def test_where_nothing_moves_no_c_is_implied(model):
    obs = observe(model, dataclasses.replace(FAMILY, c_min=0.0, c_max=0.0), count=5)
    with pytest.raises(ValueError, match="c must not be 0"):
        effects.implied_c(obs, obs.prediction)
