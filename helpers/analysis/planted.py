"""A model whose circuits are set by hand as the paper describes them: what the findings look like where they are true.

The task is one that such circuits solve: sequences that swing around zero (c = -1) or walk straight through it (c = 1).
Layer 0's OV circuit is 2.3 times the identity; over a stream scaled by 0.1 it adds some 20 times as much of the
previous vector as there is of the present one. That is a crude estimate of the next: right for a swing, two steps late
for a walk. Layer 2 subtracts the mean of what is similar: for a swing this takes a little of the estimate away; for a
walk, whose past lies behind it, it moves the estimate on, by as much as it was late. Layer 1 is a constant.

Directions of the stream are differences of two neighbouring coordinates, so layer norm's centring leaves them alone:
one for each entry of a vector, one for each position, a large constant one that holds layer norm's scale steady, and
two for layer 1. One head of full width, so that QK and OV can be multiples of the identity. The MLPs are empty.
"""

from __future__ import annotations

import numpy as np
import torch

from helpers.analysis.observation import Observation, observe_sequences
from helpers.data.recurrences import Family, Sequences, sequences_from
from helpers.training.model import ModelConfig, RecurrenceModel

SLOPE, K, M = 2.3, 4.0, 0.96  # of the copy, of QK, of OV. K: similar vectors stand out, but the largest do not take all
PRESENT = 0.1  # scale of the stream before layer 0: next to what the head copies, the present vector is small
CONFIG = ModelConfig(dimension=6, n_ctx=14, d_model=52, n_heads=1, d_head=52, d_mlp=1)
FAMILY = Family(dimension=6)


@torch.no_grad()
def planted(
    slope: float = SLOPE, k: float = K, m: float = M, back: int = 1, middle: float = 0.0, spread: float = 0.0
) -> RecurrenceModel:
    """The model, with these numbers or others.

    Args:
        slope: layer 0's OV circuit is this times the identity.
        k, m: layer 2 has QK = k * I (before the division by sqrt(d_head)) and OV = -m * I.
        back: how many vectors back layer 0 looks.
        middle: layer 1, whose weights are of rank one and write a constant, adds this times what layer 0 has left where
            it looks.
        spread: and has this times random numbers in all places of its OV circuit.
    """
    d, n = CONFIG.d_model, CONFIG.n_ctx
    pairs = (torch.eye(d)[::2] - torch.eye(d)[1::2]) / 2**0.5
    entries, places, rest = pairs[: CONFIG.dimension], pairs[CONFIG.dimension :][:n], pairs[CONFIG.dimension + n :]
    model = RecurrenceModel(CONFIG)
    for name, p in model.named_parameters():
        p.copy_(torch.ones_like(p) if ".ln" in name and "weight" in name else torch.zeros_like(p))
    model.embed.weight.copy_(PRESENT * entries.T)
    model.native.head.weight.copy_(1.32 * entries)
    model.native.pos.weight.copy_(PRESENT * (0.3 * places + d**0.5 * rest[0]))
    first, second, third = (layer.attn for layer in model.native.layers)
    first.q.weight.copy_(60 * places.T @ places)
    first.k.weight.copy_(60 * places[back:].T @ places[: n - back])  # the key of place m: the query of place m + back
    second.q.weight.copy_(first.q.weight)
    second.k.weight.copy_(first.k.weight)
    first.v.weight.copy_(torch.eye(d))
    first.o.weight.copy_(slope * torch.eye(d))
    second.v.weight.copy_(1e-4 * torch.outer(rest[1], rest[1]) + middle * torch.eye(d))
    second.v.bias.copy_(3 * rest[1])
    second.o.weight.copy_(torch.outer(rest[2], rest[1]) + (middle != 0) * torch.eye(d))
    noise = torch.randn(2, d, d, generator=torch.Generator().manual_seed(0))
    second.v.weight += spread * noise[0]
    second.o.weight += spread * noise[1]
    third.q.weight.copy_(k * torch.eye(d))
    third.k.weight.copy_(torch.eye(d))
    third.v.weight.copy_(torch.eye(d))
    third.o.weight.copy_(-m * torch.eye(d))
    third.o.bias.copy_(m * d**0.5 * rest[0])  # what it takes from the constant direction it gives back
    return model


def swings_and_walks(count: int = 300) -> Sequences:
    """One sequence in four swings between -u and u, the others walk from -u to u in equal steps."""
    rng = np.random.default_rng(1)
    u = rng.choice([-0.4, 0.4], (count, CONFIG.dimension))
    c = np.where(np.arange(count) % 4, 1.0, -1.0)
    d = np.where(c[:, None] > 0, 2 * u / CONFIG.n_ctx, 0.0)
    return sequences_from(-u, c, d, FAMILY.length, scaling="none")


def observe_planted(**changes: float) -> Observation:
    """The model, with ``changes`` as for ``planted``, observed on its task."""
    return observe_sequences(planted(**changes), FAMILY, swings_and_walks())
