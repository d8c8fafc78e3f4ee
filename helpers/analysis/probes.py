"""Probes: what can be read from an activation, held out, with controls (Alain & Bengio 2016; Hewitt & Liang 2019).

Everything is centred by position, so that a probe is not paid for knowing the position. A *linear* probe is ridge
regression; the *MLP* probe has one hidden layer, left at random, whose outputs are regressed on in the same way: it is
solved in closed form and so gives the same digits everywhere.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.analysis.estimates import Estimate, bootstrap, rounded
from helpers.analysis.observation import Observation

PENALTIES = (1e-3, 0.1, 10.0)  # of ridge regression, times the inputs' mean variance; the best on a quarter kept apart
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


def ridge(x: Inputs, y: Wanted, penalty: float) -> Float[Tensor, " width"]:
    """The weights of ridge regression through the origin."""
    x, y = x.flatten(0, 1), y.flatten()
    gram = x.T @ x
    gram += (penalty * gram.diagonal().mean() + 1e-30) * torch.eye(len(gram), dtype=x.dtype)
    return torch.linalg.solve(gram, x.T @ y)


class Probe:
    """A probe fitted on some sequences.

    Args:
        x, y: what it reads and what it should find, at the same positions.
        hidden: units of the random hidden layer; 0 for a linear probe.
    Raises:
        ValueError: x or y is not finite, as log |m| is not where d is 0, or there are fewer than 2 sequences.
    """

    def __init__(self, x: Inputs, y: Wanted, hidden: int = 0, seed: int = 0) -> None:
        for name, values in {"x": x, "y": y}.items():
            if len(values) < 2 or not values.isfinite().all():
                raise ValueError(f"{name} must have finite numbers of at least 2 sequences")
        self.x, self.y, self.middle = x.mean(dim=0), y.mean(dim=0), 0.0
        x, y = x - self.x, y - self.y
        generator = torch.Generator().manual_seed(seed)
        size = x.square().sum(dim=2).mean().sqrt().clamp(min=1e-12)
        self.first = torch.randn(x.shape[2], hidden, generator=generator, dtype=x.dtype) / size
        self.bias = torch.randn(hidden, generator=generator, dtype=x.dtype)
        if hidden:
            self.middle = self.lifted(x).mean(dim=(0, 1))
        inputs, part = self.lifted(x), 3 * len(x) // 4
        tried = [ridge(inputs[:part], y[:part], penalty) for penalty in PENALTIES]
        left = [rounded((y[part:] - inputs[part:] @ weight).square().mean().item(), 6) for weight in tried]
        self.weight = ridge(inputs, y, PENALTIES[left.index(min(left))])

    def lifted(self, x: Inputs) -> Float[Tensor, "batch positions features"]:
        """The centred inputs as the regression sees them."""
        return torch.tanh(x @ self.first + self.bias) - self.middle if len(self.bias) else x

    def read(self, x: Inputs) -> Wanted:
        """What it finds, the mean at each position included."""
        return self.lifted(x - self.x) @ self.weight + self.y

    def r2(self, x: Inputs, y: Wanted) -> Estimate:
        """The share it explains, on other sequences, of what varies between sequences at the same position.

        Raises:
            ValueError: y does not vary.
        """
        if not (y - self.y).square().sum() > 0:
            raise ValueError(f"y must differ between sequences, got {len(y)} that are alike")
        left = (y - self.read(x)).square().sum(dim=1)
        return bootstrap(lambda a, b: 1 - a / b, left, (y - self.y).square().sum(dim=1))


def steps_along(x: Inputs, c: Wanted) -> tuple[Float[Tensor, " width"], float]:
    """How an activation moves with c, by least squares of it on c at each position, and the share explained.

    Raises:
        ValueError: x or c is the same in every sequence.
    """
    x, c = x - x.mean(dim=0), (c - c.mean(dim=0))[..., None]
    for name, values in {"x": x, "c": c}.items():
        if not values.square().sum() > 0:
            raise ValueError(f"{name} must differ between sequences, got {len(values)} that are alike")
    slope = (x * c).sum(dim=(0, 1)) / c.square().sum()
    return slope, 1 - ((x - c * slope).square().sum() / x.square().sum()).item()
