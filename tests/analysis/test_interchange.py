import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from transformer_lens import patching

from helpers.analysis import interchange
from helpers.analysis.components import INPUT, attention, mlp
from helpers.analysis.parity import PARTS
from helpers.data.recurrences import Family

HALVES = [half(i) for i in range(3) for half in (attention, mlp)]
EVERYTHING = {part.hook: PARTS for part in (INPUT, *HALVES)}


def close(a, b):
    torch.testing.assert_close(a, b, rtol=0, atol=1e-9)


@pytest.fixture(scope="module")
def threes(obs):
    return interchange.Threes.of(obs, 8)


@pytest.mark.parametrize("family", [Family(dimension=5), Family(dimension=5, c_min=-1, c_max=0)])
def test_threes_share_what_they_should(family):
    found = interchange.lines(family, 12, seed=0)
    base, twin, placebo = found.values()
    m = {name: s.d / (1 - s.c[:, None]) for name, s in found.items()}
    np.testing.assert_allclose(base.vectors[:, 0], twin.vectors[:, 0])
    np.testing.assert_allclose(m["base"], m["twin"])
    assert (base.c * twin.c > 0).all()
    assert (base.c == placebo.c).all() and (np.abs(base.c - twin.c) >= interchange.APART).all()
    assert (np.abs(m["placebo"] - m["base"]).max(axis=1) > 0.01).all()
    largest = np.stack([np.abs(s.vectors).max(axis=(1, 2)) for s in found.values()])
    np.testing.assert_allclose(largest.max(axis=0), 1)
    assert largest.min() >= interchange.ALIKE
    for s in found.values():
        np.testing.assert_allclose(s.vectors[:, 5], s.c[:, None] * s.vectors[:, 4] + s.d, atol=1e-12)
    assert set(np.sign(base.c)) == ({-1, 1} if family.c_max > 0 else {-1})


def test_clean_into_clean_changes_nothing_and_everything_gives_the_other_run(threes):
    base, twin = threes.base, threes.twin
    close(interchange.interchange(base, base, EVERYTHING), base.obs.prediction)
    close(interchange.interchange(base, twin, EVERYTHING), twin.obs.prediction)
    assert (twin.obs.prediction - base.obs.prediction).abs().max() > 1e-3
    assert threes.moved(base.obs.prediction).value == 0
    assert threes.moved(twin.obs.prediction).value == pytest.approx(1)


def test_a_move_is_told_by_the_sign_of_c(threes):
    base, twin = threes.base.obs, threes.twin.obs
    part = torch.where(base.c > 0, 0.25, 0.75)[:, None, None]
    by_sign = threes.moved_by_sign(base.prediction + part * (twin.prediction - base.prediction))
    assert {name: pytest.approx(one.value) for name, one in by_sign.items()} == {"c < 0": 0.75, "c > 0": 0.25}
    half = base.prediction + (twin.prediction - base.prediction) / 2
    assert threes.moved(half, towards=twin.prediction).value == pytest.approx(0.5)
    assert threes.moved(twin.prediction, towards=half).value == pytest.approx(2)


def test_both_parts_are_the_whole_and_a_position_reaches_later_ones_only(threes):
    base, twin = threes.base, threes.twin
    hook = mlp(0).hook
    whole = interchange.interchange(base, twin, {hook: PARTS})
    close(
        whole,
        base.obs.bridge.run_with_hooks(base.obs.embedded, fwd_hooks=[(hook, lambda *_, **__: twin.obs.cache[hook])]),
    )
    one = interchange.interchange(base, twin, {hook: ["numbers"]}, position=3)
    close(one[:, :3], base.obs.prediction[:, :3])
    assert (one[:, 3:] - base.obs.prediction[:, 3:]).abs().amax(dim=(0, 2)).min() > 1e-6


@pytest.mark.parametrize("name", ["resid_pre", "attn_out", "mlp_out"])
def test_patches_agree_with_transformer_lens(threes, name):
    base, twin = threes.base, threes.twin
    places = pd.DataFrame([(layer, pos) for layer in range(3) for pos in range(6)], columns=["layer", "pos"])
    theirs = patching.generic_activation_patch(
        base.obs.bridge,
        base.obs.embedded,
        twin.obs.cache,
        lambda prediction: threes.moved(prediction).value,
        patching.layer_pos_patch_setter,
        name,
        index_df=places,
    )
    for (layer, pos), value in zip(places.to_numpy().tolist(), theirs.flatten().tolist(), strict=True):
        hook = f"blocks.{layer}.hook_{name}"
        ours = threes.moved(interchange.interchange(base, twin, {hook: PARTS}, position=pos)).value
        assert ours == pytest.approx(value, abs=1e-6 if theirs.dtype == torch.float32 else 1e-9)


def test_patterns_at_every_position_are_patterns(threes):
    mixed = interchange.mixed_by(threes.base, threes.twin, 0)
    pattern = {"blocks.0.attn.hook_pattern": PARTS}
    close(
        interchange.predict_with_parts(threes.base, mixed), interchange.interchange(threes.base, threes.twin, pattern)
    )


def test_the_scale_of_the_own_run_changes_nothing_and_another_one_the_size(threes):
    base, twin = threes.base, threes.twin
    close(interchange.with_scale(base, base), base.obs.prediction)
    bias = base.obs.bridge.ln_final.bias @ base.obs.bridge.W_U
    ratio = (interchange.with_scale(base, twin) - bias) / (base.obs.prediction - bias)
    close(ratio, (base.obs.norm_scale(None) / twin.obs.norm_scale(None)).expand_as(ratio))


def test_a_random_move_is_as_long(threes):
    one, other = (p.numbers(mlp(0).hook) for p in (threes.base, threes.twin))
    close((interchange.at_random(one, other) - one).norm(dim=-1), (other - one).norm(dim=-1))


def test_an_exact_rule_is_given_the_twins_c(threes):
    obs = threes.base.obs
    exact = dataclasses.replace(
        threes, base=dataclasses.replace(threes.base, obs=dataclasses.replace(obs, prediction=obs.targets))
    )
    step = obs.vectors[:, 3] - obs.vectors[:, 2]
    close(exact.own_vectors()[:, 3], obs.vectors[:, 3] + threes.twin.obs.c[:, None] * step)


def test_an_unknown_part_is_named(threes):
    with pytest.raises(ValueError, match=r"parts must be among \('vectors', 'numbers'\), got \['size'\]"):
        interchange.interchange(threes.base, threes.twin, {mlp(0).hook: ["size"]})
    with pytest.raises(ValueError, match="parts must be among"):
        interchange.predict_with_parts(threes.base, {mlp(0).hook: {"size": threes.base.numbers(mlp(0).hook)}})


@pytest.mark.parametrize(
    ("c_min", "c_max", "message"),
    [
        (-0.1, 0.1, "values of c beyond ±0.2"),
        (0.5, 0.5, "values of c beyond ±0.2"),
        (-1.0, 0.25, "0.2 apart"),
        (1.2, 1.5, "values of c beyond ±0.2"),
    ],
)
def test_a_family_without_threes_is_refused(c_min, c_max, message, monkeypatch):
    monkeypatch.setattr(interchange, "MOST_TRIES", 2000)
    with pytest.raises(ValueError, match=f"^family must have .*{message}"):
        interchange.lines(Family(dimension=2, length=4, c_min=c_min, c_max=c_max), 2, 0)
