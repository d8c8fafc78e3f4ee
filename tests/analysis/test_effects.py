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
    return seen(obs, {**obs.cache.cache_dict, "blocks.0.hook_attn_out": written})


@pytest.mark.parametrize(("present", "previous", "alpha"), [(0.0, 2.3, 2.3), (1.0, 3.0, 1.5), (0.5, -0.75, -0.5)])
def test_the_strength_of_a_planted_copy_is_read_as_planted(obs, present, previous, alpha):
    constant = torch.randn(6, 12, dtype=torch.float64)
    written = present * obs.embedded + previous * obs.embedded.roll(1, dims=1) + constant
    found, explained = effects.copy_strength(planted(obs, written))
    assert found.value == pytest.approx(alpha) and explained.value == pytest.approx(1)
    rotated = written @ torch.linalg.qr(torch.randn(12, 12, dtype=torch.float64)).Q
    assert effects.copy_strength(planted(obs, rotated))[1].value < 0.6


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


def test_a_head_that_writes_the_error_corrects_it(obs):
    from helpers.analysis.attribution import head_result, to_output

    added = to_output(obs, head_result(obs, head(2, 0)))
    assert effects.remaining_error_fit(obs, head(2, 0), 3 * added).correlation.value == pytest.approx(1)
    assert effects.remaining_error_fit(obs, head(2, 0), -added).slope.value == pytest.approx(-1)
    assert effects.remaining_error_fit(obs, head(2, 0), 4 * added).slope.value == pytest.approx(1 / 4)


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


@pytest.mark.parametrize("slope", [SLOPE, 0.5, -1.0])
def test_the_copy_as_the_unembedding_reads_it_has_the_direct_path_as_its_unit(slope):
    obs = observe_planted(slope=slope)
    for found, explained in (effects.copy_as_read(obs), effects.copy_as_read(obs, head(0, 0))):
        assert found.value == pytest.approx(slope / PRESENT, rel=0.1) and explained.value > 0.98


def test_a_head_that_looks_elsewhere_is_not_read_as_a_copy_of_the_previous_vector():
    found, explained = effects.copy_as_read(observe_planted(back=0), head(0, 0))
    assert abs(found.value) < 0.1 and explained.value > 0.98  # it copies the present vector
