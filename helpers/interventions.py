"""Changing the model while it runs: ablating heads, freezing components, editing attention."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.attention import scores, visible
from helpers.estimates import Estimate, ratio
from helpers.observation import Observation
from helpers.recurrences import FIRST

Prediction = Float[Tensor, "batch n_ctx dimension"]
Hook = tuple[str, Callable[..., Tensor]]


@torch.no_grad()
def run(obs: Observation, hooks: Iterable[Hook]) -> Prediction:
    """Predicts the observed sequences again with hooks in place (TransformerLens's ``run_with_hooks``)."""
    return obs.bridge.run_with_hooks(obs.embedded, fwd_hooks=list(hooks))


def constant(activation: Float[Tensor, "batch n_ctx ..."]) -> Float[Tensor, ...]:
    """An activation's mean over sequences and over contexts of 3 vectors and more: what a bias could supply."""
    return activation[:, FIRST:].mean(dim=(0, 1))


def constant_share(output: Float[Tensor, "batch n_ctx d_model"]) -> Estimate:
    """Share of an output's mean square that its ``constant`` part makes up: 1 for a bias, 0 if nothing is constant."""
    fixed, output = constant(output), output[:, FIRST:]
    # |mean|^2 written as the mean of 2 x . mean - |mean|^2: in a resample it then varies as |mean|^2 itself would
    size = fixed.square().sum() * output.shape[1]
    return ratio(2 * (output * fixed).sum(dim=(1, 2)) - size, output.square().sum(dim=(1, 2)))


def _replace_heads(value: Tensor, hook: object, *, heads: list[int], by: Tensor) -> Tensor:
    value = value.clone()
    value[:, :, heads] = by[heads]
    return value


def ablate_heads(obs: Observation, heads: Iterable[tuple[int, int]]) -> Prediction:
    """Mean ablation: the outputs of the named (layer, head) pairs are replaced by their mean.

    The mean is taken over sequences and contexts of 3 and more, and put in at every position: nothing of the input is
    left.
    Raises:
        ValueError: a pair names no head of this model.
    """
    by_layer: dict[int, list[int]] = {}
    for layer, head in heads:
        if not (0 <= layer < obs.config.n_layers and 0 <= head < obs.config.n_heads):
            raise ValueError(
                f"heads must be (layer, head) pairs below ({obs.config.n_layers}, {obs.config.n_heads}), "
                f"got {(layer, head)}"
            )
        by_layer.setdefault(layer, []).append(head)
    return run(
        obs,
        [
            (f"blocks.{layer}.attn.hook_z", partial(_replace_heads, heads=chosen, by=constant(obs.cache["z", layer])))
            for layer, chosen in by_layer.items()
        ],
    )


def layer_heads(obs: Observation, layer: int) -> list[tuple[int, int]]:
    """All (layer, head) pairs of one layer."""
    return [(layer, head) for head in range(obs.config.n_heads)]


def freeze(obs: Observation, names: Iterable[str]) -> Prediction:
    """Replaces whole components by their mean: "0_attn_out", "1_mlp_out" and so on, any number of them.

    "embed" is what enters layer 0. With it and all the others, nothing is left of the input.

    Raises:
        ValueError: a name is not of that form, or has no such layer.
    """
    parts = [(layer, part) for layer in range(obs.config.n_layers) for part in ("attn_out", "mlp_out")]
    places = {"embed": "blocks.0.hook_resid_pre"} | {f"{i}_{part}": f"blocks.{i}.hook_{part}" for i, part in parts}
    hooks = []
    for name in names:
        if name not in places:
            raise ValueError(f"names must be among {sorted(places)}, got {name!r}")
        hook = places[name]
        hooks.append((hook, partial(_replace, by=constant(obs.cache[hook]))))
    return run(obs, hooks)


def _replace(value: Tensor, hook: object, *, by: Tensor) -> Tensor:
    return by.expand_as(value).clone()


def scale_scores(obs: Observation, layer: int, factor: float) -> Prediction:
    """Multiplies a layer's attention scores before the softmax: 0 attends evenly, -1 prefers what it avoided."""

    hidden = ~visible(obs.config.n_ctx)
    edited = torch.softmax((factor * scores(obs, layer)).masked_fill(hidden, float("-inf")), dim=-1)
    return run(obs, [(f"blocks.{layer}.attn.hook_pattern", partial(_replace, by=edited))])
