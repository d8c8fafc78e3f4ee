"""C1 to C5: layer 2 finds what is similar and subtracts it, and so refines the estimate."""

from __future__ import annotations

from helpers.analysis import attention, attribution, circuits, components, edits, effects, expectations, interventions
from helpers.analysis.estimates import exactly, mean, ratio, rounded
from helpers.analysis.observation import Observation
from helpers.claims.measures.error import broken
from helpers.claims.readings import Reading
from helpers.claims.registry import claim
from helpers.claims.thresholds import CHECKERBOARD, HALF, HALF_R, SOLVED_R2, STRONG_C


@claim(
    "C1",
    "layer-2 attention is a checkerboard where c < 0, and only there",
    "attention patterns",
    parity=f"same parity, c < -{STRONG_C} (bar {{low}})",
)
def c1(obs: Observation) -> list[Reading]:
    bar = attention.uniform_share(attention.parity_mask(obs.config.n_ctx)) + CHECKERBOARD
    share = attention.same_parity(obs, 2)
    readings = []
    for h in obs.heads(2):  # one reading: a board here, none there
        down, up = (mean(share[keep, h.head]) for keep in (obs.c < -STRONG_C, obs.c > STRONG_C))
        note = f", where c > {STRONG_C}: {up}"
        also = rounded(up.value) < rounded(bar)
        readings.append(Reading("parity", down, str(h), low=bar, note=note, also=also))
    return readings


def kept_by_identity(obs: Observation, part: str, sign: int) -> Reading:
    agrees = all(sign * size > 0 for size in edits.identity_sizes(obs, 2)[part])
    return Reading("identity", edits.kept(obs, 2, part, "identity")["identity"], low=HALF, also=agrees)


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
    identity = circuits.vector_qk(obs, components.layer(2))
    readings = []
    for h in obs.heads(2):
        similarity = attention.score_similarity_fit(obs, h).correlation
        eigen = circuits.eigenvalue_score(circuits.qk(obs, h))
        cosine = circuits.cosine(circuits.vector_qk(obs, h), identity)
        readings += [
            Reading("similarity", similarity, str(h), low=HALF_R),
            Reading("eigenvalue", exactly(eigen), str(h), low=HALF),
            Reading("cosine", exactly(cosine), str(h), low=HALF_R),
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
    identity = circuits.vector_ov(obs, components.layer(2))
    readings = []
    for h in obs.heads(2):
        output = effects.ov_fit(obs, h).correlation
        eigen = circuits.eigenvalue_score(circuits.ov(obs, h))
        cosine = circuits.cosine(circuits.vector_ov(obs, h), identity)
        readings += [
            Reading("output", output, str(h), high=-HALF_R),
            Reading("eigenvalue", exactly(eigen), str(h), high=-HALF),
            Reading("cosine", exactly(cosine), str(h), high=-HALF_R),
        ]
    return [*readings, kept_by_identity(obs, "outputs", sign=-1)]


@claim(
    "C4",
    "so layer 2 refines the estimate",
    "abstract, section 4.6",
    ratio="MSE after / before the layer",
    head="one head's output ~ error left r",
    without=f"R² without the heads (below {SOLVED_R2})",
)
def c4(obs: Observation) -> list[Reading]:
    held, before, after = attribution.held_lens(obs), components.layer(1), components.layer(2)
    remaining = obs.targets - attribution.rescaled(obs, held[before])
    fits = {h: effects.remaining_error_fit(obs, h, remaining).correlation for h in obs.heads(2)}
    left = ratio(*(obs.errors(held[layer]).sum(dim=1) for layer in (after, before)))
    return [
        Reading("ratio", left, high=HALF),
        *(Reading("head", r, str(h), low=HALF_R) for h, r in fits.items()),
        broken(obs, "without", interventions.ablate_heads(obs, obs.heads(2))),
    ]


@claim(
    "C5",
    "intervening on the layer-2 QK circuit changes the prediction as C4 says",
    "described",
    even=f"R² with even attention (below {SOLVED_R2})",
    flipped=f"with the scores' content flipped (below {SOLVED_R2})",
    expected="change ~ expected r",
)
def c5(obs: Observation) -> list[Reading]:
    flipped = edits.with_scores(obs, 2, edits.edit_scores(obs, 2, "flipped"))
    expected = expectations.expected_changes(obs, 2)["a change by similarity alone"]
    return [
        broken(obs, "even", edits.scale_scores(obs, 2, 0.0)),
        broken(obs, "flipped", flipped),
        Reading("expected", expected.correlation, low=HALF_R),
    ]
