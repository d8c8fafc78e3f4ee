import numpy as np
import pytest
import torch

from helpers.analysis import attention, edits, effects, expectations
from helpers.analysis.attribution import to_output
from helpers.analysis.estimates import line_fit
from helpers.data.recurrences import sequences_from


def test_the_expectation_is_minus_what_is_newly_attended_to_head_by_head(obs):
    flipped = edits.as_pattern(edits.edit_scores(obs, 2, "flipped"))
    x = obs.normalized(2) - obs.normalized(2).mean(dim=0)
    m = edits.identity_sizes(obs, 2)["outputs"]
    read = sum(abs(m[h]) * (flipped - obs.cache["pattern", 2])[:, h] @ x for h in range(2))
    change = edits.with_scores(obs, 2, edits.edit_scores(obs, 2, "flipped")) - obs.prediction
    expected = line_fit(-to_output(obs, read)[:, 2:], change[:, 2:]).correlation.value
    found = expectations.expected_changes(obs, 2)["its own change of attention"].correlation.value
    assert found == pytest.approx(expected)


def test_swapping_the_previous_vector_is_as_if_the_sequence_had_it(obs):
    """The move after the attention at one position, by running layer 0 on sequences with the swapped vector in place.

    Queries and patterns must stay, so the attention is done by hand, with the pattern as observed.
    """
    other, n = obs.c.roll(1), 4
    changed = obs.vectors.clone()
    changed[:, n - 1] = (changed[:, n] + other[:, None] * changed[:, n - 2]) / (1 + other)[:, None]
    delta = changed[:, n] - changed[:, n - 1] - other[:, None] * (changed[:, n - 1] - changed[:, n - 2])
    assert delta.abs().max() < 1e-9  # the three follow the other c

    def written(vectors):
        x = obs.bridge.blocks[0].ln1(vectors @ obs.W_E + obs.bridge.W_pos[:6])
        v = torch.einsum("bnd,hdk->bhnk", x, obs.bridge.W_V[0]) + obs.bridge.b_V[0][:, None]
        return torch.einsum("bhj,bhjk,hkd->bd", attention.pattern(obs, 0)[:, :, n], v, obs.bridge.W_O[0])

    keep = other >= expectations.LEAST_C
    moved = (written(changed) - written(obs.vectors))[keep]
    before = ((changed - obs.vectors)[:, n - 1] @ obs.W_E)[keep]
    seen = {}
    fits = expectations.line_fit
    try:
        expectations.line_fit = lambda x, y: seen.setdefault(len(seen), (x, y)) and fits(x, y)
        expectations.swap_previous(obs)
    finally:
        expectations.line_fit = fits
    torch.testing.assert_close(seen[0][0][:, n - 2], before)
    torch.testing.assert_close(seen[0][1][:, n - 2], moved)


def test_the_answers_own_dependence_on_the_previous_vector_has_slope_one(obs):
    """For a model that reads the previous vector in layer 0 alone and knows the answer, the slope would be 1."""
    answer = (1 + obs.c)[:, None, None] * obs.vectors - obs.c[:, None, None] * obs.vectors.roll(1, dims=1)
    torch.testing.assert_close(answer[:, 1:], obs.targets[:, 1:])


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_old_answer_moves_with_the_swapped_vector_by_minus_the_old_c(obs, monkeypatch, sign):
    other, pairs = obs.c.roll(1), []
    monkeypatch.setattr(expectations, "line_fit", lambda x, y: pairs.append((x, y)) or line_fit(x, y))
    assert list(expectations.swap_previous(obs, sign))[1:] == [
        "estimate after layer 0",
        "prediction",
        "estimate after layer 0, old c",
        "prediction, old c",
    ]
    keep = (other >= expectations.LEAST_C) & (sign * obs.c > 0)
    embedded, (_, moved), (old, same) = pairs[0][0], pairs[2], pairs[4]
    assert len(moved) == keep.sum() > 0 and torch.equal(moved, same)
    torch.testing.assert_close(old @ obs.W_E, -obs.c[keep][:, None, None] * embedded)


def of_c(obs, *values):
    """Sequences with these values of c."""
    return obs.on(sequences_from(*fixed(values), 7, "max"))


def fixed(values):
    rng = np.random.default_rng(0)
    return rng.standard_normal((len(values), 5)), np.array(values), rng.standard_normal((len(values), 5))


@pytest.mark.filterwarnings("error")
def test_sequences_without_a_c_have_no_copy_to_be_told(obs):
    still = of_c(obs, *[0.0] * 12)
    for basis in effects.BASES:
        with pytest.raises(ValueError, match="c must not be 0 throughout"):
            effects.copy_strength(still, basis)
    with pytest.raises(ValueError, match="c must not be 0 throughout"):
        expectations.swap_previous(still)
    with pytest.raises(ValueError, match="c must not be 0"):
        effects.implied_c(of_c(obs, *[1e-14] * 12), still.prediction)
    some = of_c(obs, *[0.0, 0.8, 0.4] * 16)
    for basis in effects.BASES:
        assert all(np.isfinite(e.value) for e in effects.copy_strength(some, basis))
    assert all(np.isfinite(fit.slope.value) for fit in expectations.swap_previous(some).values())
    with pytest.raises(ValueError, match="basis must be one of"):
        effects.copy_strength(some, "luck")


def test_a_sign_that_is_none_or_that_no_sequence_has_is_refused(obs):
    with pytest.raises(ValueError, match="sign must be -1, 0 or 1, got 2"):
        expectations.swap_previous(obs, 2)
    with pytest.raises(ValueError, match="sign=-1 must leave sequences"):
        expectations.swap_previous(of_c(obs, 0.5, 0.6, 0.7), -1)
