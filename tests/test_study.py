import pytest

from helpers import study

LINES = """setting,optimizer,seed,R²,A1,A1 attention,A10 other
default,muon,0,0.999,replicated,0.7,1
8 heads,muon,0,0.9,partly,0.2,2
default,untrained,0,-1,not replicated,0.1,3
default,muon,1,0.997,not replicated,0.5,4
"""


@pytest.fixture
def runs(tmp_path):
    (tmp_path / "table.csv").write_text(LINES)
    return study.load(tmp_path / "table.csv")


def test_seeds_stand_together_in_the_order_of_the_table(runs):
    header, rows = study.verdicts(runs, ["A1"])
    assert header == ["setting", "optimizer", "R²", "A1"]
    assert rows == [["default", "muon", "0.998 (0.997 … 0.999)", "●○"], ["8 heads", "muon", "0.900", "◐"]]


def test_measures_of_one_claim_with_their_range_over_seeds(runs):
    header, rows = study.measures(runs, "A1")
    assert header == ["setting", "optimizer", "attention"]  # not those of A10
    assert rows == [
        ["default", "muon", "0.600 (0.500 … 0.700)"],
        ["default", "untrained", "0.100"],
        ["8 heads", "muon", "0.200"],
    ]


def test_another_table_is_refused(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="must have runs, and the columns setting"):
        study.load(tmp_path / "x.csv")
