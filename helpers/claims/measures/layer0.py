"""A1 to A4: layer 0 copies the previous vector, scaled, and leaves a crude estimate."""

from __future__ import annotations

from helpers.analysis import attention, attribution, components, effects, following
from helpers.analysis.components import Component
from helpers.analysis.estimates import mean, number, ratio, rounded
from helpers.analysis.observation import Observation
from helpers.claims.readings import Reading
from helpers.claims.registry import claim
from helpers.claims.thresholds import ALPHA, HALF


@claim("A1", "layer-0 heads attend to the previous vector", "attention patterns", attention="attention")
def a1(obs: Observation) -> list[Reading]:
    shares = attention.at_offset(obs, 0, 1)
    return [
        Reading("attention", mean(shares[:, h.head]), str(h), low=HALF, weight=weight)
        for h, weight in effects.carried(obs, 0).items()
    ]


def copy_basis(obs: Observation, head: Component) -> str:
    """A copy in one basis is rarely one in the other: the one in which the head's OV circuit is more of a copy."""
    return max(effects.BASES, key=lambda basis: rounded(effects.ov_fit(obs, head, basis).correlation.value))


@claim("A2", "layer-0 OV output is a linear copy of its input", "R² = 0.83", r2="R², better basis")
def a2(obs: Observation) -> list[Reading]:
    readings = []
    for h, weight in effects.carried(obs, 0).items():
        fit = effects.ov_fit(obs, h, basis := copy_basis(obs, h))
        rising = fit.slope.value > 0
        readings.append(Reading("r2", fit.r2, str(h), low=HALF, note=f" ({basis})", also=rising, weight=weight))
    return readings


def alpha_by_sign(obs: Observation, basis: str) -> str:
    """α for either sign of c, where the two vectors can be told apart: the pooled one hides that it may change with c,
    sign and all."""
    told = (name for name, one in following.following(obs, obs.prediction).items() if one.off is not None)
    parts = {name: obs.part(following.SIGNS[name] * obs.c > 0) for name in told}
    return "".join(f"{name} {number(effects.copy_strength(part, basis)[0].value)}; " for name, part in parts.items())


@claim(
    "A3",
    "the copy is scaled, with α > 2",
    "slopes 2.1 to 2.5",
    alpha="α of the layer, better basis",
    part="a head's part of α (above 0, half of it explained)",
    slope="OV slope ÷ direct path",
)
def a3(obs: Observation) -> list[Reading]:
    found = {basis: effects.copy_strength(obs, basis) for basis in effects.BASES}
    basis = max(found, key=lambda name: rounded(found[name][1].value))
    alpha, share = found[basis]
    note = f" ({basis}; {alpha_by_sign(obs, basis)}its fit explains {number(share.value)}, half is asked; "
    # The unit of the slopes, which a small direct path makes small.
    note += f"the direct path is {number(effects.direct_share(obs, basis).value)} of what is held of v_n)"
    readings = [Reading("alpha", alpha, low=ALPHA, note=note, also=rounded(share.value) > HALF)]
    for h, weight in effects.carried(obs, 0).items():
        part, explained = effects.copy_strength(obs, basis, h)
        copied = rounded(explained.value) > HALF
        slope = effects.copy_slope(obs, h, copy_basis(obs, h))
        readings += [
            Reading("part", part, str(h), low=0.0, also=copied, weight=weight),
            Reading("slope", slope, str(h), low=ALPHA, weight=weight),
        ]
    return readings


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
    lens, held = (read(obs)[layer] for read in (attribution.logit_lens, attribution.held_lens))
    # A crude estimate need not know c: the scale on which it would show stands beside it.
    scale = following.following(obs, attribution.rescaled(obs, held)).items()
    note = f" (best multiple ÷ blind rule: {', '.join(f'{sign} {one.loss}' for sign, one in scale)})"
    fit, judged = obs.halves()
    tuned = attribution.tuned_lens(fit, judged)
    after, before = (judged.errors(tuned[place]).sum(dim=1) for place in (layer, components.INPUT))
    return [
        Reading("lens", obs.explained(lens), low=HALF),
        Reading("held", obs.explained(held), low=HALF, note=note),
        Reading("tuned", ratio(after, before), high=HALF),
    ]
