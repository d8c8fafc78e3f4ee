"""Exact path ablation: what one half layer has written changes for one reader alone (Goldowsky-Dill et al. 2023).

Readers are the queries, keys and values of a layer's heads, and at the end the *scale* that the final layer norm
divides by and the *direct* path, through the unembedding with that scale as it was.
"""

from __future__ import annotations

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.analysis.attribution import final_bias, to_output
from helpers.analysis.components import Component, check
from helpers.analysis.interventions import Prediction, predict_with, replace
from helpers.analysis.observation import Observation
from helpers.analysis.parity import PARTS, Parity

READERS = ("q", "k", "v")
LAST = ("scale", "direct")
Stream = Float[Tensor, "batch n_ctx d_model"]


def lost(parity: Parity, sender: Component, part: str) -> Stream:
    """What the stream loses where a part of what a component wrote is ablated.

    Numbers are mean-ablated (their mean over sequences at each position stays), vectors zero-ablated.

    Raises:
        ValueError: ``part`` is neither "vectors" nor "numbers", or the component writes nothing to the stream.
    """
    if part not in PARTS:
        raise ValueError(f"part must be among {PARTS}, got {part!r}")
    hook = check(sender, parity.obs.config, "input", "heads", "MLP").hook
    if part == "vectors":
        return parity.vectors(hook)
    numbers = parity.numbers(hook)
    return numbers - numbers.mean(dim=0)


@torch.no_grad()
def into_heads(obs: Observation, less: Stream, layer: int, reader: str) -> Prediction:
    """The prediction if the queries, keys or values of a layer's heads read a stream with something taken from it.

    Raises:
        ValueError: ``reader`` is none of ``READERS``.
    """
    if reader not in READERS:
        raise ValueError(f"reader must be one of {READERS}, got {reader!r}")
    stream = obs.cache["resid_pre", layer] - less
    x = obs.bridge.blocks[layer].ln1(stream)
    weight, bias = (getattr(obs.bridge, f"{kind}_{reader.upper()}")[layer] for kind in "Wb")
    by = torch.einsum("bnd,hdk->bnhk", x, weight) + bias
    return predict_with(obs, [(f"blocks.{layer}.attn.hook_{reader}", partial(replace, by=by))])


@torch.no_grad()
def into_prediction(obs: Observation, less: Stream, reader: str) -> Prediction:
    """The prediction if the final layer norm's scale, or all but it, read a stream with something taken away.

    Raises:
        ValueError: ``reader`` is none of ``LAST``.
    """
    if reader not in LAST:
        raise ValueError(f"reader must be one of {LAST}, got {reader!r}")
    if reader == "direct":
        return obs.prediction - to_output(obs, less)
    if not obs.config.layer_norm:
        return obs.prediction
    stream, bias = obs.cache["resid_post", obs.config.n_layers - 1] - less, final_bias(obs)
    scale = (stream.var(dim=2, unbiased=False, keepdim=True) + obs.bridge.ln_final.eps).sqrt()
    return bias + (obs.prediction - bias) * obs.norm_scale(None) / scale
