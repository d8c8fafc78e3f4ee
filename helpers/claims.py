"""The paper's claims, each measured by code and judged against a threshold of ``helpers.verdicts``.

Where a claim speaks of "the heads" of a layer, each head is a reading of its own. ``helpers.front`` makes the README's
table of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

from helpers import attention, attribution, circuits, copying, interventions
from helpers.estimates import Estimate, mean, number, ratio
from helpers.observation import Observation
from helpers.recipes import RECIPES, Recipe
from helpers.verdicts import (
    ALPHA,
    CHECKERBOARD,
    HALF,
    LOW_RANK,
    NEAR_ZERO,
    PAPER_MSE,
    SOLVED_R2,
    SPARSE,
    STRONG_C,
    Reading,
    Row,
    explains_half,
    summary,
    verdict,
)

Measure = Callable[[Observation], list[Reading]]
MEASURES: dict[str, tuple[str, str, Measure]] = {}


def claim(id: str, text: str, paper: str) -> Callable[[Measure], Measure]:
    """Registers a measure under its claim, with the paper's words and figure."""

    def register(measure: Measure) -> Measure:
        MEASURES[id] = (text, paper, measure)
        return measure

    return register


def heads(obs: Observation) -> range:
    return range(obs.config.n_heads)


def ablated(obs: Observation, what: str, prediction: torch.Tensor) -> Reading:
    """An ablation that "barely hurts": the model still solves the task."""
    r2 = obs.r2(prediction)
    return Reading(what, f"MSE {obs.mse(prediction)} (R² {number(r2)})", r2 >= SOLVED_R2)


@claim("S5", "test error", "MSE 1e-4")
def s5(obs: Observation) -> list[Reading]:
    mse = obs.mse()
    return [Reading("MSE", f"{mse} (R² {obs.r2():.5f})", mse.value <= PAPER_MSE)]


@claim("A1", "layer-0 heads attend to the previous vector", "attention patterns")
def a1(obs: Observation) -> list[Reading]:
    shares = attention.at_offset(obs, 0, 1)
    return [Reading("attention", str(e := mean(shares[:, h])), e.value > HALF) for h in heads(obs)]


@claim("A2", "layer-0 OV output is a linear copy of its input", "R² = 0.83")
def a2(obs: Observation) -> list[Reading]:
    return [
        Reading(f"R² ({basis})", str(fit.r2), fit.r2.value > HALF and fit.slope.value > 0)
        for basis in copying.BASES
        for fit in (copying.ov_fit(obs, 0, h, basis) for h in heads(obs))
    ]


@claim("A3", "the copy is scaled, with α > 2", "slopes 2.1 to 2.5")
def a3(obs: Observation) -> list[Reading]:
    slopes = [copying.ov_fit(obs, 0, h).slope for h in heads(obs)]
    applied = copying.copy_strength(obs)
    return [Reading("OV slope", str(s), s.value > ALPHA) for s in slopes] + [
        Reading("α as applied", str(applied), applied.value > ALPHA)
    ]


@claim("A4", "after layer 0 the model holds a crude estimate", "abstract")
def a4(obs: Observation) -> list[Reading]:
    lens, held = (obs.r2(read(obs)["layer 0"]) for read in (attribution.logit_lens, attribution.held_lens))
    tuned = attribution.tuned_lens(obs)
    targets = obs.targets[-len(tuned["layer 0"]) :]
    before, after = (attribution.mse(tuned[name], targets) for name in ("embedding", "layer 0"))
    return [
        Reading("logit lens R²", number(lens), lens > HALF),
        Reading("with the final scale held", number(held), held > HALF),
        Reading("tuned lens, MSE after / before the layer", number(after / before), after / before < HALF),
    ]


@claim("B1", "layer-1 heads have direct logit attribution near zero", "section 4.5")
def b1(obs: Observation) -> list[Reading]:
    parts = attribution.components(obs)
    shares = [ratio(*attribution.share_sums(obs, parts[f"L1H{h}"])) for h in heads(obs)]
    return [Reading("share of the answer", str(s), abs(s.value) <= NEAR_ZERO) for s in shares]


@claim("B2", "mean-ablating layer-1 heads barely hurts", "section 4.5")
def b2(obs: Observation) -> list[Reading]:
    alone = [ablated(obs, "one head", interventions.ablate_heads(obs, [(1, h)])) for h in heads(obs)]
    one, two = (interventions.ablate_heads(obs, interventions.layer_heads(obs, layer)) for layer in (1, 2))
    cost = (obs.mse(one).value - obs.mse().value) / (obs.mse(two).value - obs.mse().value)
    return [*alone, ablated(obs, "all", one), Reading("cost over layer 2's", number(cost), abs(cost) <= NEAR_ZERO)]


@claim("B3", "layer-1 OV circuits have low effective rank and are sparse", "section 4.5")
def b3(obs: Observation) -> list[Reading]:
    chance = circuits.random_circuit(obs)
    circuit = [circuits.ov(obs, 1, h) for h in heads(obs)]
    rank = [circuits.effective_rank(m) / circuits.effective_rank(chance) for m in circuit]
    sparse = [circuits.sparsity(m.AB) / circuits.sparsity(chance.AB) for m in circuit]
    return [Reading("rank over random's", number(r), r <= LOW_RANK) for r in rank] + [
        Reading("sparsity over random's", number(s), s >= SPARSE) for s in sparse
    ]


@claim("B4", "so layer 1 acts as a bias term", "inference, low confidence")
def b4(obs: Observation) -> list[Reading]:
    shares = [interventions.constant_share(attribution.head_result(obs, 1, h)) for h in heads(obs)]
    frozen = interventions.freeze(obs, ["1_attn_out", "1_mlp_out"])
    return [Reading("constant share of a head's output", str(s), s.value > HALF) for s in shares] + [
        ablated(obs, "whole layer made constant", frozen)
    ]


def _parity(obs: Observation, keep: torch.Tensor) -> list[Estimate]:
    return [mean(attention.same_parity(obs, 2)[keep, h]) for h in heads(obs)]


@claim("C1", "layer-2 attention is a checkerboard where c < 0, and only there", "attention patterns")
def c1(obs: Observation) -> list[Reading]:
    bar = attention.uniform_share(attention.parity_mask(obs.config.n_ctx)) + CHECKERBOARD
    down, up = _parity(obs, obs.c < -STRONG_C), _parity(obs, obs.c > STRONG_C)
    return [Reading(f"same parity, c < -{STRONG_C} (bar {number(bar)})", str(e), e.value >= bar) for e in down] + [
        Reading(f"c > {STRONG_C} (below the bar)", str(e), e.value < bar) for e in up
    ]


@claim("C2", "layer-2 QK circuits look like +identity", "section 4.6")
def c2(obs: Observation) -> list[Reading]:
    similarity = [attention.score_similarity_fit(obs, 2, h).correlation for h in heads(obs)]
    eigen = [circuits.eigenvalue_score(circuits.qk(obs, 2, h)) for h in heads(obs)]
    cosine = [circuits.identity_cosine(circuits.vector_qk(obs, 2, h)) for h in heads(obs)]
    return (
        [Reading("score ~ similarity r", str(r), explains_half(r.value)) for r in similarity]
        + [Reading("eigenvalue score", number(s), s > HALF) for s in eigen]
        + [Reading("cosine with I (vectors)", number(s), explains_half(s)) for s in cosine]
    )


@claim("C3", "layer-2 OV circuits look like −identity", "section 4.6")
def c3(obs: Observation) -> list[Reading]:
    fits = [copying.ov_fit(obs, 2, h).correlation for h in heads(obs)]
    eigen = [circuits.eigenvalue_score(circuits.ov(obs, 2, h)) for h in heads(obs)]
    cosine = [circuits.identity_cosine(circuits.vector_ov(obs, 2, h)) for h in heads(obs)]
    return (
        [Reading("output ~ input r", str(r), explains_half(-r.value)) for r in fits]
        + [Reading("eigenvalue score", number(s), s < -HALF) for s in eigen]
        + [Reading("cosine with I (vectors)", number(s), explains_half(-s)) for s in cosine]
    )


@claim("C4", "so layer 2 refines the estimate", "abstract, section 4.6")
def c4(obs: Observation) -> list[Reading]:
    lens = attribution.logit_lens(obs)["layer 1"]
    readings = []
    for what, estimate in (("logit lens", lens), ("its size corrected", attribution.rescaled(obs, lens))):
        for h in heads(obs):
            r = copying.remaining_error_fit(obs, 2, h, obs.targets - estimate).correlation
            readings.append(Reading(f"output ~ error left ({what}) r", str(r), explains_half(r.value)))
    without = obs.r2(interventions.ablate_heads(obs, interventions.layer_heads(obs, 2)))
    return [*readings, Reading("R² without the heads", number(without), without < SOLVED_R2)]


@claim("C5", "intervening on the layer-2 QK circuit changes the prediction", "described")
def c5(obs: Observation) -> list[Reading]:
    r2 = {f: obs.r2(interventions.scale_scores(obs, 2, f)) for f in (0.0, -1.0)}
    return [
        Reading("R² with even attention", number(r2[0.0]), r2[0.0] < SOLVED_R2),
        Reading("R² with scores negated", number(r2[-1.0]), r2[-1.0] < SOLVED_R2),
    ]


def evaluate(obs: Observation, ids: Iterable[str]) -> list[Row]:
    """Measures claims and judges them. Raises KeyError for an id that is not in ``MEASURES``."""
    rows = []
    for id in ids:
        text, paper, measure = MEASURES[id]
        readings = measure(obs)
        rows.append(Row(id, text, paper, summary(readings), verdict(readings)))
    return rows


def setup_rows(recipe: Recipe) -> list[Row]:
    """S1 to S4: how the recipe of a model compares with the paper's, from its config.json."""
    paper, m, f = RECIPES["paper"], recipe.model, recipe.family

    def same(agrees: bool, yes: str = "as in the paper") -> str:
        return yes if agrees else "differs"

    size = ("n_layers", "d_model", "d_head", "d_mlp")
    optimizer = ("optimizer", "learning_rate", "weight_decay", "steps", "schedule")
    names = {"adamw": f"AdamW {recipe.learning_rate:g}", "muon": f"Muon {recipe.muon_learning_rate:g} with AdamW"}
    return [
        Row(
            "S1",
            "task: predict the next of n vectors",
            "40 dimensions, contexts of 3 to 14",
            f"{m.dimension} dimensions, contexts of {recipe.first_context} to {m.n_ctx}",
            same((m.dimension, m.n_ctx, recipe.first_context) == (40, 14, 3)),
        ),
        Row(
            "S2",
            "sequences are normalized",
            "bounded; how is not said",
            f"scaling {f.scaling!r}, c from {f.c_min} to {f.c_max}",
            same(f.scaling != "none", "compatible"),
        ),
        Row(
            "S3",
            "model",
            "3 layers, d_model 128, d_head 64, d_mlp 3072",
            f"{m.n_layers} layers, d_model {m.d_model}, d_head {m.d_head}, d_mlp {m.d_mlp}, {m.n_heads} heads",
            same(all(getattr(m, k) == getattr(paper.model, k) for k in size)),
        ),
        Row(
            "S4",
            "optimizer",
            "AdamW 1e-4, weight decay 0.01, 100,000 steps",
            f"{names[recipe.optimizer]}, weight decay {recipe.weight_decay:g}, {recipe.steps:,} steps",
            same(all(getattr(recipe, k) == getattr(paper, k) for k in optimizer)),
        ),
    ]
