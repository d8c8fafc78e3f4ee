import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.claims import study

LINES = """setting,optimizer,seed,test_mse,A1,A1.attention,A10.other
default,muon,0,0.999,replicated,0.7,1
8 heads,muon,0,0.9,partly,0.2,2
default,untrained,0,-1,not replicated,0.1,3
default,muon,1,0.997,not replicated,0.5,4
diverging,muon,0,inf,,,
before A1 was there,muon,0,0.9,,,2
"""


@pytest.fixture
def runs(tmp_path):
    (tmp_path / "table.csv").write_text(LINES)
    return study.load(tmp_path / "table.csv")


def test_seeds_stand_together_in_the_order_of_the_table(runs):
    header, rows = study.verdicts(runs, ["A1", "B7"])
    assert header == ["setting", "optimizer", "test MSE", "A1", "B7"]
    assert rows == [
        ["default", "muon", "0.998 [0.985, 1.01]", "●○", "not measured"],
        ["8 heads", "muon", "0.900", "◐", "not measured"],
        ["diverging", "muon", "nan", "×", "×"],
        ["before A1 was there", "muon", "0.900", "not measured", "not measured"],
    ]


def test_a_seed_that_was_not_asked_has_a_mark_of_its_own(runs):
    more = pd.concat([runs, runs[:1].assign(seed=2, A1=np.nan)])
    assert study.verdicts(more, ["A1"])[1][0][3] == "●○–"


def test_measures_of_a_setting_with_their_interval_over_seeds(runs):
    header, rows = study.over_optimizers(runs, ["A1"])
    assert header == ["measure", "muon (2 seeds)", "untrained (1 seeds)"]
    assert rows == [["A1 attention", "0.600 [-0.671, 1.87]", "0.100"]]  # not that of A10
    assert study.over_optimizers(runs, ["A1"], "8 heads")[1] == [["A1 attention", "0.200"]]
    assert study.over_optimizers(runs, ["A1"], "before A1 was there")[1] == [["A1 attention", "not measured"]]


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


def test_values_of_every_run_by_optimizer_and_setting(runs):
    assert study.values(runs, "A1.attention") == {
        "muon": {"default": [0.7, 0.5], "8 heads": [0.2], "diverging": [], "before A1 was there": []},
        "untrained": {"default": [0.1]},
    }


def test_another_table_is_refused(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="must have runs, and the columns setting"):
        study.load(tmp_path / "x.csv")
