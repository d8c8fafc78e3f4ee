"""What property tests share: values of every size, small observations, and "a documented error or a right answer"."""

import dataclasses
import traceback
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from conftest import CONFIG, NIGHTLY
from helpers.analysis import components
from helpers.analysis.estimates import Estimate
from helpers.analysis.observation import observe
from helpers.claims.readings import Reading
from helpers.data.recurrences import Family
from helpers.places import ROOT
from helpers.training.model import RecurrenceModel

HELPERS = str(ROOT / "helpers")
USUAL = st.sampled_from([1e-9, 1.0, 1e9])  # of activations: what an observation holds is finite, and of some size
SIZES = [0.0, 1e-300, 1e-155, 1e-9, 1.0, 1e9, 1e155, 1e300]
SEEDS = st.integers(0, 2**32 - 1)
# A number of any size; a plain one, with which arithmetic stays within bounds.
ANY = st.one_of(st.sampled_from([s * x for x in SIZES for s in (-1.0, 1.0)]), st.floats(allow_nan=False))
WILD = st.one_of(ANY, st.sampled_from([np.nan, np.inf, -np.inf]))
PLAIN = st.floats(-1e3, 1e3, allow_subnormal=False)


def examples(quick):
    """Settings for so many examples in ``make test``; 2,000 in ``make nightly``."""
    return settings(
        max_examples=2000 if NIGHTLY else quick,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )


def arrays(shape, elements=PLAIN):
    """Arrays of floats; hypothesis fills most of a large one with one value, which is a case to be seen, too."""
    return hnp.arrays(np.float64, shape, elements=elements)


LENGTHS, UNITS = st.integers(1, 6), st.sampled_from(SIZES[1:-1])


def tensors(shape, elements=PLAIN):
    return arrays(shape, elements).map(torch.from_numpy)


@st.composite
def drawn(draw, *shape, unit=UNITS):
    """Normal numbers in a unit of any size."""
    return draw(unit) * np.random.default_rng(draw(SEEDS)).standard_normal(shape)


@st.composite
def sequences(draw, n=LENGTHS, unit=UNITS):
    """[batch, length, dimension]: affine recurrences, noise, or constants."""
    batch, length, dimension = draw(st.integers(1, 3)), draw(n), draw(st.integers(1, 3))
    rng, kind = np.random.default_rng(draw(SEEDS)), draw(st.sampled_from(["affine", "noise", "constant"]))
    if kind == "noise":
        return draw(unit) * rng.standard_normal((batch, length, dimension))
    a0, c = rng.standard_normal((batch, dimension)), draw(st.floats(-1.5, 1.5)) if kind == "affine" else 1.0
    d = rng.standard_normal((batch, dimension)) * (kind == "affine")
    vectors = [a0]
    while len(vectors) < length:
        vectors.append(c * vectors[-1] + d)
    return draw(unit) * np.stack(vectors, axis=1)


ESTIMATES = st.builds(lambda v, a, b: Estimate(v, v - a, v + b), PLAIN, st.floats(0, 1), st.floats(0, 1))
HEADS = st.sampled_from(["", "L0H0", "L1H1", "c < 0"])
READINGS = st.lists(
    st.builds(
        Reading,
        st.sampled_from("ab"),
        ESTIMATES,
        HEADS,
        low=st.one_of(st.just(-np.inf), PLAIN),
        high=st.one_of(st.just(np.inf), PLAIN),
        also=st.booleans(),
        weight=st.floats(1e-3, 1e3),
    ),
    min_size=1,
    max_size=5,
)

KINDS = {
    "usual": (CONFIG, {}, 12),
    "one sequence": (CONFIG, {}, 1),
    "two sequences": (CONFIG, {}, 2),
    "c = 0": (CONFIG, {"c_min": 0.0, "c_max": 0.0}, 6),
    "c = 1": (CONFIG, {"c_min": 1.0, "c_max": 1.0}, 6),
    "c > 0, in another scaling": (CONFIG, {"c_min": 0.3, "scaling": "rms"}, 6),
    "no layer norm": (dataclasses.replace(CONFIG, layer_norm=False, n_layers=2), {}, 6),
    "tied, contexts of two": (dataclasses.replace(CONFIG, tied=True, n_ctx=2), {"length": 3}, 4),
}


@lru_cache
def observed(kind):
    """A small model, observed on a few sequences."""
    config, changes, count = KINDS[kind]
    family = Family(**{"dimension": 5, "length": 7} | changes)
    torch.manual_seed(0)
    model = RecurrenceModel(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    return observe(model.eval(), family, count)


OBSERVED = st.sampled_from(list(KINDS)).map(observed)
LAYERS = st.integers(-1, 3)
PARTS = st.one_of(
    st.builds(components.head, LAYERS, st.integers(-1, 2)),
    st.builds(components.attention, LAYERS),
    st.builds(components.mlp, LAYERS),
    st.just(components.INPUT),
)


def finite(value):
    """Whether all numbers in a value are finite."""
    if isinstance(value, torch.Tensor):
        return bool(value.isfinite().all()) if value.is_floating_point() else True
    if isinstance(value, np.ndarray):
        return bool(np.isfinite(value).all()) if value.dtype.kind in "fc" else True
    if isinstance(value, (float, np.floating)):
        return bool(np.isfinite(value))
    if isinstance(value, Mapping):
        return all(map(finite, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(finite, value))
    if isinstance(value, Estimate):
        return finite([value.value, value.low, value.high]) and value.low <= value.high
    return True


def told(error):
    """Holds an error to what is documented: one line, and a helper's own, not something raised deep below."""
    where = traceback.extract_tb(error.__traceback__)[-1].filename
    assert where.startswith(HELPERS), f"raised in {where}: {error!r}"
    assert str(error) and "\n" not in str(error) and len(str(error)) < 700, repr(error)


def answer(function, *args, **named):
    """What a function returns, if it is finite; None after a documented error."""
    try:
        found = function(*args, **named)
    except ValueError as error:
        told(error)
        return None
    assert finite(found), f"{function.__name__} gave what is no number: {found}"
    return found
