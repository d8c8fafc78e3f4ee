from dataclasses import replace

import pytest

from conftest import CONFIG
from helpers.analysis import components
from helpers.analysis.components import Component, parse

LARGE = replace(CONFIG, n_layers=12, n_heads=12)
PLAIN = [components.INPUT, components.EMBEDDING, components.POSITIONS, components.FINAL_BIAS]
OF_LAYER_11 = [kind(11) for kind in (components.attention, components.bias, components.mlp, components.layer)]


def test_labels_are_those_of_the_tables():
    shown = [components.head(0, 1), components.mlp(2), components.layer(1), components.INPUT, components.EMBEDDING]
    assert list(map(str, shown)) == ["L0H1", "L2 MLP", "layer 1", "embedding", "embed"]


@pytest.mark.parametrize("component", [*PLAIN, *OF_LAYER_11, components.head(0, 11), components.head(11, 0)], ids=str)
def test_every_label_is_read_back_layers_and_heads_of_two_digits_too(component):
    assert parse(str(component), LARGE) == component


def test_every_kind_is_tried_above():
    kinds = {component.kind for component in (*PLAIN, *OF_LAYER_11)}
    assert kinds | {"head"} == set(components.LABELS)


@pytest.mark.parametrize("label", ["", "L0", "L0H", "L0H1 ", "l0h1", "L-1H0", "H1L0", "0_attn_out", "layer one"])
def test_nonsense_is_refused(label):
    with pytest.raises(ValueError, match=f"written like one of .*got {label!r}"):
        parse(label, CONFIG)


@pytest.mark.parametrize("label", ["L0H2", "L3H0", "L0H11", "L3 MLP", "layer 3"])
def test_a_component_that_the_model_lacks_is_refused(label):
    with pytest.raises(ValueError, match=f"no {label} in a model of 3 layers of 2 heads"):
        parse(label, CONFIG)


@pytest.mark.parametrize("other", [(0, 1), "L0H1"])
@pytest.mark.usefixtures("unchecked")
def test_another_spelling_is_refused(other):
    with pytest.raises(ValueError, match="a component of kind .* is needed here"):
        components.check(other, CONFIG)
    with pytest.raises(ValueError, match="kind must be one of .*got 'neuron'"):
        Component("neuron", 0)


def test_hooks_are_transformerlenss(obs):
    for component in (components.INPUT, components.attention(2), components.mlp(2), components.layer(2)):
        assert obs.cache[component.hook].shape == obs.embedded.shape
    assert obs.cache[components.head(2, 1).hook].shape[2:] == (CONFIG.n_heads, CONFIG.d_head)
    with pytest.raises(ValueError, match="there is a hook for .*got 'pos'"):
        components.POSITIONS.hook  # noqa: B018


def test_what_writes_below_a_layer_comes_in_the_order_of_the_model():
    assert list(map(str, components.writers(2))) == ["embedding", "L0 heads", "L0 MLP", "L1 heads", "L1 MLP"]
    assert components.writers(0) == [components.INPUT]
