"""B1 to B4: layer 1 adds next to nothing of its own, a bias.

What a layer does not do says something only of a model that does its task, so each reading asks for that as well.
"""

from __future__ import annotations

from helpers.analysis import attribution, circuits, components, interventions
from helpers.analysis.constants import optimal_constants
from helpers.analysis.effects import carried
from helpers.analysis.estimates import ratio
from helpers.analysis.interventions import ablate_heads, freeze, predict_with
from helpers.analysis.observation import Observation
from helpers.claims.measures.error import knows, solved, solved_without
from helpers.claims.readings import Reading
from helpers.claims.registry import claim
from helpers.claims.thresholds import LOW_RANK, NEAR_ZERO, SPARSE


def middle(obs: Observation) -> int:
    """The layer that these claims are about. Raises ValueError unless there are 3."""
    if obs.config.n_layers != 3:
        raise ValueError(f"claims of layer 1 are about the middle one of 3 layers, got {obs.config.n_layers}")
    return 1


@claim("B1", "layer-1 heads have direct logit attribution near zero", "section 4.5", share="share of the answer")
def b1(obs: Observation) -> list[Reading]:
    parts, able = attribution.contributions(obs), knows(obs)
    return [
        Reading("share", ratio(*attribution.share_sums(obs, parts[h])), str(h), -NEAR_ZERO, NEAR_ZERO, "", able, weight)
        for h, weight in carried(obs, middle(obs)).items()
    ]


@claim(
    "B2",
    "mean-ablating layer-1 heads barely hurts",
    "section 4.5",
    all="kept without all heads, optimal constant",
    all_c="implied c then farther from c by",
    one="kept without one head, mean or, where that hurts, optimal constant",
    one_c="implied c without one head farther from c by",
)
def b2(obs: Observation) -> list[Reading]:
    fit, judged = obs.halves()
    heads = obs.heads(middle(obs))

    def optimal(chosen: list[components.Component]) -> interventions.Prediction:
        return predict_with(judged, optimal_constants(fit, chosen))

    others = {by: ablate_heads(judged, heads, by) for by in ("mean", "resample")}
    readings = solved(judged, "all", optimal(heads), **others)
    for h, weight in carried(obs, middle(obs)).items():
        one = solved_without(judged, "one", str(h), weight, ablate_heads(judged, [h]))
        # Where the mean barely hurts the constant that costs least does, too; of a model that knows nothing of c none
        # says anything.
        if one[0].also and not all(r.agrees for r in one):
            one = solved_without(judged, "one", str(h), weight, optimal([h]))
        readings += one
    return readings


@claim(
    "B3",
    "layer-1 OV circuits have low effective rank and are sparse",
    "section 4.5",
    rank="rank ÷ random rank",
    sparsity="sparsity ÷ random sparsity",
)
def b3(obs: Observation) -> list[Reading]:
    rank, sparse = (circuits.over_random(obs, middle(obs), m) for m in (circuits.effective_rank, circuits.sparsity))
    shares = carried(obs, middle(obs)).items()
    return [Reading("rank", r, str(h), high=LOW_RANK, weight=w) for (h, w), r in zip(shares, rank, strict=True)] + [
        Reading("sparsity", s, str(h), low=SPARSE, weight=w) for (h, w), s in zip(shares, sparse, strict=True)
    ]


@claim(
    "B4",
    "so layer 1 acts as a bias term",
    "inference, low confidence",
    constant="kept with the whole layer constant, optimal",
    constant_c="implied c then farther from c by",
    position="kept with it constant at each position, optimal",
    position_c="implied c with it constant at each position farther from c by",
)
def b4(obs: Observation) -> list[Reading]:
    layer, (fit, judged) = [part(middle(obs)) for part in (components.attention, components.mlp)], obs.halves()
    readings = []
    for key, by in (("constant", "mean"), ("position", "position")):
        optimal = predict_with(judged, optimal_constants(fit, layer, by))
        others = {name: freeze(judged, layer, name) for name in (by, "resample")}
        readings += solved(judged, key, optimal, **others)
    return readings
