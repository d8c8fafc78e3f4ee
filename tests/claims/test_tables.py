import pytest

from helpers.analysis.estimates import exactly
from helpers.claims.measures import CLAIMS
from helpers.claims.readings import Reading
from helpers.claims.registry import Claim, claim, label
from helpers.claims.tables import Row, claim_rows, claim_section, claims_table, summary


@pytest.fixture
def extra(monkeypatch):
    """A claim of the test's own, gone after it."""
    labels = {"a": "first (bar {low})", "b": "second"}
    monkeypatch.setitem(CLAIMS, "Z1", Claim("Z1", "a claim", "nowhere", labels, lambda obs: []))


def test_readings_of_one_key_stand_together_under_its_label(extra):
    readings = [Reading(key, exactly(x), low=0.5, high=1) for key, x in (("a", 1), ("b", 2), ("a", 3))]
    assert summary("Z1", readings) == "first (bar 0.500): 1.00 ✓, 3.00 ✗; second: 2.00 ✗"


def test_heads_are_shown_with_what_those_that_agree_carry(extra):
    def shown(values):
        weights = [0.91, *[0.09 / (len(values) - 1)] * (len(values) - 1)]
        heads = [Reading("b", exactly(x), f"L0H{i}", low=0.5, weight=weights[i]) for i, x in enumerate(values)]
        return summary("Z1", heads)

    assert shown([1, 0]) == "second: 1.00 ✓, 0 ✗; 0.910 carried by those that agree ✓"
    assert shown([0, 1, -1, 2]) == "second: -1.00 to 2.00, 2 of 4 heads agree; 0.0600 carried by those that agree ✗"


def test_signs_of_c_are_named(extra):
    readings = [Reading("b", exactly(x), sign) for x, sign in ((1, "c < 0"), (2, "c > 0"))]
    assert summary("Z1", readings) == "second: c < 0: 1.00 ✓, c > 0: 2.00 ✓"


def test_a_claim_that_was_not_measured_says_so(extra):
    one, other = claim_rows({"A1": [Reading("attention", exactly(1))]}, ["A1", "Z1"])
    assert one.verdict == "replicated" and other == Row("Z1", "a claim", "nowhere", "", "not measured")


def test_a_way_that_was_not_asked_of_a_model_says_so(extra):
    both = {"Z1": [Reading("a", exactly(1), low=0), Reading("b", exactly(2), low=0)]}
    table = claim_section("Z1", {"both": both, "one": {"Z1": both["Z1"][:1]}, "none": {}}).splitlines()
    assert [line.split(" | ")[-2:] for line in table[3:]] == [
        ["1.00 ✓", "not measured |"],
        ["not asked", "not measured |"],
    ]


def test_a_table_keeps_its_columns():
    row = Row("A1", "x | y", "p", "h", "partly")
    table = claims_table({"one": [row], "two": [row]})
    assert table.splitlines()[0] == "| id | claim | the paper | one | two |"
    assert table.splitlines()[2] == "| A1 | x \\| y | p | **partly**<br>h | **partly**<br>h |"


def test_a_column_is_shown_by_its_label_less_what_varies(extra):
    assert label("Z1.a") == "Z1 first" and label("Z1.gone") == "Z1 gone" and label("Y7.gone") == "Y7 gone"


def test_an_id_is_given_once():
    with pytest.raises(ValueError, match="id must be new, got 'A1'"):
        claim("A1", "again", "nowhere")(lambda obs: [])
