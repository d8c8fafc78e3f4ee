import plotly.graph_objects as go
import pytest

from helpers.display import theme
from helpers.display.theme import DASHES, MARKERS, PALETTE, line_style


def test_lines_are_told_apart_in_colour_and_in_print():
    styles = [line_style(i) for i in range(len(PALETTE))]
    assert len({style["line"]["color"] for style in styles}) == len(PALETTE)
    assert len({(style["line"]["dash"], style["marker"]["symbol"]) for style in styles}) == len(PALETTE)
    assert len(PALETTE) == len(DASHES) == len(MARKERS) and line_style(len(PALETTE)) == styles[0]
    assert line_style(1, size=5)["marker"] == {"symbol": MARKERS[1], "size": 5}


def test_each_line_of_a_title_gets_room_and_the_title_stands_in_it():
    one, two = (theme.theme(go.Figure(), title, height=400).layout for title in ("short", "first<br>second"))
    assert two.margin.t - one.margin.t == 20
    for layout in (one, two):
        assert 0 < (1 - layout.title.y) * 400 < layout.margin.t


@pytest.mark.parametrize(("x", "y"), [("n", ""), ("", "MSE")])
def test_an_axis_is_named_if_it_has_a_name(x, y):
    figure = theme.theme(go.Figure(), "title", x, y)
    assert (figure.layout.xaxis.title.text or "", figure.layout.yaxis.title.text or "") == (x, y)
