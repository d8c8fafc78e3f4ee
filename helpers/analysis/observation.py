"""A trained model observed at work: its bridge, the sequences it was given, every activation the analysis reads.

All in float64 on the CPU, on sequences drawn by numpy from a fixed seed: the same numbers on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from transformer_lens.model_bridge import TransformerBridge

from helpers.analysis.activations import Activations
from helpers.analysis.components import Component, check, head
from helpers.analysis.estimates import Estimate, mean, ratio
from helpers.data.recurrences import Family, Sequences, from_third, sample
from helpers.training.machine import usual_torch
from helpers.training.model import ModelConfig, RecurrenceModel, as_bridge, in_float64

SEED = 20240714  # of the sequences the analysis looks at; neither the training's nor the training log's
HOOKS = (
    *("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out"),
    *("hook_scale", "hook_normalized", "hook_q", "hook_k", "hook_v", "hook_pattern", "hook_z"),
)
Hook = tuple[str, Callable[..., Float[Tensor, "..."]]]  # TransformerLens's: where, and what to put there


@dataclass(frozen=True)
class Observation:
    """One forward pass over many sequences. Position n holds vector n and predicts vector n + 1.

    Attributes:
        bridge: the transformer; takes embedded vectors.
        W_E: the embedding, so that ``vectors @ W_E`` enters the residual stream.
        family: the distribution the sequences come from.
        cache: TransformerLens's activations of this pass, for the hooks in ``HOOKS``.
        prediction: the guess for the next vector, at every position.
    """

    config: ModelConfig
    bridge: TransformerBridge
    W_E: Float[Tensor, "dimension d_model"]
    family: Family
    sequences: Sequences
    cache: Activations
    prediction: Float[Tensor, "batch n_ctx dimension"]

    @cached_property
    def vectors(self) -> Float[Tensor, "batch n_ctx dimension"]:
        """What the model is given."""
        return torch.from_numpy(self.sequences.vectors[:, :-1])

    @cached_property
    def targets(self) -> Float[Tensor, "batch n_ctx dimension"]:
        """What it should predict: each vector's successor."""
        return torch.from_numpy(self.sequences.vectors[:, 1:])

    @cached_property
    def c(self) -> Float[Tensor, " batch"]:
        """Each sequence's c."""
        return torch.from_numpy(self.sequences.c)

    @cached_property
    def embedded(self) -> Float[Tensor, "batch n_ctx d_model"]:
        """The vectors as they enter the residual stream, before the position embedding is added."""
        return self.vectors @ self.W_E

    def heads(self, layer: int) -> list[Component]:
        """Every head of a layer, each by itself. Raises ValueError if the model has no such layer."""
        check(head(layer, 0), self.config)
        return [head(layer, h) for h in range(self.config.n_heads)]

    def normalized(self, layer: int) -> Float[Tensor, "batch n_ctx d_model"]:
        """What the heads of a layer read: the residual stream through layer norm, or as it is where there is none."""
        norm = f"blocks.{layer}.ln1.hook_normalized"
        return self.cache[norm] if self.config.layer_norm else self.cache["resid_pre", layer]

    def norm_scale(self, layer: int | None) -> Float[Tensor, "batch n_ctx 1"]:
        """The standard deviations that a layer's first layer norm divides by (``None``: the final one), or ones."""
        norm = "ln_final" if layer is None else f"blocks.{layer}.ln1"
        return self.cache[f"{norm}.hook_scale"] if self.config.layer_norm else torch.ones_like(self.embedded[..., :1])

    def norm_matrix(self, layer: int | None) -> Float[Tensor, "d_model d_model"]:
        """A layer's first layer norm (``None``: the final one) without its division and bias, as a matrix.

        It subtracts the mean and multiplies by the weight; where the model has no layer norm it is the identity.
        """
        one = torch.eye(self.config.d_model, dtype=torch.float64)
        if layer is not None:
            check(head(layer, 0), self.config)
        if not self.config.layer_norm:
            return one
        norm: nn.Module = self.bridge.ln_final if layer is None else self.bridge.blocks[layer].ln1
        return (one - 1 / self.config.d_model) * norm.weight

    def on(self, sequences: Sequences) -> Observation:
        """The same model, observed on other sequences."""
        return _observe(self.config, self.bridge, self.W_E, self.family, sequences)

    def under(self, hooks: Iterable[Hook]) -> Observation:
        """The same sequences, observed with hooks in place: every activation as they make it."""
        with self.bridge.hooks(fwd_hooks=list(hooks)):
            return self.on(self.sequences)

    def halves(self) -> tuple[Observation, Observation]:
        """The first half of the sequences, to fit something on, and the second, to judge it by."""
        half = len(self.sequences) // 2
        return self.part(slice(half)), self.part(slice(half, None))

    def part(self, chosen: slice | Bool[Tensor, " batch"]) -> Observation:
        """Some of the sequences, with what was observed of them."""
        return replace(
            self,
            sequences=self.sequences.part(chosen if isinstance(chosen, slice) else chosen.numpy()),
            cache=Activations({name: value[chosen] for name, value in self.cache.items()}, self.bridge),
            prediction=self.prediction[chosen],
        )

    def errors(
        self, prediction: Float[Tensor, "batch n_ctx dimension"] | None = None
    ) -> Float[Tensor, "batch positions"]:
        """Squared error of a prediction (the model's own by default), mean over entries, contexts of 3 and more."""
        prediction = self.prediction if prediction is None else prediction
        return from_third(prediction - self.targets).square().mean(dim=2)

    def mse(self, prediction: Float[Tensor, "batch n_ctx dimension"] | None = None) -> Estimate:
        """Mean squared error over contexts of 3 and more, with its interval over sequences."""
        return mean(self.errors(prediction).mean(dim=1))

    @cached_property
    def variance(self) -> float:
        """Mean square of the targets' entries (their mean is zero): the error of predicting zero."""
        return from_third(self.targets).square().mean().item()

    def explained(self, prediction: Float[Tensor, "batch n_ctx dimension"] | None = None) -> Estimate:
        """``r2`` with its interval over sequences."""
        squares = from_third(self.targets).square().mean(dim=2)
        return ratio((squares - self.errors(prediction)).sum(dim=1), squares.sum(dim=1))

    def r2(self, prediction: Float[Tensor, "batch n_ctx dimension"] | None = None) -> float:
        """Share of the targets' variance that a prediction explains."""
        return self.explained(prediction).value


@usual_torch()
@torch.no_grad()
def observe(model: RecurrenceModel, family: Family, count: int = 512, seed: int = SEED) -> Observation:
    """Draws ``count`` sequences and observes the model predict them."""
    return observe_sequences(model, family, sample(family, count, seed))


@usual_torch()
def observe_sequences(model: RecurrenceModel, family: Family, sequences: Sequences) -> Observation:
    """Observes the model predict given sequences, of n_ctx + 1 vectors or fewer."""
    return _observe(model.config, as_bridge(model), model.W_E.detach().double().contiguous(), family, sequences)


@usual_torch()
@torch.no_grad()
def _observe(
    config: ModelConfig, bridge: TransformerBridge, W_E: Tensor, family: Family, sequences: Sequences
) -> Observation:
    prediction, cache = bridge.run_with_cache(
        torch.from_numpy(sequences.vectors[:, :-1]) @ W_E,
        names_filter=lambda name: name.endswith(HOOKS),
    )
    if not prediction.isfinite().all():
        raise ValueError("sequences must have finite numbers of a size that the model can take, its guess is no number")
    return Observation(config, bridge, W_E, family, sequences, Activations(cache.cache_dict, bridge), prediction)


@usual_torch()
@torch.no_grad()
def predict(model: RecurrenceModel, vectors: Float[Tensor, "batch n dimension"]) -> Float[Tensor, "batch n dimension"]:
    """The model's predictions in float64, without keeping activations; for test sets too large to observe."""
    return in_float64(model)(inputs_embeds=vectors @ model.W_E.detach().double())


@usual_torch()
@torch.no_grad()
def continue_sequences(
    model: RecurrenceModel, vectors: Float[np.ndarray, "batch n dimension"], steps: int
) -> Float[np.ndarray, "batch steps dimension"]:
    """Continues sequences (in the model's units) by ``steps`` vectors, each predicted from all before it.

    Raises:
        ValueError: a sequence with all but the last of the new vectors is longer than the model's context.
    """
    known, n_ctx = vectors.shape[1], model.config.n_ctx
    if not 1 <= steps <= n_ctx + 1 - known:
        raise ValueError(
            f"steps must be 1 to {n_ctx + 1 - known} for {known} vectors and a context of {n_ctx}, got {steps}"
        )
    native, W_E = in_float64(model), model.W_E.detach().double()
    sequences = torch.from_numpy(np.asarray(vectors, dtype=float))
    for _ in range(steps):
        sequences = torch.cat([sequences, native(inputs_embeds=sequences @ W_E)[:, -1:]], dim=1)
    return sequences[:, known:].numpy()
