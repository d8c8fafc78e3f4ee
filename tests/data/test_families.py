"""What holds for every family of recurrences, and where one is another."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.data import families
from helpers.data.exact import each_entry, exact_solver, minimum_norm
from helpers.data.families.linear import turned
from helpers.data.predictors import mse
from helpers.data.recurrences import Family, sample, scale_of, scaled
from helpers.data.scales import BLIND, LEAST_SQUARES, SOLVER, errors, scale

NAMES = sorted(families.FAMILIES)
seeds = st.integers(0, 2**32 - 1)
ONE_RULE = sorted(set(NAMES) - {"mixture"})


def of(name, **options):
    return families.FAMILIES[name](**{"dimension": 4, "c_min": -1.0, "c_max": 1.0, **options})


def drawn(family, seed, count=5):
    return family.draw(count, np.random.default_rng(seed))


@given(st.sampled_from(NAMES), st.integers(1, 6), st.integers(1, 16), st.sampled_from(["max", "rms", "none"]), seeds)
def test_a_family_draws_what_it_says_and_a_seed_decides_it(name, dimension, length, scaling, seed):
    family = of(name, dimension=dimension, length=length, scaling=scaling)
    one, two = sample(family, 5, seed), sample(family, 5, seed)
    assert one.vectors.shape == (5, length, dimension) and np.isfinite(one.vectors).all()
    assert np.array_equal(one.vectors, two.vectors)
    half = one.part(np.arange(5) < 2)
    assert np.array_equal(half.vectors, one.vectors[:2])
    assert all(np.array_equal(value, one.parameters[key][:2], equal_nan=True) for key, value in half.parameters.items())


@given(st.sampled_from(ONE_RULE), st.integers(1, 6), st.sampled_from(["max", "rms", "none"]), seeds)
def test_scaling_and_unrolling_commute(name, dimension, scaling, seed):
    family = of(name, dimension=dimension, scaling=scaling)
    starts, parameters = drawn(family, seed)
    assert set(parameters) == set(family.degrees)
    vectors = family.unroll(starts, parameters)
    divided = scaled(vectors, parameters, family.degrees, scale_of(vectors, scaling))
    own = {key: divided.parameters[key] for key in family.degrees}
    again = family.unroll(starts / divided.scale[:, None, None], own)
    np.testing.assert_allclose(again, divided.vectors, rtol=1e-7, atol=1e-7)  # chaos doubles rounding at each step


@given(st.sampled_from(ONE_RULE), st.integers(1, 6), st.integers(3, 12), seeds)
def test_a_solver_is_exact_where_it_says_so_and_not_before(name, dimension, length, seed):
    family = of(name, dimension=dimension, length=max(length, 4))
    if (needed := family.needs()) is None or needed >= family.length:
        return
    vectors = sample(family, 5, seed).vectors
    each = np.abs(family.solve(vectors)[:, :-1] - vectors[:, 1:]).max(axis=(0, 2))
    assert (each[needed - 1 :] < 1e-4).all(), each
    assert each[needed - 2] > 1e-9


@given(st.sampled_from(NAMES), st.integers(1, 5), seeds)
def test_a_solver_looks_at_nothing_that_comes_later(name, dimension, seed):
    family = of(name, dimension=dimension)
    vectors = sample(family, 3, seed).vectors
    whole = family.solve(vectors)
    for n in (1, 2, 3, 5, 14):
        part = family.solve(vectors[:, :n])
        np.testing.assert_allclose(part, whole[:, :n], rtol=1e-9, atol=1e-9)


def affine_in(name, start, c, d):
    """Where a family contains the affine one: its first vectors and parameters for these."""
    zero = np.zeros_like(c)
    second = c[:, None] * start + d
    return {
        "affine": (start[:, None], {"c": c, "d": d}),
        "second order": (np.stack([start, second], axis=1), {"c1": c, "c2": zero, "d": d}),
        "diagonal": (start[:, None], {"cs": np.repeat(c[:, None], start.shape[1], axis=1), "d": d}),
        "rotation": (start[:, None], {"c": c, "s": zero, "d": d}),
        "matrix": (start[:, None], {"M": c[:, None, None] * np.eye(start.shape[1]), "d": d}),
        "quadratic": (start[:, None], {"c": c, "q": zero, "d": d}),
        "cubic": (start[:, None], {"c": c, "k": zero, "d": d}),
        "switch": (start[:, None], {"c": c, "other": c, "at": zero + 5, "d": d}),
        "noisy steps": (start[:, None], {"c": c, "d": d, "e": np.zeros((len(c), 15, start.shape[1]))}),
    }[name]


@given(st.sampled_from(ONE_RULE), st.integers(1, 6), st.floats(-1, 1), seeds)
def test_families_agree_with_the_affine_one_where_they_contain_it(name, dimension, c, seed):
    family, affine = of(name, dimension=dimension), of("affine", dimension=dimension)
    start, d = np.random.default_rng(seed).standard_normal((2, 3, dimension))
    found = family.unroll(*affine_in(name, start, np.full(3, c), d))
    expected = affine.unroll(start[:, None], {"c": np.full(3, c), "d": d})
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    if name in ("switch", "diagonal", "rotation", "quadratic", "cubic") and abs(c) > 0.1:
        np.testing.assert_allclose(family.solve(expected)[:, 3:], exact_solver(expected)[:, 3:], rtol=1e-5, atol=1e-5)


def test_noisy_steps_without_noise_are_affine():
    family = of("noisy steps", state=0)
    assert mse(sample(family, 20, 0).vectors)["exact solver"] < 1e-20
    vectors = sample(of("noisy steps", state=0.3, scaling="none"), 500, 0)
    left = vectors.vectors[:, 1:] - vectors.c[:, None, None] * vectors.vectors[:, :-1] - vectors.d[:, None]
    assert abs(left.std() - 0.3) < 0.01


@given(seeds)
def test_the_switch_is_foreseen_by_nobody_and_known_one_vector_later(seed):
    family = of("switch", dimension=6)
    s = sample(family, 8, seed)
    wrong = np.abs(family.solve(s.vectors)[:, :-1] - s.vectors[:, 1:]).max(axis=2) > 1e-5
    at = s.more["at"].astype(int)
    wrong[np.arange(8), at - 1] = False  # entry at - 1 foretells vector at
    assert not wrong[:, 2:].any()


@given(st.sampled_from(["quadratic", "cubic"]), st.integers(1, 6), seeds)
def test_polynomials_stay_bounded(name, dimension, seed):
    vectors = sample(of(name, dimension=dimension, scaling="none", length=40), 20, seed).vectors
    assert np.abs(vectors).max() <= 1 + 1e-9


@given(st.sampled_from(["second order", "rotation", "matrix"]), seeds)
def test_linear_rules_have_the_spectral_radius_asked_for(name, seed):
    _, parameters = drawn(of(name, c_min=-0.9, c_max=0.9), seed)
    if name == "matrix":
        radius = np.abs(np.linalg.eigvals(parameters["M"])).max(axis=1)
    elif name == "rotation":
        radius = np.hypot(parameters["c"], parameters["s"])
    else:
        radius = [np.abs(np.roots([1, -a, -b])).max() for a, b in zip(parameters["c1"], parameters["c2"], strict=True)]
    assert np.max(radius) <= 0.9 + 1e-6


@given(st.integers(1, 7), seeds)
def test_two_right_angles_turn_pairs_around(dimension, seed):
    v = np.random.default_rng(seed).standard_normal((2, 3, dimension))
    pairs = dimension // 2 * 2
    np.testing.assert_array_equal(turned(turned(v))[..., :pairs], -v[..., :pairs])
    assert (turned(v)[..., pairs:] == 0).all()


def test_what_a_context_of_14_allows_with_a_matrix_in_40_dimensions():
    """Far from exact, but better than any rule with one c and than the best blind one."""
    family = of("matrix", dimension=40)
    assert family.needs() == 42
    late = {name: each[:, -1].mean() for name, each in errors(family, sample(family, 200, 1).vectors).items()}
    assert 1e-6 < late[SOLVER] < 0.5 * min(late[LEAST_SQUARES], late[BLIND])


def test_the_least_norm_explains_the_pairs_seen():
    vectors = sample(of("matrix", dimension=6, length=9), 4, 0).vectors
    assert np.allclose(minimum_norm(vectors)[:, 7], vectors[:, 8], atol=1e-6)
    single = vectors[:, :, :1]
    np.testing.assert_allclose(minimum_norm(single)[:, 2], exact_solver(single)[:, 2])
    np.testing.assert_allclose(each_entry(vectors)[:, :, 0], exact_solver(single)[:, :, 0])


@pytest.mark.parametrize("name", NAMES)
def test_every_error_has_its_scale(name):
    family = of(name, dimension=6)
    found = scale(family, sample(family, 300, 2).vectors)
    assert found[SOLVER] < found[BLIND] < found["zero"], found
    assert found[SOLVER] <= min(found.values()) * (1 + 1e-9) or found[SOLVER] < 1e-12, found


def test_a_mixture_tells_its_families_apart():
    family = of("mixture", dimension=8)
    s = sample(family, 200, 0)
    assert sorted(set(s.more["which"])) == [0, 1, 2, 3]
    late = np.abs(family.solve(s.vectors)[:, :-1] - s.vectors[:, 1:]).max(axis=2)[:, 5:]
    assert (late < 1e-5).mean() > 0.99


def test_a_new_family_is_one_class_and_its_name_its_own():
    @families.named("tent")
    class Tent(families.Rule):
        """a_n = d - c * |a_{n-1}|."""

        def step(self, seen, parameters):
            return parameters["d"] - parameters["c"][:, None] * np.abs(seen[:, -1])

    try:
        family = families.like(Family(dimension=3, length=6), "tent")
        assert isinstance(family, Tent) and dataclasses.asdict(family)["kind"] == "tent" and family.length == 6
        s = sample(family, 4, 0)
        expected = s.d[:, None] - s.c[:, None, None] * np.abs(s.vectors[:, :-1])
        np.testing.assert_allclose(s.vectors[:, 1:], expected, rtol=1e-9, atol=1e-12)
        with pytest.raises(ValueError, match="name 'tent' is that of"):
            families.named("tent")(type("Other", (families.Rule,), {}))
        with pytest.raises(ValueError, match="kind must be 'tent'|one of"):
            Tent(kind="affine")
    finally:
        del families.FAMILIES["tent"]


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("quadratic", {"c_max": 1.5}, r"c_max must be a number in \[-1, 1\], got 1.5"),
        ("noisy steps", {"state": -1}, "state must be a number"),
        ("mixture", {"parts": ("cubic", "unheard of")}, "parts must be one of"),
        ("matrix", {"c_min": 2.0}, "c_min must not exceed c_max"),
    ],
)
def test_wrong_fields_are_refused(name, wrong, message):
    with pytest.raises(ValueError, match=message):
        of(name, **wrong)
    with pytest.raises(ValueError, match="kind must be one of .* got 'unheard of'"):
        families.like(Family(), "unheard of")
