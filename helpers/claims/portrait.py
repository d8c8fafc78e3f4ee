"""What the drawing of the model shows beside the claims' readings: what components write, what their loss costs."""

from __future__ import annotations

from helpers.analysis import attribution, components, interventions
from helpers.analysis.estimates import exactly, ratio
from helpers.analysis.observation import Observation
from helpers.claims.readings import Reading


def portrait(obs: Observation) -> list[Reading]:
    """Readings without bounds: "share", the direct share of the answer of each component, and "cost", how many times
    larger the MSE is when the heads of a layer are ablated by their mean."""
    parts = attribution.contributions(obs)
    shares = [Reading("share", ratio(*attribution.share_sums(obs, part)), str(name)) for name, part in parts.items()]
    costs = [
        obs.mse(interventions.ablate_heads(obs, obs.heads(layer))).value / obs.mse().value
        for layer in range(obs.config.n_layers)
    ]
    return shares + [Reading("cost", exactly(cost), str(components.layer(i))) for i, cost in enumerate(costs)]
