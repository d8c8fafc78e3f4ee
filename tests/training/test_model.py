from dataclasses import replace

import pytest
import torch

from conftest import CONFIG, FAMILY
from helpers.analysis.attribution import contributions
from helpers.analysis.circuits import ov
from helpers.analysis.components import head
from helpers.analysis.observation import observe
from helpers.claims import measures
from helpers.claims.readings import verdict
from helpers.training.model import ModelConfig, RecurrenceModel, as_bridge


def test_module_and_bridge_compute_the_same_function(model):
    vectors = torch.randn(3, CONFIG.n_ctx, CONFIG.dimension, dtype=torch.float64)
    embedding = model.W_E.detach().double()
    bare = RecurrenceModel(CONFIG)
    bare.load_state_dict(model.state_dict())
    difference = as_bridge(model)(vectors @ embedding) - bare.double()(vectors)
    assert difference.abs().max() < 1e-12
    assert model.embed.weight.dtype == torch.float32  # the model itself is not touched


def test_a_prediction_depends_on_the_past_alone(model):
    vectors = torch.randn(2, CONFIG.n_ctx, CONFIG.dimension)
    changed = vectors.clone()
    changed[:, 4:] += 1
    before, after = model(vectors), model(changed)
    assert torch.equal(before[:, :4], after[:, :4]) and not torch.allclose(before[:, 4:], after[:, 4:])


def test_the_paper_size_model_has_as_many_parameters_as_counted_by_hand():
    d, h, m, v, n = 128, 2 * 64, 3072, 40, 14
    layer = 4 * d * h + 3 * h + d + 2 * d * m + m + d + 4 * d
    assert sum(RecurrenceModel(ModelConfig()).n_parameters().values()) == v * d + n * d + 3 * layer + 2 * d + d * v


def test_a_seed_decides_the_weights_and_leaves_torchs_own_alone():
    state = torch.random.get_rng_state()
    a, b = RecurrenceModel(CONFIG), RecurrenceModel(CONFIG)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def test_what_training_has_moved_is_measured_from_the_initial_weights(model):
    untrained = RecurrenceModel(CONFIG)
    assert set(untrained.moved().values()) == {0.0} and min(model.moved().values()) > 0.1
    with torch.no_grad():
        untrained.embed.weight *= 3
        untrained.native.pos.weight *= 3
    assert untrained.moved()["embedding and positions"] == pytest.approx(2) and untrained.moved()["MLPs"] == 0


@pytest.mark.parametrize(("field", "value"), [("n_heads", 0), ("d_mlp", 1.5), ("init", "he")])
@pytest.mark.usefixtures("unchecked")
def test_an_impossible_configuration_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"{field} must be"):
        ModelConfig(**{field: value})


@pytest.mark.parametrize(
    "variant", [{"layer_norm": False}, {"tied": True}, {"init": "torch"}, {"init": "gpt2"}, {"n_heads": 3}], ids=str
)
def test_the_analysis_understands_every_variant_of_the_model(variant):
    config = replace(CONFIG, **variant)
    obs = observe(RecurrenceModel(config), FAMILY, count=20)
    bare = RecurrenceModel(config).double()(obs.vectors)
    assert (obs.prediction - bare).abs().max() < 1e-12
    assert (sum(contributions(obs).values()) - bare).abs().max() < 1e-9
    found = measures.measure(obs)
    assert [id for id, readings in found.items() if verdict(readings) == "replicated"] in ([], ["B1"])
    attended = obs.cache["pattern", 1][:, 0] @ obs.normalized(1) @ ov(obs, head(1, 0)).AB
    torch.testing.assert_close(
        attended + obs.bridge.b_V[1, 0] @ obs.bridge.W_O[1, 0],
        obs.cache["z", 1][:, :, 0] @ obs.bridge.W_O[1, 0],
        rtol=0,
        atol=1e-9,
    )


def test_initializations_have_the_size_their_name_says():
    def std(init):
        return RecurrenceModel(ModelConfig(d_mlp=512, init=init)).native.layers[0].mlp.fc_in.weight.std().item()

    assert std("gpt2") == pytest.approx(0.02, rel=0.02)
    assert std("xavier_uniform") == pytest.approx((2 / (128 + 512)) ** 0.5, rel=0.02)
    assert std("torch") == pytest.approx((1 / (3 * 128)) ** 0.5, rel=0.02)


def test_a_tied_model_reads_out_with_its_embedding():
    tied = RecurrenceModel(replace(CONFIG, tied=True))
    assert tied.W_E is tied.native.head.weight
    saved = sum(RecurrenceModel(CONFIG).n_parameters().values()) - sum(tied.n_parameters().values())
    assert saved == CONFIG.dimension * CONFIG.d_model
