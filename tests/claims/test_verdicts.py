import dataclasses

import pytest
import readme

from conftest import FAMILY
from helpers.analysis.estimates import Estimate, exactly
from helpers.analysis.observation import observe
from helpers.claims import measures
from helpers.claims.verdicts import HALF_R, Reading, Row, claims_table, in_short, summary, verdict


@pytest.mark.parametrize(
    ("agree", "expected"),
    [
        ([("a", True)], "replicated"),
        ([("a", True), ("b", True)], "replicated"),
        ([("a", True), ("b", False)], "partly"),
        ([("a", True), ("a", False)], "not replicated"),
        ([("a", True), ("a", False), ("b", True)], "partly"),
        ([("a", False), ("b", False)], "not replicated"),
    ],
)
def test_all_some_or_none_of_the_ways_of_measuring(agree, expected):
    assert verdict([Reading(what, exactly(1), also=agrees) for what, agrees in agree]) == expected


def test_half_is_half_of_the_variance():
    assert [Reading("r", exactly(r), low=HALF_R).agrees for r in (0.71, 0.70, -0.9)] == [True, False, False]


def test_a_bound_inside_the_interval_leaves_a_reading_open():
    narrow, wide = Estimate(0.6, 0.55, 0.65), Estimate(0.6, 0.45, 0.75)
    assert str(Reading("a", narrow, low=0.5)) == "0.600 [0.550, 0.650] ✓"
    assert str(Reading("a", wide, low=0.5, note=" x")) == "0.600 [0.450, 0.750] x (✓)"
    assert str(Reading("a", wide, high=0.5)) == "0.600 [0.450, 0.750] (✗)"


def test_readings_of_one_kind_stand_together():
    readings = [Reading(what, exactly(x), high=1) for what, x in (("a", 1), ("b", 2), ("a", 3))]
    assert summary(readings) == "a: 1.00 ✓, 3.00 ✗; b: 2.00 ✗"


def test_a_table_keeps_its_columns():
    row = Row("A1", "x | y", "p", "h", "partly")
    table = claims_table({"one": [row], "two": [row]})
    assert table.splitlines()[0] == "| id | claim | the paper | one | two |"
    assert table.splitlines()[2] == "| A1 | x \\| y | p | **partly**<br>h | **partly**<br>h |"


def test_every_claim_of_the_paper_has_a_measure_and_an_untrained_model_replicates_none_of_the_findings(obs):
    assert list(measures.MEASURES) == [
        "S5",
        "A1",
        "A2",
        "A3",
        "A4",
        "B1",
        "B2",
        "B3",
        "B4",
        "C1",
        "C2",
        "C3",
        "C4",
        "C5",
    ]
    verdicts = {row.id: row.verdict for row in measures.evaluate(obs, ["S5", "A1", "A2", "A3", "C1", "C2", "C3", "C4"])}
    assert "replicated" not in verdicts.values(), verdicts


def test_claims_are_refused_where_they_cannot_be_asked(model):
    obs = observe(model, dataclasses.replace(FAMILY, c_min=0.0), count=5)
    with pytest.raises(ValueError, match="c on both sides"):
        measures.evaluate(obs, ["C1"])


def test_a_page_without_markers_is_refused():
    with pytest.raises(ValueError, match="must have the lines"):
        readme.insert("no markers", "table")
    page = f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter"
    assert readme.insert(readme.insert(page, "new"), "newer") == f"before\n{readme.BEGIN}\nnewer\n{readme.END}\nafter"


def test_a_mistake_on_the_command_line_is_one_line(capsys):
    with pytest.raises(SystemExit) as exit:
        readme.main(["--model", "nowhere"])
    assert exit.value.code == 2 and "nowhere: " in capsys.readouterr().err


def test_in_short_a_claim_is_averaged_over_heads_and_leaves_out_what_varies_in_a_name():
    readings = [Reading("share (bar 0.6)", exactly(x), low=0.5) for x in (0.4, 0.8)] + [Reading("rank", exactly(3.0))]
    assert in_short("B9", readings) == {"B9": "partly", "B9 share": pytest.approx(0.6), "B9 rank": 3.0}
