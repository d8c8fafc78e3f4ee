"""The paper's findings, S5 to C5, each measured by code and judged against a threshold of ``helpers.verdicts``.

Where a claim speaks of "the heads" of a layer, each head is a reading of its own. ``helpers.front`` makes the README's
table of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

from helpers import attention, attribution, circuits, copying, interventions
from helpers.estimates import Estimate, mean, number, ratio
from helpers.observation import Observation
from helpers.recurrences import FIRST
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
    readings = []
    for h in heads(obs):  # a copy in one basis is rarely one in the other (circuits.vector_ov): the better one counts
        fits = {basis: copying.ov_fit(obs, 0, h, basis) for basis in copying.BASES}
        basis = max(fits, key=lambda name: fits[name].correlation.value)
        readings.append(
            Reading("R², better basis", f"{fits[basis].r2} ({basis})", explains_half(fits[basis].correlation.value))
        )
    return readings


@claim("A3", "the copy is scaled, with α > 2", "slopes 2.1 to 2.5")
def a3(obs: Observation) -> list[Reading]:
    slopes = [copying.ov_fit(obs, 0, h).slope for h in heads(obs)]
    applied, r2 = copying.copy_strength(obs)
    return [Reading("OV slope", str(s), s.value > ALPHA) for s in slopes] + [
        Reading("α as applied", f"{applied} (explains {number(r2.value)})", applied.value > ALPHA and r2.value > HALF)
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
    what = (
        f"same parity, c < -{STRONG_C} and c > {STRONG_C} (bar {number(bar)})"  # one reading: a board here, none there
    )
    return [Reading(what, f"{d} and {u}", d.value >= bar > u.value) for d, u in zip(down, up, strict=True)]


@claim("C2", "layer-2 QK circuits look like +identity", "section 4.6")
def c2(obs: Observation) -> list[Reading]:
    similarity = [attention.score_similarity_fit(obs, 2, h).correlation for h in heads(obs)]
    eigen = [circuits.eigenvalue_score(circuits.qk(obs, 2, h)) for h in heads(obs)]
    cosine = [circuits.cosine(circuits.vector_qk(obs, 2, h), circuits.vector_qk(obs, 2, None)) for h in heads(obs)]
    return (
        [Reading("score ~ similarity r", str(r), explains_half(r.value)) for r in similarity]
        + [Reading("eigenvalue score", number(s), s > HALF) for s in eigen]
        + [Reading("cosine with QK = I (vectors)", number(s), explains_half(s)) for s in cosine]
    )


@claim("C3", "layer-2 OV circuits look like −identity", "section 4.6")
def c3(obs: Observation) -> list[Reading]:
    fits = [copying.ov_fit(obs, 2, h).correlation for h in heads(obs)]
    eigen = [circuits.eigenvalue_score(circuits.ov(obs, 2, h)) for h in heads(obs)]
    cosine = [circuits.cosine(circuits.vector_ov(obs, 2, h), circuits.vector_ov(obs, 2, None)) for h in heads(obs)]
    return (
        [Reading("output ~ input r", str(r), explains_half(-r.value)) for r in fits]
        + [Reading("eigenvalue score", number(s), s < -HALF) for s in eigen]
        + [Reading("cosine with OV = I (vectors)", number(s), explains_half(-s)) for s in cosine]
    )


@claim("C4", "so layer 2 refines the estimate", "abstract, section 4.6")
def c4(obs: Observation) -> list[Reading]:
    estimate = attribution.rescaled(obs, attribution.logit_lens(obs)["layer 1"])
    fits = [copying.remaining_error_fit(obs, 2, h, obs.targets - estimate).correlation for h in heads(obs)]
    held = {name: obs.mse(prediction).value for name, prediction in attribution.held_lens(obs).items()}
    left = held["layer 2"] / held["layer 1"]
    without = obs.r2(interventions.ablate_heads(obs, interventions.layer_heads(obs, 2)))
    return [
        Reading("MSE after / before the layer", number(left), left < HALF),
        *(Reading("one head's output ~ error left r", str(r), explains_half(r.value)) for r in fits),
        Reading(f"R² without the heads (below {SOLVED_R2})", number(without), without < SOLVED_R2),
    ]


@claim("C5", "intervening on the layer-2 QK circuit changes (here: breaks) the prediction", "described")
def c5(obs: Observation) -> list[Reading]:
    r2 = {f: obs.r2(interventions.scale_scores(obs, 2, f)) for f in (0.0, -1.0)}
    return [
        Reading(f"R² with even attention (below {SOLVED_R2})", number(r2[0.0]), r2[0.0] < SOLVED_R2),
        Reading(f"R² with scores negated (below {SOLVED_R2})", number(r2[-1.0]), r2[-1.0] < SOLVED_R2),
    ]


def evaluate(obs: Observation, ids: Iterable[str]) -> list[Row]:
    """Measures claims and judges them.

    Raises:
        ValueError: the claims cannot be asked of this model: not 3 layers, a context of 2 or less, or no c beyond
            ``STRONG_C`` on either side.
        KeyError: an id that is not in ``MEASURES``.
    """
    if obs.config.n_layers != 3 or obs.config.n_ctx <= FIRST:
        raise ValueError("the claims are about models of 3 layers with contexts of 3 vectors and more")
    if not -obs.c.min() > STRONG_C < obs.c.max():
        raise ValueError(f"the claims need sequences with c on both sides of ±{STRONG_C}, got {obs.family}")
    rows = []
    for id in ids:
        text, paper, measure = MEASURES[id]
        readings = measure(obs)
        rows.append(Row(id, text, paper, summary(readings), verdict(readings)))
    return rows
