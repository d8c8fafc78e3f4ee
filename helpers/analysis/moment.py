"""What a model does at one moment of its training, in numbers that can be followed from step to step.

Keys end in the sign of c, "<" or ">". What stands in them: the *loss* (``following.loss``) of the prediction and of
what can be read after each half layer, with the final scale held and the best multiple; the squared *error* by vectors
in the context; the slope of the *implied* c against c, 1 where it follows (``outside.implied``); the median *weight* on
each of ``AT`` vectors and their *sum*, along the line; the *distance* of these weights to those of simple rules, over
their size; and the mean squared error *outside* of the trained range.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from jaxtyping import Bool
from torch import Tensor

from helpers.analysis import attribution, components, following, outside
from helpers.analysis.jacobians import rule_of, weights
from helpers.analysis.observation import Observation
from helpers.data.recurrences import THIRD
from helpers.data.solvers import RULES, Rule, bayes_of_vectors

AT, FEW = 5, 96  # vectors in the contexts whose weights are taken, and how many such contexts
WIDER = ("|c| from 1 to 1.5", "|c| from 1.5 to 2")  # of ``helpers.data.conditions``


def _sides(obs: Observation) -> dict[str, tuple[str, Bool[Tensor, " batch"]]]:
    """For each sign of c that there is the name that ``following`` has for it, and which sequences have it."""
    return {name[2]: (name, sign * obs.c > 0) for name, sign in following.signs(obs).items()}


def _rules(obs: Observation) -> dict[str, Rule]:
    """Those of notebook 6; the posterior mean presumes as much noise as the model errs."""
    unit = float((1 / obs.sequences.scale).mean())
    bayes = partial(bayes_of_vectors, family=obs.family, noise=obs.mse().value ** 0.5, unit=unit)
    return RULES | {"bayes, noise on vectors": bayes}


def _weighing(obs: Observation) -> dict[str, float]:
    told = obs.c.abs() >= following.SMALLEST
    some = obs.part(told).part(slice(FEW))
    seen = some.vectors[:, :AT]
    line = torch.nn.functional.normalize(seen[:, 1] - seen[:, 0], dim=1)
    own, found = weights(rule_of(obs), seen, line), {}
    for side, (_, chosen) in _sides(some).items():
        found |= {f"weight.{j + 1}.{side}": w for j, w in enumerate(own[chosen].median(dim=0).values.tolist())}
        found[f"sum.{side}"] = own[chosen].sum(dim=1).median().item()
    for name, rule in _rules(obs).items():
        apart = (weights(rule, seen, line) - own).norm(dim=1)
        for side, (_, chosen) in _sides(some).items():
            found[f"distance.{name}.{side}"] = (apart[chosen].median() / own[chosen].norm(dim=1).median()).item()
    return found


def moment(obs: Observation, count: int = 160) -> dict[str, float]:
    """All of it, by key.

    Args:
        count: sequences of each kind outside of the range.
    Raises:
        ValueError: contexts have fewer than ``AT`` vectors, or what ``following.signs`` raises.
    """
    if obs.config.n_ctx < AT:
        raise ValueError(f"contexts must have at least {AT} vectors, got {obs.config.n_ctx}")
    places = [p for i in range(obs.config.n_layers) for p in (components.attention(i), components.layer(i))]
    reads = {f".{place}": attribution.rescaled(obs, attribution.held_at(obs, place)) for place in places}
    found, sides = {}, _sides(obs)
    for side, (_, chosen) in sides.items():
        errors = obs.errors()[chosen].mean(dim=0).tolist()
        found |= {f"error.{THIRD + 1 + n}.{side}": e for n, e in enumerate(errors)}
    for at, read in {"": obs.prediction, **reads}.items():
        implied = outside.implied(replace(obs, prediction=read))
        for side, (name, chosen) in sides.items():
            found[f"loss{at}.{side}"] = following.loss(obs, read, chosen).value
            found[f"implied{at}.{side}"] = implied[name]
    for wider in WIDER:
        asked = outside.sequences(wider, obs.family, count)
        guess = obs.on(asked).prediction.numpy()
        found[f"outside.{wider}"] = float(outside.squared(wider, obs.family, asked, guess)["model"].mean())
    return found | _weighing(obs)
