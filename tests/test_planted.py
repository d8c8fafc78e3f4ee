"""A model whose circuits were set by hand, as the paper describes them: every measure must read what was planted.

Directions of the stream are differences of two neighbouring coordinates, so layer norm's centring leaves them alone:
one for each entry of a vector, one for each position, a large constant one that holds layer norm's scale near 1, and
two for layer 1. One head of full width, so that QK and OV can be multiples of the identity. The MLPs are empty.
"""

import pytest
import torch

from helpers import attention, circuits, claims, copying, edits, interventions
from helpers.attribution import components
from helpers.model import ModelConfig, RecurrenceModel
from helpers.observation import observe
from helpers.recurrences import Family

SLOPE, K, M = 2.3, 30.0, 0.7  # K: similar vectors stand out, but the largest do not take all
CONFIG = ModelConfig(dimension=6, n_ctx=8, d_model=40, n_heads=1, d_head=40, d_mlp=1)
FAMILY = Family(dimension=6, length=9)


def planted():
    d, n = CONFIG.d_model, CONFIG.n_ctx
    pairs = (torch.eye(d)[::2] - torch.eye(d)[1::2]) / 2**0.5
    entries, places, rest = pairs[: CONFIG.dimension], pairs[CONFIG.dimension :][:n], pairs[CONFIG.dimension + n :]
    model = RecurrenceModel(CONFIG)
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.ones_like(p) if ".ln" in name and "weight" in name else torch.zeros_like(p))
        model.embed.weight.copy_(entries.T)
        model.native.head.weight.copy_(entries)
        model.native.pos.weight.copy_(0.3 * places + d**0.5 * rest[0])
        first, second, third = (layer.attn for layer in model.native.layers)
        first.q.weight.copy_(60 * places.T @ places)
        first.k.weight.copy_(60 * places[1:].T @ places[:-1])  # the key of place m is the query of place m + 1
        first.v.weight.copy_(torch.eye(d))
        first.o.weight.copy_(SLOPE * torch.eye(d))
        second.v.weight.copy_(1e-4 * torch.outer(rest[1], rest[1]))
        second.v.bias.copy_(3 * rest[1])
        second.o.weight.copy_(torch.outer(rest[2], rest[1]))
        third.q.weight.copy_(K * torch.eye(d))
        third.k.weight.copy_(torch.eye(d))
        third.v.weight.copy_(torch.eye(d))
        third.o.weight.copy_(-M * torch.eye(d))
    return model


@pytest.fixture(scope="module")
def obs():
    return observe(planted(), FAMILY, count=300)


def test_layer_0_is_read_as_a_scaled_copy_of_the_previous_vector(obs):
    assert attention.at_offset(obs, 0, 1).mean() > 0.99
    for basis in copying.BASES:
        fit = copying.ov_fit(obs, 0, 0, basis)
        assert fit.r2.value > 0.99
    assert copying.ov_fit(obs, 0, 0).slope.value == pytest.approx(SLOPE)
    alpha, explained = copying.copy_strength(obs)
    assert alpha.value == pytest.approx(SLOPE, rel=0.05) and explained.value > 0.98
    swapped = edits.swap_previous(obs)["stream after the attention"]
    assert swapped.slope.value == pytest.approx(SLOPE, rel=0.05) and swapped.correlation.value > 0.99
    assert circuits.identity_cosine(circuits.vector_ov(obs, 0, 0)) == pytest.approx(1)
    assert circuits.eigenvalue_score(circuits.ov(obs, 0, 0)) == pytest.approx(1)


def test_layer_1_is_read_as_a_bias(obs):
    assert components(obs)["L1H0"].abs().max() < 1e-3
    for prediction in (interventions.ablate_heads(obs, [(1, 0)]), interventions.freeze(obs, ["1_attn_out"])):
        assert (prediction - obs.prediction).abs().max() < 1e-3
    assert circuits.effective_rank(circuits.ov(obs, 1, 0)) == pytest.approx(1)
    assert circuits.sparsity(circuits.ov(obs, 1, 0).AB) > 0.9


def test_layer_2_is_read_as_negative_similarity(obs):
    d = CONFIG.d_model
    torch.testing.assert_close(circuits.qk(obs, 2, 0).AB, K / d**0.5 * circuits.norm_matrix(obs, 2))
    assert circuits.eigenvalue_score(circuits.qk(obs, 2, 0)) == pytest.approx(1)
    assert circuits.eigenvalue_score(circuits.ov(obs, 2, 0)) == pytest.approx(-1)
    fit = copying.ov_fit(obs, 2, 0)
    assert fit.slope.value == pytest.approx(-M) and fit.correlation.value == pytest.approx(-1)
    for matrix, reference in ((circuits.vector_ov, -1), (circuits.vector_qk, 1)):
        assert circuits.cosine(matrix(obs, 2, 0), matrix(obs, 2, None)) == pytest.approx(reference)
    assert (
        attention.score_similarity_fit(obs, 2, 0).correlation.value > 0.8
    )  # layer norm divides by a scale that varies


def test_the_verdicts_are_as_planted(obs):
    found = {row.id: row.verdict for row in claims.evaluate(obs, ["A1", "A2", "A3", "B1", "B3", "C1", "C2", "C3"])}
    assert found == dict.fromkeys(found, "replicated")


def test_planted_circuits_survive_being_replaced_by_identities_and_by_nothing_else(obs):
    """Negative similarity is what identities keep, and neither what is left beside them nor any control does."""
    assert edits.identity_sizes(obs, 2)["outputs"] == [pytest.approx(-M)]
    assert edits.identity_sizes(obs, 2)["scores"] == [pytest.approx(K / CONFIG.d_model**0.5)]
    for part, controls in (("scores", ["rotated"]), ("outputs", ["rest", "other", "even", "rotated"])):
        assert edits.kept(obs, 2, part, "identity")["identity"].value > 0.99
        assert edits.kept(obs, 2, part, "flipped")["flipped"].value < -1
        assert (
            max(e.value for e in edits.kept(obs, 2, part, *controls).values()) < 0.95
        )  # attention is not far from even
    expected = edits.expected_changes(obs, 2)
    assert expected["its own change of attention"].correlation.value > 0.99
    assert expected["a change by similarity alone"].correlation.value > 0.99
    assert edits.kept(obs, 2, "outputs", "rest")["rest"].value < 1e-6
    assert expected["another sequence's change"].correlation.value < 0.8
