"""Whether the prediction and its mechanism hold on sequences that a model was not trained on."""

from __future__ import annotations

from dataclasses import replace
from math import nan

import numpy as np
import torch
from jaxtyping import Float

from helpers.analysis import attention, effects, following, jacobians
from helpers.analysis.components import Component
from helpers.analysis.estimates import Estimate, ratio, rounded
from helpers.analysis.observation import Observation
from helpers.data import blind
from helpers.data.conditions import CONDITIONS
from helpers.data.predictors import exact_solver
from helpers.data.recurrences import Family, Sequences
from helpers.training.machine import usual_torch
from helpers.training.model import RecurrenceModel, in_float64

SEED, FITTED = 20240716, 2048  # of a condition's sequences; how many others its blind rule is fitted on
AT = 6  # vectors in the contexts whose Jacobians are taken
Squares = Float[np.ndarray, "batch contexts"]


def sequences(name: str, family: Family, count: int, seed: int = SEED) -> Sequences:
    """Sequences of a condition."""
    return CONDITIONS[name].draw(family, count, np.random.default_rng(seed))


def squared(
    name: str, family: Family, asked: Sequences, guess: Float[np.ndarray, "batch n_ctx dimension"]
) -> dict[str, Squares]:
    """Squared errors on a condition's sequences: the model's, the solver's, least squares', the blind rule's.

    The blind rule is the best for such sequences: it is fitted on others of the same condition. Contexts that end
    before a vector that nothing foretells are left out.
    """
    condition, length = CONDITIONS[name], asked.vectors.shape[1]
    seen, targets = asked.vectors[:, :-1], asked.vectors[:, 1:]
    weights = blind.fit(sequences(name, family, FITTED, SEED + 1).vectors, length)
    guesses = {"model": guess, "solver": condition.solve(seen), "least squares": exact_solver(seen)}
    guesses["blind"] = blind.predict(weights, seen)
    chosen = condition.judged(length)
    return {rule: ((one - targets) ** 2).mean(axis=2)[:, chosen] for rule, one in guesses.items()}


def loss(errors: dict[str, Squares], rule: str = "model") -> Estimate:
    """A rule's squared error over the blind rule's."""
    return ratio(*(torch.from_numpy(errors[one]).sum(dim=1) for one in (rule, "blind")))


def implied(obs: Observation) -> dict[str, float]:
    """By sign of c, and for both as "follows": the implied c of bins of c over the true one, as the slope of a line
    through zero; NaN where c cannot be told."""
    largest = max(obs.c.abs().max().item(), 1.0)
    wide = replace(obs, family=replace(obs.family, c_min=-largest, c_max=largest))
    bins = {name: following.implied_by_bin(wide, obs.prediction, sign) for name, sign in following.SIGNS.items()}
    bins["follows"] = [one for own in bins.values() for one in own]
    return {
        name: sum(b.true * b.implied.value for b in own) / sum(b.true**2 for b in own) if own else nan
        for name, own in bins.items()
    }


def mechanism(obs: Observation, contexts: int = 128, draws: int = 8) -> dict[str, float]:
    """Measures that can be asked whatever the sequences, means over heads by what they carry.

    Returns:
        A1.attention: of layer 0 on the previous vector. A2.r2: how much of a linear copy it writes. C3.output: the
        correlation of what the last layer's heads write with what they read, below 0 where they subtract. identity:
        the share of the prediction's Jacobians that multiples of the identity have, 1 for a mixture of the vectors.
    """
    last = obs.config.n_layers - 1
    shares, first, late = attention.at_offset(obs, 0, 1), effects.carried(obs, 0), effects.carried(obs, last)

    def copied(head: Component) -> float:
        fits = (effects.ov_fit(obs, head, basis) for basis in effects.BASES)
        return max(fits, key=lambda fit: rounded(fit.correlation.value)).r2.value

    seen = obs.vectors[:contexts, : min(AT, obs.vectors.shape[1])]
    found = {
        "A1.attention": [(shares[:, head.head].mean().item(), weight) for head, weight in first.items()],
        "A2.r2": [(copied(head), weight) for head, weight in first.items()],
        "C3.output": [(effects.ov_fit(obs, head).correlation.value, weight) for head, weight in late.items()],
        "identity": [(jacobians.identity_share(jacobians.rule_of(obs), seen, draws).mean().item(), 1.0)],
    }
    return {name: sum(v * w for v, w in each) / sum(w for _, w in each) for name, each in found.items()}


@usual_torch()
@torch.no_grad()
def rollout(
    model: RecurrenceModel, vectors: Float[np.ndarray, "batch n dimension"], steps: int
) -> Float[np.ndarray, "batch steps dimension"]:
    """Continues sequences by any number of steps, each predicted from the last n_ctx vectors, predicted ones too."""
    native, W_E = in_float64(model), model.W_E.detach().double()
    whole = torch.from_numpy(np.asarray(vectors, dtype=float))
    for _ in range(steps):
        whole = torch.cat([whole, native(inputs_embeds=whole[:, -model.config.n_ctx :] @ W_E)[:, -1:]], dim=1)
    return whole[:, vectors.shape[1] :].numpy()
