"""Circuits of edges: who reads what of whom, each on or off (path patching, Goldowsky-Dill et al. 2023).

A *sender* writes to the residual stream: the input, a head, an MLP. A *reader* takes something from it: a head's
queries, keys or values, an MLP, or the output (final layer norm and unembedding). An edge that is off gives its reader
something else in the place of what the sender writes, and leaves the sender's other readers alone. The biases that
attention adds are always there.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from helpers.analysis.components import INPUT, Component, attention, head, mlp
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


def _by_heads(obs: Observation, layer: int) -> Written:
    """What each head of a layer writes."""
    return torch.einsum("bnhd,hdm->hbnm", obs.cache["z", layer], obs.bridge.blocks[layer].attn.W_O)


def written(obs: Observation) -> Written:
    """What each sender writes, a head without the bias that its layer adds."""
    found = [obs.cache["resid_pre", 0][None]]
    for i in range(obs.config.n_layers):
        found += [_by_heads(obs, i), obs.cache["mlp_out", i][None]]
    return torch.cat(found)


def at_position(obs: Observation) -> Written:
    """What each sender writes on average over sequences, at each position: for mean ablation."""
    own = written(obs)
    return own.mean(dim=1, keepdim=True).expand_as(own)


def predict(obs: Observation, on: Edges, instead: Written) -> Prediction:
    """The prediction with some edges off; differentiable in ``on``.

    Args:
        on: for each reader and sender 1 or 0 (or something between), in the order of ``readers`` and ``senders``; with
            a batch axis in front for each sequence by itself.
        instead: what comes in the place of what a sender writes, of each sender.
    """
    config, bridge, n = obs.config, obs.bridge, obs.config.n_heads
    own, row, as_observed = [obs.cache["resid_pre", 0]], 0, not on.requires_grad
    stream = own[0]  # what a reader sees whose edges are all on

    def still(count: int) -> bool:
        """Whether the next so many readers, and all before, see what they saw: then what they write is known."""
        nonlocal row, as_observed
        as_observed = as_observed and bool((on[..., row : row + count, : len(own)] == 1).all())
        row += count * as_observed
        return as_observed

    def read(norm: nn.Module, count: int = 1) -> Float[Tensor, "readers batch n_ctx d_model"]:
        """What the next so many readers see, through layer norm; those that see the same stream share the work."""
        nonlocal row
        less, which = on[..., row : row + count, : len(own)] - 1, torch.arange(count)
        row += count
        if on.ndim == 2 and not on.requires_grad:
            less, which = less.unique(dim=0, return_inverse=True)
        off = range(len(own)) if on.requires_grad else less.flatten(0, -2).any(dim=0).nonzero().flatten().tolist()
        if not off:
            return norm(stream[None])[which]
        moves = torch.stack([own[s] - instead[s] for s in off])
        by = "brs,sbnd->rbnd" if on.ndim == 3 else "rs,sbnd->rbnd"
        return norm(stream + torch.einsum(by, less[..., list(off)], moves))[which]

    for i in range(config.n_layers):
        block = bridge.blocks[i]
        weights = ((getattr(block.attn, f"W_{x}"), getattr(block.attn, f"b_{x}")) for x in "QKV")
        if still(3 * n):
            heads = _by_heads(obs, i)
        else:
            q, k, v = (read(block.ln1, n) @ w[:, None] + b[:, None, None] for w, b in weights)
            heads = as_pattern(q @ k.mT / config.d_head**0.5) @ v @ block.attn.W_O[:, None]
        own += heads
        stream = stream + heads.sum(dim=0) + block.attn.b_O
        own.append(obs.cache["mlp_out", i] if still(1) else block.mlp(read(block.ln2)[0]))
        stream = stream + own[-1]
    return bridge.unembed(read(bridge.ln_final)[0])


def effects(obs: Observation, instead: Written, draws: int = 4, seed: int = 0) -> Float[Tensor, "readers senders"]:
    """To first order, how far each edge's ablation moves the prediction: the mean square, where all edges are on.

    Edge attribution (Syed et al. 2023) with the move of the prediction in the place of the loss, whose gradient is near
    zero in a trained model. Squares are over the error of the best rule blind to c, half for each sign of c, and come
    from ``draws`` random projections of the prediction.

    Raises:
        ValueError: no context has 3 vectors, or what ``following.signs`` raises.
    """
    if obs.vectors.shape[1] < 3:
        raise ValueError(f"contexts must have at least 3 vectors, got {obs.vectors.shape[1]}")
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


def by_half(config: ModelConfig) -> dict[tuple[str, str], Bool[Tensor, "readers senders"]]:
    """The edges between half layers, those of all heads together: by the names of reader ("L2 q") and sender."""
    found: dict[tuple[str, str], Bool[Tensor, "readers senders"]] = {}
    there = possible(config)
    for r, (reader, into) in enumerate(readers(config)):
        name = reader if reader == OUTPUT else str(reader) if into == "in" else f"L{reader.layer} {into}"
        for s, sender in enumerate(senders(config)):
            if there[r, s]:
                half = str(attention(sender.layer)) if sender.kind == "head" else str(sender)
                found.setdefault((name, half), torch.zeros_like(there))[r, s] = True
    return found
