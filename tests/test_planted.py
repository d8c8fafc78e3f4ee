"""A model whose circuits were set by hand, as the paper describes them: every measure must read what was planted.

The task is one that such circuits solve: sequences that swing around zero (c = -1) or walk straight through it (c = 1).
Layer 0 adds 2.3 times the previous vector. That is a crude estimate of the next one: right for a swing, two steps late
for a walk. Layer 2 subtracts the mean of what is similar: for a swing this takes a little of the estimate away; for a
walk, whose past lies behind it, it moves the estimate on, by as much as it was late. Layer 1 is a constant.

Directions of the stream are differences of two neighbouring coordinates, so layer norm's centring leaves them alone:
one for each entry of a vector, one for each position, a large constant one that holds layer norm's scale steady, and
two for layer 1. One head of full width, so that QK and OV can be multiples of the identity. The MLPs are empty.
"""

import numpy as np
import pytest
import torch

from helpers import attention, circuits, claims, copying, edits, interventions
from helpers.attribution import components
from helpers.model import ModelConfig, RecurrenceModel
from helpers.observation import watch
from helpers.recurrences import Family, Sequences, unroll

SLOPE, K, M = 2.3, 4.0, 0.96  # K: similar vectors stand out, but the largest do not take all
PRESENT = 0.1  # scale of the stream before layer 0: next to what the head copies, the present vector is small
CONFIG = ModelConfig(dimension=6, n_ctx=14, d_model=52, n_heads=1, d_head=52, d_mlp=1)
FAMILY = Family(dimension=6)
FINDINGS = [id for id in claims.MEASURES if id[0] in "ABC"]


def planted(slope=SLOPE, k=K, m=M, back=1):
    """The model; ``back``: how many vectors back layer 0 looks."""
    d, n = CONFIG.d_model, CONFIG.n_ctx
    pairs = (torch.eye(d)[::2] - torch.eye(d)[1::2]) / 2**0.5
    entries, places, rest = pairs[: CONFIG.dimension], pairs[CONFIG.dimension :][:n], pairs[CONFIG.dimension + n :]
    model = RecurrenceModel(CONFIG)
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.ones_like(p) if ".ln" in name and "weight" in name else torch.zeros_like(p))
        model.embed.weight.copy_(PRESENT * entries.T)
        model.native.head.weight.copy_(1.32 * entries)
        model.native.pos.weight.copy_(PRESENT * (0.3 * places + d**0.5 * rest[0]))
        first, second, third = (layer.attn for layer in model.native.layers)
        first.q.weight.copy_(60 * places.T @ places)
        first.k.weight.copy_(60 * places[back:].T @ places[: n - back])  # the key of place m: the query of m + back
        first.v.weight.copy_(torch.eye(d))
        first.o.weight.copy_(slope * torch.eye(d))
        second.v.weight.copy_(1e-4 * torch.outer(rest[1], rest[1]))
        second.v.bias.copy_(3 * rest[1])
        second.o.weight.copy_(torch.outer(rest[2], rest[1]))
        third.q.weight.copy_(k * torch.eye(d))
        third.k.weight.copy_(torch.eye(d))
        third.v.weight.copy_(torch.eye(d))
        third.o.weight.copy_(-m * torch.eye(d))
        third.o.bias.copy_(m * d**0.5 * rest[0])  # what it takes from the constant direction it gives back
    return model


def swings_and_walks(count=300):
    """One in four swings between -u and u, the others walk from -u to u in equal steps."""
    rng = np.random.default_rng(1)
    u = rng.choice([-0.4, 0.4], (count, CONFIG.dimension))
    c = np.where(np.arange(count) % 4, 1.0, -1.0)
    d = np.where(c[:, None] > 0, 2 * u / CONFIG.n_ctx, 0.0)
    return Sequences(unroll(-u, c, d, FAMILY.length), c, d, np.ones(count))


def observed(**changes):
    return watch(planted(**changes), FAMILY, swings_and_walks())


@pytest.fixture(scope="module")
def obs():
    return observed()


def test_layer_0_is_read_as_a_scaled_copy_of_the_previous_vector(obs):
    assert attention.at_offset(obs, 0, 1).mean() > 0.99
    for basis in copying.BASES:
        fit = copying.ov_fit(obs, 0, 0, basis)
        assert fit.r2.value > 0.99
    assert copying.ov_fit(obs, 0, 0).slope.value == pytest.approx(SLOPE)
    alpha, explained = copying.copy_strength(obs)
    assert alpha.value == pytest.approx(SLOPE / PRESENT, rel=0.1) and explained.value > 0.98
    swapped = edits.swap_previous(obs)["stream after the attention"]
    assert swapped.slope.value == pytest.approx(SLOPE / PRESENT, rel=0.05) and swapped.correlation.value > 0.99
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
    found = {row.id: row.verdict for row in claims.evaluate(obs, FINDINGS)}
    assert found == dict.fromkeys(FINDINGS, "replicated")


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"back": 0}, "A1"),
        ({"slope": -SLOPE}, "A3"),
        ({"k": -K}, "C2"),
        ({"m": -M}, "C3"),
        ({"k": 0.0}, "C1"),
        ({"m": -M}, "C4"),
    ],
)
def test_a_verdict_falls_with_what_it_is_about(change, missing):
    (row,) = claims.evaluate(observed(**change), [missing])
    assert row.verdict == "not replicated"


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
