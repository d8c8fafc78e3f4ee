"""The quick check of each notebook: choices, and a folded answer that begins with the letter of the right one.

Which one is right, and what the answer says, is worked out here. The site makes buttons of them (quick_check.js).
"""

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


def check(name):
    """What follows the words "Quick check" in a notebook, up to the end of its answer."""
    cells = ["".join(cell["source"]) for cell in BOOKS[name]["cells"] if cell["cell_type"] == "markdown"]
    (text,) = [text for text in cells if "Quick check" in text]
    assert text.count("Quick check") == 1
    return text.split("Quick check")[1].split("</details>")[0]


def answer(name):
    """The folded answer of a notebook's quick check."""
    return check(name).split("<details><summary>Answer</summary>")[1]


def right(name):
    """The choice whose letter the answer begins with; no other choice reads the same."""
    choices = dict(re.findall(r"^- \*\*([a-d])\*\* (.+)$", check(name), re.MULTILINE))
    assert list(choices) == ["a", "b", "c"] and len(set(choices.values())) == 3
    return choices[re.match("<b>([a-d])</b>: ", answer(name))[1]]


@pytest.mark.parametrize("name", BOOKS)
def test_every_notebook_has_a_quick_check_with_choices_and_a_folded_answer(name):
    assert len(answer(name)) > 30 and right(name)
    # a list of choices, then the answer: this is what the site's script looks for
    assert re.search(r"\?\n\n(- \*\*[a-c]\*\* .+\n){3}\n<details>", check(name))


def test_the_right_choices_are_not_all_the_same():
    letters = [re.match("<b>([a-d])</b>", answer(name))[1] for name in BOOKS]
    assert all(letters.count(letter) >= 2 for letter in "abc")


def test_01_three_vectors_give_c_d_and_the_next():
    vectors = np.array([[1.0], [3.0], [4.0]])
    c = (4 - 3) / (3 - 1)
    assert unroll(vectors[:1], np.array([c]), np.array([[3 - c]]), 4)[0].ravel().tolist() == [1, 3, 4, 4.5]
    assert continue_by(exact_solver, vectors, 1)[0, 0] == pytest.approx(4.5)
    assert float(right("01_data_generation")) == pytest.approx(continue_by(exact_solver, vectors, 1)[0, 0])
    said = answer("01_data_generation")
    assert f"c = {c}" in said and f"= {3 - c}, and the next is" in said and "= 4.5." in said


def test_02_an_error_is_told_by_its_scale():
    first, second = (1 - mse / variance for mse, variance in ((1e-4, 1e-4), (1e-2, 10)))
    assert f"1 − 1e-2 / 10 = {second:.3f}" in answer("02_training")
    assert f"R² = {first:.0f}" in answer("02_training")
    assert right("02_training") == ("the second" if second > first else "the first")


def test_03_a_turned_vector_is_no_copy_and_is_not_lost():
    x = torch.randn(500, 40, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
    r2, back = line_fit(x, x @ turn).r2.value, torch.equal(x @ turn @ turn.T, x)
    said = f"R² is {round(r2, 2):g}, and {'nothing' if back else 'it'} is lost"
    assert said == right("03_layer0_copying") and said in answer("03_layer0_copying")


def test_04_a_constant_costs_nothing_under_the_mean_and_something_under_zero(model, obs):
    constant = copy.deepcopy(model)
    with torch.no_grad():
        constant.native.layers[1].attn.v.weight.zero_()
    there = observe(constant, obs.family, count=20)
    heads = there.heads(1)
    torch.testing.assert_close(interventions.ablate_heads(there, heads), there.prediction)
    assert (interventions.ablate_heads(there, heads, by="zero") - there.prediction).abs().max() > 1e-2
    assert right("04_layer1_bias") == "the mean nothing, zero perhaps a lot"
    assert "The mean costs nothing. Zero may cost a lot" in answer("04_layer1_bias")


def test_05_even_attention_reads_the_mean_of_what_was_seen():
    assert edits.as_pattern(torch.zeros(1, 1, 4, 4))[0, 0, 2].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    assert (
        right("05_layer2_negative_similarity") == "the first"
    )  # no score is larger; what is written still has its sign
    assert "the mean of all vectors seen" in answer("05_layer2_negative_similarity")


def test_06_for_negative_c_the_answer_is_a_mixture_of_the_last_two():
    c, m, u = -0.5, torch.ones(40), torch.arange(40.0)
    v = [m + c**j * u for j in range(4)]
    last, before = map(float, right("06_one_number_on_a_line").replace("−", "-").split(" and "))
    torch.testing.assert_close(last * v[2] + before * v[1], v[3])
    assert (last, before) == (1 + c, -c)
    assert "1 + c = 0.5 on v_n and −c = 0.5 on v_{n−1}" in answer("06_one_number_on_a_line")


def test_07_sizes_are_numbers_and_a_vector_times_a_number_is_a_vector():
    v, w = torch.randn(2, 4, dtype=torch.float64), torch.ones(4, dtype=torch.float64)

    def terms(v):
        return v[1].square().sum() * w, (v[0] @ v[1]) * v[1]

    assert torch.equal(terms(-v)[0], terms(v)[0]) and torch.equal(terms(-v)[1], -terms(v)[1])
    assert right("07_the_circuit") == "the first is numbers, the second vectors"
    assert "The first is numbers" in answer("07_the_circuit") and "The second is vectors" in answer("07_the_circuit")


def test_08_so_many_edges_has_a_small_model():
    count = int(possible(ModelConfig(n_layers=2, n_heads=1)).sum())
    assert right("08_heads_and_edges") == str(count) and f"{count} in all" in answer("08_heads_and_edges")


def test_09_an_average_of_the_last_two_is_the_answer_for_one_c():
    before, now = np.array([[2.0]]), np.array([[5.0]])
    average = 0.7 * before + 0.3 * now
    chosen = right("09_a_formula_in_its_place")
    c = float(chosen.replace("−", "-"))
    assert unroll(before, np.array([c]), now - c * before, 3)[0, 2, 0] == pytest.approx(average[0, 0])
    assert f"For c = {chosen}:" in answer("09_a_formula_in_its_place")


def test_10_heads_that_carry_nearly_all_decide():
    def way(agrees):
        return [Reading("x", exactly(1), also=yes, weight=w) for yes, w in zip(agrees, (0.95, 0.05), strict=True)]

    words = {True: "yes", False: "no"}
    found = words[way_agrees(way((True, False)))], words[way_agrees(way((False, True)))]
    assert right("10_what_it_depends_on") == "{}, and {}".format(*found)
    assert "Yes: heads that carry 0.95" in answer("10_what_it_depends_on")


def test_11_a_shift_is_a_difference_of_means():
    marks = ["replicated"] * 3 + ["partly", "replicated", "partly"]
    runs = pd.DataFrame({"setting": ["base"] * 3 + ["4 heads"] * 3, "A": marks})
    shift = shifts(runs, ["A"]).loc["4 heads", "A"]
    assert float(right("11_one_choice_at_a_time").replace("−", "-")) == round(shift, 2) == -0.33
    assert "0.67 − 1 = −0.33" in answer("11_one_choice_at_a_time")


def test_12_what_grows_starts_next_to_zero():
    drawn = sequences_from(np.ones((1, 1)), np.array([2.0]), np.zeros((1, 1)), 15, "max").vectors
    assert drawn[0, 5, 0] == 2.0**-9 and right("12_beyond_the_data") == f"{2.0**-9:.3g}"
    assert "2<sup>−9</sup> = 0.00195" in answer("12_beyond_the_data")


def test_13_shares_of_a_right_prediction_sum_to_one(obs):
    sums = {name: share_sums(obs, part) for name, part in contributions(obs).items()}
    written = sum(with_target for with_target, _ in sums.values())
    product = (obs.prediction * obs.targets)[:, 2:].sum(dim=(1, 2))
    torch.testing.assert_close(written, product)  # so the shares sum to 1 where prediction and target agree
    assert right("13_explorer") == f"{1 + 0.15}" and f"To {1 + 0.15}." in answer("13_explorer")


def test_14_c_survives_a_change_of_units():
    v = unroll(np.array([[7.0]]), np.array([0.5]), np.array([[3.0]]), 4)[0]
    w = 2 * v + 5
    c, d = map(float, re.findall(r"= ([\d.]+)", right("14_your_own_recurrence")))
    assert np.array_equal(unroll(w[:1], np.array([c]), np.array([[d]]), 4)[0], w)
    assert "The same c, and d = 8.5" in answer("14_your_own_recurrence")
