"""Muon in float32, against torch's in bfloat16 and against the singular values themselves."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.training import muon
from helpers.training.machine import slow_in_bfloat16


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 10**6))
def test_singular_values_come_near_one_and_singular_vectors_stay(rows, columns, seed):
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    left, sizes, right = torch.linalg.svd(matrix, full_matrices=False)
    found = left.T @ muon.orthogonalized(matrix) @ right.T
    torch.testing.assert_close(found, found.diagonal().diag(), rtol=0, atol=1e-9)
    large = found.diagonal()[sizes > 0.05 * sizes.norm()]
    assert (large > 0.6).all() and (large < 1.3).all()


@pytest.mark.parametrize("shape", [(3, 8), (8, 3), (5, 5)])
def test_steps_are_those_of_torch_but_for_rounding(shape):
    generator = torch.Generator().manual_seed(0)
    start, grads = torch.randn(shape, generator=generator), torch.randn(6, *shape, generator=generator)
    ends, buffers = [], []
    for in_float32 in (True, False):
        p = torch.nn.Parameter(start.clone())
        optimizer = muon.Muon([p], lr=0.1, weight_decay=0.05)
        optimizer.in_float32 = in_float32
        for grad in grads:
            p.grad = grad.clone()
            optimizer.step()
        ends.append(p.detach())
        buffers.append(optimizer.state[p]["momentum_buffer"])
    moved = (ends[1] - start).norm()
    assert (ends[0] - ends[1]).norm() < 0.02 * moved and moved > 0.1
    torch.testing.assert_close(*buffers, rtol=0, atol=0)


def test_what_is_slow_is_x86_without_the_units(monkeypatch):
    cpu = torch.device("cpu")
    for can, slow in (
        ({"architecture": "x86_64", "avx512_bf16": False, "amx_bf16": False}, True),
        ({"architecture": "x86_64", "avx512_bf16": True, "amx_bf16": False}, False),
        ({"architecture": "x86_64", "amx_bf16": True}, False),
        ({"architecture": "aarch64"}, False),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda can=can: can)
        assert slow_in_bfloat16(cpu) is slow
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "x86_64"})
    assert not slow_in_bfloat16(torch.device("meta"))
