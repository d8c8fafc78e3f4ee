"""Symmetries of the task, and by how much a rule falls short of them.

An affine recurrence stays one, with the same c, when all its vectors are turned, reflected or shifted alike. A rule
that uses nothing else turns, reflects and shifts its answer with them: it commutes with the move (is *equivariant*).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.data.solvers import Contexts, Next, Rule

Vectors = Contexts | Next
Move = Callable[[Vectors], Vectors]  # of every vector alike, whatever stands before the last axis


def rotation(dimension: int, generator: torch.Generator) -> Move:
    """A turn of all dimensions, drawn evenly from all (QR of a Gaussian matrix, signs made even: Mezzadri 2007)."""
    q, r = torch.linalg.qr(torch.randn(dimension, dimension, generator=generator, dtype=torch.float64))
    turn = q * r.diagonal().sign()
    return lambda vectors: vectors @ turn


def permutation(dimension: int, generator: torch.Generator) -> Move:
    """The dimensions in another order."""
    order = torch.randperm(dimension, generator=generator)
    return lambda vectors: vectors[..., order]


def translation(dimension: int, size: float, generator: torch.Generator) -> Move:
    """A shift in a random direction; ``size`` is the root mean square of its entries, in the vectors' units.

    Raises:
        ValueError: ``size`` is not finite.
    """
    if not math.isfinite(size):
        raise ValueError(f"size must be finite, got {size}")
    t = torch.randn(dimension, generator=generator, dtype=torch.float64)
    t = t * size / t.square().mean().sqrt()
    return lambda vectors: vectors + t


def defect(rule: Rule, contexts: Contexts, move: Move) -> Float[Tensor, " batch"]:
    """The mean square over entries of rule(move(v)) - move(rule(v)): 0 where the rule commutes with the move.

    It has the unit of a squared error. Of two guesses that have nothing to do with each other it is twice their square;
    of a rule that is as accurate on moved contexts as on others at most four times its error, whatever it does.
    """
    return (rule(move(contexts)) - move(rule(contexts))).square().mean(dim=1)
