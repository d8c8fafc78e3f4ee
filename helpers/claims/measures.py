"""The paper's findings, S5 to C5, each measured by code and judged against a threshold of ``helpers.claims.verdicts``.

Where a claim speaks of "the heads" of a layer, each head is a reading of its own. ``tools/readme.py`` makes the
README's table of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from helpers.analysis import attention, attribution, circuits, components, edits, effects, expectations, interventions
from helpers.analysis.estimates import exactly, mean, number, ratio
from helpers.analysis.interventions import Prediction
from helpers.analysis.observation import Observation
from helpers.claims.verdicts import (
    ALPHA,
    CHECKERBOARD,
    HALF,
    HALF_R,
    LOW_RANK,
    NEAR_ZERO,
    PAPER_MSE,
    SOLVED_R2,
    SPARSE,
    STRONG_C,
    Reading,
    Row,
    summary,
    verdict,
)
from helpers.data.recurrences import THIRD

Measure = Callable[[Observation], list[Reading]]
MEASURES: dict[str, tuple[str, str, Measure]] = {}  # id: claim, the paper's evidence, function


def claim(id: str, text: str, paper: str) -> Callable[[Measure], Measure]:
    """Registers a measure under its claim, with the paper's words and figure."""

    def register(measure: Measure) -> Measure:
        MEASURES[id] = (text, paper, measure)
        return measure

    return register


def solved(obs: Observation, what: str, prediction: Prediction) -> Reading:
    """An ablation that "barely hurts": the model still solves the task."""
    return Reading(what, obs.explained(prediction), low=SOLVED_R2, note=f" (MSE {obs.mse(prediction)})")


def broken(obs: Observation, what: str, prediction: Prediction) -> Reading:
    """An intervention that matters: a model that solves the task no longer does."""
    return Reading(what, obs.explained(prediction), high=SOLVED_R2, also=obs.r2() >= SOLVED_R2)


@claim("S5", "test error", "MSE 1e-4")
def s5(obs: Observation) -> list[Reading]:
    return [Reading("MSE", obs.mse(), high=PAPER_MSE, note=f" (R² {obs.r2():.5f})")]


@claim("A1", "layer-0 heads attend to the previous vector", "attention patterns")
def a1(obs: Observation) -> list[Reading]:
    shares = attention.at_offset(obs, 0, 1)
    return [Reading("attention", mean(shares[:, h.head]), low=HALF) for h in obs.heads(0)]


@claim("A2", "layer-0 OV output is a linear copy of its input", "R² = 0.83")
def a2(obs: Observation) -> list[Reading]:
    readings = []
    for h in obs.heads(0):  # a copy in one basis is rarely one in the other (circuits.vector_ov): the better one counts
        fits = {basis: effects.ov_fit(obs, h, basis) for basis in effects.BASES}
        basis = max(fits, key=lambda name: fits[name].correlation.value)
        rising = fits[basis].slope.value > 0
        readings.append(Reading("R², better basis", fits[basis].r2, low=HALF, note=f" ({basis})", also=rising))
    return readings


@claim("A3", "the copy is scaled, with α > 2", "slopes 2.1 to 2.5")
def a3(obs: Observation) -> list[Reading]:
    applied, share = effects.copy_strength(obs)
    slopes = [Reading("OV slope", effects.ov_fit(obs, h).slope, low=ALPHA) for h in obs.heads(0)]
    note = f" (its fit explains {number(share.value)}, half is asked)"
    return [*slopes, Reading("α as applied", applied, low=ALPHA, note=note, also=share.value > HALF)]


@claim("A4", "after layer 0 the model holds a crude estimate", "abstract")
def a4(obs: Observation) -> list[Reading]:
    layer = components.layer(0)
    lens, held = (obs.explained(read(obs)[layer]) for read in (attribution.logit_lens, attribution.held_lens))
    fit, judged = obs.halves()
    tuned = attribution.tuned_lens(fit, judged)
    after, before = (judged.errors(tuned[place]).sum(dim=1) for place in (layer, components.INPUT))
    return [
        Reading("logit lens R²", lens, low=HALF),
        Reading("with the final scale held", held, low=HALF),
        Reading("tuned lens, MSE after / before the layer", ratio(after, before), high=HALF),
    ]


@claim("B1", "layer-1 heads have direct logit attribution near zero", "section 4.5")
def b1(obs: Observation) -> list[Reading]:
    parts = attribution.contributions(obs)
    shares = [ratio(*attribution.share_sums(obs, parts[h])) for h in obs.heads(1)]
    return [Reading("share of the answer", s, -NEAR_ZERO, NEAR_ZERO) for s in shares]


@claim("B2", "mean-ablating layer-1 heads barely hurts", "section 4.5")
def b2(obs: Observation) -> list[Reading]:
    alone = [solved(obs, "R² without one head", interventions.ablate_heads(obs, [h])) for h in obs.heads(1)]
    one, two = (interventions.ablate_heads(obs, obs.heads(layer)) for layer in (1, 2))
    cost = ratio(*((obs.errors(p) - obs.errors()).sum(dim=1) for p in (one, two)))
    return [
        *alone,
        solved(obs, "without all of them", one),
        Reading("cost ÷ layer 2's", cost, -NEAR_ZERO, NEAR_ZERO),
    ]


@claim("B3", "layer-1 OV circuits have low effective rank and are sparse", "section 4.5")
def b3(obs: Observation) -> list[Reading]:
    rank, sparse = (circuits.over_random(obs, 1, m) for m in (circuits.effective_rank, circuits.sparsity))
    return [Reading("rank ÷ random rank", r, high=LOW_RANK) for r in rank] + [
        Reading("sparsity ÷ random sparsity", s, low=SPARSE) for s in sparse
    ]


@claim("B4", "so layer 1 acts as a bias term", "inference, low confidence")
def b4(obs: Observation) -> list[Reading]:
    layer = [components.attention(1), components.mlp(1)]
    return [
        solved(obs, "R² with the whole layer constant", interventions.freeze(obs, layer)),
        solved(obs, "constant at each position", interventions.freeze(obs, layer, by="position")),
    ]


@claim("C1", "layer-2 attention is a checkerboard where c < 0, and only there", "attention patterns")
def c1(obs: Observation) -> list[Reading]:
    bar = attention.uniform_share(attention.parity_mask(obs.config.n_ctx)) + CHECKERBOARD
    what = f"same parity, c < -{STRONG_C} (bar {number(bar)})"
    share = attention.same_parity(obs, 2)
    readings = []
    for h in obs.heads(2):  # one reading: a board here, none there
        down, up = (mean(share[keep, h.head]) for keep in (obs.c < -STRONG_C, obs.c > STRONG_C))
        note = f", where c > {STRONG_C}: {up}"
        readings.append(Reading(what, down, low=bar, note=note, also=up.value < bar))
    return readings


def kept_by_identity(obs: Observation, part: str, sign: int) -> Reading:
    agrees = all(sign * size > 0 for size in edits.identity_sizes(obs, 2)[part])
    what = f"effect kept by {'+' if sign > 0 else '−'}identity alone"
    return Reading(what, edits.kept(obs, 2, part, "identity")["identity"], low=HALF, also=agrees)


@claim("C2", "layer-2 QK circuits look like +identity", "section 4.6")
def c2(obs: Observation) -> list[Reading]:
    similarity = [attention.score_similarity_fit(obs, h).correlation for h in obs.heads(2)]
    eigen = [circuits.eigenvalue_score(circuits.qk(obs, h)) for h in obs.heads(2)]
    identity = circuits.vector_qk(obs, components.layer(2))
    cosine = [circuits.cosine(circuits.vector_qk(obs, h), identity) for h in obs.heads(2)]
    return (
        [Reading("score ~ similarity r", r, low=HALF_R) for r in similarity]
        + [Reading("eigenvalue score", exactly(s), low=HALF) for s in eigen]
        + [Reading("cosine with QK = I (vectors)", exactly(s), low=HALF_R) for s in cosine]
        + [kept_by_identity(obs, "scores", sign=1)]
    )


@claim("C3", "layer-2 OV circuits look like −identity", "section 4.6")
def c3(obs: Observation) -> list[Reading]:
    fits = [effects.ov_fit(obs, h).correlation for h in obs.heads(2)]
    eigen = [circuits.eigenvalue_score(circuits.ov(obs, h)) for h in obs.heads(2)]
    identity = circuits.vector_ov(obs, components.layer(2))
    cosine = [circuits.cosine(circuits.vector_ov(obs, h), identity) for h in obs.heads(2)]
    return (
        [Reading("output ~ input r", r, high=-HALF_R) for r in fits]
        + [Reading("eigenvalue score", exactly(s), high=-HALF) for s in eigen]
        + [Reading("cosine with OV = I (vectors)", exactly(s), high=-HALF_R) for s in cosine]
        + [kept_by_identity(obs, "outputs", sign=-1)]
    )


@claim("C4", "so layer 2 refines the estimate", "abstract, section 4.6")
def c4(obs: Observation) -> list[Reading]:
    held, before, after = attribution.held_lens(obs), components.layer(1), components.layer(2)
    remaining = obs.targets - attribution.rescaled(obs, held[before])
    fits = [effects.remaining_error_fit(obs, h, remaining).correlation for h in obs.heads(2)]
    left = ratio(*(obs.errors(held[layer]).sum(dim=1) for layer in (after, before)))
    without = interventions.ablate_heads(obs, obs.heads(2))
    return [
        Reading("MSE after / before the layer", left, high=HALF),
        *(Reading("one head's output ~ error left r", r, low=HALF_R) for r in fits),
        broken(obs, f"R² without the heads (below {SOLVED_R2})", without),
    ]


@claim("C5", "intervening on the layer-2 QK circuit changes the prediction as C4 says", "described")
def c5(obs: Observation) -> list[Reading]:
    flipped = edits.with_scores(obs, 2, edits.edit_scores(obs, 2, "flipped"))
    expected = expectations.expected_changes(obs, 2)["a change by similarity alone"]
    return [
        broken(obs, f"R² with even attention (below {SOLVED_R2})", edits.scale_scores(obs, 2, 0.0)),
        broken(obs, f"with the scores' content flipped (below {SOLVED_R2})", flipped),
        Reading("change ~ expected r", expected.correlation, low=HALF_R),
    ]


def measure(obs: Observation, ids: Iterable[str]) -> dict[str, list[Reading]]:
    """The readings of each claim.

    Raises:
        ValueError: the claims cannot be asked of this model: not 3 layers, a context of 2 or less, or no c beyond
            ``STRONG_C`` on either side.
        KeyError: an id that is not in ``MEASURES``.
    """
    if obs.config.n_layers != 3 or obs.config.n_ctx <= THIRD:
        raise ValueError("the claims are about models of 3 layers with contexts of 3 vectors and more")
    if not -obs.c.min() > STRONG_C < obs.c.max():
        raise ValueError(f"the claims need sequences with c on both sides of ±{STRONG_C}, got {obs.family}")
    return {id: MEASURES[id][2](obs) for id in ids}


def evaluate(obs: Observation, ids: Iterable[str]) -> list[Row]:
    """Measures claims and judges them; raises what ``measure`` raises."""
    return [Row(id, *MEASURES[id][:2], summary(r), verdict(r)) for id, r in measure(obs, ids).items()]
