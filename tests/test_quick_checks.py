"""The quick check of each notebook: there is one, its answer is folded away, and what it says is worked out here."""

import copy
import re

import numpy as np
import pandas as pd
import pytest
import torch
from test_notebooks import BOOKS

from helpers.analysis import edits, interventions
from helpers.analysis.attribution import contributions, share_sums
from helpers.analysis.edges import possible
from helpers.analysis.estimates import exactly, line_fit
from helpers.analysis.observation import observe
from helpers.claims.readings import Reading, way_agrees
from helpers.claims.study import shifts
from helpers.data.predictors import continue_by, exact_solver
from helpers.data.recurrences import sequences_from, unroll
from helpers.training.model import ModelConfig


def answer(name):
    """The folded answer of a notebook's quick check."""
    cells = ["".join(cell["source"]) for cell in BOOKS[name]["cells"] if cell["cell_type"] == "markdown"]
    (text,) = [text for text in cells if "Quick check" in text]
    assert text.count("Quick check") == 1
    return re.search(r"<details><summary>Answer</summary>(.*?)</details>", text.split("Quick check")[1], re.DOTALL)[1]


@pytest.mark.parametrize("name", BOOKS)
def test_every_notebook_has_a_quick_check_with_a_folded_answer(name):
    assert len(answer(name)) > 30


def test_01_three_vectors_give_c_d_and_the_next():
    vectors = np.array([[1.0], [3.0], [4.0]])
    c = (4 - 3) / (3 - 1)
    assert unroll(vectors[:1], np.array([c]), np.array([[3 - c]]), 4)[0].ravel().tolist() == [1, 3, 4, 4.5]
    assert continue_by(exact_solver, vectors, 1)[0, 0] == pytest.approx(4.5)
    said = answer("01_data_generation")
    assert f"c = {c}" in said and f"= {3 - c}, and the next is" in said and "= 4.5." in said


def test_02_an_error_is_told_by_its_scale():
    assert f"1 − 1e-2 / 10 = {1 - 1e-2 / 10:.3f}" in answer("02_training")
    assert f"R² = {1 - 1e-4 / 1e-4:.0f}" in answer("02_training")


def test_03_a_turned_vector_is_no_copy_and_is_not_lost():
    x = torch.randn(500, 40, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
    assert line_fit(x, x @ turn).r2.value < 1e-3 and torch.equal(x @ turn @ turn.T, x)
    assert "R² is 0, and nothing is lost" in answer("03_layer0_copying")


def test_04_a_constant_costs_nothing_under_the_mean_and_something_under_zero(model, obs):
    constant = copy.deepcopy(model)
    with torch.no_grad():
        constant.native.layers[1].attn.v.weight.zero_()
    there = observe(constant, obs.family, count=20)
    heads = there.heads(1)
    torch.testing.assert_close(interventions.ablate_heads(there, heads), there.prediction)
    assert (interventions.ablate_heads(there, heads, by="zero") - there.prediction).abs().max() > 1e-2
    assert "The mean costs nothing. Zero may cost a lot" in answer("04_layer1_bias")


def test_05_even_attention_reads_the_mean_of_what_was_seen():
    assert edits.as_pattern(torch.zeros(1, 1, 4, 4))[0, 0, 2].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    assert "the mean of all vectors seen" in answer("05_layer2_negative_similarity")


def test_06_for_negative_c_the_answer_is_a_mixture_of_the_last_two():
    c, m, u = -0.5, torch.ones(40), torch.arange(40.0)
    v = [m + c**j * u for j in range(4)]
    torch.testing.assert_close(0.5 * v[2] + 0.5 * v[1], v[3])
    assert "1 + c = 0.5 on v_n and −c = 0.5 on v_{n−1}" in answer("06_one_number_on_a_line")


def test_07_sizes_are_numbers_and_a_vector_times_a_number_is_a_vector():
    v, w = torch.randn(2, 4, dtype=torch.float64), torch.ones(4, dtype=torch.float64)

    def terms(v):
        return v[1].square().sum() * w, (v[0] @ v[1]) * v[1]

    assert torch.equal(terms(-v)[0], terms(v)[0]) and torch.equal(terms(-v)[1], -terms(v)[1])
    assert "The first is numbers" in answer("07_the_circuit") and "The second is vectors" in answer("07_the_circuit")


def test_08_so_many_edges_has_a_small_model():
    assert int(possible(ModelConfig(n_layers=2, n_heads=1)).sum()) == 23
    assert "23 in all" in answer("08_heads_and_edges")


def test_09_an_average_of_the_last_two_is_the_answer_for_one_c():
    before, now = np.array([[2.0]]), np.array([[5.0]])
    average = 0.7 * before + 0.3 * now
    assert unroll(before, np.array([-0.7]), now + 0.7 * before, 3)[0, 2, 0] == pytest.approx(average[0, 0])
    assert "For c = −0.7" in answer("09_a_formula_in_its_place")


def test_10_heads_that_carry_nearly_all_decide():
    def way(agrees):
        return [Reading("x", exactly(1), also=yes, weight=w) for yes, w in zip(agrees, (0.95, 0.05), strict=True)]

    assert way_agrees(way((True, False))) and not way_agrees(way((False, True)))
    assert "Yes: heads that carry 0.95" in answer("10_what_it_depends_on")


def test_11_a_shift_is_a_difference_of_means():
    runs = pd.DataFrame({"setting": ["base"] * 2 + ["4 heads"] * 2, "A": ["replicated"] * 2 + ["partly", "replicated"]})
    assert shifts(runs, ["A"]).loc["4 heads", "A"] == -0.25
    assert "0.75 − 1 = −0.25" in answer("11_one_choice_at_a_time")


def test_12_what_grows_starts_next_to_zero():
    drawn = sequences_from(np.ones((1, 1)), np.array([2.0]), np.zeros((1, 1)), 15, "max").vectors
    assert drawn[0, 5, 0] == 2.0**-9 and "2<sup>−9</sup> = 0.00195" in answer("12_beyond_the_data")


def test_13_shares_of_a_right_prediction_sum_to_one(obs):
    sums = {name: share_sums(obs, part) for name, part in contributions(obs).items()}
    written = sum(with_target for with_target, _ in sums.values())
    right = (obs.prediction * obs.targets)[:, 2:].sum(dim=(1, 2))
    torch.testing.assert_close(written, right)  # so the shares sum to 1 where prediction and target agree
    assert f"To {1 + 0.15}." in answer("13_explorer")


def test_14_c_survives_a_change_of_units():
    v = unroll(np.array([[7.0]]), np.array([0.5]), np.array([[3.0]]), 4)[0]
    w = 2 * v + 5
    assert np.array_equal(unroll(w[:1], np.array([0.5]), np.array([[8.5]]), 4)[0], w)
    assert "The same c, and d = 8.5" in answer("14_your_own_recurrence")
