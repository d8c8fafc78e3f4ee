"""The graph of the site's explorer computes what the helpers do, and pages without a runtime say so."""

import explorer_model
import explorer_page
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from helpers.analysis import attention
from helpers.analysis.components import head
from helpers.analysis.interventions import scaling
from helpers.analysis.jacobians import pulled_back, rule_of
from helpers.analysis.observation import observe
from helpers.data.blind import best_weights
from helpers.places import model_folder
from helpers.training import checkpoints

TOLERANCE = 1e-4


@pytest.fixture(scope="module", params=["small", "origin"])
def both(request):
    """A model's graph as a function, and the same model observed on some sequences."""
    folder = model_folder(request.param)
    model = checkpoints.load(folder)
    obs = observe(model, checkpoints.load_recipe(folder).family, 8)
    graph = explorer_model.graph(model)
    evaluator = ReferenceEvaluator(graph)

    def run(**given):
        numbers = {name: np.asarray(given[name], dtype=np.float32) for name in explorer_model.INPUTS}
        return dict(zip(explorer_model.OUTPUTS, evaluator.run(None, numbers), strict=True))

    return graph, run, obs


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 7), st.integers(0, 2**32 - 1))
def test_predictions_and_attention_are_those_of_the_helpers_whatever_the_heads_strengths(both, which, seed):
    _, run, obs = both
    config, one = obs.config, obs.part(slice(which, which + 1))
    strengths = np.random.default_rng(seed).choice([0, 0.5, 1, 2], size=(config.n_layers, config.n_heads))
    by = {head(i, h): float(strength) for (i, h), strength in np.ndenumerate(strengths)}
    changed = one.under(scaling(one, by))
    found = run(vectors=one.vectors[0], strengths=strengths, directions=np.zeros(one.vectors[0].shape))
    assert np.abs(found["prediction"] - changed.prediction[0].numpy()).max() < TOLERANCE
    for layer in range(config.n_layers):
        assert np.abs(found["patterns"][layer] - attention.pattern(changed, layer)[0].numpy()).max() < TOLERANCE


def test_the_backward_pass_gives_the_jacobians_and_a_longer_context_changes_nothing(both):
    _, run, obs = both
    n, vectors = 5, obs.vectors[0].clone()
    direction = torch.nn.functional.normalize(torch.randn(obs.config.dimension, dtype=torch.float64), dim=0)
    directions = torch.zeros_like(vectors)
    directions[n - 1] = direction
    vectors[n:] = 0  # as the page has it
    ones = np.ones((obs.config.n_layers, obs.config.n_heads))
    found = run(vectors=vectors, strengths=ones, directions=directions)
    expected = pulled_back(rule_of(obs), obs.vectors[:1, :n], direction[None])[0]
    assert np.abs(found["pulled_back"][:n] - expected.numpy()).max() < TOLERANCE
    assert not found["pulled_back"][n:].any()
    assert np.abs(found["prediction"][n - 1] - obs.prediction[0, n - 1].numpy()).max() < TOLERANCE


def test_the_graph_is_small_and_its_large_matrices_have_16_bits(both):
    graph, _, obs = both
    large = [kept for kept in graph.graph.initializer if np.prod(kept.dims) >= explorer_model.LARGE]
    assert all(kept.data_type == explorer_model.TensorProto.INT16 for kept in large)
    assert len(large) == (2 * obs.config.n_layers if obs.config.d_mlp > 1000 else 0)
    assert graph.ByteSize() < 11e6


def test_the_settings_are_the_models_own():
    found = explorer_model.settings("origin")
    family = checkpoints.load_recipe(model_folder("origin")).family
    assert (found["low"], found["high"], found["dimension"]) == (family.c_min, family.c_max, family.dimension)
    assert np.abs(np.array(found["blind"]) - best_weights(family)).max() < 1e-6
    assert [one["mse"] for one in found["shipped"]] == sorted(one["mse"] for one in found["shipped"])


@pytest.fixture
def pages(tmp_path):
    """A site's source with the mark of the explorer where it stands in the repository's."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "_static").mkdir()
    for name, source in {"index.md": "README.md", "docs/explorer.md": "docs/explorer.md"}.items():
        text = (explorer_page.ROOT / source).read_text(encoding="utf-8")
        assert text.count(explorer_page.MARK) == 1
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_without_a_runtime_a_sentence_stands_in_its_place(pages, monkeypatch):
    monkeypatch.setattr(explorer_page, "RUNTIME", pages / "nothing")
    assert not explorer_page.add(pages)
    for name in ("index.md", "docs/explorer.md"):
        text = (pages / name).read_text(encoding="utf-8")
        assert explorer_page.MISSING in text and "<script" not in text
    assert not list((pages / "_static").iterdir())


def test_with_one_the_page_says_how_much_it_loads(pages, monkeypatch):
    runtime = pages / "dist"
    runtime.mkdir()
    for ending in ("ort.wasm.min.js", f"{explorer_page.ENGINE}.mjs", f"{explorer_page.ENGINE}.wasm"):
        (runtime / ending).write_text("//\n//# sourceMappingURL=x", encoding="utf-8")
    monkeypatch.setattr(explorer_page, "RUNTIME", runtime)
    monkeypatch.setattr(explorer_page, "model", lambda: "m" * 3_000_000)
    assert explorer_page.add(pages)
    assert "sourceMapping" not in (pages / "_static" / "explorer.runtime.js").read_text(encoding="utf-8")
    for name, static in {"index.md": "_static", "docs/explorer.md": "../_static"}.items():
        text = (pages / name).read_text(encoding="utf-8")
        assert 'data-size="3 MB"' in text and explorer_page.MISSING not in text
        for script in explorer_page.SCRIPTS:
            assert f'src="{static}/explorer.{script}.js"' in text
            assert (explorer_page.ROOT / "docs" / "_static" / f"explorer.{script}.js").exists()
