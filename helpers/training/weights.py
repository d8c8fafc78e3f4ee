"""The weights of a model as a safetensors file: which tensors it holds, and which numbers."""

from __future__ import annotations

import safetensors
import safetensors.torch
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.training.model import ModelConfig, RecurrenceModel

UNUSED = "native.tok_embed.weight"  # TransformerLens's token embedding: never trained, never stored
LARGEST = 1e6  # in size: those of a trained model are below 100; far beyond, a prediction is no number
PRECISIONS = torch.float16, torch.bfloat16, torch.float32, torch.float64


def pack(model: RecurrenceModel) -> bytes:
    """The trained weights as a file's content."""
    weights = {name: t.detach().cpu().contiguous() for name, t in model.state_dict().items() if name != UNUSED}
    return safetensors.torch.save(weights)


def shapes(config: ModelConfig) -> dict[str, list[int]]:
    """The tensors of a model of this configuration, without building it."""
    d, heads, norms = config.d_model, config.n_heads * config.d_head, ["ln_out"] if config.layer_norm else []
    found = {"native.pos.weight": [config.n_ctx, d], "native.head.weight": [config.dimension, d]}
    if not config.tied:
        found |= {"embed.weight": [d, config.dimension]}
    for i in range(config.n_layers):
        norms += [f"layers.{i}.ln1", f"layers.{i}.ln2"] if config.layer_norm else []
        maps = {f"attn.{part}": [heads, d] for part in "qkv"} | {"attn.o": [d, heads]}
        for name, shape in (maps | {"mlp.fc_in": [config.d_mlp, d], "mlp.fc_out": [d, config.d_mlp]}).items():
            found |= {f"native.layers.{i}.{name}.weight": shape, f"native.layers.{i}.{name}.bias": shape[:1]}
    return found | {f"native.{norm}.{part}": [d] for norm in norms for part in ("weight", "bias")}


def unpack(content: bytes, config: ModelConfig) -> dict[str, Float[Tensor, "*_"]]:
    """The weights from a file's content, in the precision in which they are stored.

    Raises:
        ValueError: it is no safetensors file, its tensors are not those of the configuration, or a weight is not
            finite or larger than ``LARGEST``.
    """
    try:
        weights = safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise ValueError(f"not a safetensors file of numbers ({' '.join(str(error).split())[:120]})") from error
    wanted = shapes(config)
    if odd := sorted(set(weights) ^ set(wanted)):
        where = "is missing" if odd[0] in wanted else "is too many"
        raise ValueError(f"the weights do not fit config.json: {odd[0]!r} {where}")
    for name, t in weights.items():
        if list(t.shape) != wanted[name]:
            raise ValueError(f"the weights do not fit config.json: {name} must be {wanted[name]}, got {list(t.shape)}")
        if t.dtype not in PRECISIONS:
            raise ValueError(f"{name} must be of a type in {PRECISIONS}, got {t.dtype}")
        if not (size := t.abs().max().item()) <= LARGEST:  # also if it is no number
            raise ValueError(f"{name} must have finite weights of at most {LARGEST:g} in size, got {size}")
    return weights
