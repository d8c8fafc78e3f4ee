import pytest
import torch

from helpers.analysis import planted, subsets
from helpers.analysis.components import attention, mlp
from helpers.analysis.interchange import interchange
from helpers.analysis.parity import Parity


@pytest.fixture(scope="module")
def parity(obs):
    return Parity(obs)


def close(a, b):
    torch.testing.assert_close(a, b, rtol=0, atol=1e-9)


def test_one_node_less_is_what_parity_keeps(parity):
    assert subsets.without(parity, []) is parity.obs.prediction
    for half in (attention(0), mlp(1)):
        close(subsets.without(parity, [(half, "vectors")]), parity.only(half, ["numbers"]))
        close(subsets.without(parity, [(half, "numbers")]), parity.only(half, ["vectors"]))


def test_resampled_nodes_are_those_of_the_sequence_before(parity):
    s = parity.obs.sequences
    order = torch.arange(len(s)).roll(1).numpy()
    before = Parity(parity.obs.on(type(s)(s.vectors[order], s.c[order], s.d[order], s.scale[order])))
    expected = interchange(parity, before, {mlp(0).hook: ["numbers"]})
    close(subsets.without(parity, [(mlp(0), "numbers")], "resample"), expected)


def test_with_all_nodes_gone_only_the_input_is_left(parity):
    nodes = subsets.nodes(parity.obs)
    assert len(nodes) == 12
    numbers = sum(parity.numbers(half(i).hook).mean(dim=0) for i in range(3) for half in (attention, mlp))
    stream = parity.obs.cache["resid_pre", 0] + numbers
    close(subsets.without(parity, nodes), parity.obs.bridge.unembed(parity.obs.bridge.ln_final(stream)))


def test_a_planted_circuit_is_found():
    """Layer 0 copies and layer 2 subtracts; the middle layer and the MLPs can go."""
    parity = Parity(planted.observe_planted())
    needed = {node for node in subsets.nodes(parity.obs) if subsets.faithfulness(parity, [node]) < 0.9}
    assert needed >= {(attention(0), "vectors"), (attention(2), "vectors")}
    spared = [node for node in subsets.nodes(parity.obs) if node not in needed]
    assert {(half, part) for half in (attention(1), mlp(0), mlp(1), mlp(2)) for part in subsets.PARTS} <= set(spared)
    assert subsets.faithfulness(parity, spared) > 0.9
    assert max(subsets.random_circuits(parity, 1, 3)) < 0.9


@pytest.mark.parametrize(("level", "size"), [(0.9, 3), (0.5, 2), (0.99, 5), (0.1, 1)])
def test_the_smallest_circuit_ends_where_the_curve_first_falls_below(level, size):
    assert subsets.smallest([1, 0.97, 0.95, 0.6, 0.3], level, 5) == size


def test_an_unknown_ablation_is_named(parity):
    with pytest.raises(ValueError, match=r"by must be one of \('mean', 'resample'\), got 'zero'"):
        subsets.without(parity, [], "zero")


def test_items_are_taken_away_from_the_least_on():
    """What is left is known: 1 less the costs, and two items stand in for each other."""
    cost = {"a": 0.0, "b": 0.01, "c": 0.02, "d": 0.05, "e": 0.1, "f": 0.9}

    def left(gone):
        return 1 - sum(cost[item] for item in gone) - 0.3 * ({"a", "b"} <= set(gone))

    gone, curve = subsets.backward(list(cost), left, tries=2)
    assert gone == ["a", "c", "d", "e", "b"]  # b, without which a is missed, goes last; f stays
    assert curve == pytest.approx([1, 0.98, 0.93, 0.83, 0.52])
    assert subsets.backward(list(cost), left, tries=1)[0][:2] == ["a", "b"]
