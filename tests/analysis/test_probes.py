import dataclasses
import math

import pytest
import torch

from helpers.analysis import interchange, planted, probes
from helpers.analysis.components import attention, mlp
from helpers.analysis.observation import observe_sequences
from helpers.analysis.parity import Parity
from helpers.data.recurrences import from_third
from helpers.training.model import RecurrenceModel


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


FIT, JUDGE = slice(200), slice(200, None)


def test_a_probe_finds_what_is_there_and_nothing_where_nothing_is():
    x, position = drawn(300, 4, 6), torch.arange(4.0, dtype=torch.float64)
    y = x @ drawn(6, seed=1) + 3 * position
    assert probes.Probe(x[FIT], y[FIT]).r2(x[JUDGE], y[JUDGE]).value > 0.999
    shuffled = y.roll(1, dims=0)
    assert abs(probes.Probe(x[FIT], shuffled[FIT]).r2(x[JUDGE], shuffled[JUDGE]).value) < 0.1


def test_the_mlp_probe_finds_a_square_and_the_linear_one_does_not():
    x = drawn(300, 4, 3)
    y = x[..., 0].square()
    assert probes.Probe(x[FIT], y[FIT]).r2(x[JUDGE], y[JUDGE]).value < 0.1
    assert probes.Probe(x[FIT], y[FIT], hidden=128).r2(x[JUDGE], y[JUDGE]).value > 0.9


def test_a_constant_activation_can_be_asked():
    x, y = torch.ones(40, 4, 3, dtype=torch.float64), drawn(40, 4)
    assert probes.Probe(x[:30], y[:30]).r2(x[30:], y[30:]).value < 0.1


def test_along_c_is_found_with_its_share():
    c, direction = drawn(500)[:, None].expand(-1, 4), drawn(8, seed=1)
    slope, share = probes.steps_along(c[..., None] * direction + 2, c)
    torch.testing.assert_close(slope, direction)
    assert share == pytest.approx(1)


def test_quantities_are_those_of_the_sequences(obs):
    found = probes.quantities(obs)
    assert all(y.shape == from_third(obs.targets)[..., 0].shape for y in found.values())
    u = obs.vectors[:, 0] - torch.from_numpy(obs.sequences.d) / (1 - obs.c)[:, None]
    place = ((from_third(obs.targets) - obs.vectors[:, :1]) * u[:, None]).sum(dim=2) / u.square().sum(dim=1)[
        :, None
    ] + 1
    torch.testing.assert_close(found["place, cⁿ"], place)
    m = found["log |m|"][:, 0].exp()  # the fixed point's size, cut where it lies far off
    there = m < 0.99 * math.exp(probes.FAR)
    fixed = torch.from_numpy(obs.sequences.d)[there] / (1 - obs.c[there, None])
    assert there.sum() > 10 and (m[~there] > 0.98 * math.exp(probes.FAR)).all()
    torch.testing.assert_close(m[there], fixed.norm(dim=1))


@torch.no_grad()
def unused() -> RecurrenceModel:
    """The planted model with an MLP in layer 0 that writes sizes, from which c is read, where none looks."""
    known = planted.planted()
    model = RecurrenceModel(dataclasses.replace(planted.CONFIG, d_mlp=2 * planted.CONFIG.dimension))
    kept = {name: value for name, value in known.state_dict().items() if ".mlp." not in name}
    model.load_state_dict(kept, strict=False)
    for layer in model.native.layers:
        for p in layer.mlp.parameters():
            p.zero_()
    entries = known.embed.weight.T / planted.PRESENT
    free = torch.zeros(planted.CONFIG.d_model)
    free[-2:] = torch.tensor([1.0, -1.0]) / 2**0.5
    first, last = model.native.layers[0].mlp, model.native.layers[2].attn
    first.fc_in.weight.copy_(20 * torch.cat([entries, -entries]))
    first.fc_out.weight.copy_(0.02 * free[:, None].expand(-1, 2 * planted.CONFIG.dimension))
    for projection in (last.q, last.k, last.v):
        projection.weight.copy_(projection.weight @ (torch.eye(planted.CONFIG.d_model) - torch.outer(free, free)))
    return model


def test_c_that_is_decodable_and_unused_is_reported_as_such():
    obs = observe_sequences(unused(), planted.FAMILY, planted.swings_and_walks(400))
    assert obs.r2() > 0.9  # it solves the task as without
    numbers, c = from_third(Parity(obs).numbers(mlp(0).hook)), probes.quantities(obs)["c"]
    assert probes.Probe(numbers[FIT], c[FIT], hidden=64).r2(numbers[JUDGE], c[JUDGE]).value > 0.8
    base, twin = Parity(obs.part(slice(0, 399))), Parity(obs.part(slice(1, 400)))
    threes = interchange.Threes(base, twin, base)
    assert abs(threes.moved(interchange.interchange(base, twin, {mlp(0).hook: ["numbers"]})).value) < 0.01
    assert threes.moved(interchange.interchange(base, twin, {attention(0).hook: ["vectors"]})).value > 0.5
