"""The model as weights: how its prediction moves with each vector it has seen.

The answer of the task is an affine combination of any two vectors seen. A prediction that is one has Jacobians that
are multiples of the identity, one number for each vector, and these numbers sum to 1.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.analysis.observation import Observation
from helpers.data.solvers import Contexts, Rule

Directions = Float[Tensor, "batch dimension"]


def rule_of(obs: Observation) -> Rule:
    """The model as a rule: the vectors of contexts to its guesses for the next."""
    return lambda vectors: obs.bridge.original_model(inputs_embeds=vectors @ obs.W_E)[:, -1]


def pulled_back(rule: Rule, contexts: Contexts, directions: Directions) -> Float[Tensor, "batch n dimension"]:
    """r^T d prediction / d vector, for each vector of each context: exact, by one backward pass for the batch.

    Args:
        directions: r, one for each context.
    """
    vectors = contexts.clone().requires_grad_()
    with torch.enable_grad():
        along = (rule(vectors) * directions).sum()
        return torch.autograd.grad(along, vectors, materialize_grads=True)[0]


def weights(rule: Rule, contexts: Contexts, directions: Directions) -> Float[Tensor, "batch n"]:
    """r^T (d prediction / d vector) r for unit vectors r: by how much the prediction moves along r with each vector.

    For the direction of the sequence's line these are the weights that place the answer on the line.
    """
    return (pulled_back(rule, contexts, directions) * directions[:, None]).sum(dim=2)


def identity_share(rule: Rule, contexts: Contexts, draws: int = 8, seed: int = 0) -> Float[Tensor, " batch"]:
    """How much of the Jacobians' square norm their multiples of the identity have: 1 if that is all there is.

    By random unit vectors r: the mean of r^T J r estimates the multiple, that of |r^T J|^2 the square norm over the
    number of dimensions.
    """
    generator = torch.Generator().manual_seed(seed)
    multiples, squares = [], []
    for _ in range(draws):
        r = torch.randn(contexts[:, 0].shape, generator=generator, dtype=contexts.dtype)
        r = r / r.norm(dim=1, keepdim=True)
        back = pulled_back(rule, contexts, r)
        multiples.append((back * r[:, None]).sum(dim=2))
        squares.append(back.square().sum(dim=(1, 2)))
    return torch.stack(multiples).mean(dim=0).square().sum(dim=1) / torch.stack(squares).mean(dim=0)
