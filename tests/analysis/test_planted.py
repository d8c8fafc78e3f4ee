"""Every measure reads in the model of ``helpers.analysis.planted`` what was planted, verdicts fall with circuits."""

import pytest
import torch

from helpers.analysis import attention, circuits, components, edits, effects, expectations, interventions
from helpers.analysis.attribution import contributions
from helpers.analysis.components import head, layer
from helpers.analysis.planted import CONFIG, PRESENT, SLOPE, K, M, observe_planted
from helpers.claims import measures
from helpers.claims.readings import verdict

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
    alpha, explained = effects.copy_strength(obs)
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
    assert verdict(measures.measure(observe_planted(**change), [missing])[missing]) == "not replicated"


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
    expected = expectations.expected_changes(obs, 2)
    assert expected["its own change of attention"].correlation.value > 0.99
    assert expected["a change by similarity alone"].correlation.value > 0.99
    assert edits.kept(obs, 2, "outputs", "rest")["rest"].value < 1e-6
    assert expected["another sequence's change"].correlation.value < 0.8
