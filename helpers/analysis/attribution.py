"""What each component adds to the prediction: direct logit attribution and the logit lens.

The unembedding is linear once the final layer norm's standard deviation is held at its observed value. So the
prediction is a sum over components of the residual stream (embedding, positions, heads, biases, MLPs), exactly.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.analysis.circuits import norm_matrix
from helpers.analysis.estimates import affine
from helpers.analysis.observation import Observation
from helpers.data.recurrences import FIRST


def to_output(
    obs: Observation, residual: Float[Tensor, "batch n_ctx d_model"]
) -> Float[Tensor, "batch n_ctx dimension"]:
    """A part of the final residual stream in the units of the prediction, the final scale held as observed."""
    return residual / obs.norm_scale(None) @ norm_matrix(obs, None) @ obs.bridge.W_U


def final_bias(obs: Observation) -> Float[Tensor, dimension]:
    """What the bias of the final layer norm adds to every prediction."""
    if not obs.config.layer_norm:
        return torch.zeros(obs.config.dimension, dtype=torch.float64)
    return obs.bridge.ln_final.bias @ obs.bridge.W_U


def head_result(obs: Observation, layer: int, head: int) -> Float[Tensor, "batch n_ctx d_model"]:
    """What one head writes to the residual stream (its value bias included, the layer's output bias not)."""
    return obs.cache["z", layer][:, :, head] @ obs.bridge.W_O[layer, head]


def components(obs: Observation) -> dict[str, Float[Tensor, "batch n_ctx dimension"]]:
    """The prediction taken apart; the parts sum to it (a test holds the sum to 1e-9).

    Keys, in the order of the model: embed, pos, then for each layer its heads ("L0H0"), attention bias and MLP, and
    last the bias of the final layer norm.
    """
    batch, n_ctx, _ = obs.embedded.shape
    ones = torch.ones(batch, n_ctx, 1, dtype=torch.float64)
    parts = {"embed": obs.embedded, "pos": ones * obs.bridge.W_pos[:n_ctx]}
    for layer in range(obs.config.n_layers):
        for head in range(obs.config.n_heads):
            parts[f"L{layer}H{head}"] = head_result(obs, layer, head)
        parts[f"L{layer} bias"] = ones * obs.bridge.b_O[layer]
        parts[f"L{layer} MLP"] = obs.cache[f"blocks.{layer}.hook_mlp_out"]
    outputs = {name: to_output(obs, part) for name, part in parts.items()}
    return outputs | {"final bias": ones * final_bias(obs)}


def share_sums(
    obs: Observation, part: Float[Tensor, "batch n_ctx dimension"]
) -> tuple[Float[Tensor, batch], Float[Tensor, batch]]:
    """Numerator and denominator, by sequence, of a component's direct logit attribution.

    The attribution is sum(part * target) / sum(target^2) over contexts of 3 and more: the share of the answer that the
    component supplies. Over all components the shares sum to 1 for a perfect model. It is direct logit attribution
    for a model whose "logits" are a vector and whose correct direction is the target.
    """
    return (part * obs.targets)[:, FIRST:].sum(dim=(1, 2)), obs.targets[:, FIRST:].square().sum(dim=(1, 2))


def residual_streams(obs: Observation) -> dict[str, Float[Tensor, "batch n_ctx d_model"]]:
    """The residual stream as it enters layer 0 ("embedding") and as it leaves each layer ("layer 0", ...)."""
    streams = {"embedding": obs.cache["resid_pre", 0]}
    return streams | {f"layer {layer}": obs.cache["resid_post", layer] for layer in range(obs.config.n_layers)}


def logit_lens(obs: Observation) -> dict[str, Float[Tensor, "batch n_ctx dimension"]]:
    """The prediction if the model stopped early: final layer norm and unembedding put on an earlier residual stream.

    Keys: "embedding", then "layer 0" and so on; the last is the model's own prediction (nostalgebraist 2020).
    """
    return {name: obs.bridge.unembed(obs.bridge.ln_final(stream)) for name, stream in residual_streams(obs).items()}


def held_lens(obs: Observation) -> dict[str, Float[Tensor, "batch n_ctx dimension"]]:
    """Like ``logit_lens`` with the final layer norm's scale held at what it is at the end of the model.

    The plain logit lens divides by the standard deviation of the earlier stream. That stream is smaller, so the guess
    comes out too large. Here it is the sum of the ``components`` up to a layer.
    """
    return {name: to_output(obs, stream) + final_bias(obs) for name, stream in residual_streams(obs).items()}


def rescaled(
    obs: Observation, prediction: Float[Tensor, "batch n_ctx dimension"]
) -> Float[Tensor, "batch n_ctx dimension"]:
    """A prediction times the one constant with which it fits the targets best: its direction, freed from its size."""
    late, targets = prediction[:, FIRST:], obs.targets[:, FIRST:]
    return prediction * (late * targets).sum() / late.square().sum()


def tuned_lens(obs: Observation) -> dict[str, Float[Tensor, "half n_ctx dimension"]]:
    """Like ``logit_lens`` with a least-squares affine readout for each layer in place of the model's own.

    The readout is fitted on the first half of the sequences; the returned predictions are for the second half
    (Belrose et al. 2023, with least squares on the target).
    """
    half = len(obs.sequences) // 2
    readings = {}
    for name, stream in residual_streams(obs).items():
        readings[name] = affine(stream[half:], stream[:half, FIRST:], obs.targets[:half, FIRST:])
    return readings


def mse(prediction: Float[Tensor, "batch n_ctx dimension"], targets: Float[Tensor, "batch n_ctx dimension"]) -> float:
    """Mean squared error over contexts of 3 vectors and more."""
    return (prediction - targets)[:, FIRST:].square().mean().item()
