"""Activation maximization (Erhan et al. 2009): which sequences a head's attention score grows largest for.

By gradient ascent from random starts, on all vectors of a sequence, each held at the size that real ones have there.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.analysis.observation import Observation

Vectors = Float[Tensor, "batch n dimension"]


def last_scores(obs: Observation, layer: int, vectors: Vectors) -> Float[Tensor, "batch heads n"]:
    """The attention scores of a layer's heads from the last position to each, less their mean over the sources.

    Softmax sees nothing of the mean. Differentiable in ``vectors``.
    """
    seen: dict[str, Tensor] = {}
    hooks = [
        (f"blocks.{layer}.attn.hook_{name}", lambda value, hook, name=name: seen.__setitem__(name, value))
        for name in "qk"
    ]
    obs.bridge.run_with_hooks(vectors @ obs.W_E, fwd_hooks=hooks)
    found = torch.einsum("bhk,bnhk->bhn", seen["q"][:, -1], seen["k"]) / obs.config.d_head**0.5
    return found - found.mean(dim=2, keepdim=True)


def excite(
    obs: Observation, layer: int, sources: Sequence[int], n: int, starts: int = 8, steps: int = 60, seed: int = 0
) -> Float[Tensor, "heads starts n dimension"]:
    """Sequences of n vectors for which each head's score, from the last to its source, is large (Adam, rate 0.1).

    Args:
        sources: for each head the position, counted from 0, whose score grows.
    Raises:
        ValueError: there is not one source below n for each head.
    """
    heads = obs.config.n_heads
    if len(sources) != heads or not all(0 <= j < n for j in sources):
        raise ValueError(f"sources must be {heads} positions below {n}, got {list(sources)}")
    sizes = obs.vectors[:, :n].norm(dim=2).median(dim=0).values[:, None]
    generator = torch.Generator().manual_seed(seed)
    shape = (heads, starts, n, obs.config.dimension)
    free = torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
    optimizer = torch.optim.Adam([free], lr=0.1)
    which, where = (torch.as_tensor(x).repeat_interleave(starts) for x in (range(heads), list(sources)))
    for _ in range(steps):
        optimizer.zero_grad()
        with torch.enable_grad():
            vectors = (torch.nn.functional.normalize(free, dim=3) * sizes).flatten(0, 1)
            scores = last_scores(obs, layer, vectors)
            (-scores[torch.arange(len(which)), which, where].sum()).backward()
        optimizer.step()
    return torch.nn.functional.normalize(free.detach(), dim=3) * sizes


@torch.no_grad()
def likeness(obs: Observation, layer: int, vectors: Vectors) -> Float[Tensor, "batch n"]:
    """The cosine of the vectors (``helpers.analysis.parity``) that a layer reads at the last position and at each."""
    read = []
    for sign in (1, -1):
        stream: list[Tensor] = []
        hook = (f"blocks.{layer}.hook_resid_pre", lambda value, hook, stream=stream: stream.append(value))
        obs.bridge.run_with_hooks(sign * vectors @ obs.W_E, fwd_hooks=[hook])
        read.append(stream[0])
    odd = (read[0] - read[1]) / 2
    return torch.cosine_similarity(odd[:, -1:], odd, dim=2)
