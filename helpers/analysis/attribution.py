"""What each component adds to the prediction: direct logit attribution and the logit lens.

The unembedding is linear once the final layer norm's standard deviation is held at its observed value. So the
prediction is a sum over components of the residual stream (embedding, positions, heads, biases, MLPs), exactly.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.analysis.components import EMBEDDING, FINAL_BIAS, INPUT, POSITIONS, Component, bias, check, layer, mlp
from helpers.analysis.estimates import affine
from helpers.analysis.observation import Observation
from helpers.data.recurrences import from_third


def to_output(
    obs: Observation, residual: Float[Tensor, "batch n_ctx d_model"]
) -> Float[Tensor, "batch n_ctx dimension"]:
    """A part of the final residual stream in the units of the prediction, the final scale held as observed."""
    return residual / obs.norm_scale(None) @ obs.norm_matrix(None) @ obs.bridge.W_U


def final_bias(obs: Observation) -> Float[Tensor, " dimension"]:
    """What the bias of the final layer norm adds to every prediction."""
    if not obs.config.layer_norm:
        return torch.zeros(obs.config.dimension, dtype=torch.float64)
    return obs.bridge.ln_final.bias @ obs.bridge.W_U


def head_result(obs: Observation, head: Component) -> Float[Tensor, "batch n_ctx d_model"]:
    """What one head writes to the residual stream (its value bias included, the layer's output bias not)."""
    value = obs.cache[check(head, obs.config, "head").hook][:, :, head.head]
    return value @ obs.bridge.blocks[head.layer].attn.W_O[head.head]


def contributions(obs: Observation) -> dict[Component, Float[Tensor, "batch n_ctx dimension"]]:
    """The prediction taken apart; the parts sum to it (a test holds the sum to 1e-9).

    In the order of the model: embedding, positions, then for each layer its heads, attention bias and MLP, and last
    the bias of the final layer norm.
    """
    batch, n_ctx, _ = obs.embedded.shape
    ones = torch.ones(batch, n_ctx, 1, dtype=torch.float64)
    written = {EMBEDDING: obs.embedded, POSITIONS: ones * obs.bridge.W_pos[:n_ctx]}
    for i in range(obs.config.n_layers):
        written |= {head: head_result(obs, head) for head in obs.heads(i)}
        written[bias(i)] = ones * obs.bridge.b_O[i]
        written[mlp(i)] = obs.cache[mlp(i).hook]
    outputs = {part: to_output(obs, residual) for part, residual in written.items()}
    return outputs | {FINAL_BIAS: ones * final_bias(obs)}


def share_sums(
    obs: Observation, part: Float[Tensor, "batch n_ctx dimension"]
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    """Numerator and denominator, by sequence, of a component's direct logit attribution.

    The attribution is sum(part * target) / sum(target^2) over contexts of 3 and more: the share of the answer that the
    component supplies. Over all components the shares sum to 1 for a perfect model. It is direct logit attribution
    for a model whose "logits" are a vector and whose correct direction is the target.
    """
    return from_third(part * obs.targets).sum(dim=(1, 2)), from_third(obs.targets).square().sum(dim=(1, 2))


def residual_streams(obs: Observation) -> dict[Component, Float[Tensor, "batch n_ctx d_model"]]:
    """The residual stream as it enters layer 0 (``INPUT``) and as it leaves each layer."""
    places = [INPUT, *map(layer, range(obs.config.n_layers))]
    return {place: obs.cache[place.hook] for place in places}


def logit_lens(obs: Observation) -> dict[Component, Float[Tensor, "batch n_ctx dimension"]]:
    """The prediction if the model stopped early: final layer norm and unembedding put on an earlier residual stream.

    Read after the input and after each layer; the last is the model's own prediction (nostalgebraist 2020).
    """
    return {place: obs.bridge.unembed(obs.bridge.ln_final(stream)) for place, stream in residual_streams(obs).items()}


def held_at(obs: Observation, place: Component) -> Float[Tensor, "batch n_ctx dimension"]:
    """``held_lens`` at one place: the input, after a layer, or between the heads of a layer and its MLP
    (``components.attention``)."""
    stream = obs.cache["resid_mid", place.layer] if place.kind == "heads" else obs.cache[place.hook]
    return to_output(obs, stream) + final_bias(obs)


def held_lens(obs: Observation) -> dict[Component, Float[Tensor, "batch n_ctx dimension"]]:
    """Like ``logit_lens`` with the final layer norm's scale held at what it is at the end of the model.

    The plain logit lens divides by the standard deviation of the earlier stream. That stream is smaller, so the guess
    comes out too large. Here it is the sum of the ``contributions`` up to a layer.
    """
    return {place: held_at(obs, place) for place in residual_streams(obs)}


def rescaled(
    obs: Observation, prediction: Float[Tensor, "batch n_ctx dimension"]
) -> Float[Tensor, "batch n_ctx dimension"]:
    """A prediction times the one constant with which it fits the targets best: its direction, freed from its size.

    Raises:
        ValueError: the prediction is zero from the third vector on, and so has no direction.
    """
    late, targets = from_third(prediction), from_third(obs.targets)
    if not late.square().sum() > 0:
        raise ValueError("prediction must not be 0 throughout")
    return prediction * (late * targets).sum() / late.square().sum()


def tuned_lens(fit: Observation, judged: Observation) -> dict[Component, Float[Tensor, "batch n_ctx dimension"]]:
    """Like ``logit_lens`` with a least-squares affine readout for each layer in place of the model's own.

    The readout is fitted on one observation and put on another, ``obs.halves()`` for instance, whose predictions are
    returned (Belrose et al. 2023, with least squares on the target).
    """
    known, target = residual_streams(fit), from_third(fit.targets)
    return {
        place: affine(stream, from_third(known[place]), target) for place, stream in residual_streams(judged).items()
    }
