"""Circuits as sets of parts: what is left of the model when all parts but some are ablated, and how few are enough.

A node is the vectors or the numbers that a half layer writes. What is kept is what it becomes with all else ablated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
import torch

from helpers.analysis.components import Component, attention, mlp
from helpers.analysis.estimates import rounded
from helpers.analysis.following import kept
from helpers.analysis.interchange import predict_with_parts
from helpers.analysis.interventions import Prediction
from helpers.analysis.observation import Observation
from helpers.analysis.parity import PARTS, Parity

T = TypeVar("T")
Node = tuple[Component, str]
ABLATIONS = ("mean", "resample")


def nodes(obs: Observation) -> list[Node]:
    """The vectors and the numbers of each half layer, in the order of the model."""
    return [(half(i), part) for i in range(obs.config.n_layers) for half in (attention, mlp) for part in PARTS]


def without(parity: Parity, dropped: Iterable[Node], by: str = "mean") -> Prediction:
    """The prediction with some nodes ablated.

    Args:
        by: "mean": numbers are replaced by their mean over sequences at each position, vectors by zero. "resample":
            by what they are in the sequence before.
    Raises:
        ValueError: ``by`` is neither.
    """
    if by not in ABLATIONS:
        raise ValueError(f"by must be one of {ABLATIONS}, got {by!r}")
    parts: dict[str, dict[str, torch.Tensor]] = {}
    for component, part in dropped:
        value = getattr(parity, part)(component.hook)
        mean = torch.zeros_like(value) if part == "vectors" else value.mean(dim=0).expand_as(value)
        parts.setdefault(component.hook, {})[part] = mean if by == "mean" else value.roll(1, dims=0)
    return predict_with_parts(parity, parts) if parts else parity.obs.prediction


def faithfulness(parity: Parity, dropped: Iterable[Node], by: str = "mean") -> float:
    """How much is left of what knowing c brings (``following.kept``), for the sign of c that loses most."""
    return min(k.value for k in kept(parity.obs, without(parity, dropped, by)).values())


def smallest(curve: Sequence[float], level: float, size: int) -> int:
    """How many of ``size`` nodes are left where a curve is last at a level or above, going down from all of them."""
    below = [n for n, value in enumerate(curve) if rounded(value, 3) < level]
    return size - (below[0] - 1 if below else len(curve) - 1)


def backward(
    items: Sequence[T], measure: Callable[[list[T]], float], tries: int = 3, floor: float = 0.5
) -> tuple[list[T], list[float]]:
    """Takes items away one at a time, each time that one of the first few left whose loss leaves most.

    Args:
        items: those that can be spared first.
        measure: what is left of the model without some items.
        tries: so many are tried at a time.
        floor: it ends where less would be left.
    Returns:
        The items taken away, in order, and what is left after each.
    """
    gone: list[T] = []
    curve: list[float] = []
    while waiting := [item for item in items if item not in gone]:
        left, best = max(((rounded(measure([*gone, item])), -i) for i, item in enumerate(waiting[:tries])))
        if left < floor:
            break
        gone.append(waiting[-best])
        curve.append(left)
    return gone, curve


def random_circuits(parity: Parity, size: int, draws: int, seed: int = 0) -> list[float]:
    """Faithfulness of random circuits of so many nodes."""
    rng, every = np.random.default_rng(seed), nodes(parity.obs)
    return [
        faithfulness(parity, [every[i] for i in rng.permutation(len(every))[: len(every) - size]]) for _ in range(draws)
    ]
