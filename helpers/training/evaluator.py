"""A second opinion on a checkpoint: ``python -m helpers.training.evaluator checkpoints/paper``.

Sequences, transformer and error written out in numpy, from the files alone. Nothing here is shared with training or
with the analysis (no torch, no TransformerLens, no other helper), so a mistake there cannot hide here. It is also the
whole model on one page.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np
import safetensors.numpy
from jaxtyping import Float

SEED = 99  # neither the training's, the log's nor the analysis's
CHUNK = 32  # sequences at a time: what one layer makes of them fits into a processor's cache
Weights = dict[str, Float[np.ndarray, "..."]]


def draw(family: dict, count: int, seed: int = SEED) -> Float[np.ndarray, "count length dimension"]:
    """Sequences of the family in a config.json, one after the other."""
    rng, sequences = np.random.default_rng(seed), []
    for _ in range(count):
        a, d = rng.normal(size=family["dimension"]), rng.normal(size=family["dimension"])
        c = rng.uniform(family["c_min"], family["c_max"])
        sequence = [a]
        while len(sequence) < family["length"]:
            sequence.append(c * sequence[-1] + d)
        rows = np.array(sequence)
        rows /= {"max": np.abs(rows).max(), "rms": np.sqrt((rows**2).mean()), "none": 1.0}[family["scaling"]]
        sequences.append(rows + family["noise"] * rng.normal(size=rows.shape))
    return np.array(sequences)


def norm(w: Weights, name: str, x: Float[np.ndarray, "*places width"]) -> Float[np.ndarray, "*places width"]:
    """Layer norm."""
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * w[name + ".weight"] + w[name + ".bias"]


def linear(w: Weights, name: str, x: Float[np.ndarray, "*places width"]) -> Float[np.ndarray, "*places out"]:
    """A matrix and its bias, if it has one."""
    return x @ w[name + ".weight"].T + w.get(name + ".bias", 0)


def attend(
    w: Weights, name: str, x: Float[np.ndarray, "batch n d_model"], n_heads: int, d_head: int
) -> Float[np.ndarray, "batch n d_model"]:
    """Causal attention of all heads of a layer."""
    batch, n, _ = x.shape
    q, k, v = (linear(w, f"{name}.{part}", x).reshape(batch, n, n_heads, d_head) for part in "qkv")
    scores = np.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(d_head)
    scores[:, :, np.triu(np.ones((n, n), bool), 1)] = -np.inf
    pattern = np.exp(scores - scores.max(-1, keepdims=True))
    pattern /= pattern.sum(-1, keepdims=True)
    return linear(w, f"{name}.o", np.einsum("bhqk,bkhd->bqhd", pattern, v).reshape(batch, n, -1))


def gelu(x: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """GELU in its tanh form, as in GPT-2 (arXiv 1606.08415)."""
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def forward(
    w: Weights, vectors: Float[np.ndarray, "batch n dimension"], n_layers: int, n_heads: int, d_head: int
) -> Float[np.ndarray, "batch n dimension"]:
    """The transformer: a guess for the next vector at every position, in the precision of its arguments."""
    stream = linear(w, "embed", vectors) + w["native.pos.weight"][: vectors.shape[1]]
    for layer in range(n_layers):
        name = f"native.layers.{layer}"
        stream = stream + attend(w, f"{name}.attn", norm(w, f"{name}.ln1", stream), n_heads, d_head)
        hidden = gelu(linear(w, f"{name}.mlp.fc_in", norm(w, f"{name}.ln2", stream)))
        stream = stream + linear(w, f"{name}.mlp.fc_out", hidden)
    return linear(w, "native.head", norm(w, "native.ln_out", stream))


def errors(
    folder: Path | str, count: int = 1024, precision: type = np.float64
) -> tuple[Float[np.ndarray, "count n_ctx"], float]:
    """Squared error (mean over entries) after 1, 2, ... vectors of each sequence, and the targets' mean square.

    Raises:
        OSError: a file of the checkpoint is missing.
    """
    recipe = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))["recipe"]
    stored = safetensors.numpy.load_file(Path(folder) / "model.safetensors")
    weights = {name: values.astype(precision) for name, values in stored.items()}
    shape = {name: recipe["model"][name] for name in ("n_layers", "n_heads", "d_head")}
    sequences = draw(recipe["family"], count)
    found = [
        ((forward(weights, part[:, :-1].astype(precision), **shape) - part[:, 1:]) ** 2).mean(-1)
        for part in np.split(sequences, range(CHUNK, count, CHUNK))
    ]
    return np.concatenate(found), float((sequences[:, 3:] ** 2).mean())


def main(arguments: list[str] | None = None) -> int:
    """The command line's work."""
    p = argparse.ArgumentParser(prog="python -m helpers.training.evaluator", description=__doc__.splitlines()[0])
    p.add_argument("folders", nargs="+", type=Path, help="checkpoints, such as checkpoints/paper")
    for folder in p.parse_args(arguments).folders:
        try:
            found, variance = errors(folder)
        except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
            p.error(f"argument folders: {folder} is not a checkpoint ({error})")
        each = found[:, 2:].mean(1)  # contexts of 3 vectors and more
        half = 1.96 * each.std(ddof=1) / np.sqrt(len(each))
        print(f"{folder}: test MSE {each.mean():.3g} +- {half:.1g}, variance {variance:.3g}", end=", ")
        print(f"R2 {1 - each.mean() / variance:.6f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
