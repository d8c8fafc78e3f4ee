"""The parts of a model under one spelling: ``head(0, 1)`` is what tables show as "L0H1", and ``parse`` reads that back.

Use the constructors with the module's name before them (``components.mlp(2)``). A function about one layer takes its
number; a function about a head, or about any of several parts, takes a ``Component``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from helpers.training.model import ModelConfig

LABELS = {
    "input": "embedding",
    "embedding": "embed",
    "positions": "pos",
    "head": "L{layer}H{head}",
    "heads": "L{layer} heads",
    "bias": "L{layer} bias",
    "MLP": "L{layer} MLP",
    "layer": "layer {layer}",
    "final bias": "final bias",
}
HOOKS = {
    "input": "blocks.0.hook_resid_pre",
    "head": "blocks.{layer}.attn.hook_z",
    "heads": "blocks.{layer}.hook_attn_out",
    "MLP": "blocks.{layer}.hook_mlp_out",
    "layer": "blocks.{layer}.hook_resid_post",
}


@dataclass(frozen=True)
class Component:
    """A part of the model; ``str`` gives the label that tables and figures show.

    Attributes:
        kind: one of ``LABELS``.
        layer, head: counted from 0; None where the kind has no layer, or is no single head.
    """

    kind: str
    layer: int | None = None
    head: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in LABELS:
            raise ValueError(f"kind must be one of {tuple(LABELS)}, got {self.kind!r}")

    def __str__(self) -> str:
        return LABELS[self.kind].format(layer=self.layer, head=self.head)

    @property
    def hook(self) -> str:
        """TransformerLens's name for what the component adds to the residual stream.

        Of a head it is what all heads of its layer write before W_O (the third axis tells them apart), of the input
        and of a whole layer the stream that they leave.

        Raises:
            ValueError: there is no hook for it.
        """
        if self.kind not in HOOKS:
            raise ValueError(f"there is a hook for a component of kind {tuple(HOOKS)}, got {str(self)!r}")
        return HOOKS[self.kind].format(layer=self.layer)


INPUT = Component("input")  # all that enters layer 0: the embedded vectors and the positions
EMBEDDING = Component("embedding")  # the embedded vectors alone
POSITIONS = Component("positions")
FINAL_BIAS = Component("final bias")  # of the final layer norm


def head(layer: int, head: int) -> Component:
    """One attention head."""
    return Component("head", layer, head)


def attention(layer: int) -> Component:
    """All heads of a layer together, with the bias that the layer adds to them."""
    return Component("heads", layer)


def bias(layer: int) -> Component:
    """What a layer's attention adds whatever its heads write."""
    return Component("bias", layer)


def mlp(layer: int) -> Component:
    """The MLP of a layer."""
    return Component("MLP", layer)


def layer(layer: int) -> Component:
    """A whole layer, heads and MLP."""
    return Component("layer", layer)


def writers(layers: int) -> list[Component]:
    """What adds to the residual stream in the first so many layers, in order: the input, then heads and MLP of each."""
    return [INPUT, *(part for i in range(layers) for part in (attention(i), mlp(i)))]


def check(component: Component, config: ModelConfig, *kinds: str) -> Component:
    """The component, if the model has it.

    Args:
        kinds: which kinds will do; any, if none is named.
    Raises:
        ValueError: it is of another kind, or the model is too small to have it.
    """
    if not isinstance(component, Component) or component.kind not in (kinds or LABELS):
        shown = component if isinstance(component, Component) else repr(component)
        raise ValueError(f"a component of kind {kinds or tuple(LABELS)} is needed here, got {shown}")
    if not (0 <= (component.layer or 0) < config.n_layers and 0 <= (component.head or 0) < config.n_heads):
        size = f"{config.n_layers} layers of {config.n_heads} heads"
        raise ValueError(f"there is no {component} in a model of {size} (counted from 0)")
    return component


def parse(label: str, config: ModelConfig) -> Component:
    """The component with this label: "L0H11", "L2 MLP", "layer 1", ...

    Raises:
        ValueError: it is no label of a component, or the model has no such component.
    """
    for kind, form in LABELS.items():
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[0-9]+)", re.escape(form))
        if found := re.fullmatch(pattern, label):
            return check(Component(kind, **{name: int(digits) for name, digits in found.groupdict().items()}), config)
    raise ValueError(f"a component is written like one of {tuple(LABELS.values())}, got {label!r}")
