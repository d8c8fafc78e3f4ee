import numpy as np
import pytest

from helpers.analysis.estimates import Estimate, exactly
from helpers.display import figures
from helpers.display.marks import marked
from helpers.display.space import space
from helpers.display.theme import SHARE, SIGNED

NAMED = {"x_title": "x", "y_title": "y"}
ESTIMATES = [Estimate(2.0, 1.0, 4.0), Estimate(3.0, 2.5, 3.25)]


def scatters_of(figure):
    return [trace for trace in figure.data if trace.type == "scatter"]


def test_a_band_is_made_of_low_and_high_and_the_line_of_the_values():
    band, line = figures.lines([10, 20], {"a": ESTIMATES}, "title", **NAMED).data
    assert band.fill == "toself" and not band.showlegend
    assert list(zip(band.x, band.y, strict=True)) == [(10, 4.0), (20, 3.25), (20, 2.5), (10, 1.0)]
    assert list(line.x) == [10, 20] and list(line.y) == [2.0, 3.0]
    assert len(figures.lines([10, 20], {"a": [2.0, 3.0]}, "title", **NAMED).data) == 1


def test_every_series_may_have_its_own_x_and_a_single_one_needs_no_legend():
    two = figures.lines({"a": [1, 2], "b": [5]}, {"a": [1.0, 2.0], "b": [3.0]}, "title", **NAMED)
    assert [list(trace.x) for trace in two.data] == [[1, 2], [5]] and two.layout.showlegend
    assert not figures.lines([1], {"a": [1.0]}, "title", **NAMED).layout.showlegend


@pytest.mark.parametrize(("options", "mode"), [({}, "lines+markers"), ({"joined": False}, "markers")])
def test_points_are_joined_unless_that_is_not_wanted(options, mode):
    assert figures.lines([1, 2], {"a": [1.0, 2.0]}, "title", **NAMED, **options).data[0].mode == mode


@pytest.mark.parametrize(("log_y", "height"), [(False, 0.01), (True, -2.0)])
def test_the_words_of_a_level_stand_at_the_level(log_y, height):
    for figure in (
        figures.lines([1, 2], {"a": [0.1, 0.2]}, "title", **NAMED, log_y=log_y, level=(0.01, "goal")),
        figures.bars({"a": exactly(0.1)}, "title", **NAMED, log_y=log_y, level=(0.01, "goal")),
    ):
        (words,) = (note for note in figure.layout.annotations if note.text == "goal")
        (line,) = figure.layout.shapes
        assert words.y == pytest.approx(height) and line.y0 == line.y1 == 0.01


def test_panels_name_a_series_once():
    grid = {name: {"a": [1.0, 2.0], "b": [2.0, 1.0]} for name in ("first", "second", "third", "fourth")}
    figure = figures.panels(range(2), grid, "title", **NAMED)
    assert [trace.name for trace in figure.data if trace.showlegend] == ["a", "b"]
    assert [note.text for note in figure.layout.annotations] == list(grid)
    assert len({trace.xaxis for trace in figure.data}) == 4


def test_signed_matrices_share_a_scale_that_is_centred_on_zero():
    matrices = {"small": np.array([[0.5, 0.0]]), "large": np.array([[-3.0, 1.0]])}
    colours = figures.heatmaps(matrices, "title", **NAMED, unit="u").layout.coloraxis
    assert (colours.cmin, colours.cmax) == (-3.0, 3.0)
    shares = figures.heatmaps(matrices, "title", **NAMED, unit="u", signed=False).layout.coloraxis
    assert (shares.cmin, shares.cmax) == (0, 3.0)
    assert figures.heatmaps(matrices, "title", **NAMED, unit="u", top=9.0).layout.coloraxis.cmax == 9.0
    assert SIGNED != SHARE and colours.colorscale != shares.colorscale


def test_a_heat_map_shows_the_matrix_with_its_first_row_on_top():
    matrix = np.arange(6.0).reshape(2, 3)
    figure = figures.heatmaps({"a": matrix}, "title", **NAMED, unit="u")
    assert np.array_equal(figure.data[0].z, matrix) and figure.layout.yaxis.autorange == "reversed"


@pytest.mark.parametrize(("log_y", "kind"), [(False, "bar"), (True, "scatter")])
def test_a_bars_whiskers_end_at_low_and_high(log_y, kind):
    (bars,) = figures.bars(dict(zip("ab", ESTIMATES, strict=True)), "title", **NAMED, log_y=log_y).data
    assert bars.type == kind and list(bars.y) == [2.0, 3.0]
    assert list(bars.error_y.array) == [2.0, 0.25] and list(bars.error_y.arrayminus) == [1.0, 0.5]


def test_grouped_bars_have_a_colour_and_a_name_for_each_group():
    values = dict(zip("ab", ESTIMATES, strict=True))
    figure = figures.grouped_bars({"one": values, "two": values}, "title", **NAMED)
    assert [bar.name for bar in figure.data] == ["one", "two"] and figure.layout.barmode == "group"
    assert len({bar.marker.color for bar in figure.data}) == 2 and figure.layout.showlegend
    assert all(list(bar.error_y.array) == [2.0, 0.25] for bar in figure.data)


def test_the_line_of_a_cloud_has_its_slope_and_goes_through_its_middle():
    x = np.linspace(0, 4, 5000)
    points, line = figures.scatters({"a": (x, 7 - 2 * x)}, {"a": -2.0}, "title", **NAMED).data
    assert len(points.x) == figures.POINTS and (points.x[0], points.x[-1]) == (0, 4)
    np.testing.assert_allclose(line.y, 7 - 2 * np.array(line.x))


def test_dots_below_the_end_of_the_axis_are_drawn_at_it_and_settings_keep_their_order():
    panels = {
        "m": {"muon": {"one": [0.5, -3.0], "two": [0.7]}, "adamw": {"one": [0.1]}},
        "k": {"muon": {"three": [1.0]}},
    }
    figure = figures.dots(panels, "title", levels={"m": [0.25, 0.75]}, least={"m": -1.0}, **NAMED)
    first = scatters_of(figure)[0]
    assert list(zip(first.x, first.y, strict=True)) == [(0.5, "one"), (-1.0, "one"), (0.7, "two")]
    assert list(figure.layout.yaxis.categoryarray) == ["three", "two", "one"]  # from below
    assert [line.x0 for line in figure.layout.shapes] == [0.25, 0.75]
    assert [trace.name for trace in figure.data if trace.showlegend] == ["muon", "adamw"]


def test_a_table_of_marks_has_them_in_order_and_leaves_what_is_not_known_without_a_colour():
    values = np.array([[0.0, np.nan], [-0.5, 1.0]])
    (map_,) = marked(
        values, [["●", "–"], ["○●", "●"]], "title", rows=["a", "b"], columns=["A1", "B1"], **NAMED, unit="u"
    ).data
    assert map_.z[0][1] is None and list(map_.z[1]) == [-0.5, 1.0] and (map_.zmin, map_.zmax) == (-1, 1)
    assert list(map_.text[1]) == ["○●", "●"] and list(map_.y) == ["a", "b"]


def test_panels_may_share_a_logarithmic_axis():
    figure = figures.panels([1, 10], {"a": {"x": [1, 2]}, "b": {"x": [3, 4]}}, "title", **NAMED, log_x=True)
    assert figure.layout.xaxis.type == figure.layout.xaxis2.type == "log"
    figure = figures.panels([1, 10], {"a": {"x": [1, 2]}, "b": {"x": [3, 4]}}, "title", **NAMED, log_y=True)
    assert figure.layout.yaxis.type == figure.layout.yaxis2.type == "log" and figure.layout.yaxis2.matches == "y"


def test_points_in_space_keep_their_order_and_name_three_axes():
    points = np.arange(12.0).reshape(4, 3)
    figure = space({"a": points, "b": points + 1}, "title", axes=("one", "two", "three"))
    assert np.array_equal(np.transpose([figure.data[0].x, figure.data[0].y, figure.data[0].z]), points)
    assert [figure.layout.scene[f"{axis}axis"].title.text for axis in "xyz"] == ["one", "two", "three"]


def test_marks_in_space_are_not_joined_and_differ():
    points = np.arange(12.0).reshape(4, 3)
    axes = ("one", "two", "three")
    figure = space({"a": points}, "title", axes=axes, marks={"b": points + 1, "c": points[:1]})
    assert [trace.mode for trace in figure.data] == ["lines+markers", "markers", "markers"]
    assert figure.data[1].marker.symbol != figure.data[2].marker.symbol and list(figure.data[2].z) == [2]
