"""Interchange interventions: part of an activation taken from a run on another sequence (Geiger et al. 2021).

Sequences come in threes. The *base* has some c; its *twin* lies on the same line, from the same start v_0 towards or
around the same m, with another c; the *placebo* has the base's c on another line. What is swapped from the twin can
bring its c or its place on the line, what is swapped from the placebo neither.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.analysis.attribution import final_bias
from helpers.analysis.estimates import Estimate, ratio
from helpers.analysis.following import SIGNS
from helpers.analysis.interventions import Prediction, predict_with
from helpers.analysis.observation import Observation
from helpers.analysis.parity import PARTS, Parity
from helpers.data.recurrences import THIRD, Family, Sequences, unroll

APART, ALIKE = 0.2, 0.75  # least distance of the two c; least ratio of the largest entries of base, twin and placebo
USUAL = 2  # the twin's d is at most so many times as large as the base's, or as small: lines that its c has in training
MOST_TRIES = 20_000  # for one three
Chosen = slice | Bool[Tensor, " batch"]
Activation = Float[Tensor, "batch _ *width"]  # the second axis is the position, of patterns the head


def lines(family: Family, count: int, seed: int) -> dict[str, Sequences]:
    """Draws ``count`` threes, "base", "twin" and "placebo"; the largest entry of each three is 1.

    c and the twin's c are uniform over what the family has of [-1, 1] (beyond that, lines grow out of the scale) and
    of one sign, negative and positive in turn where there are both: the model does not do the same for both. a_0 and d
    of base and placebo are N(0, 1). Threes are kept if the two values of c are ``APART`` and neither is closer to 0
    than half of that, the twin's d is ``USUAL``, and the three largest entries are ``ALIKE``.

    Raises:
        ValueError: the family's range of c is too narrow for that.
    """
    ends = max(family.c_min, -1.0), min(family.c_max, 1.0)
    signs = [sign for sign, end in zip((-1, 1), ends, strict=True) if sign * end > APART]
    rng = np.random.default_rng(seed)
    found: dict[str, list] = {"base": [], "twin": [], "placebo": []}
    if not signs or not ends[0] < ends[1]:
        raise ValueError(f"family must have values of c beyond ±{APART} within -1 and 1, got {family}")
    tries = 0  # since the last that was kept
    while len(found["base"]) < count:
        if (tries := tries + 1) > MOST_TRIES:
            raise ValueError(
                f"family must have values of c that are {APART} apart for either sign it has, got {family}"
            )
        c, other = rng.uniform(*ends, 2)
        a0, d = rng.standard_normal((2, 2, family.dimension))
        if signs[len(found["base"]) % len(signs)] * c < 0 or c * other < 0:
            continue
        ratio_of_d = (1 - other) / (1 - c)
        if abs(c - other) < APART or min(abs(c), abs(other)) < APART / 2 or not 1 / USUAL < ratio_of_d < USUAL:
            continue
        values = np.array([c, other, c])
        shifts = np.stack([d[0], d[0] * ratio_of_d, d[1]])
        three = unroll(np.stack([a0[0], a0[0], a0[1]]), values, shifts, family.length)
        largest = np.abs(three).max(axis=(1, 2))
        if largest.min() >= ALIKE * largest.max():
            tries = 0
            for i, rows in enumerate(found.values()):
                rows.append((three[i] / largest.max(), values[i], shifts[i] / largest.max(), largest.max()))
    return {name: Sequences(*map(np.stack, zip(*rows, strict=True))) for name, rows in found.items()}


@dataclass(frozen=True)
class Threes:
    """A model observed on base, twin and placebo, each with its parity."""

    base: Parity
    twin: Parity
    placebo: Parity

    @classmethod
    def of(cls, obs: Observation, count: int, vectors: int | None = None, seed: int = 0) -> Threes:
        """The model of an observation on new threes of its family, as far as so many vectors (all by default)."""
        family = obs.family if vectors is None else dataclasses.replace(obs.family, length=vectors + 1)
        return cls(**{name: Parity(obs.on(s)) for name, s in lines(family, count, seed).items()})

    def moved(
        self,
        prediction: Prediction,
        last: bool = False,
        chosen: Chosen = slice(None),
        towards: Prediction | None = None,
    ) -> Estimate:
        """How far a prediction has moved from the base's towards the twin's (or another): 0 not at all, 1 all the way.

        It is the slope of the move on the whole way, by least squares over (the chosen) sequences and contexts of 3
        and more, or over the ``last`` context alone. Where c < 0 the way is much longer than where c > 0: pooled, the
        slope is that of c < 0.
        """
        start, here = self.base.obs.prediction, slice(-1, None) if last else slice(THIRD, None)
        end = self.twin.obs.prediction if towards is None else towards
        way, move = ((p - start)[chosen, here] for p in (end, prediction))
        return ratio((move * way).sum(dim=(1, 2)), way.square().sum(dim=(1, 2)))

    def moved_by_sign(
        self, prediction: Prediction, last: bool = False, towards: Prediction | None = None
    ) -> dict[str, Estimate]:
        """``moved`` by the sign of c, of the threes whose base and twin both have it."""
        of_sign = {name: (sign * self.base.obs.c > 0) & (sign * self.twin.obs.c > 0) for name, sign in SIGNS.items()}
        return {name: self.moved(prediction, last, chosen, towards) for name, chosen in of_sign.items() if chosen.any()}

    def own_vectors(self) -> Prediction:
        """The base's prediction moved as the twin's c, put in the place of its own, moves v_n + c (v_n - v_{n-1})."""
        v = self.base.obs.vectors
        step = v - v.roll(1, dims=1)
        return self.base.obs.prediction + (self.twin.obs.c - self.base.obs.c)[:, None, None] * step


def _parts(value: Tensor, hook: object, *, by: Mapping[str, Tensor], position: int | slice) -> Tensor:
    one, mirrored = value[:, position].chunk(2)
    vectors, numbers = by.get("vectors", (one - mirrored) / 2), by.get("numbers", (one + mirrored) / 2)
    value = value.clone()
    value[:, position] = torch.cat([numbers + vectors, numbers - vectors])
    return value


Parts = Mapping[str, Mapping[str, Activation]]  # by hook, by part: what to put there


def predict_with_parts(parity: Parity, parts: Parts, position: int | None = None) -> Prediction:
    """The prediction with vectors or numbers of activations replaced, at all positions or (not of patterns) at one.

    The mirrored sequences run along, so that the part of an activation that is not replaced is what it becomes, after
    all that has been replaced before it.

    Raises:
        ValueError: a part is neither "vectors" nor "numbers".
    """
    if unknown := {part for by in parts.values() for part in by} - set(PARTS):
        raise ValueError(f"parts must be among {PARTS}, got {sorted(unknown)}")
    here = slice(None) if position is None else position
    hooks = [
        (hook, partial(_parts, by={part: value[:, here] for part, value in by.items()}, position=here))
        for hook, by in parts.items()
    ]
    return predict_with(parity.both, hooks)[: len(parity.obs.sequences)]


def interchange(
    base: Parity, source: Parity, chosen: Mapping[str, Iterable[str]], position: int | None = None
) -> Prediction:
    """The base's prediction with parts of activations taken from another run; ``chosen`` says which parts of which."""
    values = {"vectors": source.vectors, "numbers": source.numbers}
    if unknown := {part for parts in chosen.values() for part in parts} - set(PARTS):
        raise ValueError(f"parts must be among {PARTS}, got {sorted(unknown)}")
    parts = {hook: {part: values[part](hook) for part in parts} for hook, parts in chosen.items()}
    return predict_with_parts(base, parts, position)


def mixed_by(base: Parity, source: Parity, layer: int) -> dict[str, dict[str, Activation]]:
    """For ``predict_with_parts``: what a layer's heads read in the base with the attention patterns of another run.

    It is what its heads write before W_O, so that it can be put at one position.
    """
    z = f"blocks.{layer}.attn.hook_z"
    one, mirrored = (
        torch.einsum("bhqk,bkhd->bqhd", there.cache["pattern", layer], own.cache["v", layer])
        for there, own in ((source.obs, base.obs), (source.mirror, base.mirror))
    )
    return {z: {"vectors": (one - mirrored) / 2, "numbers": (one + mirrored) / 2}}


def with_scale(base: Parity, source: Parity) -> Prediction:
    """The base's prediction with the final layer norm's division taken from another run."""
    obs, bias = base.obs, final_bias(base.obs)
    return bias + (obs.prediction - bias) * obs.norm_scale(None) / source.obs.norm_scale(None)


def at_random(value: Activation, by: Activation, seed: int = 0) -> Activation:
    """A value moved as far, at each position, as it would be to ``by``, in a random direction."""
    step = torch.randn(value.shape, generator=torch.Generator().manual_seed(seed), dtype=value.dtype)
    return value + step / step.norm(dim=-1, keepdim=True) * (by - value).norm(dim=-1, keepdim=True)
