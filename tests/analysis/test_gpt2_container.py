"""Edges by hand against TransformerLens's own: path patching, edge attribution and faithfulness.

Theirs want token ids and GPT-2's layout, where all heads together are as wide as the stream. So the weights move into
Hugging Face's GPT-2, every vector in use becomes a token, and the tools do the rest. ``origin`` has 12 heads of 64 in a
stream of 128 and fits into no such container; ``helpers.analysis.edges`` takes any number of heads.
"""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformer_lens import patching
from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module
from transformer_lens.tools.analysis import attribution_patching
from transformers import GPT2Config, GPT2LMHeadModel

from helpers.analysis import edges
from helpers.analysis.components import head
from helpers.analysis.observation import observe
from helpers.training.model import RecurrenceModel


def named(weight, bias, *parts):
    """GPT-2 keeps its matrices transposed, and queries, keys and values in one."""
    matrices = torch.cat([part.weight.T for part in parts], dim=1)
    return {weight: matrices, bias: torch.cat([part.bias for part in parts])}


def as_gpt2(obs, native, tokens):
    """TransformerLens's bridge around a GPT-2 with these weights, whose tokens are the vectors of an observation."""
    c = obs.config
    config = GPT2Config(
        vocab_size=len(tokens),
        n_positions=c.n_ctx,
        n_embd=c.d_model,
        n_layer=c.n_layers,
        n_head=c.n_heads,
        n_inner=c.d_mlp,
        activation_function="gelu_new",
        tie_word_embeddings=False,
        **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0),
    )
    gpt2 = GPT2LMHeadModel(config).double().eval()
    gpt2.lm_head = torch.nn.Linear(c.d_model, c.dimension, bias=False).double()
    state = {"transformer.wte.weight": tokens, "transformer.wpe.weight": native.pos.weight}
    state["lm_head.weight"] = native.head.weight
    for i, layer in enumerate(native.layers):
        at = f"transformer.h.{i}."
        for name in ("ln_1", "ln_2"):
            norm = getattr(layer, name.replace("_", ""))
            state |= {f"{at}{name}.weight": norm.weight, f"{at}{name}.bias": norm.bias}
        heads, between = layer.attn, layer.mlp
        state |= named(f"{at}attn.c_attn.weight", f"{at}attn.c_attn.bias", heads.q, heads.k, heads.v)
        state |= named(f"{at}attn.c_proj.weight", f"{at}attn.c_proj.bias", heads.o)
        state |= named(f"{at}mlp.c_fc.weight", f"{at}mlp.c_fc.bias", between.fc_in)
        state |= named(f"{at}mlp.c_proj.weight", f"{at}mlp.c_proj.bias", between.fc_out)
    state |= {"transformer.ln_f.weight": native.ln_out.weight, "transformer.ln_f.bias": native.ln_out.bias}
    gpt2.load_state_dict(state)
    return build_bridge_from_module(gpt2, "GPT2LMHeadModel", hf_config=config, dtype=torch.float64)


@pytest.fixture(scope="module")
def both(recipe):
    """A model of two layers that fits, on two sequences, in both containers."""
    config = dataclasses.replace(recipe.model, n_layers=2, d_head=6)
    model = RecurrenceModel(config)
    generator = torch.Generator().manual_seed(3)
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape, generator=generator)
    obs = observe(model, recipe.family, count=2)
    native = RecurrenceModel(config).double().native
    native.load_state_dict(model.double().native.state_dict())
    ids = torch.arange(2 * config.n_ctx).reshape(2, config.n_ctx)
    bridge = as_gpt2(obs, native, obs.embedded.flatten(0, 1).contiguous())
    return SimpleNamespace(clean=obs.part(slice(1)), corrupt=obs.part(slice(1, None)), all=obs, bridge=bridge, ids=ids)


def measured(prediction):
    """Any number that the whole prediction has a part in, smooth and not linear."""
    weights = torch.linspace(-1, 2, prediction.numel(), dtype=torch.float64).reshape(prediction.shape)
    return (weights * torch.tanh(prediction)).sum()


def ours(config, edge):
    """The place in our table, (reader, sender), of an edge of theirs, which is one of a single position."""
    writer, reader = edge
    heads = config.n_heads
    after = {"embed": 0, "attn_head_out": 1, "mlp_out": 1 + heads}[writer.kind]
    column = after + (writer.layer or 0) * (heads + 1) + (writer.head or 0)
    into = {"q_input": 0, "k_input": 1, "v_input": 2, "mlp_in": 3, "logits": 3}[reader.kind]
    row = reader.layer * (3 * heads + 1) + into * heads + (reader.head or 0)
    return row + (reader.kind == "logits"), column


@pytest.fixture(scope="module")
def scores(both):
    """Theirs, of each edge at each position."""
    edge = attribution_patching.EdgeAttributionConfig(granularity="edge")
    return attribution_patching.attribution_patch(both.bridge, both.ids[:1], both.ids[1:], measured, edge).edge_scores


def test_the_container_holds_the_same_model(both):
    theirs = both.bridge(both.ids)
    torch.testing.assert_close(theirs, both.all.prediction, rtol=0, atol=1e-12)


@pytest.mark.parametrize("into", edges.INTO)
def test_path_patching_is_theirs(both, into):
    """From head 1 of layer 0 into each head of layer 1, queries, keys and values by themselves."""
    caches = [both.bridge.run_with_cache(both.ids[i : i + 1])[1] for i in range(2)]
    theirs = patching.get_act_patch_direct_path(
        both.bridge, both.ids[1:], caches[0], caches[1], measured, 0, 1, into, verbose=False
    )
    config, here = both.all.config, both.corrupt
    for h in range(config.n_heads):
        on = edges.possible(config).double()
        on[edges.readers(config).index((head(1, h), into)), edges.senders(config).index(head(0, 1))] = 0
        now = measured(edges.predict(here, on, edges.written(both.clean))).item()
        assert now != pytest.approx(measured(here.prediction).item(), abs=1e-4)
        assert theirs[1, h].item() == pytest.approx(now, rel=1e-6)  # theirs are kept in float32


def test_edge_attribution_is_theirs(both, scores):
    there = edges.possible(both.all.config)
    theirs = torch.zeros(there.shape, dtype=torch.float64)
    for edge, score in scores.items():
        theirs[ours(both.all.config, edge)] += score
    on = there.double().requires_grad_()
    measured(edges.predict(both.corrupt, on, edges.written(both.clean))).backward()
    assert ((theirs != 0) == there).all()
    torch.testing.assert_close(-on.grad * there, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_faithfulness_is_theirs(both, scores, seed):
    """Of random circuits: what is kept when every other edge carries the other sequence."""
    there, rng = edges.possible(both.all.config), np.random.default_rng(seed)
    on = there & torch.from_numpy(rng.random(there.shape) < 0.7)
    circuit = [edge for edge in scores if on[ours(both.all.config, edge)]]
    theirs = attribution_patching.faithfulness(both.bridge, both.ids[:1], both.ids[1:], measured, circuit)
    now = measured(edges.predict(both.clean, on.double(), edges.written(both.corrupt)))
    low, high = (measured(obs.prediction) for obs in (both.corrupt, both.clean))
    assert theirs.recovered == pytest.approx(((now - low) / (high - low)).item(), abs=1e-9)
