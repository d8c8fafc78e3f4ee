import dataclasses

import pytest
import torch

from helpers import copying


def planted(obs, written):
    """The observation with another layer-0 attention output."""
    cache = type(obs.cache)({**obs.cache.cache_dict, "blocks.0.hook_attn_out": written}, obs.bridge)
    return dataclasses.replace(obs, cache=cache)


@pytest.mark.parametrize(("present", "previous", "alpha"), [(0.0, 2.3, 2.3), (1.0, 3.0, 1.5), (0.5, -0.75, -0.5)])
def test_the_strength_of_a_planted_copy_is_read_as_planted(obs, present, previous, alpha):
    constant = torch.randn(6, 12, dtype=torch.float64)
    written = present * obs.embedded + previous * obs.embedded.roll(1, dims=1) + constant
    found, explained = copying.copy_strength(planted(obs, written))
    assert found.value == pytest.approx(alpha) and explained.value == pytest.approx(1)
    rotated = written @ torch.linalg.qr(torch.randn(12, 12, dtype=torch.float64)).Q
    assert copying.copy_strength(planted(obs, rotated))[1].value < 0.6


def test_the_varying_part_has_no_mean_and_ignores_constants(obs):
    x = obs.cache["resid_pre", 1]
    assert copying.varying(x).mean(0).abs().max() < 1e-12
    torch.testing.assert_close(copying.varying(x + torch.randn(6, 12, dtype=torch.float64)), copying.varying(x))


def test_bases(obs):
    for basis, width in (("residual", 12), ("vectors", 5)):
        x, y = copying.ov_points(obs, 0, 1, basis)
        assert x.shape == y.shape == (40, 4, width)
    with pytest.raises(ValueError, match="basis must be one of .*got 'tokens'"):
        copying.ov_points(obs, 0, 0, "tokens")


def test_a_head_that_writes_the_error_corrects_it(obs):
    from helpers.attribution import head_result, to_output

    added = to_output(obs, head_result(obs, 2, 0))
    assert copying.remaining_error_fit(obs, 2, 0, 3 * added).correlation.value == pytest.approx(1)
    assert copying.remaining_error_fit(obs, 2, 0, -added).slope.value == pytest.approx(-1)
