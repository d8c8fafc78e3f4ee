import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.analysis.symmetry import defect, permutation, rotation, translation
from helpers.data.solvers import copy_last_but_one, least_squares

SEEDS = st.integers(0, 2**32 - 1)
MOVES = {
    "rotation": rotation,
    "sign flip": lambda dimension, generator: torch.neg,
    "permutation": permutation,
    "translation": lambda dimension, generator: translation(dimension, 0.5, generator),
}


def drawn(seed, dimension=8, n=5):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(6, n, dimension, generator=generator, dtype=torch.float64), generator


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("rule", [least_squares, copy_last_but_one])
@settings(deadline=None)
@given(seed=SEEDS, n=st.integers(3, 14), dimension=st.integers(2, 40))
def test_rules_made_of_inner_products_have_no_defect(rule, name, seed, n, dimension):
    contexts, generator = drawn(seed, dimension, n)
    found = defect(rule, contexts, MOVES[name](dimension, generator))
    assert (found <= 1e-18 * rule(contexts).square().sum(dim=1).clamp(min=1)).all()


@settings(deadline=None)
@given(seed=SEEDS)
def test_a_fixed_map_commutes_with_the_flip_alone(seed):
    contexts, generator = drawn(seed)
    fixed = torch.randn(8, 8, generator=generator, dtype=torch.float64)
    defects = {name: defect(lambda v: v[:, -1] @ fixed, contexts, make(8, generator)) for name, make in MOVES.items()}
    assert defects["sign flip"].max() < 1e-24
    assert min(defects[name].max() for name in ("rotation", "translation")) > 1e-3
    largest = defect(lambda v: v[:, -1].amax(dim=1, keepdim=True).expand(-1, 8), contexts, torch.neg)
    assert largest.max() > 1e-3


@settings(deadline=None)
@given(seed=SEEDS)
def test_a_defect_is_the_mean_square_by_context(seed):
    contexts, generator = drawn(seed)
    move = translation(8, 0.5, generator)
    doubled = defect(lambda v: 2 * v[:, -1], contexts, move)  # 2 (v + t) against 2 v + t: what is left is t
    torch.testing.assert_close(doubled, torch.full((6,), 0.25, dtype=torch.float64))


@settings(deadline=None)
@given(seed=SEEDS, dimension=st.integers(1, 40))
def test_turns_keep_inner_products_and_permutations_keep_entries(seed, dimension):
    contexts, generator = drawn(seed, dimension)
    turned, ordered = rotation(dimension, generator)(contexts), permutation(dimension, generator)(contexts)
    torch.testing.assert_close(turned @ turned.mT, contexts @ contexts.mT)
    assert torch.equal(ordered.sort(dim=2).values, contexts.sort(dim=2).values)


def test_a_permutation_moves_something():
    contexts, generator = drawn(0, 40)
    assert not torch.equal(permutation(40, generator)(contexts), contexts)
