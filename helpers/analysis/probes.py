"""Probes: what can be read from an activation, held out, with controls (Alain & Bengio 2016; Hewitt & Liang 2019).

Everything is centred by position, so that a probe is not paid for knowing the position. A *linear* probe is ridge
regression; the *MLP* probe has one hidden layer, left at random, whose outputs are regressed on in the same way: it is
solved in closed form and so gives the same digits everywhere.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.analysis.estimates import Estimate, bootstrap
from helpers.analysis.observation import Observation

PENALTY = 1e-3  # of ridge regression, times the mean variance of the inputs
HIDDEN = 512  # units of the MLP probe
FAR = 3.0  # log |m| is cut here: for c near 1 the line's m lies beyond all bounds
Inputs = Float[Tensor, "batch positions width"]
Wanted = Float[Tensor, "batch positions"]


def quantities(obs: Observation) -> dict[str, Wanted]:
    """What a probe may look for, at contexts of 3 and more: of c, and of the line."""
    c = obs.c[:, None].expand(-1, obs.config.n_ctx)[:, 2:]
    power = torch.arange(3, obs.config.n_ctx + 1, dtype=torch.float64)
    m = torch.from_numpy(obs.sequences.d).norm(dim=1) / (1 - obs.c).abs()
    return {
        "c": c,
        "sign of c": c.sign(),
        "|c|": c.abs(),
        "place, cⁿ": c.sign() ** power * c.abs() ** power,
        "log |m|": m.log().clamp(max=FAR)[:, None].expand_as(c),
    }


def centred(x: Float[Tensor, "batch positions *width"], like: Float[Tensor, "_ positions *width"]) -> Tensor:
    """Less the mean over sequences, at each position, of ``like``."""
    return x - like.mean(dim=0)


class Probe:
    """A probe fitted on some sequences.

    Args:
        x, y: what it reads and what it should find, at the same positions.
        hidden: units of the random hidden layer; 0 for a linear probe.
    """

    def __init__(self, x: Inputs, y: Wanted, hidden: int = 0, seed: int = 0) -> None:
        self.x, self.y = x.mean(dim=0), y.mean(dim=0)
        x, width = x - self.x, x.shape[2]
        self.size = x.square().mean().sqrt().clamp(min=1e-12)
        generator = torch.Generator().manual_seed(seed)
        self.first = torch.randn(width, hidden, generator=generator, dtype=x.dtype) / (
            x.square().sum(dim=2).mean().sqrt().clamp(min=1e-12)
        )
        self.bias = torch.randn(hidden, generator=generator, dtype=x.dtype)
        self.hidden, self.middle = hidden, 0.0
        if hidden:
            self.middle = self.lifted(x).mean(dim=(0, 1))
        inputs = self.lifted(x).flatten(0, 1)
        gram = inputs.T @ inputs
        gram += PENALTY * gram.diagonal().mean() * torch.eye(len(gram), dtype=x.dtype)
        self.weight = torch.linalg.solve(gram, inputs.T @ (y - self.y).flatten())

    def lifted(self, x: Inputs) -> Inputs:
        """The centred inputs as the regression sees them."""
        return torch.tanh(x @ self.first + self.bias) - self.middle if self.hidden else x

    def read(self, x: Inputs) -> Wanted:
        """What it finds, the mean at each position included."""
        return self.lifted(x - self.x) @ self.weight + self.y

    def r2(self, x: Inputs, y: Wanted) -> Estimate:
        """The share it explains, on other sequences, of what varies between sequences at the same position."""
        left = (y - self.read(x)).square().sum(dim=1)
        return bootstrap(lambda a, b: 1 - a / b, left, (y - self.y).square().sum(dim=1))
