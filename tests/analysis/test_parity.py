import pytest
import torch

from helpers.analysis.components import attention, head, mlp
from helpers.analysis.observation import observe_sequences
from helpers.analysis.parity import Parity
from helpers.analysis.planted import FAMILY, planted
from helpers.data.recurrences import sample
from helpers.training.model import ModelConfig, RecurrenceModel

PLACES = [part(i) for i in range(3) for part in (attention, mlp)]


def close(a, b):
    torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@pytest.fixture(scope="module")
def parity(obs):
    return Parity(obs)


def test_the_parts_sum_to_the_whole_and_turn_as_they_should(parity):
    turned = Parity(parity.mirror)
    for place in PLACES:
        vectors, numbers = parity.vectors(place.hook), parity.numbers(place.hook)
        close(vectors + numbers, parity.obs.cache[place.hook])
        close(turned.vectors(place.hook), -vectors)
        close(turned.numbers(place.hook), numbers)


def test_the_mirror_holds_the_same_recurrences(parity):
    s, mirror = parity.obs.sequences, parity.mirror.sequences
    assert (mirror.vectors == -s.vectors).all()
    expected = mirror.c[:, None] * mirror.vectors[:, 2] + mirror.d
    torch.testing.assert_close(torch.from_numpy(mirror.vectors[:, 3]), torch.from_numpy(expected))


def test_what_enters_is_vectors_and_positions(parity):
    entry = "blocks.0.hook_resid_pre"
    close(parity.vectors(entry), parity.obs.embedded)
    close(parity.numbers(entry), parity.obs.bridge.W_pos[:6].expand_as(parity.obs.embedded))


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_keeping_both_changes_nothing_and_keeping_less_does(parity, place):
    close(parity.only(place, ("vectors", "numbers")), parity.obs.prediction)
    for kept in ((), ("vectors",), ("numbers",)):
        assert (parity.only(place, kept) - parity.obs.prediction).abs().max() > 1e-6


def test_a_planted_copy_writes_vectors_and_little_else():
    parity = Parity(observe_sequences(planted(), FAMILY, sample(FAMILY, 16, 0)))
    numbers, vectors = (part(attention(0).hook) for part in (parity.numbers, parity.vectors))
    assert (numbers - numbers.mean(dim=0)).square().mean() < 0.01 * vectors.square().mean()
    obs, left = parity.obs, {kept: parity.only(attention(0), (kept,)) for kept in ("vectors", "numbers")}
    assert obs.mse(left["vectors"]).value < 1.1 * obs.mse().value < obs.mse(left["numbers"]).value


def test_an_untrained_model_takes_a_sign_change_for_something_else():
    """The split is one of activations: that they turn with the vectors has to be learned, or built in."""
    model = RecurrenceModel(ModelConfig(dimension=6, d_model=24, d_head=12, d_mlp=20, init="torch", seed=3))
    parity = Parity(observe_sequences(model, FAMILY, sample(FAMILY, 16, 0)))
    even = (parity.obs.prediction + parity.mirror.prediction) / 2
    assert (even - even.mean(dim=0)).square().mean() > 0.01 * (parity.obs.prediction - even).square().mean()


@pytest.mark.parametrize("kept", [("sizes",), ("vectors", "size")])
def test_an_unknown_part_is_named(parity, kept):
    with pytest.raises(ValueError, match=r"kept must be among \('vectors', 'numbers'\), got"):
        parity.only(mlp(0), kept)


def test_a_head_alone_is_refused(parity):
    with pytest.raises(ValueError, match="a component of kind"):
        parity.only(head(0, 0))
