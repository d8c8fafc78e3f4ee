"""A1 to A4: layer 0 copies the previous vector, scaled, and leaves a crude estimate."""

from __future__ import annotations

from helpers.analysis import attention, attribution, components, effects
from helpers.analysis.estimates import mean, number, ratio, rounded
from helpers.analysis.observation import Observation
from helpers.claims.readings import Reading
from helpers.claims.registry import claim
from helpers.claims.thresholds import ALPHA, HALF


@claim("A1", "layer-0 heads attend to the previous vector", "attention patterns", attention="attention")
def a1(obs: Observation) -> list[Reading]:
    shares = attention.at_offset(obs, 0, 1)
    return [Reading("attention", mean(shares[:, h.head]), str(h), low=HALF) for h in obs.heads(0)]


@claim("A2", "layer-0 OV output is a linear copy of its input", "R² = 0.83", r2="R², better basis")
def a2(obs: Observation) -> list[Reading]:
    readings = []
    for h in obs.heads(0):  # a copy in one basis is rarely one in the other: the better one counts
        fits = {basis: effects.ov_fit(obs, h, basis) for basis in effects.BASES}
        basis = max(fits, key=lambda name: rounded(fits[name].correlation.value))
        rising = fits[basis].slope.value > 0
        readings.append(Reading("r2", fits[basis].r2, str(h), low=HALF, note=f" ({basis})", also=rising))
    return readings


@claim("A3", "the copy is scaled, with α > 2", "slopes 2.1 to 2.5", slope="OV slope", alpha="α as applied")
def a3(obs: Observation) -> list[Reading]:
    applied, share = effects.copy_strength(obs)
    slopes = [Reading("slope", effects.ov_fit(obs, h).slope, str(h), low=ALPHA) for h in obs.heads(0)]
    note = f" (its fit explains {number(share.value)}, half is asked)"
    return [*slopes, Reading("alpha", applied, low=ALPHA, note=note, also=rounded(share.value) > HALF)]


@claim(
    "A4",
    "after layer 0 the model holds a crude estimate",
    "abstract",
    lens="logit lens R²",
    held="with the final scale held",
    tuned="tuned lens, MSE after / before the layer",
)
def a4(obs: Observation) -> list[Reading]:
    layer = components.layer(0)
    lens, held = (obs.explained(read(obs)[layer]) for read in (attribution.logit_lens, attribution.held_lens))
    fit, judged = obs.halves()
    tuned = attribution.tuned_lens(fit, judged)
    after, before = (judged.errors(tuned[place]).sum(dim=1) for place in (layer, components.INPUT))
    return [
        Reading("lens", lens, low=HALF),
        Reading("held", held, low=HALF),
        Reading("tuned", ratio(after, before), high=HALF),
    ]
