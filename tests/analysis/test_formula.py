import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.analysis import following, replacement
from helpers.analysis.components import attention, mlp
from helpers.analysis.formula import Binding, Formula, numbers, to_one
from helpers.analysis.observation import observe, observe_sequences
from helpers.analysis.parity import Parity
from helpers.analysis.planted import FAMILY, planted
from helpers.analysis.replacement import past, present
from helpers.data.recurrences import sample
from helpers.places import ANALYSED, model_folder
from helpers.training import checkpoints

N, HEADS, DIMENSION = 6, 2, 5


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def some_binding(seed=0):
    both, source = drawn(2, HEADS, N, N, seed=seed)
    return Binding(0.3, 0.2 + drawn(N).abs(), both, source, -drawn(HEADS).abs(), torch.tensor([0.4, 0.6]).double())


def some_formula():
    sizes = 0.1 * drawn(3, N, 19, seed=1)
    sizes[:, :, 0] = 3
    return Formula(some_binding(), drawn(2), drawn(N, 2), drawn(N, N), sizes)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_a_formula_turns_with_its_vectors(seed):
    v, formula = drawn(3, N, DIMENSION, seed=seed), some_formula()
    turn = torch.linalg.qr(drawn(DIMENSION, DIMENSION, seed=seed + 1)).Q
    torch.testing.assert_close(formula(v @ turn), formula(v) @ turn)
    torch.testing.assert_close(formula(-v), -formula(v))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.integers(0, N - 2))
def test_a_formula_sees_no_later_vector(seed, last):
    v, formula = drawn(3, N, DIMENSION, seed=seed), some_formula()
    changed = v.clone()
    changed[:, last + 1 :] += 1
    torch.testing.assert_close(formula(changed)[:, : last + 1], formula(v)[:, : last + 1])
    assert (formula(changed)[:, last + 1] - formula(v)[:, last + 1]).abs().max() > 1e-6


def test_a_formula_by_hand():
    """One sequence of two vectors in one dimension, every step written out."""
    binding = Binding(
        4.0,
        torch.tensor([0.0, 5.0]).double(),
        torch.tensor([[[0, 0], [1.0, 2.0]]]).double(),
        torch.tensor([[[0, 0], [3.0, 0.5]]]).double(),
        torch.tensor([-1.0]).double(),
        torch.ones(1).double(),
    )
    v = torch.tensor([[[1.0], [2.0]]]).double()
    s = torch.tensor([2.0, 21**0.5]).double()
    scores = torch.stack([(1 - 2) / (s[1] * s[0]) + 3 / s[0], (2 - 4) / s[1] ** 2 + 0.5 / s[1]])
    look = scores.softmax(0)
    y = torch.stack([1 / s[0], look[0] * 1 / s[0] + look[1] * 2 / s[1]])
    sizes = torch.zeros(3, 2, 7).double()
    sizes[:, :, 0] = torch.tensor([2.0, 4.0, 8.0])[:, None]
    sizes[2, :, 1] = 1  # the end: 8 + |v_n|
    formula = Formula(
        binding,
        torch.tensor([0.5, 3.0]),
        torch.tensor([[0, 0], [1.0, 2.0]]),
        torch.tensor([[0, 0], [5.0, 7.0]]),
        sizes,
        1,
    )
    formula = dataclasses.replace(
        formula, own=formula.own.double(), now=formula.now.double(), before=formula.before.double()
    )
    expected = (0.5 * 2 + 3 * y[1] + (2 + 2 * y[1]) / 2 + (5 * y[0] + 7 * y[1]) / 4) / (8 + 2)
    torch.testing.assert_close(formula(v)[0, 1, 0], expected)


def test_numbers_start_with_one_and_tell_the_cosine():
    v = drawn(4, N, DIMENSION)
    found = numbers(v, 2 * v, degree=1)
    assert (found[:, :, 0] == 1).all()
    torch.testing.assert_close(found[:, :, 3], torch.ones(4, N).double())
    torch.testing.assert_close(found[:, :, 5], 2 * found[:, :, 4])  # the means of |y| = 2 |v| and of |v|
    torch.testing.assert_close(found[:, :, 4], v.norm(dim=2).cumsum(1) / torch.arange(1, N + 1))


def test_what_is_read_is_divided_where_it_was_made():
    v, y, size = drawn(2, N, DIMENSION), drawn(2, N, DIMENSION, seed=1), drawn(2, N, seed=2).abs() + 1
    torch.testing.assert_close(present(v, y, size)[:, 2, 1], y[:, 2] / size[:, 2, None])
    torch.testing.assert_close(past(v, y, size)[:, 4, 3], y[:, 3] / size[:, 3, None])
    assert (past(v, y, size)[:, 2, 3:] == 0).all()


def test_scores_of_the_form_are_found_again():
    """Up to what a row has in common, which no softmax sees, attention and kappa come back."""
    binding, v = some_binding(seed=5), drawn(200, N, DIMENSION, seed=6)
    attention_seen = binding.attention(v)
    scores = attention_seen.clamp_min(1e-300).log()
    both, source, kappa = replacement._scores(binding.sizes(v), v, scores)
    torch.testing.assert_close(kappa, binding.kappa, rtol=1e-4, atol=0)
    found = dataclasses.replace(binding, both=both, source=source, kappa=kappa)
    torch.testing.assert_close(found.attention(v), attention_seen, rtol=0, atol=1e-4)


def test_with_no_formula_in_place_the_model_is_itself(obs):
    formulas = replacement.fit(Parity(obs))
    torch.testing.assert_close(replacement.predict(obs, formulas, []), obs.prediction, rtol=0, atol=1e-10)
    for part in formulas.halves:
        assert (replacement.predict(obs, formulas, [part]) - obs.prediction).abs().max() > 1e-6


def test_of_the_planted_model_the_copy_is_found_and_a_wrong_account_falls():
    """Layer 0 copies the vector before; layer 2 mixes earlier estimates, which what stands at one place cannot say."""
    parity = Parity(observe_sequences(planted(), FAMILY, sample(FAMILY, 400, 0)))
    reads = replacement.account(parity.obs.config)
    right, wrong = (
        replacement.fit(parity, reads | other) for other in ({}, {attention(0): "nothing", attention(2): "nothing"})
    )
    obs = observe_sequences(planted(), FAMILY, sample(FAMILY, 100, 1))

    def error(formulas, part):
        moved = replacement.predict(obs, formulas, [part]) - obs.prediction
        nothing = Parity(obs).only(part) - obs.prediction
        return (moved.square().mean() / nothing.square().mean()).item()

    looks = right.binding.attention(obs.vectors)[:, 0]
    assert looks[:, range(3, 14), range(2, 13)].min() > 0.9
    for part in (attention(0), attention(2)):
        assert error(right, part) < 0.02
        assert error(wrong, part) > 0.9


@pytest.fixture(scope="module")
def shipped():
    folder = model_folder(ANALYSED)
    model, family = checkpoints.load(folder), checkpoints.load_recipe(folder).family
    return Parity(observe(model, family, count=512, seed=11)), observe(model, family, count=128, seed=12)


def test_the_formula_predicts_what_the_shipped_model_has_not_been_asked(shipped):
    parity, held_out = shipped
    formula = replacement.compress(parity)
    kept = following.kept(held_out, formula(held_out.vectors))
    assert all(one.value > 0.9 for one in kept.values())
    blind = dataclasses.replace(formula, sizes=formula.sizes * (torch.arange(19) == 0))  # constant sizes: not the c
    assert all(one.value < 0 for one in following.kept(held_out, blind(held_out.vectors)).values())


def test_layer_1_is_numbers_and_the_last_mlp_nothing_that_matters(shipped):
    parity, held_out = shipped
    formulas = replacement.fit(parity)
    for parts in ([attention(1), mlp(1)], [mlp(2)]):
        kept = following.kept(held_out, replacement.predict(held_out, formulas, parts))
        assert all(one.value > 0.9 for one in kept.values())


def test_weights_are_brought_to_the_sum_1_unless_they_sum_to_0():
    weights = torch.tensor([[[2.0, 0.0], [1.0, 3.0]]])
    torch.testing.assert_close(to_one(weights), torch.tensor([[[1.0, 0.0], [0.25, 0.75]]]))
    with pytest.raises(ValueError, match="weights must not sum to 0"):
        to_one(torch.tensor([[[1.0, -1.0], [0.0, 1.0]]]))
