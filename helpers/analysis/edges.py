"""Circuits of edges: which reader gets what of which writer, each on or off (path patching, Goldowsky-Dill et al. 2023).

A *sender* writes to the residual stream: the input, a head, an MLP. A *reader* takes something from it: a head's
queries, keys or values, an MLP, or the output (final layer norm and unembedding). An edge that is off gives its reader
something else in the place of what the sender writes, and leaves the sender's other readers alone. The biases that
attention adds are always there.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.analysis.components import INPUT, Component, head, mlp
from helpers.analysis.edits import as_pattern
from helpers.analysis.following import blind_prediction, signs
from helpers.analysis.interventions import Prediction
from helpers.analysis.observation import Observation
from helpers.data.recurrences import from_third
from helpers.training.model import ModelConfig

Written = Float[Tensor, "senders batch n_ctx d_model"]
Edges = Float[Tensor, "*batch readers senders"]  # 1 on, 0 off
INTO = ("q", "k", "v")
OUTPUT = "output"
Reader = tuple[Component | str, str]  # (head, one of INTO), (MLP, "in") or (OUTPUT, "in")


def senders(config: ModelConfig) -> list[Component]:
    """What writes to the residual stream, in order: the input, then each layer's heads and its MLP."""
    layers = [[*(head(i, h) for h in range(config.n_heads)), mlp(i)] for i in range(config.n_layers)]
    return [INPUT, *(part for layer in layers for part in layer)]


def readers(config: ModelConfig) -> list[Reader]:
    """What reads from it, in order: queries, keys and values of each layer's heads, its MLP; the output."""
    found: list[Reader] = []
    for i in range(config.n_layers):
        found += [(head(i, h), into) for into in INTO for h in range(config.n_heads)]
        found.append((mlp(i), "in"))
    return [*found, (OUTPUT, "in")]


def possible(config: ModelConfig) -> Bool[Tensor, "readers senders"]:
    """Which edges there are: a reader sees what was written before it."""

    def step(part: Component | str) -> int:  # half layers in order
        if part == INPUT:
            return -1
        return 2 * config.n_layers if part == OUTPUT else 2 * part.layer + (part.kind == "MLP")

    return torch.tensor([[step(s) < step(r) for s in senders(config)] for r, _ in readers(config)])


def written(obs: Observation) -> Written:
    """What each sender writes, a head without the bias that its layer adds."""
    found = [obs.cache["resid_pre", 0]]
    for i in range(obs.config.n_layers):
        found += torch.einsum("bnhk,hkd->hbnd", obs.cache["z", i], obs.bridge.W_O[i])
        found.append(obs.cache["mlp_out", i])
    return torch.stack(found)


def at_position(obs: Observation) -> Written:
    """What each sender writes on average over sequences, at each position: for mean ablation."""
    own = written(obs)
    return own.mean(dim=1, keepdim=True).expand_as(own)


def predict(obs: Observation, on: Edges | Float[Tensor, " senders"], instead: Written) -> Prediction:
    """The prediction with some edges off; differentiable in ``on``.

    Args:
        on: for each reader and sender 1 or 0 (or something between), in the order of ``readers`` and ``senders``; with
            a batch axis in front for each sequence by itself. One number for each sender switches it for all readers.
        instead: what comes in the place of what a sender writes, of each sender.
    """
    config, bridge, n = obs.config, obs.bridge, obs.config.n_heads
    own, bias = [obs.cache["resid_pre", 0]], torch.zeros(config.d_model, dtype=torch.float64)
    row = 0

    def read(count: int) -> Float[Tensor, "readers batch n_ctx d_model"]:
        """The streams that the next so many readers see."""
        nonlocal row
        other = instead[: len(own)]
        mine = on[None, : len(own)] if on.ndim == 1 else on[..., row : row + count, : len(own)]
        row += count
        which = "brs" if on.ndim == 3 else "rs"
        moved = torch.einsum(f"{which},sbnd->rbnd", mine, torch.stack(own) - other)
        return moved + (other.sum(dim=0) + bias)

    for i in range(config.n_layers):
        block = bridge.blocks[i]
        weights = ((getattr(bridge, f"W_{x}")[i], getattr(bridge, f"b_{x}")[i]) for x in "QKV")
        q, k, v = (block.ln1(read(n)) @ w[:, None] + b[:, None, None] for w, b in weights)
        pattern = as_pattern(q @ k.mT / config.d_head**0.5)
        own += pattern @ v @ bridge.W_O[i][:, None]
        bias = bias + bridge.b_O[i]
        own.append(block.mlp(block.ln2(read(1)[0])))
    return bridge.unembed(bridge.ln_final(read(1)[0]))


def effects(obs: Observation, instead: Written, draws: int = 4, seed: int = 0) -> Float[Tensor, "readers senders"]:
    """To first order, how far each edge's ablation moves the prediction: the mean square, where all edges are on.

    Edge attribution (Syed et al. 2023) with the move of the prediction in the place of the loss, whose gradient is near
    zero in a trained model. Squares are over the error of the best rule blind to c, half for each sign of c, and come
    from ``draws`` random projections of the prediction.
    """
    generator = torch.Generator().manual_seed(seed)
    on = possible(obs.config).double().expand(len(obs.sequences), -1, -1).clone().requires_grad_()
    with torch.enable_grad():
        prediction = from_third(predict(obs, on, instead))
    weight, blind = torch.zeros(len(obs.sequences), dtype=torch.float64), obs.errors(blind_prediction(obs)).sum(dim=1)
    for sign in signs(obs).values():
        chosen = sign * obs.c > 0
        weight[chosen] = 1 / blind[chosen].sum()
    found = torch.zeros(on.shape[1:], dtype=torch.float64)
    for i in range(draws):
        noise = torch.randn(prediction.shape, generator=generator, dtype=prediction.dtype)
        (slope,) = torch.autograd.grad((prediction * noise).sum(), on, retain_graph=i + 1 < draws)
        found += (weight[:, None, None] * slope.square()).sum(dim=0) / draws / obs.config.dimension
    return found
