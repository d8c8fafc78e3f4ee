"""The transformer (claim S3): a linear embedding in front of TransformerLens's native model.

No layer is written here. ``NativeModel`` is a plain ``nn.Module`` (attention, MLP and layer norm as in GPT-2) and is
what gets trained; ``as_bridge`` wraps a float64 copy of it in a ``TransformerBridge`` with hooks, for the analysis.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor, nn

from helpers.data.fields import check, choice, truth, whole
from helpers.data.recurrences import Family
from helpers.training.machine import usual_torch

if TYPE_CHECKING:  # importing TransformerLens takes seconds: only functions that build a model do
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge import TransformerBridge

INITIALIZATIONS = ("xavier_uniform", "gpt2", "flat", "transformer_lens", "torch")
GPT2_STD = 0.02  # Radford et al. 2019; also ``init_range`` of the teaching implementation that "flat" follows
NORMAL = ("gpt2", "flat", "transformer_lens")  # all of them TransformerLens's mode "gpt2", with or without its division


@dataclass(frozen=True)
class ModelConfig:
    """The whole model in one place; the defaults are the paper's size.

    The summary of the paper does not say how many heads there are: d_model / d_head = 2 is what GPT-2 and
    TransformerLens take when nobody says. It is silent on the initialization and the activation, too.

    Attributes:
        dimension: entries of an input and output vector.
        n_ctx: vectors in the longest context.
        layer_norm: whether attention, MLPs and unembedding read the residual stream through layer norm.
        tied: whether the unembedding is the transpose of the embedding.
        init: "xavier_uniform", "gpt2" (normal with a standard deviation of 0.02, outputs of attention and MLPs less),
            "flat" (every matrix, embedding and positions too, normal with a standard deviation of 0.02: ``init_range``
            of the ``Config`` in N. Nanda's "clean transformer" demo of TransformerLens, whose other defaults, d_head=64
            and d_mlp=3072, are the paper's), "transformer_lens" (the same with 0.8 / sqrt(d_model), the default of
            TransformerLens's ``HookedTransformer``, which native models have replaced) or "torch" (what torch's own
            layers start with; positions have a standard deviation of 1).
    """

    dimension: int = whole(40, 1, 2**16)
    n_ctx: int = whole(14, 1, 2**16)
    n_layers: int = whole(3, 1, 2**10)
    d_model: int = whole(128, 1, 2**16)
    n_heads: int = whole(2, 1, 2**16)
    d_head: int = whole(64, 1, 2**16)
    d_mlp: int = whole(3072, 1, 2**20)
    layer_norm: bool = truth(True)
    tied: bool = truth(False)
    init: str = choice("xavier_uniform", INITIALIZATIONS)
    seed: int = whole(0, 0, 2**32 - 1)

    def __post_init__(self) -> None:
        check(self)


def standard_deviation(config: ModelConfig) -> float:
    """Of the weights that a normal initialization starts with."""
    return 0.8 / config.d_model**0.5 if config.init == "transformer_lens" else GPT2_STD


def bridge_config(config: ModelConfig) -> TransformerBridgeConfig:
    """The same settings in TransformerLens's words (d_vocab=1: its token embedding is there but never used)."""
    from transformer_lens.config import TransformerBridgeConfig

    return TransformerBridgeConfig(
        d_model=config.d_model,
        d_head=config.d_head,
        n_heads=config.n_heads,
        n_layers=config.n_layers,
        n_ctx=config.n_ctx,
        d_mlp=config.d_mlp,
        d_vocab=1,
        d_vocab_out=config.dimension,
        act_fn="gelu_new",
        normalization_type="LN" if config.layer_norm else None,
        init_mode="gpt2" if config.init in NORMAL else config.init,
        initializer_range=standard_deviation(config) if config.init in NORMAL else -1.0,  # -1: the mode's own
        seed=config.seed,
    )


class RecurrenceModel(nn.Module):
    """Vectors in, the guess for the next vector out, at every position.

    The embedding has no bias: the learned position embedding, which is added to it, is one already.

    Attributes:
        family: what it was trained on, where ``checkpoints.load`` read it from disk.
    """

    family: Family | None = None

    @usual_torch()
    def __init__(self, config: ModelConfig) -> None:
        from transformer_lens.model_bridge.sources.native import NativeModel, initialize_native_model

        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.embed = nn.Linear(config.dimension, config.d_model, bias=False)
            settings = bridge_config(config)
            self.native = NativeModel(settings)
            if config.init != "torch":
                initialize_native_model(self.native, settings)
                if config.init in (
                    "flat",
                    "transformer_lens",
                ):  # TransformerLens divides the outputs of attention and MLPs by this
                    for layer in self.native.layers:
                        for output in (layer.attn.o, layer.mlp.fc_out):
                            output.weight.data *= (2 * config.n_layers) ** 0.5
                if config.init in NORMAL:
                    nn.init.normal_(self.embed.weight, std=standard_deviation(config))
                else:
                    nn.init.xavier_uniform_(self.embed.weight)
        if config.tied:
            del self.embed
        self.native.tok_embed.requires_grad_(False)  # never used: vectors come in through ``W_E``

    @property
    def W_E(self) -> Float[Tensor, "dimension d_model"]:
        """The embedding: ``vectors @ W_E`` enters the residual stream."""
        return self.native.head.weight if self.config.tied else self.embed.weight.T

    def forward(self, vectors: Float[Tensor, "batch n dimension"]) -> Float[Tensor, "batch n dimension"]:
        """Predicts vector n + 1 from vectors 0 ... n, for every n at once (causal attention)."""
        return self.native(inputs_embeds=vectors @ self.W_E)

    def n_parameters(self) -> dict[str, int]:
        """Number of trained parameters by part (the unused token embedding left out)."""
        return {part: sum(p.numel() for p in named.values()) for part, named in by_part(self).items()}

    @torch.no_grad()
    def moved(self) -> dict[str, float]:
        """How far training has taken the weights of each part: size of the change over size at the start.

        The start is the initialization that ``config`` gives again. Only matrices count, not biases and layer norms.
        """
        start = by_part(RecurrenceModel(self.config))

        def size(values: list[Tensor]) -> float:
            return sum(v.square().sum().item() for v in values) ** 0.5

        return {
            part: size([p - start[part][name] for name, p in named.items() if p.ndim == 2])
            / size([p for name, p in start[part].items() if p.ndim == 2])
            for part, named in by_part(self).items()
            if any(p.ndim == 2 for p in named.values())
        }


def by_part(model: nn.Module) -> dict[str, dict[str, Float[Tensor, "*_"]]]:
    """The trained parameters of a RecurrenceModel in groups; queries and keys decide where attention looks."""
    parts = {
        "embedding and positions": ("embed.", "native.pos"),
        "attention, queries and keys": (".attn.q.", ".attn.k."),
        "attention, values and output": (".attn.v.", ".attn.o."),
        "MLPs": (".mlp.",),
        "layer norms": (".ln",),
        "unembedding": ("head.",),
    }
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    return {
        part: {name: p for name, p in trained.items() if any(mark in name for mark in marks)}
        for part, marks in parts.items()
    }


def in_float64(model: RecurrenceModel) -> nn.Module:
    """A copy of the transformer in float64, to predict with; give it ``inputs_embeds=vectors @ model.W_E``."""
    return copy.deepcopy(model.native).double().eval().requires_grad_(False)


def bridge_around(native: nn.Module, config: ModelConfig, dtype: torch.dtype) -> TransformerBridge:
    """TransformerLens's bridge, with its hooks, around a native transformer of this configuration (not a copy)."""
    from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module

    return build_bridge_from_module(
        native,
        architecture="TransformerLensNative",
        tl_config=bridge_config(config),
        tokenizer=None,
        dtype=dtype,
        model_name="recurrence",
    )


@usual_torch()
def as_bridge(model: RecurrenceModel) -> TransformerBridge:
    """Wraps a float64 copy of the transformer in a TransformerBridge; feed it ``vectors @ model.W_E``.

    The bridge computes the same function as the bare module (a test holds it to 1e-12); ``model`` stays untouched.
    """
    return bridge_around(in_float64(model), model.config, torch.float64)
