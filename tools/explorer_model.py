"""The model of the site's explorer: an ONNX graph, and the numbers that its page needs beside it.

The graph is traced from the module itself. The matrices of its MLPs, two thirds of all weights, are kept in 16 bits,
whole numbers with a scale for every ``BLOCK``: predictions and attention stay within 1e-4 of those in float64. With all
weights so, attention would be off by up to 4e-4; with half floats, predictions would.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable

import numpy as np
import onnx
import torch
from jaxtyping import Float
from onnx import TensorProto, helper, numpy_helper
from scipy.stats import t
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from helpers.data.blind import best_weights
from helpers.data.userdata import LARGEST, MINIMUM
from helpers.places import CHECKPOINTS, model_folder
from helpers.training import checkpoints
from helpers.training.model import RecurrenceModel

BLOCK = 32
LARGE = 2**17  # entries from which on a matrix is kept in 16 bits
INPUTS = ("vectors", "strengths", "directions")
OUTPUTS = ("prediction", "patterns", "pulled_back")
Row = Float[Tensor, "n_ctx dimension"]


class Explored(nn.Module):
    """The model with a hand on its heads: predictions, attention, and one backward pass.

    A context is as long as it can be: what stands behind a vector changes nothing before it. ``pulled_back`` is
    directions^T d prediction / d vectors (``helpers.analysis.jacobians``); with a direction at one position alone, it
    holds the Jacobians of the prediction there, along that direction, for each vector.
    """

    def __init__(self, model: RecurrenceModel) -> None:
        super().__init__()
        self.native = copy.deepcopy(model.native).float().eval()
        self.W_E = nn.Parameter(model.W_E.detach().float().contiguous())
        self.requires_grad_(False)

    def predict(
        self, vectors: Row, strengths: Float[Tensor, "layers heads"]
    ) -> tuple[Row, Float[Tensor, "layers heads n_ctx n_ctx"]]:
        """Predictions and attention, with the output of each head times its strength."""
        patterns, hooks = [], []
        for layer, by in zip(self.native.layers, strengths, strict=True):
            by = by.repeat_interleave(layer.attn.d_head)
            hooks.append(layer.attn.o.register_forward_pre_hook(lambda _, given, by=by: (given[0] * by,)))
            hooks.append(layer.attn.register_forward_hook(lambda *given: patterns.append(given[-1][1])))
        try:
            return self.native(inputs_embeds=(vectors @ self.W_E)[None])[0], torch.cat(patterns)
        finally:
            for hook in hooks:
                hook.remove()

    def forward(self, vectors: Row, strengths: Float[Tensor, "layers heads"], directions: Row) -> tuple[Tensor, ...]:
        """What ``OUTPUTS`` names."""
        run: Callable[[Row], tuple[Row, Tensor]] = lambda given: self.predict(given, strengths)  # noqa: E731
        prediction, back, patterns = torch.func.vjp(run, vectors, has_aux=True)
        return prediction, patterns, back(directions)[0]


def graph(model: RecurrenceModel) -> onnx.ModelProto:
    """The ONNX graph from ``INPUTS`` to ``OUTPUTS``, for contexts of n_ctx vectors, checked by onnx."""
    config = model.config
    rows = (config.n_ctx, config.dimension)
    example = (torch.zeros(rows), torch.ones(config.n_layers, config.n_heads), torch.zeros(rows))
    traced = make_fx(Explored(model))(*example).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own calls
        program = torch.onnx.export(
            traced, example, input_names=INPUTS, output_names=OUTPUTS, dynamo=True, optimize=False, verbose=False
        )
    proto = program.model_proto
    shorten(proto.graph)
    for node in proto.graph.node:
        del node.metadata_props[:]  # where in the program it comes from
    onnx.checker.check_model(proto, full_check=True)
    return proto


def shorten(whole: onnx.GraphProto) -> None:
    """Keeps large weights as whole numbers of 16 bits times the scale of their block."""
    first = []
    for kept in [kept for kept in whole.initializer if np.prod(kept.dims) >= LARGE and kept.data_type == 1]:
        name, values = kept.name, numpy_helper.to_array(kept)
        blocks = values.reshape(-1, BLOCK)
        scale = np.maximum(np.abs(blocks).max(axis=1, keepdims=True), 1e-30) / 32767
        short = np.round(blocks / scale).astype(np.int16)
        parts = {"short": short, "scale": scale.astype(np.float32), "shape": np.array(values.shape)}
        whole.initializer.remove(kept)
        whole.initializer.extend(numpy_helper.from_array(part, f"{name}.{key}") for key, part in parts.items())
        first += [
            helper.make_node("Cast", [f"{name}.short"], [f"{name}.whole"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{name}.whole", f"{name}.scale"], [f"{name}.blocks"]),
            helper.make_node("Reshape", [f"{name}.blocks", f"{name}.shape"], [name]),
        ]
    others = list(whole.node)
    del whole.node[:]
    whole.node.extend([*first, *others])


def settings(name: str) -> dict[str, object]:
    """What the page needs to know of a shipped model, its data, and the other shipped models."""
    folder = model_folder(name)
    recipe = checkpoints.load_recipe(folder)
    family, config = recipe.family, recipe.model
    shipped = []
    for other in sorted(path for path in CHECKPOINTS.iterdir() if path.is_dir()):
        theirs, mse = checkpoints.load_recipe(other).family, checkpoints.load_log(other)["test_mse"][-1]
        shipped.append({"name": other.name, "low": theirs.c_min, "high": theirs.c_max, "dimension": theirs.dimension})
        shipped[-1]["mse"] = mse
    most = config.n_ctx * config.dimension - 2 * config.dimension - 1  # degrees of freedom of a fit
    return {
        "name": name,
        "dimension": config.dimension,
        "contexts": config.n_ctx,
        "layers": config.n_layers,
        "heads": config.n_heads,
        "low": family.c_min,
        "high": family.c_max,
        "error": float(checkpoints.load_log(folder)["test_mse"][-1]) ** 0.5,
        "blind": best_weights(family).round(6).tolist(),
        "shipped": sorted(shipped, key=lambda one: one["mse"]),
        "student": t.ppf(0.975, np.arange(1, most + 1)).round(4).tolist(),
        "minimum": MINIMUM,
        "largest": LARGEST,
    }
