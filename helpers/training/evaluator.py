"""A second opinion on a checkpoint: ``python -m helpers.training.evaluator checkpoints/paper``.

Sequences, transformer and error written out in numpy, from the files alone. Nothing here is shared with training or
with the analysis (no torch, no TransformerLens, no other helper), so a mistake there cannot hide here. It is also the
whole model on one page. Only rules other than the affine draw their sequences themselves.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import signal
import sys
from pathlib import Path

if __name__ == "__main__":  # Ctrl-C ends it without a traceback, also while it imports the rest
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import numpy as np
import safetensors
from jaxtyping import Float

SEED = 99  # neither the training's, the log's nor the analysis's
CHUNK = 32  # sequences at a time: what one layer makes of them fits into a processor's cache
THIRD = 2  # contexts of 3 vectors and more count: index of the first of them
Weights = dict[str, Float[np.ndarray, "..."]]
TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}  # of the last, numpy knows the bits alone
DEFAULTS = {  # of what a config.json may leave out
    "model": {"n_layers": 3, "n_heads": 2, "d_head": 64, "layer_norm": True, "tied": False},
    "family": {"dimension": 40, "length": 15, "c_min": -1.5, "c_max": 1.5, "scaling": "max", "noise": 0.0},
}


def draw(family: dict, count: int, seed: int = SEED) -> Float[np.ndarray, "count length dimension"]:
    """Sequences of the family in a config.json, one after the other."""
    if family.get("kind", "affine") != "affine":
        return of_another_rule(family, count, seed)
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


def of_another_rule(family: dict, count: int, seed: int) -> Float[np.ndarray, "count length dimension"]:
    """Sequences as the rule itself draws them. Raises ValueError if it is unknown or has other fields."""
    from helpers.data.families import family_class
    from helpers.data.recurrences import sample

    values = {name: tuple(value) if isinstance(value, list) else value for name, value in family.items()}
    return sample(family_class(family["kind"])(**values), count, seed).vectors


def norm(w: Weights, name: str, x: Float[np.ndarray, "*places width"]) -> Float[np.ndarray, "*places width"]:
    """Layer norm, in a model that has it."""
    if name + ".weight" not in w:
        return x
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
    embedding = w["embed.weight"].T if "embed.weight" in w else w["native.head.weight"]  # the second if tied
    stream = vectors @ embedding + w["native.pos.weight"][: vectors.shape[1]]
    for layer in range(n_layers):
        name = f"native.layers.{layer}"
        stream = stream + attend(w, f"{name}.attn", norm(w, f"{name}.ln1", stream), n_heads, d_head)
        hidden = gelu(linear(w, f"{name}.mlp.fc_in", norm(w, f"{name}.ln2", stream)))
        stream = stream + linear(w, f"{name}.mlp.fc_out", hidden)
    return linear(w, "native.head", norm(w, "native.ln_out", stream))


def plain(path: Path) -> bytes:
    """A file's content; a pipe would be waited for."""
    if path.exists() and not path.is_file():
        raise ValueError(f"{path.name} is not a plain file")
    return path.read_bytes()


def stored(folder: Path, precision: type) -> tuple[dict, dict, Weights]:
    """Settings of the model and of the family from config.json, and the weights, each held to the others.

    Raises:
        OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, safetensors.SafetensorError:
            a file is missing or damaged, or they do not fit together.
    """
    content, config = plain(folder / "model.safetensors"), json.loads(plain(folder / "config.json"))
    if hashlib.sha256(content).hexdigest() != config["sha256"]:
        raise ValueError("the weights' SHA-256 is not the one in config.json")
    own = config.pop("config_sha256", None)
    if own not in (None, hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()):
        raise ValueError("config.json was altered: its config_sha256 is another")
    model, family = (DEFAULTS[part] | config["recipe"].get(part, {}) for part in ("model", "family"))
    weights = {}
    for name, tensor in safetensors.deserialize(content):
        values = np.frombuffer(tensor["data"], TYPES[tensor["dtype"]])
        if tensor["dtype"] == "BF16":  # the upper half of a float32
            values = (values.astype(np.uint32) << 16).view(np.float32)
        weights[name] = values.reshape(tensor["shape"]).astype(precision)
    layers = {name.split(".")[2] for name in weights if name.startswith("native.layers.")}
    norms = {name for name in weights if ".ln" in name}
    built = {"n_layers": len(layers), "layer_norm": bool(norms), "tied": "embed.weight" not in weights}
    if any(model[name] != value for name, value in built.items()):
        raise ValueError(f"config.json must say {built}, as the weights have it")
    (dimension, _), (n_ctx, _) = weights["native.head.weight"].shape, weights["native.pos.weight"].shape
    if (family["dimension"], family["length"]) != (dimension, n_ctx + 1):
        raise ValueError(f"sequences must have {n_ctx + 1} vectors of {dimension} entries, as the weights have it")
    return model, family, weights


def errors(
    folder: Path | str, count: int = 1024, precision: type = np.float64
) -> tuple[Float[np.ndarray, "count n_ctx"], float]:
    """Squared error (mean over entries) after 1, 2, ... vectors of each sequence, and the targets' mean square.

    Raises:
        ValueError: contexts are shorter than 3 vectors, or the error is no number; and what ``stored`` raises.
    """
    model, family, weights = stored(Path(folder), precision)
    if family["length"] - 1 <= THIRD:
        raise ValueError(f"contexts of 3 vectors and more are judged, this model's n_ctx is {family['length'] - 1}")
    shape = {name: model[name] for name in ("n_layers", "n_heads", "d_head")}
    sequences = draw(family, count)
    with np.errstate(all="ignore"):  # what is no number is found in the result
        found = [
            ((forward(weights, part[:, :-1].astype(precision), **shape) - part[:, 1:]) ** 2).mean(-1)
            for part in np.split(sequences, range(CHUNK, count, CHUNK))
        ]
    each, variance = np.concatenate(found), float((sequences[:, 3:] ** 2).mean())
    if not (each < 1e100).all() or not math.isfinite(variance):  # nor if it is no number
        raise ValueError("its error is not a finite number below 1e100")
    return each, variance


UNUSABLE = OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, safetensors.SafetensorError


def main(arguments: list[str] | None = None) -> int:
    """The command line's work."""
    about = "A second opinion on a checkpoint: the error that numpy finds, from the files alone."
    p = argparse.ArgumentParser(prog="python -m helpers.training.evaluator", description=about)
    p.add_argument("folders", nargs="+", type=Path, help="checkpoints, such as checkpoints/paper")
    for folder in p.parse_args(arguments).folders:
        try:
            found, variance = errors(folder)
        except UNUSABLE as error:
            why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            name = " ".join(str(folder).split())  # a message is one line
            p.error(f"argument folders: {name} is not a checkpoint that can be judged ({why})")
        each = found[:, THIRD:].mean(1)
        half = 1.96 * each.std(ddof=1) / np.sqrt(len(each))
        print(f"{folder}: test MSE {each.mean():.3g} +- {half:.1g}, variance {variance:.3g}", end=", ")
        print(f"R2 {1 - each.mean() / variance:.6f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
