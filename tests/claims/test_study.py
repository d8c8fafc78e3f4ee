import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.claims import study

LINES = """setting,seed,test_mse,A1,A1.attention,A10.other
base,0,0.999,replicated,0.7,1
8 heads,0,0.9,partly,0.2,2
base,1,0.997,not replicated,0.5,4
diverging,0,inf,,,
before A1 was there,0,0.9,,,2
"""


@pytest.fixture
def runs(tmp_path):
    (tmp_path / "table.csv").write_text(LINES, encoding="utf-8")
    return study.load(tmp_path / "table.csv")


def test_seeds_stand_together_in_the_order_of_the_table(runs):
    assert study.verdicts(runs, ["A1", "B7"]) == {
        "base": ["●○", "–"],
        "8 heads": ["◐", "–"],
        "diverging": ["×", "×"],
        "before A1 was there": ["–", "–"],
    }


def test_a_seed_that_was_not_asked_has_a_mark_of_its_own(runs):
    more = pd.concat([runs, runs[:1].assign(seed=2, A1=np.nan)])
    assert study.verdicts(more, ["A1"])["base"] == ["●○–"]


def test_a_shift_is_the_mean_verdict_less_the_bases(runs):
    found = study.shifts(runs, ["A1", "B7"])
    assert list(found.index) == ["base", "8 heads", "diverging", "before A1 was there"]
    assert found["A1"].tolist()[:2] == [0.0, 0.0]  # one of two replicated; one partly
    assert study.shifts(runs[:2], ["A1"])["A1"].tolist() == [0.0, -0.5]
    assert found["A1"][2:].isna().all() and found["B7"].isna().all()


@pytest.mark.parametrize("n", range(2, 12))
def test_the_interval_over_seeds_is_students(n):
    values = np.random.default_rng(n).standard_normal(n)
    found = study.over_seeds(pd.Series(values))
    quantile = (found.high - found.value) / (values.std(ddof=1) / n**0.5)
    below, everywhere = (  # with x = tan(a) * sqrt(n - 1) the density is cos(a) ** (n - 2)
        np.trapezoid(np.cos(a) ** (n - 2), a)
        for a in (np.linspace(-np.pi / 2, end, 20_001) for end in (np.arctan(quantile / (n - 1) ** 0.5), np.pi / 2))
    )
    assert below / everywhere == pytest.approx(0.975, abs=1e-4)


@given(st.floats(-1e3, 1e3))
def test_one_run_alone_has_no_interval(value):
    one = study.over_seeds(pd.Series([value, np.inf, np.nan]))
    assert one.low == one.value == one.high == value


def test_values_of_every_run_by_setting(runs):
    expected = {"base": [0.7, 0.5], "8 heads": [0.2], "diverging": [], "before A1 was there": []}
    assert study.values(runs, "A1.attention") == expected


def test_another_table_is_refused(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="must have runs, and the columns setting"):
        study.load(tmp_path / "x.csv")


def test_a_claim_that_no_run_was_asked_moves_nothing(runs):
    found = study.shifts(runs, ["B7"])
    assert list(found.index) == list(dict.fromkeys(runs["setting"])) and found["B7"].isna().all()
