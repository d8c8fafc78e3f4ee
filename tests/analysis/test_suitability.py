"""Sequences of another kind than the model's: refused, with the number and a model that knows them."""

import numpy as np
import pytest

from helpers.analysis.suitability import covering, unsuited
from helpers.data.fitting import fit
from helpers.data.recurrences import Family

NARROW = Family(c_min=-1.0, c_max=1.0)
NOISE = 0.3 * np.random.default_rng(3).standard_normal(9)


def said(values, **stated):
    sequence = np.array(values, dtype=float)[:, None]
    return unsuited(fit(sequence), sequence, NARROW, **stated)


@pytest.mark.parametrize("factor", [1.1, 1.3, -1.2])
def test_a_c_outside_the_range_is_named_with_the_range_and_a_model_that_covers_it(factor):
    message = said(3 + 100 * factor ** np.arange(9))
    assert f"c = {factor:g}, outside the -1 to 1" in message and "'fast' was trained on it" in message


def test_where_no_model_covers_it_this_is_said():
    assert "c = 1.8" in (message := said(1.8 ** np.arange(8))) and "no shipped model" in message
    assert covering(1.2, 40) == "fast" and covering(1.2, 41) is None and covering(1.8, 1) is None


def test_what_is_not_affine_is_told_by_its_residual():
    chaos = [0.3]
    while len(chaos) < 9:
        chaos.append(3.7 * chaos[-1] * (1 - chaos[-1]))
    message = said(chaos)
    residual = fit(np.array(chaos)[:, None]).residual
    assert "not affine" in message and f"leaves {residual:.3g}" in message


def test_a_stated_noise_is_tested():
    readings = 21 + 60 * 0.88 ** np.arange(9) + NOISE
    assert said(readings) is None and said(readings, noise=0.3) is None
    assert "where noise=0.05 was stated" in said(readings, noise=0.05)


def test_what_is_in_the_range_or_may_be_is_let_through():
    for values in (np.arange(9), 5 * (-1.0) ** np.arange(8), 21 + 60 * 0.88 ** np.arange(5), [1, 2, 4]):
        assert said(values) is None
    assert said(np.round(100 * 1.0004 ** np.arange(8), 1)) is None
