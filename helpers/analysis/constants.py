"""Ablation by the constant that costs least (Li & Janson 2024, arXiv 2409.09951).

Ablating a component by its mean asks two things at once: what is lost with its information, and how ill a mean suits
the layers above. The constant that makes the error smallest leaves the first alone, so it is the fair one where a
component is said to be a bias.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor

from helpers.analysis import components
from helpers.analysis.components import Component
from helpers.analysis.interventions import CONSTANTS, WRITERS, forward
from helpers.analysis.observation import Hook, Observation
from helpers.data.recurrences import from_third

ITERATIONS = 30  # of L-BFGS; more lower the error that is left by some percent
COUNT = 64  # sequences to fit on: 30,000 numbers to predict, for at most 3,600 constants


def _put(value: Tensor, hook: object, *, by: Tensor, heads: list[int] | None) -> Tensor:
    if heads is None:
        return by.expand_as(value)
    kept = [i for i in range(value.shape[2]) if i not in heads]
    order = torch.tensor([*kept, *heads]).argsort()
    return torch.cat([value[:, :, kept], by.expand(*value.shape[:2], *by.shape[-2:])], dim=2)[:, :, order]


def optimal_constants(
    fit: Observation, parts: Iterable[Component], by: str = "mean", iterations: int = ITERATIONS
) -> list[Hook]:
    """Hooks that put constants in the place of components, chosen so that the error on ``fit`` is smallest.

    By L-BFGS on the mean squared error over contexts of 3 and more, from the components' means. Judge by other
    sequences than those of ``fit``, of which the first ``COUNT`` are used: ``fit, judged = obs.halves()``, then
    ``predict_with(judged, hooks)``.

    Args:
        parts: heads, or any of the input, the attention and the MLP of a layer.
        by: "mean": one constant, as a bias would be. "position": a constant for each position.
    Raises:
        ValueError: a part is none of these, or ``by`` is neither of the two.
    """
    if by not in CONSTANTS:
        raise ValueError(f"by must be one of {tuple(CONSTANTS)}, got {by!r}")
    constant = CONSTANTS[by]
    fit = fit.part(slice(COUNT))
    heads: dict[str, list[int]] = {}
    whole: list[str] = []
    for part in parts:
        checked = components.check(part, fit.config, "head", *WRITERS)
        if checked.kind == "head":
            heads.setdefault(checked.hook, []).append(checked.head)
        else:
            whole.append(checked.hook)
    start = {hook: constant(fit.cache[hook])[chosen] for hook, chosen in heads.items()}
    start |= {hook: constant(fit.cache[hook]) for hook in whole}
    values = {hook: value.clone().requires_grad_() for hook, value in start.items()}
    hooks = [(hook, partial(_put, by=value, heads=heads.get(hook))) for hook, value in values.items()]
    optimizer = torch.optim.LBFGS(
        list(values.values()), max_iter=iterations, line_search_fn="strong_wolfe", tolerance_change=0.0
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        with torch.enable_grad():
            prediction = forward(fit, hooks)
            error = from_third(prediction - fit.targets).square().mean() / fit.variance
            error.backward()
        return error

    optimizer.step(loss)
    return [(hook, partial(_put, by=value.detach(), heads=heads.get(hook))) for hook, value in values.items()]
