import numpy as np
import pytest
import torch

from conftest import FAMILY
from helpers.analysis.observation import continue_sequences, observe, predict
from helpers.data.recurrences import sample


def test_the_observation_is_the_models_own_prediction(obs, model):
    torch.testing.assert_close(predict(model, obs.vectors), obs.prediction, rtol=0, atol=1e-12)
    with torch.no_grad():
        torch.testing.assert_close(model(obs.vectors.float()).double(), obs.prediction, rtol=1e-3, atol=1e-4)


def test_errors_count_contexts_of_three_and_more(obs):
    by_hand = ((obs.prediction - obs.targets) ** 2)[:, 2:].numpy()
    assert obs.mse().value == pytest.approx(by_hand.mean())
    assert obs.mse(obs.targets).value == 0 and obs.r2(obs.targets) == 1
    assert obs.r2(torch.zeros_like(obs.targets)) == pytest.approx(0)
    assert np.array_equal(obs.targets[:, :-1], obs.vectors[:, 1:])


def test_two_observations_are_the_same(obs, model):
    assert torch.equal(observe(model, FAMILY, count=40).prediction, obs.prediction)


def test_the_halves_are_what_was_observed_of_either_half(obs):
    fit, judged = obs.halves()
    assert len(fit.sequences) == len(judged.sequences) == 20
    for half, alone in ((fit, slice(20)), (judged, slice(20, None))):
        assert torch.equal(half.vectors, obs.vectors[alone]) and torch.equal(half.c, obs.c[alone])
        assert half.mse().value == pytest.approx(obs.errors()[alone].mean().item())
        again = half.on(half.sequences)
        assert set(again.cache) == set(half.cache)
        for name, activation in again.cache.items():
            torch.testing.assert_close(half.cache[name], activation, rtol=0, atol=1e-10)


def test_a_continuation_feeds_on_itself(model):
    vectors = sample(FAMILY, 1, 0).vectors[0]
    continued = continue_sequences(model, vectors[None, :4], 3)[0]
    once = predict(model, torch.from_numpy(vectors[None, :4]))[0, -1].numpy()
    np.testing.assert_allclose(continued[0], once, atol=1e-12)
    np.testing.assert_allclose(
        continue_sequences(model, np.vstack([vectors[:4], once])[None], 2)[0], continued[1:], atol=1e-10
    )
    with pytest.raises(ValueError, match="steps must be 1 to 3 for 4 vectors and a context of 6, got 4"):
        continue_sequences(model, vectors[None, :4], 4)
