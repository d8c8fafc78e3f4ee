"""Taking things out of the model while it runs: ablating heads, freezing components and layers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.analysis import components
from helpers.analysis.components import Component
from helpers.analysis.estimates import affine
from helpers.analysis.observation import Hook, Observation
from helpers.data.recurrences import THIRD, from_third

Prediction = Float[Tensor, "batch n_ctx dimension"]


@torch.no_grad()
def predict_with(obs: Observation, hooks: Iterable[Hook]) -> Prediction:
    """Predicts the observed sequences with hooks in place; ``Observation.under`` keeps the activations as well."""
    return forward(obs, hooks)


def forward(obs: Observation, hooks: Iterable[Hook]) -> Prediction:
    """``predict_with`` for whoever needs gradients.

    Below the first layer that a hook touches all is as observed, so that the pass starts there: for layer 2 of 3 it
    costs a third, and gives the same bits.
    """
    hooks = list(hooks)
    layers = [re.match(r"blocks\.(\d+)\.", name) for name, _ in hooks]
    first = min((int(layer[1]) if layer else 0 for layer in layers), default=0)
    if first == 0:
        return obs.bridge.run_with_hooks(obs.embedded, fwd_hooks=hooks)
    stream = obs.cache["resid_pre", first]
    with obs.bridge.hooks(fwd_hooks=hooks):
        for block in obs.bridge.blocks[first:]:
            (stream,) = block(stream)
        return obs.bridge.unembed(obs.bridge.ln_final(stream))


def constant(activation: Float[Tensor, "batch n_ctx *width"]) -> Float[Tensor, "*width"]:
    """An activation's mean over sequences and over contexts of 3 vectors and more: what a bias could supply.

    Raises:
        ValueError: no context has 3 vectors.
    """
    if activation.shape[1] <= THIRD:
        raise ValueError(f"activation must have at least {THIRD + 1} positions, got {activation.shape[1]}")
    return from_third(activation).mean(dim=(0, 1))


def _replace_heads(value: Tensor, hook: object, *, heads: list[int], by: Tensor) -> Tensor:
    value = value.clone()
    value[:, :, heads] = by[..., heads, :]
    return value


ABLATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": constant,
    "zero": torch.zeros_like,
    "resample": lambda activation: activation.roll(1, dims=0),
}


def ablation(obs: Observation, heads: Iterable[Component], by: str = "mean") -> list[Hook]:
    """The hooks that replace the outputs of heads.

    Args:
        by: "mean": their mean over sequences and contexts of 3 and more, at every position, so that nothing of the
            input is left. "zero": nothing, so that later layers miss a constant as well. "resample": what they write
            in another sequence, so that all is as usual but about something else.
    Raises:
        ValueError: a component is no head of this model, or ``by`` no ablation.
    """
    if by not in ABLATIONS:
        raise ValueError(f"by must be one of {tuple(ABLATIONS)}, got {by!r}")
    chosen: dict[str, list[int]] = {}
    for head in heads:
        chosen.setdefault(components.check(head, obs.config, "head").hook, []).append(head.head)
    return [
        (hook, partial(_replace_heads, heads=numbers, by=ABLATIONS[by](obs.cache[hook])))
        for hook, numbers in chosen.items()
    ]


def ablate_heads(obs: Observation, heads: Iterable[Component], by: str = "mean") -> Prediction:
    """The prediction with the named heads replaced, as ``ablation`` says."""
    return predict_with(obs, ablation(obs, heads, by))


def _multiply(value: Tensor, hook: object, *, by: Tensor) -> Tensor:
    return value * by


def scaling(obs: Observation, strengths: Mapping[Component, float]) -> list[Hook]:
    """The hooks that multiply what heads write: 0 removes it, 1 changes nothing, 2 doubles it.

    Raises:
        ValueError: a component is no head of this model.
    """
    factors: dict[str, Tensor] = {}
    for head, factor in strengths.items():
        hook = components.check(head, obs.config, "head").hook
        factors.setdefault(hook, torch.ones(obs.config.n_heads, 1, dtype=torch.float64))[head.head] = factor
    return [(hook, partial(_multiply, by=by)) for hook, by in factors.items()]


WRITERS = ("input", "heads", "MLP")  # kinds of component that add to the residual stream, and have a hook where they do
CONSTANTS: dict[str, Callable[[Tensor], Tensor]] = {"mean": constant, "position": lambda a: a.mean(dim=0)}
FROZEN = CONSTANTS | {"resample": ABLATIONS["resample"]}


def freeze(obs: Observation, parts: Iterable[Component], by: str = "mean") -> Prediction:
    """Replaces what adds to the residual stream by constants; with all of it replaced, nothing is left of the input.

    Args:
        parts: any of the input, the attention and the MLP of a layer.
        by: "mean": one constant, as a bias would be. "position": a constant for each position. "resample": what they
            add in another sequence.
    Raises:
        ValueError: a part is none of these, or ``by`` is none of the three.
    """
    if by not in FROZEN:
        raise ValueError(f"by must be one of {tuple(FROZEN)}, got {by!r}")
    hooks = [components.check(part, obs.config, *WRITERS).hook for part in parts]
    return predict_with(obs, [(hook, partial(replace, by=FROZEN[by](obs.cache[hook]))) for hook in hooks])


def replace(value: Float[Tensor, "*shape"], hook: object, *, by: Float[Tensor, "*#shape"]) -> Float[Tensor, "*shape"]:
    """A hook that puts ``by`` in the place of an activation."""
    return by.expand_as(value).clone()


def linearize(fit: Observation, judged: Observation, layer: int) -> Prediction:
    """Replaces a whole layer by the affine function of the stream at the same position that comes closest to it.

    It shows how much of what the layer adds can be told, linearly, from the one position. The function is fitted by
    least squares on one observation and put into another (``obs.halves()``, say), whose predictions are returned.
    """
    known, stream = (obs.cache["resid_pre", layer] for obs in (fit, judged))
    added = affine(stream, known, fit.cache["resid_post", layer] - known)
    return predict_with(judged, [(components.layer(layer).hook, partial(replace, by=stream + added))])
