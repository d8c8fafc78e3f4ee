import pytest
import torch

from helpers.analysis import paths
from helpers.analysis.components import INPUT, attention, head, mlp
from helpers.analysis.interventions import predict_with
from helpers.analysis.parity import Parity


def close(a, b):
    torch.testing.assert_close(a, b, rtol=0, atol=1e-9)


@pytest.fixture(scope="module")
def parity(obs):
    return Parity(obs)


@pytest.mark.parametrize("reader", paths.READERS)
def test_with_all_that_varies_taken_away_heads_read_the_mean_stream(parity, reader):
    obs, stream = parity.obs, parity.obs.cache["resid_pre", 2]
    x = obs.bridge.blocks[2].ln1(stream.mean(dim=0, keepdim=True))
    weight, bias = getattr(obs.bridge, f"W_{reader.upper()}")[2], getattr(obs.bridge, f"b_{reader.upper()}")[2]
    by = torch.einsum("bnd,hdk->bnhk", x, weight) + bias
    by_hand = predict_with(obs, [(f"blocks.2.attn.hook_{reader}", lambda v, hook: by.expand_as(v).clone())])
    close(paths.into_heads(obs, stream - stream.mean(dim=0), 2, reader), by_hand)
    assert (by_hand - obs.prediction).abs().max() > 1e-3
    close(paths.into_heads(obs, torch.zeros_like(stream), 2, reader), obs.prediction)


def test_what_is_lost_of_both_parts_is_all_but_the_mean_of_the_numbers(parity):
    for part in (INPUT, attention(0), mlp(1)):
        numbers = parity.numbers(part.hook)
        lost = sum(paths.lost(parity, part, one) for one in ("vectors", "numbers"))
        close(lost, parity.obs.cache[part.hook] - numbers.mean(dim=0))


def test_scale_and_direct_together_are_the_end_of_the_model(parity):
    obs, less = parity.obs, paths.lost(parity, attention(2), "vectors")
    both = obs.bridge.unembed(obs.bridge.ln_final(obs.cache["resid_post", 2] - less))
    bias = obs.bridge.ln_final.bias @ obs.bridge.W_U
    scale, direct = (paths.into_prediction(obs, less, reader) for reader in paths.LAST)
    close((direct - bias) * (scale - bias), (both - bias) * (obs.prediction - bias))
    assert (scale - obs.prediction).abs().max() > 1e-3 < (direct - obs.prediction).abs().max()


def test_unknown_names_are_told(parity):
    less = paths.lost(parity, mlp(0), "numbers")
    with pytest.raises(ValueError, match=r"reader must be one of \('q', 'k', 'v'\), got 'scale'"):
        paths.into_heads(parity.obs, less, 2, "scale")
    with pytest.raises(ValueError, match=r"reader must be one of \('scale', 'direct'\), got 'q'"):
        paths.into_prediction(parity.obs, less, "q")
    with pytest.raises(ValueError, match="part must be among"):
        paths.lost(parity, mlp(0), "size")
    with pytest.raises(ValueError, match="a component of kind"):
        paths.lost(parity, head(0, 0), "numbers")
