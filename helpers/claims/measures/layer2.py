"""C1 to C5: layer 2, the last, finds what is similar and subtracts it, and so refines the estimate."""

from __future__ import annotations

from helpers.analysis import (
    attention,
    attribution,
    circuits,
    components,
    edits,
    effects,
    expectations,
    following,
    interventions,
)
from helpers.analysis.attribution import head_result
from helpers.analysis.constants import optimal_constants
from helpers.analysis.estimates import exactly, ratio, rounded
from helpers.analysis.following import signs
from helpers.analysis.observation import Observation
from helpers.claims.measures.error import broken, knows
from helpers.claims.readings import Reading
from helpers.claims.registry import claim
from helpers.claims.thresholds import CHECKERBOARD, HALF, HALF_R, NEARLY_ALL, SAME_C, STRONG_C


def last(obs: Observation) -> int:
    """The layer that these claims are about. Raises ValueError if it is the first."""
    if obs.config.n_layers < 2:
        raise ValueError("claims C1 to C5 are about a last layer beside the first, got 1 layer")
    return obs.config.n_layers - 1


@claim(
    "C1",
    "layer-2 attention is a checkerboard where c < 0, and only there",
    "attention patterns",
    earlier=f"same parity among earlier vectors, c < -{STRONG_C} (bar {{low}})",
)
def c1(obs: Observation) -> list[Reading]:
    bar = attention.even_parity(obs.config.n_ctx) + CHECKERBOARD
    board = attention.same_parity(obs, last(obs))
    if not -obs.c.min() > STRONG_C < obs.c.max():
        raise ValueError(f"claim C1 needs sequences with c on both sides of ±{STRONG_C}, got {obs.family}")
    readings = []
    for h, weight in effects.carried(obs, last(obs)).items():  # one reading: a board here, none there
        down, up = (ratio(*(part[keep, h.head] for part in board)) for keep in (obs.c < -STRONG_C, obs.c > STRONG_C))
        note = f", where c > {STRONG_C}: {up}"
        also = rounded(up.value) < rounded(bar)
        readings.append(Reading("earlier", down, str(h), low=bar, note=note, also=also, weight=weight))
    return readings


def signed(obs: Observation, part: str, sign: int) -> bool:
    """Whether the multiple of the identity that comes closest to the heads' scores or outputs has this sign, for heads
    that carry nearly all."""
    sizes = zip(effects.carried(obs, last(obs)).values(), edits.identity_sizes(obs, last(obs))[part], strict=True)
    return rounded(sum(weight for weight, size in sizes if sign * size > 0)) >= NEARLY_ALL


def kept_by_identity(obs: Observation, part: str, sign: int) -> Reading:
    kept = edits.kept(obs, last(obs), part, "identity")["identity"]
    return Reading("identity", kept, low=HALF, also=signed(obs, part, sign))


@claim(
    "C2",
    "layer-2 QK circuits look like +identity",
    "section 4.6",
    similarity="score ~ similarity r",
    eigenvalue="eigenvalue score",
    cosine="cosine with QK = I (vectors)",
    identity="effect kept by +identity alone",
)
def c2(obs: Observation) -> list[Reading]:
    identity = circuits.vector_qk(obs, components.layer(last(obs)))
    readings = []
    for h, weight in effects.carried(obs, last(obs)).items():
        similarity = attention.score_similarity_fit(obs, h).correlation
        eigen = circuits.eigenvalue_score(circuits.qk(obs, h))
        cosine = circuits.cosine(circuits.vector_qk(obs, h), identity)
        readings += [
            Reading("similarity", similarity, str(h), low=HALF_R, weight=weight),
            Reading("eigenvalue", exactly(eigen), str(h), low=HALF, weight=weight),
            Reading("cosine", exactly(cosine), str(h), low=HALF_R, weight=weight),
        ]
    return [*readings, kept_by_identity(obs, "scores", sign=1)]


@claim(
    "C3",
    "layer-2 OV circuits look like −identity",
    "section 4.6",
    output="output ~ input r",
    eigenvalue="eigenvalue score",
    cosine="cosine with OV = I (vectors)",
    identity="effect kept by −identity alone",
)
def c3(obs: Observation) -> list[Reading]:
    identity = circuits.vector_ov(obs, components.layer(last(obs)))
    readings = []
    for h, weight in effects.carried(obs, last(obs)).items():
        output = effects.ov_fit(obs, h).correlation
        eigen = circuits.eigenvalue_score(circuits.ov(obs, h))
        cosine = circuits.cosine(circuits.vector_ov(obs, h), identity)
        readings += [
            Reading("output", output, str(h), high=-HALF_R, weight=weight),
            Reading("eigenvalue", exactly(eigen), str(h), high=-HALF, weight=weight),
            Reading("cosine", exactly(cosine), str(h), high=-HALF_R, weight=weight),
        ]
    return [*readings, kept_by_identity(obs, "outputs", sign=-1)]


@claim(
    "C4",
    "so layer 2 refines the estimate",
    "abstract, section 4.6",
    heads="MSE between heads and MLP ÷ before",
    layer="MSE after the layer ÷ before",
    head="one head toward the target, partial r",
    together="all heads toward the target, partial r",
    constant="kept without the heads, optimal constant (at most {high})",
    implied=f"implied c's distance from c, after ÷ before (asked where that is more than {SAME_C} before)",
)
def c4(obs: Observation) -> list[Reading]:
    places = components.layer(last(obs) - 1), components.attention(last(obs)), components.layer(last(obs))
    before, between, after = (attribution.rescaled(obs, attribution.held_at(obs, place)) for place in places)
    able = knows(obs, after)
    errors = [obs.errors(guess) for guess in (before, between, after)]
    readings = []
    for key, late in (("heads", errors[1]), ("layer", errors[2])):
        parts = {
            name: ratio(*(e[sign * obs.c > 0].sum(dim=1) for e in (late, errors[0])))
            for name, sign in signs(obs).items()
        }
        note = f" ({', '.join(f'{name}: {part}' for name, part in parts.items())})"
        readings.append(Reading(key, ratio(late.sum(dim=1), errors[0].sum(dim=1)), high=HALF, note=note, also=able))
    heads, (fit, judged) = obs.heads(last(obs)), obs.halves()
    others = {by: interventions.ablate_heads(judged, heads, by) for by in ("mean", "resample")}
    constant = interventions.predict_with(judged, optimal_constants(fit, heads))
    readings += [
        *(
            Reading("head", effects.toward_target(obs, head_result(obs, h), before), str(h), low=HALF_R, weight=weight)
            for h, weight in effects.carried(obs, last(obs)).items()
        ),
        Reading(
            "together", effects.toward_target(obs, obs.cache[components.attention(last(obs)).hook], before), low=HALF_R
        ),
        broken(judged, "constant", constant, **others),
    ]
    if rounded(following.farthest(obs, before)) > SAME_C:  # else there is nothing left to refine, and to divide by
        left = following.distance_left(obs, before, after)
        readings.append(Reading("implied", left, "", -HALF, HALF, also=able))
    return readings


@claim(
    "C5",
    "intervening on the layer-2 QK circuit changes the prediction as C4 says",
    "described",
    position="kept with attention by position alone (k > 0; at most {high})",
    flipped="kept with the scores' content flipped (k > 0; at most {high})",
    foretold="change ~ expected r, heads by |m| (k > 0)",
)
def c5(obs: Observation) -> list[Reading]:
    alike = signed(obs, "scores", sign=1)  # the account is of heads that prefer what is similar
    position, flipped = (
        edits.with_scores(obs, last(obs), edits.edit_scores(obs, last(obs), how)) for how in ("position", "flipped")
    )
    # Even attention takes away where heads look whatever the vectors are, too: it stands beside and does not count.
    even = {"even attention": edits.scale_scores(obs, last(obs), 0.0)}
    expected = expectations.expected_changes(obs, last(obs))["a change by similarity alone"]
    return [
        broken(obs, "position", position, alike, **even),
        broken(obs, "flipped", flipped, alike),
        Reading("foretold", expected.correlation, low=HALF_R, also=alike),
    ]
