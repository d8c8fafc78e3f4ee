"""Muon (K. Jordan 2024; arXiv 2502.16982) as torch has it, on processors without units for bfloat16, too.

torch orthogonalizes the update in bfloat16 whatever the processor, where matrix products in it can take twenty times
as long as in float32. There it is done in float32; the update differs by bfloat16's rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.training.machine import slow_in_bfloat16

COEFFICIENTS, STEPS, EPS = (3.4445, -4.7750, 2.0315), 5, 1e-7  # torch's, and the first author's


def orthogonalized(update: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """A matrix with all singular values brought near 1, by five Newton-Schulz steps of the fifth order."""
    a, b, c = COEFFICIENTS
    x = update.T if update.shape[0] > update.shape[1] else update
    x = x / x.norm().clamp(min=EPS)
    for _ in range(STEPS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if update.shape[0] > update.shape[1] else x


class Muon(torch.optim.Muon):
    """torch's, with updates of the RMS that AdamW's have, and in the precision that the processor is fast in."""

    def __init__(self, params: list[Tensor], lr: float, weight_decay: float) -> None:
        super().__init__(params, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
        self.in_float32 = slow_in_bfloat16(params[0].device)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One update; a closure is not taken where it is done in float32."""
        if not self.in_float32:
            return super().step(closure)
        for group in self.param_groups:
            lr, momentum = float(group["lr"]), group["momentum"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(p.grad)
                buffer = state["momentum_buffer"].lerp_(p.grad, 1 - momentum)
                update = orthogonalized(p.grad.lerp(buffer, momentum))
                p.mul_(1 - lr * group["weight_decay"])
                p.add_(update, alpha=-lr * 0.2 * max(p.shape) ** 0.5)
        return None
