from xml.etree import ElementTree

import numpy as np
import pytest

from helpers.display import drawings
from helpers.training.model import ModelConfig

CONFIG = ModelConfig(dimension=7, n_ctx=5, n_layers=2, d_model=24, n_heads=12, d_head=4, d_mlp=99)


def words(picture):
    root = ElementTree.fromstring(picture.data)
    return root, [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_the_drawing_has_every_layer_with_its_sizes():
    _, said = words(drawings.model_drawing(CONFIG))
    assert [word for word in said if word and word.startswith("layer ")] == ["layer 0", "layer 1"]
    assert said.count("12 heads,") == said.count("4 wide") == said.count("99 wide") == 2
    assert "7 → 24" in said and "24 → 7" in said
    assert "residual stream, 24 numbers at each of 5 positions" in said


def test_notes_stand_below_their_layer_and_get_room():
    plain, _ = words(drawings.model_drawing(CONFIG))
    root, said = words(drawings.model_drawing(CONFIG, [["first", "second"], ["third"]], "MSE 1e-4"))
    assert {"first", "second", "third", "MSE 1e-4"} <= set(said)
    at = {text.text: (float(text.get("x")), float(text.get("y"))) for text in root.iter() if text.get("y")}
    assert at["first"][0] == at["second"][0] < at["third"][0] and at["first"][1] == at["third"][1] < at["second"][1]
    heights = [float(svg.get("viewBox").split()[3]) for svg in (plain, root)]
    assert heights[0] < heights[1] and at["second"][1] < heights[1]


def test_the_algorithm_is_drawn_with_what_was_measured_of_each_step():
    root, said = words(drawings.algorithm_drawing([["alone", "1"], ["without", "2"], ["fixed", "3"]]))
    assert [who for who in said if who in {step[0] for step in drawings.STEPS}] == [step[0] for step in drawings.STEPS]
    at = {text.text: float(text.get("x")) for text in root.iter() if text.get("y")}
    assert at["alone"] == at["1"] < at["without"] == at["2"] < at["fixed"] == at["3"]
    with pytest.raises(ValueError):
        drawings.algorithm_drawing([["alone"]])


def test_an_attention_view_is_small_and_the_same_each_time():
    patterns = np.full((2, 3, 3), 1 / 3)
    once, again = (
        drawings.attention_view(patterns, ["v0", "v1", "v2"], ["L0H0", "L0H11"], "one").data for _ in range(2)
    )
    assert once == again and "circuits-vis-one" in once and "L0H11" in once and "0.333" in once
    assert len(once) < 4000
