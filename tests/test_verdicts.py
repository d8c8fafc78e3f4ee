import dataclasses

import pytest

from conftest import FAMILY
from helpers import claims, front
from helpers.observation import observe
from helpers.verdicts import Reading, Row, claims_table, explains_half, summary, verdict


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
    assert verdict([Reading(what, "1", agrees) for what, agrees in agree]) == expected


def test_half_is_half_of_the_variance():
    assert explains_half(0.71) and not explains_half(0.70) and not explains_half(-0.9)


def test_readings_of_one_kind_stand_together():
    assert (
        summary([Reading("a", "1", True), Reading("b", "2", False), Reading("a", "3", False)]) == "a: 1 ✓, 3 ✗; b: 2 ✗"
    )


def test_a_table_keeps_its_columns():
    row = Row("A1", "x | y", "p", "h", "partly")
    table = claims_table({"one": [row], "two": [row]})
    assert table.splitlines()[0] == "| id | claim | the paper | one | two |"
    assert table.splitlines()[2] == "| A1 | x \\| y | p | **partly**<br>h | **partly**<br>h |"


def test_every_claim_of_the_paper_has_a_measure_and_an_untrained_model_replicates_none_of_the_findings(obs):
    assert list(claims.MEASURES) == ["S5", "A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4", "C1", "C2", "C3", "C4", "C5"]
    verdicts = {row.id: row.verdict for row in claims.evaluate(obs, ["S5", "A1", "A2", "A3", "C1", "C2", "C3", "C4"])}
    assert "replicated" not in verdicts.values(), verdicts


def test_claims_are_refused_where_they_cannot_be_asked(model):
    obs = observe(model, dataclasses.replace(FAMILY, c_min=0.0), count=5)
    with pytest.raises(ValueError, match="c on both sides"):
        claims.evaluate(obs, ["C1"])


def test_a_page_without_markers_is_refused():
    with pytest.raises(ValueError, match="must have the lines"):
        front.insert("no markers", "table")
    page = f"before\n{front.BEGIN}\nold\n{front.END}\nafter"
    assert front.insert(front.insert(page, "new"), "newer") == f"before\n{front.BEGIN}\nnewer\n{front.END}\nafter"


def test_a_mistake_on_the_command_line_is_one_line(capsys):
    with pytest.raises(SystemExit) as exit:
        front.main(["--model", "nowhere"])
    assert exit.value.code == 2 and "nowhere: " in capsys.readouterr().err
