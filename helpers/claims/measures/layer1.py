"""B1 to B4: layer 1 adds next to nothing of its own, a bias."""

from __future__ import annotations

from helpers.analysis import attribution, circuits, components, interventions
from helpers.analysis.estimates import ratio
from helpers.analysis.observation import Observation
from helpers.claims.measures.error import solved
from helpers.claims.readings import Reading
from helpers.claims.registry import claim
from helpers.claims.thresholds import LOW_RANK, NEAR_ZERO, SPARSE


@claim("B1", "layer-1 heads have direct logit attribution near zero", "section 4.5", share="share of the answer")
def b1(obs: Observation) -> list[Reading]:
    parts = attribution.contributions(obs)
    return [
        Reading("share", ratio(*attribution.share_sums(obs, parts[h])), str(h), -NEAR_ZERO, NEAR_ZERO)
        for h in obs.heads(1)
    ]


@claim(
    "B2",
    "mean-ablating layer-1 heads barely hurts",
    "section 4.5",
    one="R² without one head",
    all="without all of them",
    cost="cost ÷ layer 2's",
)
def b2(obs: Observation) -> list[Reading]:
    alone = [solved(obs, "one", interventions.ablate_heads(obs, [h]), str(h)) for h in obs.heads(1)]
    one, two = (interventions.ablate_heads(obs, obs.heads(layer)) for layer in (1, 2))
    cost = ratio(*((obs.errors(p) - obs.errors()).sum(dim=1) for p in (one, two)))
    return [*alone, solved(obs, "all", one), Reading("cost", cost, "", -NEAR_ZERO, NEAR_ZERO)]


@claim(
    "B3",
    "layer-1 OV circuits have low effective rank and are sparse",
    "section 4.5",
    rank="rank ÷ random rank",
    sparsity="sparsity ÷ random sparsity",
)
def b3(obs: Observation) -> list[Reading]:
    rank, sparse = (circuits.over_random(obs, 1, m) for m in (circuits.effective_rank, circuits.sparsity))
    return [Reading("rank", r, str(h), high=LOW_RANK) for h, r in zip(obs.heads(1), rank, strict=True)] + [
        Reading("sparsity", s, str(h), low=SPARSE) for h, s in zip(obs.heads(1), sparse, strict=True)
    ]


@claim(
    "B4",
    "so layer 1 acts as a bias term",
    "inference, low confidence",
    constant="R² with the whole layer constant",
    position="constant at each position",
)
def b4(obs: Observation) -> list[Reading]:
    layer = [components.attention(1), components.mlp(1)]
    return [
        solved(obs, "constant", interventions.freeze(obs, layer)),
        solved(obs, "position", interventions.freeze(obs, layer, by="position")),
    ]
