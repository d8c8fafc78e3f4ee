"""Every measure reads in the model of ``helpers.analysis.planted`` what was planted, verdicts fall with circuits."""

import dataclasses

import pytest
import torch

from helpers.analysis import attention, circuits, components, edits, effects, expectations, interventions
from helpers.analysis.attribution import contributions
from helpers.analysis.components import head, layer
from helpers.analysis.planted import CONFIG, PRESENT, SLOPE, K, M, observe_planted
from helpers.claims import measures
from helpers.claims.readings import by_key, verdict, way_agrees

FINDINGS = [id for id in measures.ids() if id[0] in "ABC"]


@pytest.fixture(scope="module")
def obs():
    return observe_planted()


def test_layer_0_is_read_as_a_scaled_copy_of_the_previous_vector(obs):
    assert attention.at_offset(obs, 0, 1).mean() > 0.99
    for basis in effects.BASES:
        fit = effects.ov_fit(obs, head(0, 0), basis)
        assert fit.r2.value > 0.99
    assert effects.ov_fit(obs, head(0, 0)).slope.value == pytest.approx(SLOPE)
    for basis in effects.BASES:
        alpha, explained = effects.copy_strength(obs, basis)
        assert alpha.value == pytest.approx(SLOPE / PRESENT, rel=0.1) and explained.value > 0.98
    swapped = expectations.swap_previous(obs)["stream after the attention"]
    assert swapped.slope.value == pytest.approx(SLOPE / PRESENT, rel=0.05) and swapped.correlation.value > 0.99
    assert circuits.identity_cosine(circuits.vector_ov(obs, head(0, 0))) == pytest.approx(1)
    assert circuits.eigenvalue_score(circuits.ov(obs, head(0, 0))) == pytest.approx(1)


def test_layer_1_is_read_as_a_bias(obs):
    assert contributions(obs)[head(1, 0)].abs().max() < 1e-3
    for intervene, part in ((interventions.ablate_heads, head(1, 0)), (interventions.freeze, components.attention(1))):
        assert (intervene(obs, [part]) - obs.prediction).abs().max() < 1e-3
    assert circuits.effective_rank(circuits.ov(obs, head(1, 0))) == pytest.approx(1)
    assert circuits.sparsity(circuits.ov(obs, head(1, 0)).AB) > 0.9


def test_layer_2_is_read_as_negative_similarity(obs):
    d = CONFIG.d_model
    torch.testing.assert_close(circuits.qk(obs, head(2, 0)).AB, K / d**0.5 * obs.norm_matrix(2))
    assert circuits.eigenvalue_score(circuits.qk(obs, head(2, 0))) == pytest.approx(1)
    assert circuits.eigenvalue_score(circuits.ov(obs, head(2, 0))) == pytest.approx(-1)
    fit = effects.ov_fit(obs, head(2, 0))
    assert fit.slope.value == pytest.approx(-M) and fit.correlation.value == pytest.approx(-1)
    for matrix, reference in ((circuits.vector_ov, -1), (circuits.vector_qk, 1)):
        assert circuits.cosine(matrix(obs, head(2, 0)), matrix(obs, layer(2))) == pytest.approx(reference)
    assert (
        attention.score_similarity_fit(obs, head(2, 0)).correlation.value > 0.8
    )  # layer norm divides by a scale that varies


def test_the_verdicts_are_as_planted(obs):
    found = {id: verdict(readings) for id, readings in measures.measure(obs, FINDINGS).items()}
    assert found == dict.fromkeys(FINDINGS, "replicated")


TURNED = [  # a circuit turned round, and the readings it takes away
    ({"back": 0}, "A1", None),
    ({"slope": -SLOPE}, "A2", None),
    ({"slope": -SLOPE}, "A3", None),
    ({"slope": -SLOPE}, "A4", ["lens", "held"]),
    ({"back": 0}, "A4", ["tuned"]),
    ({"middle": 1.0}, "B1", None),
    ({"middle": 1.0}, "B2", None),
    ({"spread": 1.0}, "B3", None),
    ({"middle": 1.0}, "B4", None),
    ({"k": 0.0}, "C1", None),
    ({"k": -K}, "C1", None),
    ({"k": -K}, "C2", None),
    ({"m": -M}, "C3", None),
    ({"m": -M}, "C4", None),
    ({"k": -K}, "C5", None),
]


@pytest.mark.parametrize(("change", "id", "keys"), TURNED)
def test_every_reading_falls_with_the_circuit_it_is_about(change, id, keys):
    ways = by_key(measures.measure(observe_planted(**change), [id])[id])
    assert {key for key in keys or ways if way_agrees(ways[key])} == set()


def test_a_share_of_either_sign_is_not_near_zero():
    for_it, against = (measures.measure(observe_planted(middle=middle), ["B1"])["B1"][0] for middle in (-1.0, 1.0))
    assert for_it.estimate.value * against.estimate.value < 0
    assert not any(dataclasses.replace(reading, also=True).agrees for reading in (for_it, against))


def test_planted_circuits_survive_being_replaced_by_identities_and_by_nothing_else(obs):
    """Negative similarity is what identities keep, and neither what is left beside them nor any control does."""
    assert edits.identity_sizes(obs, 2)["outputs"] == [pytest.approx(-M)]
    assert edits.identity_sizes(obs, 2)["scores"] == [pytest.approx(K / CONFIG.d_model**0.5)]
    for part, controls in (("scores", ["rotation 0"]), ("outputs", ["rest", "other", "even", "rotation 0"])):
        assert edits.kept(obs, 2, part, "identity")["identity"].value > 0.99
        assert edits.kept(obs, 2, part, "flipped")["flipped"].value < -1
        assert (
            max(e.value for e in edits.kept(obs, 2, part, *controls).values()) < 0.95
        )  # attention is not far from even
    expected = expectations.expected_changes(obs, 2)
    assert expected["its own change of attention"].correlation.value > 0.99
    assert expected["a change by similarity alone"].correlation.value > 0.99
    assert edits.kept(obs, 2, "outputs", "rest")["rest"].value < 1e-6
    assert expected["another sequence's change"].correlation.value < 0.8
