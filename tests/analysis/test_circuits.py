import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformer_lens import FactoredMatrix

from conftest import seen
from helpers.analysis import attention, circuits
from helpers.analysis.attribution import head_result
from helpers.analysis.components import head, layer


def test_ov_writes_what_the_head_writes(obs):
    """Attention times OV of the normalized residual, plus the constant that biases make, is the head's output."""
    bridge = obs.bridge
    for i, h in ((i, h) for i in range(3) for h in range(2)):
        normalized = obs.cache[f"blocks.{i}.ln1.hook_normalized"]
        constant = (bridge.blocks[i].ln1.bias @ bridge.W_V[i, h] + bridge.b_V[i, h]) @ bridge.W_O[i, h]
        attended = obs.cache["pattern", i][:, h] @ (normalized @ circuits.ov(obs, head(i, h)).AB + constant)
        torch.testing.assert_close(attended, head_result(obs, head(i, h)), rtol=0, atol=1e-10)


def test_qk_scores_what_the_head_scores(obs):
    """Biases add terms of destination or source alone; a double difference over both leaves the bilinear form."""
    found = attention.scores(obs, 1)[:, 1]
    x = obs.cache["blocks.1.ln1.hook_normalized"]
    scores = x @ circuits.qk(obs, head(1, 1)).AB @ x.transpose(1, 2)

    def double_difference(s):
        return (s[:, 5, :4] - s[:, 5, 4:5]) - (s[:, 4, :4] - s[:, 4, 4:5])

    torch.testing.assert_close(double_difference(found), double_difference(scores), rtol=0, atol=1e-10)


@given(st.floats(0.1, 10), st.integers(2, 20))
def test_the_identity_is_read_as_a_copy(size, n):
    identity = torch.eye(n, dtype=torch.float64) * size
    assert circuits.identity_cosine(identity) == pytest.approx(1) and circuits.identity_cosine(
        -identity
    ) == pytest.approx(-1)
    assert circuits.eigenvalue_score(identity) == pytest.approx(1) and circuits.eigenvalue_score(
        -identity
    ) == pytest.approx(-1)
    assert circuits.effective_rank(identity) == pytest.approx(n)


def test_a_random_matrix_is_neither_copy_nor_low_rank_nor_sparse():
    matrix = torch.randn(200, 200, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert abs(circuits.identity_cosine(matrix)) < 0.02
    assert abs(circuits.eigenvalue_score(matrix)) < 0.1
    assert circuits.sparsity(matrix) == pytest.approx(1 - (2 / torch.pi) ** 0.5, abs=0.01)


def test_rank_and_sparsity_at_their_ends():
    single = torch.zeros(6, 6, dtype=torch.float64)
    single[2, 4] = -3
    assert circuits.effective_rank(single) == pytest.approx(1) and circuits.sparsity(single) == pytest.approx(1)
    assert circuits.sparsity(torch.ones(6, 6)) == pytest.approx(0, abs=1e-6)
    thin = FactoredMatrix(torch.randn(9, 2, dtype=torch.float64), torch.randn(2, 9, dtype=torch.float64))
    assert circuits.effective_rank(thin) <= 2 + 1e-9
    assert circuits.eigenvalue_score(FactoredMatrix(thin.A, thin.A.T)) == pytest.approx(1)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_head_that_copies_or_compares_is_read_as_such_in_the_vectors_basis(obs, monkeypatch, sign):
    """OV = +-I and QK = +-I (d_head = d_model) have cosine +-1 with the reference, though not with the identity."""
    eye = torch.eye(12, dtype=torch.float64)
    norm = obs.norm_matrix(2)
    monkeypatch.setattr(circuits, "ov", lambda *_: FactoredMatrix(norm, sign * eye))
    monkeypatch.setattr(circuits, "qk", lambda *_: FactoredMatrix(sign * norm, norm.T))
    for matrix in (circuits.vector_ov, circuits.vector_qk):
        assert circuits.cosine(matrix(obs, head(2, 0)), matrix(obs, layer(2))) == pytest.approx(sign)
    assert abs(circuits.identity_cosine(circuits.vector_ov(obs, head(2, 0)))) < 0.9


def test_vectors_go_through_the_vectors_circuit(obs):
    """v @ M is what attending to v would add to the prediction if every scale were the mean one."""
    v = torch.randn(4, 5, dtype=torch.float64)
    through = v @ obs.W_E @ circuits.ov(obs, head(1, 0)).AB @ obs.norm_matrix(None) @ obs.bridge.W_U
    scale = circuits.mean_inverse_scale(obs, 1) * circuits.mean_inverse_scale(obs, None)
    torch.testing.assert_close(v @ circuits.vector_ov(obs, head(1, 0)), through * scale)


def test_the_scale_is_the_mean_of_the_inverse_and_not_the_inverse_of_the_mean(obs):
    scales = torch.tensor([1.0, 4.0]).expand(40, 3, 2).reshape(40, 6, 1)
    planted = seen(obs, {"blocks.1.ln1.hook_scale": scales, "ln_final.hook_scale": 2 * scales})
    assert circuits.mean_inverse_scale(planted, 1) == pytest.approx((1 + 1 / 4) / 2)
    assert circuits.mean_inverse_scale(planted, None) == pytest.approx((1 / 2 + 1 / 8) / 2)


def test_layer_norms_matrix_centres_and_weighs(obs):
    norm = obs.bridge.blocks[0].ln1
    x = torch.randn(3, 12, dtype=torch.float64)
    scale = (x - x.mean(1, keepdim=True)).square().mean(1, keepdim=True).add(1e-5).sqrt()
    torch.testing.assert_close(x / scale @ obs.norm_matrix(0) + norm.bias, norm(x), rtol=0, atol=1e-9)
