"""A tiny untrained model whose every parameter differs from its start, so that no term of a formula can hide."""

import dataclasses
import importlib.util

import pytest
import torch

from helpers import notebook
from helpers.model import ModelConfig, RecurrenceModel
from helpers.observation import observe
from helpers.recipes import Recipe
from helpers.recurrences import Family

CONFIG = ModelConfig(dimension=5, n_ctx=6, n_layers=3, d_model=12, n_heads=2, d_head=4, d_mlp=20)
FAMILY = Family(dimension=5, length=7)


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


def script(name):
    """A file beside the package (in tools/, bench/, studies/) as a module."""
    path = notebook.ROOT / name
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
