import pytest

from helpers.analysis.estimates import Estimate, exactly
from helpers.claims.readings import Reading, agreeing, in_short, verdict, way_agrees, way_open
from helpers.claims.thresholds import HALF_R


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
    assert verdict([Reading(key, exactly(1), also=agrees) for key, agrees in agree]) == expected


def test_half_is_half_of_the_variance():
    assert [Reading("r", exactly(r), low=HALF_R).agrees for r in (0.71, 0.70, -0.9)] == [True, False, False]


def test_a_bound_inside_the_interval_leaves_a_reading_open():
    narrow, wide = Estimate(0.6, 0.55, 0.65), Estimate(0.6, 0.45, 0.75)
    assert str(Reading("a", narrow, low=0.5)) == "0.600 [0.550, 0.650] ✓"
    assert str(Reading("a", wide, low=0.5, note=" x")) == "0.600 [0.450, 0.750] x (✓)"
    assert str(Reading("a", wide, high=0.5)) == "0.600 [0.450, 0.750] (✗)"


def test_a_mark_does_not_hang_on_the_last_bits():
    for nudge in (-1e-13, 0, 1e-13):
        assert Reading("a", exactly(0.5 + nudge), low=0.5).agrees
        assert not Reading("a", Estimate(0.6, 0.5 + nudge, 0.7), low=0.5).open
    assert not Reading("a", exactly(0.5 - 1e-6), low=0.5).agrees


@pytest.mark.parametrize(("weights", "agrees"), [((0.95, 0.05), True), ((0.9, 0.1), True), ((0.89, 0.11), False)])
def test_heads_that_carry_nearly_all_decide(weights, agrees):
    """The second head does not agree; an idle one cannot speak against the others, nor agree in their place."""
    for signs, expected in (((True, False), agrees), ((False, True), False)):
        pairs = zip(weights, signs, strict=True)
        way = [Reading("a", exactly(1), f"L1H{i}", also=yes, weight=w) for i, (w, yes) in enumerate(pairs)]
        assert way_agrees(way) == expected and agreeing(way) == pytest.approx(weights[signs.index(True)])


def test_a_way_is_open_where_open_readings_have_the_weight_to_turn_it():
    def way(weight):
        sure, other = Reading("a", exactly(1), low=0.5, weight=1 - weight), Estimate(0.6, 0.4, 0.8)
        return [sure, Reading("a", other, low=0.5, weight=weight)]

    assert not way_open(way(0.05)) and way_open(way(0.5))


def test_in_short_a_claim_counts_heads_by_their_weight():
    readings = [Reading("share", exactly(x), weight=w) for x, w in ((1.0, 0.9), (0.0, 0.1))]
    assert in_short("B9", readings)["B9.share"] == pytest.approx(0.9)


def test_in_short_a_claim_is_averaged_over_heads():
    readings = [Reading("share", exactly(x), low=0.5) for x in (0.4, 0.8)] + [Reading("rank", exactly(3.0))]
    assert in_short("B9", readings) == {"B9": "partly", "B9.share": pytest.approx(0.6), "B9.rank": 3.0}
