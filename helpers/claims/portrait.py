"""What the drawings show beside the claims' readings: shares, what ablations cost, and what the formula keeps."""

from __future__ import annotations

from dataclasses import replace

from helpers.analysis import attribution, components, following, interventions, replacement
from helpers.analysis.estimates import exactly, ratio
from helpers.analysis.formula import to_one
from helpers.analysis.observation import Observation
from helpers.analysis.parity import Parity
from helpers.claims.readings import Reading
from helpers.data.recurrences import sample

FIT, COUNT = 20261126, 384  # seed and number of the sequences that the formula is fitted on


def portrait(obs: Observation) -> list[Reading]:
    """Readings without bounds: "share", the direct share of the answer of each component, "cost", how many times
    larger the MSE is when the heads of a layer are ablated by their mean, and those of ``account``."""
    parts = attribution.contributions(obs)
    shares = [Reading("share", ratio(*attribution.share_sums(obs, part)), str(name)) for name, part in parts.items()]
    costs = [
        obs.mse(interventions.ablate_heads(obs, obs.heads(layer))).value / obs.mse().value
        for layer in range(obs.config.n_layers)
    ]
    costly = [Reading("cost", exactly(cost), str(components.layer(i))) for i, cost in enumerate(costs)]
    return shares + costly + account(obs)


def account(obs: Observation) -> list[Reading]:
    """How much of what knowing c brings is "kept" by layer 0's average alone, by the whole formula, without the part
    of it that is layer 2's (its other weights brought to the sum 1), and with its last size fixed; by sign of c."""
    formula = replacement.compress(Parity(obs.on(sample(obs.family, COUNT, FIT))))
    guesses = {
        "average": formula.binding.average,
        "formula": formula,
        "without layer 2": lambda v: to_one(replace(formula, before=0 * formula.before).weights(v)) @ v,
        "last size fixed": formula.with_typical_size(2, obs.vectors),
    }
    return [
        Reading("kept", kept, f"{name}, {side}")
        for name, guess in guesses.items()
        for side, kept in following.kept(obs, guess(obs.vectors)).items()
    ]
