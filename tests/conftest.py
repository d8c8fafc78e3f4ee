"""A tiny untrained model whose every parameter differs from its start, so that no term of a formula can hide."""

import dataclasses
import os

import hypothesis
import jaxtyping
import pytest
import torch

from helpers.analysis.activations import Activations
from helpers.analysis.observation import observe
from helpers.data.recurrences import Family
from helpers.training.model import ModelConfig, RecurrenceModel
from helpers.training.recipes import Recipe

# HYPOTHESIS_PROFILE=nightly asks for many more examples, and for the tests that take long (make nightly).
NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
hypothesis.settings.register_profile("nightly", max_examples=2000, deadline=None)
hypothesis.settings.register_profile("quick", deadline=None)  # hypothesis's own number of examples
hypothesis.settings.load_profile("nightly" if NIGHTLY else "quick")
CONFIG = ModelConfig(dimension=5, n_ctx=6, n_layers=3, d_model=12, n_heads=2, d_head=4, d_mlp=20)
FAMILY = Family(dimension=5, length=7)


def seen(obs, activations):
    """The observation with these activations, by name, and no others."""
    return dataclasses.replace(obs, cache=Activations(activations, obs.bridge))


@pytest.fixture
def unchecked():
    """Types are not checked, as for a reader: what comes out is the error that a helper itself raises."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def model():
    model = RecurrenceModel(CONFIG)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return model.eval()


@pytest.fixture(scope="session")
def obs(model):
    return observe(model, FAMILY, count=40)


@pytest.fixture(scope="session")
def recipe():
    return dataclasses.replace(
        Recipe(),
        model=CONFIG,
        family=FAMILY,
        steps=60,
        batch=8,
        optimizer="muon",
        muon_learning_rate=1e-2,
        save_every=7,
    )
