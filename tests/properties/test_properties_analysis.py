"""Every public function of helpers.analysis: a documented error or a right answer."""

import warnings

import numpy as np
import pytest
import strategies as some
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.analysis import (
    attention,
    attribution,
    circuits,
    components,
    constants,
    edges,
    edits,
    effects,
    estimates,
    exciting,
    expectations,
    following,
    formula,
    interchange,
    interventions,
    jacobians,
    observation,
    on_line,
    parity,
    paths,
    probes,
    replacement,
    subsets,
    symmetry,
)
from helpers.data import solvers

OBS, LAYER, PART = some.OBSERVED, some.LAYERS, some.PARTS
BASIS = st.sampled_from([*effects.BASES, "another"])
COUNT = st.integers(1, 4)
MATRIX = st.one_of(some.tensors((3, 3), some.ANY), some.drawn(4, 4).map(torch.from_numpy))
SQUARE = st.one_of(some.tensors((2, 3, 3)), some.drawn(2, 4, 4, unit=some.USUAL).map(torch.from_numpy))
ACTIVATION = some.drawn(2, 4, 3, unit=some.USUAL).map(torch.from_numpy)
WHO, BY = (
    st.sampled_from([[], [components.head(0, 1)], [components.head(5, 0)]]),
    st.sampled_from(["mean", "zero", "x"]),
)
HOW = st.sampled_from(["position", "flipped", "identity", "rest", "rotation 3", "x"])
PER = st.integers(1, 4).flatmap(lambda n: st.tuples(some.arrays(n, some.WILD), some.arrays(n, some.WILD)))
PAIRS = st.tuples(COUNT, COUNT).flatmap(lambda s: st.tuples(some.tensors(s, some.WILD), some.tensors(s, some.WILD)))
CONTEXTS = some.sequences(st.integers(3, 5), st.just(1.0)).map(torch.from_numpy)
CONTEXTS = CONTEXTS.filter(lambda v: bool(v.diff(dim=1).abs().sum(dim=2).all()))  # c^ is no number where nothing moves
RULE = st.sampled_from([solvers.ridge, solvers.copy_last_but_one])


def own(function):
    """A function of an observation and its prediction, or that of another rule."""
    return lambda obs, scale: function(obs, scale * obs.prediction)


def both(function):
    return lambda obs, *rest: function(parity.Parity(obs), *rest)


def halves(function):
    return lambda obs, *rest: function(*obs.halves(), *rest)


# By function: what it is called with; the function itself, or a call of it that makes its arguments first.
CASES = {
    "attention.visible": (attention.visible, st.integers(0, 5)),
    "attention.parity_mask": (attention.parity_mask, st.integers(0, 5)),
    "attention.even_parity": (attention.even_parity, st.integers(0, 8)),
    "attention.uniform_share": (lambda n: attention.uniform_share(attention.visible(n)), st.integers(0, 6)),
    "attention.row_centred": (lambda v: attention.row_centred(v, attention.visible(v.shape[-1])), SQUARE),
    "circuits.cosine": (circuits.cosine, MATRIX, st.just(torch.ones(1, 1, dtype=torch.float64))),
    "circuits.identity_cosine": (circuits.identity_cosine, MATRIX),
    "circuits.eigenvalue_score": (circuits.eigenvalue_score, MATRIX),
    "circuits.effective_rank": (circuits.effective_rank, MATRIX),
    "circuits.sparsity": (circuits.sparsity, MATRIX),
    "components.head": (components.head, LAYER, LAYER),
    "components.attention": (components.attention, LAYER),
    "components.bias": (components.bias, LAYER),
    "components.mlp": (components.mlp, LAYER),
    "components.layer": (components.layer, LAYER),
    "components.writers": (components.writers, LAYER),
    "components.check": (components.check, PART, st.just(some.CONFIG)),
    "components.parse": (components.parse, st.one_of(st.text(), PART.map(str)), st.just(some.CONFIG)),
    "edits.as_pattern": (edits.as_pattern, SQUARE),
    "edits.rotation": (edits.rotation, st.integers(1, 5), some.SEEDS),
    "edits.content": (edits.content, SQUARE),
    "edits.centred": (edits.centred, SQUARE),
    "edits.size": (edits.size, SQUARE, SQUARE),
    "edits.closest": (edits.closest, SQUARE, SQUARE),
    "effects.varying": (effects.varying, SQUARE),
    "estimates.exactly": (estimates.exactly, some.PLAIN),
    "estimates.rounded": (estimates.rounded, some.ANY.filter(lambda x: abs(x) < 1e307), st.integers(1, 17)),
    "estimates.number": (estimates.number, some.WILD),
    "estimates.resampling": (estimates.resampling, st.integers(1, 9), st.integers(0, 3)),
    "estimates.bootstrap": (lambda xy: estimates.bootstrap(lambda a, b: a * b, *xy), PER),
    "estimates.mean": (lambda xy: estimates.mean(xy[0]), PER),
    "estimates.ratio": (lambda xy: estimates.ratio(*xy), PER),
    "estimates.affine": (lambda xy: estimates.affine(xy[0], *xy), PAIRS),
    "estimates.line_fit": (lambda xy: vars(estimates.line_fit(*xy)), PAIRS),
    "formula.to_one": (formula.to_one, some.tensors((1, 3, 3))),
    "formula.numbers": (formula.numbers, SQUARE, SQUARE, st.integers(1, 2)),
    "interchange.at_random": (interchange.at_random, SQUARE, SQUARE, some.SEEDS),
    "interventions.constant": (interventions.constant, ACTIVATION),
    "jacobians.pulled_back": (lambda r, v: jacobians.pulled_back(r, v, v[:, 0]), RULE, CONTEXTS),
    "jacobians.weights": (lambda r, v: jacobians.weights(r, v, v[:, 0]), RULE, CONTEXTS),
    "probes.ridge": (lambda x: probes.ridge(x, x[..., 0], 0.1), ACTIVATION),
    "probes.steps_along": (lambda x: probes.steps_along(x, x[..., 0]), ACTIVATION),
    "replacement.solve": (replacement.solve, *2 * [some.drawn(5, 3, unit=some.USUAL).map(torch.from_numpy)]),
    "subsets.smallest": (subsets.smallest, st.lists(some.PLAIN, min_size=1, max_size=5), some.PLAIN, COUNT),
    "subsets.backward": (lambda n: subsets.backward(range(n), lambda gone: 1 - len(gone) / 9), st.integers(0, 9)),
    "symmetry.rotation": (lambda n, s: symmetry.rotation(n, generator(s))(torch.eye(n).double()), COUNT, some.SEEDS),
    "symmetry.permutation": (lambda n, s: symmetry.permutation(n, generator(s))(torch.eye(n)), COUNT, some.SEEDS),
    "symmetry.translation": (
        lambda n, size, s: symmetry.translation(n, size, generator(s))(torch.eye(n).double()),
        *(COUNT, st.one_of(some.PLAIN, st.sampled_from([np.nan, np.inf])), some.SEEDS),
    ),
    "symmetry.defect": (lambda r, v: symmetry.defect(r, v, lambda x: -x), RULE, CONTEXTS),
}
# Those that ask an observation: dearer, so fewer examples.
SCALE = st.sampled_from([0.0, 0.5, 1.0])
OF_MODELS = {
    "attention.pattern": (attention.pattern, OBS, LAYER),
    "attention.scores": (attention.scores, OBS, LAYER),
    "attention.at_offset": (attention.at_offset, OBS, LAYER, st.integers(-1, 7)),
    "attention.same_parity": (attention.same_parity, OBS, LAYER),
    "attention.similarity": (attention.similarity, OBS, LAYER),
    "attention.score_similarity_fit": (lambda *a: vars(attention.score_similarity_fit(*a)), OBS, PART, st.booleans()),
    "attribution.to_output": (lambda obs: attribution.to_output(obs, obs.embedded), OBS),
    "attribution.final_bias": (attribution.final_bias, OBS),
    "attribution.head_result": (attribution.head_result, OBS, PART),
    "attribution.contributions": (attribution.contributions, OBS),
    "attribution.share_sums": (own(attribution.share_sums), OBS, SCALE),
    "attribution.residual_streams": (attribution.residual_streams, OBS),
    "attribution.logit_lens": (attribution.logit_lens, OBS),
    "attribution.held_at": (attribution.held_at, OBS, PART.filter(lambda p: p.kind != "head")),
    "attribution.held_lens": (attribution.held_lens, OBS),
    "attribution.rescaled": (own(attribution.rescaled), OBS, SCALE),
    "attribution.tuned_lens": (halves(attribution.tuned_lens), OBS.filter(lambda o: len(o.sequences) > 1)),
    "circuits.mean_inverse_scale": (circuits.mean_inverse_scale, OBS, st.one_of(st.none(), LAYER)),
    "circuits.ov": (lambda *a: circuits.ov(*a).AB, OBS, PART),
    "circuits.qk": (lambda *a: circuits.qk(*a).AB, OBS, PART),
    "circuits.vector_ov": (circuits.vector_ov, OBS, PART.filter(lambda p: p.layer is not None)),
    "circuits.vector_qk": (circuits.vector_qk, OBS, PART.filter(lambda p: p.layer is not None)),
    "circuits.random_circuit": (lambda *a: circuits.random_circuit(*a).AB, OBS, some.SEEDS),
    "circuits.over_random": (circuits.over_random, OBS, LAYER, st.just(circuits.sparsity)),
    "constants.optimal_constants": (
        lambda obs, part, by: [n for n, _ in constants.optimal_constants(obs, [part], by, iterations=1)],
        *(OBS, PART, st.sampled_from(["mean", "position", "x"])),
    ),
    "edges.senders": (lambda obs: edges.senders(obs.config), OBS),
    "edges.readers": (lambda obs: edges.readers(obs.config), OBS),
    "edges.possible": (lambda obs: edges.possible(obs.config), OBS),
    "edges.by_half": (lambda obs: edges.by_half(obs.config), OBS),
    "edges.written": (edges.written, OBS),
    "edges.at_position": (edges.at_position, OBS),
    "edges.predict": (lambda o: edges.predict(o, edges.possible(o.config).double(), edges.at_position(o)), OBS),
    "edges.effects": (lambda o: edges.effects(o, edges.at_position(o), draws=1), OBS),
    "edits.with_scores": (lambda o, i: edits.with_scores(o, i, attention.scores(o, i)), OBS, LAYER),
    "edits.scale_scores": (edits.scale_scores, OBS, LAYER, st.floats(-3, 3)),
    "edits.head_scores": (edits.head_scores, OBS, PART),
    "edits.scores_of_identity": (edits.scores_of_identity, OBS, PART),
    "edits.scores_of_rotation": (edits.scores_of_rotation, OBS, PART, some.SEEDS),
    "edits.attended": (edits.attended, OBS, PART),
    "edits.output_of_identity": (edits.output_of_identity, OBS, PART),
    "edits.output_of_rotation": (edits.output_of_rotation, OBS, PART, some.SEEDS),
    "edits.output_of_own_position": (edits.output_of_own_position, OBS, PART),
    "edits.output_of_even_attention": (edits.output_of_even_attention, OBS, PART),
    "edits.output_of_other_attention": (edits.output_of_other_attention, OBS, PART),
    "edits.edit_scores": (edits.edit_scores, OBS, LAYER, HOW),
    "edits.edit_outputs": (edits.edit_outputs, OBS, LAYER, HOW),
    "edits.identity_sizes": (edits.identity_sizes, OBS, LAYER),
    "edits.kept": (edits.kept, OBS, LAYER, st.sampled_from(["scores", "outputs", "x"]), HOW),
    "edits.kept_by_rotations": (edits.kept_by_rotations, OBS, LAYER, st.sampled_from(["scores", "x"])),
    "effects.carried": (effects.carried, OBS, LAYER),
    "effects.ov_points": (effects.ov_points, OBS, PART, BASIS),
    "effects.ov_fit": (lambda *a: vars(effects.ov_fit(*a)), OBS, PART, BASIS),
    "effects.in_basis": (lambda o, basis: effects.in_basis(o, o.embedded, basis), OBS, BASIS),
    "effects.copy_slope": (effects.copy_slope, OBS, PART, BASIS),
    "effects.direct_share": (effects.direct_share, OBS, BASIS, LAYER),
    "effects.copy_strength": (effects.copy_strength, OBS, BASIS, st.one_of(st.none(), PART), LAYER),
    "effects.implied_c": (own(effects.implied_c), OBS, SCALE),
    "effects.toward_target": (lambda o, s: effects.toward_target(o, o.embedded, s * o.prediction), OBS, SCALE),
    "exciting.last_scores": (lambda o, i: exciting.last_scores(o, i, o.vectors), OBS, st.integers(0, 1)),
    "exciting.excite": (
        lambda o, *rest: exciting.excite(o, 0, *rest, starts=1, steps=1),
        *(OBS, st.lists(st.integers(-1, 3), max_size=3), st.integers(1, 2)),
    ),
    "exciting.likeness": (lambda o, i: exciting.likeness(o, i, o.vectors), OBS, st.integers(0, 1)),
    "expectations.expected_changes": (
        lambda o, i: [vars(f) for f in expectations.expected_changes(o, i).values()],
        *(OBS, LAYER),
    ),
    "expectations.swap_previous": (
        lambda o, s: [vars(f) for f in expectations.swap_previous(o, s).values()],
        *(OBS, st.integers(-2, 2)),
    ),
    "following.signs": (following.signs, OBS),
    "following.blind_prediction": (following.blind_prediction, OBS),
    "following.loss": (lambda o, s: following.loss(o, s * o.targets, o.c > -9), OBS, SCALE),
    "following.loss_by_context": (lambda o, s: following.loss_by_context(o, s * o.targets, o.c > -9), OBS, SCALE),
    "following.implied_by_bin": (
        lambda o, s: following.implied_by_bin(o, o.prediction, s),
        OBS,
        st.sampled_from([-1, 1]),
    ),
    "following.farther": (own(following.farther), OBS, SCALE),
    "following.distance_left": (lambda o, s: following.distance_left(o, o.prediction, s * o.targets), OBS, SCALE),
    "following.kept": (own(following.kept), OBS, SCALE),
    "on_line.rises": (own(on_line.rises), OBS, SCALE),
    "on_line.moved": (lambda o, s: on_line.moved(o, s * o.prediction, -o.c), OBS, SCALE),
    "on_line.knowing_the_sign": (on_line.knowing_the_sign, OBS),
    "following.farthest": (own(following.farthest), OBS, SCALE),
    "following.following": (own(following.following), OBS, SCALE),
    "interchange.lines": (
        lambda o, n, s: [x.vectors for x in interchange.lines(o.family, n, s).values()],
        *(OBS, COUNT, some.SEEDS),
    ),
    "interchange.predict_with_parts": (
        both(lambda p, hook: interchange.predict_with_parts(p, {hook: {"vectors": p.vectors(hook)}})),
        *(OBS, st.sampled_from([components.INPUT.hook, components.mlp(0).hook])),
    ),
    "interchange.interchange": (
        both(lambda p, part: interchange.interchange(p, p, {components.mlp(1).hook: [part]})),
        *(OBS, st.sampled_from(["vectors", "numbers", "x"])),
    ),
    "interchange.mixed_by": (both(lambda p, layer: interchange.mixed_by(p, p, layer)), OBS, LAYER),
    "interchange.with_scale": (both(lambda p: interchange.with_scale(p, p)), OBS),
    "interventions.predict_with": (lambda o: interventions.predict_with(o, []), OBS),
    "interventions.forward": (lambda o: interventions.forward(o, []), OBS),
    "interventions.ablation": (interventions.ablation, OBS, WHO, BY),
    "interventions.ablate_heads": (interventions.ablate_heads, OBS, WHO, BY),
    "interventions.scaling": (lambda o, p, x: interventions.scaling(o, {p: x}), OBS, PART, st.floats(-2, 2)),
    "interventions.freeze": (lambda o, p, by: interventions.freeze(o, [p], by), OBS, PART, BY),
    "interventions.replace": (lambda o: interventions.replace(o.embedded, None, by=o.embedded[:1]), OBS),
    "interventions.linearize": (halves(interventions.linearize), OBS.filter(lambda o: len(o.sequences) > 1), LAYER),
    "jacobians.rule_of": (lambda o: jacobians.rule_of(o)(o.vectors), OBS),
    "jacobians.identity_share": (lambda o: jacobians.identity_share(jacobians.rule_of(o), o.vectors, 1), OBS),
    "observation.observe": (
        lambda kind, n, s: observation.observe(model(kind), some.observed(kind).family, n, s).prediction,
        *(st.sampled_from(["usual", "no layer norm"]), st.integers(0, 3), some.SEEDS),
    ),
    "observation.observe_sequences": (
        lambda o, unit: o.on(replaced(o.sequences, unit)).prediction,
        *(OBS, st.sampled_from(some.SIZES)),
    ),
    "paths.lost": (both(paths.lost), OBS, PART, st.sampled_from(["vectors", "numbers", "x"])),
    "probes.quantities": (probes.quantities, OBS),
    "replacement.present": (lambda o: replacement.present(o.vectors, o.vectors, o.vectors.norm(dim=2) + 1), OBS),
    "replacement.past": (lambda o: replacement.past(o.vectors, o.vectors, o.vectors.norm(dim=2) + 1), OBS),
    "replacement.account": (lambda o: replacement.account(o.config), OBS),
    "replacement.size_of": (lambda o: replacement.size_of(o, o.embedded), OBS),
    "replacement.readout": (lambda o: replacement.readout(o, o.embedded), OBS),
    "replacement.by_place": (lambda o: replacement.by_place(o.vectors[:, :, None], o.targets), OBS),
    "subsets.nodes": (subsets.nodes, OBS),
    "subsets.without": (
        both(lambda p, part, by: subsets.without(p, [(components.mlp(0), part)], by)),
        *(OBS, st.sampled_from(["vectors", "numbers"]), BY),
    ),
    "subsets.faithfulness": (both(lambda p: subsets.faithfulness(p, [(components.mlp(0), "numbers")])), OBS),
    "subsets.random_circuits": (both(lambda p, n: subsets.random_circuits(p, n, 1)), OBS, st.integers(0, 6)),
}
REASONS = {
    "forecast.forecast": "tests/analysis/test_forecast.py and the console command's property",
    "forecast.noise_of": "two branches, both in tests/analysis/test_forecast.py",
    "interchange.Threes": "tests/analysis/test_interchange.py; its numbers are ``ratio``'s",
    "observation.predict": "the forward pass of ``observe``",
    "observation.continue_sequences": "the console command's property",
    "paths.into_heads": "an exact identity in tests/analysis/test_paths.py",
    "paths.into_prediction": "an exact identity in tests/analysis/test_paths.py",
    "planted.planted": "one fixed model, tests/analysis/test_planted.py",
    "planted.swings_and_walks": "one fixed data set",
    "planted.observe_planted": "one fixed model on it",
    "replacement.bind": "minutes for many; fitted and compared in tests/analysis/test_formula.py",
    "replacement.fit": "the same",
    "replacement.predict": "the same",
    "replacement.compress": "the same",
    "suitability.covering": "asks the shipped models alone, tests/analysis/test_suitability.py",
    "suitability.unsuited": "the console command's property",
}


def generator(seed):
    return torch.Generator().manual_seed(seed)


def replaced(sequences, unit):
    return type(sequences)(sequences.vectors * unit, sequences.c, sequences.d * unit, sequences.scale)


def model(kind):
    return some.RecurrenceModel(some.KINDS[kind][0])


def called(case, data):
    function, *arguments = case
    drawn = [data.draw(one) for one in arguments]
    if function is circuits.cosine:
        drawn[1] = torch.ones_like(drawn[0])
    if function in (edits.size, edits.closest, formula.numbers, interchange.at_random):
        drawn[1] = drawn[1].expand_as(drawn[0]) if drawn[0].shape == drawn[1].shape else drawn[0] + 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        return some.answer(function, *drawn)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@some.examples(100)
@given(data=st.data())
def test_of_numbers(case, data):
    called(case, data)


@pytest.mark.parametrize("case", OF_MODELS.values(), ids=OF_MODELS)
@some.examples(6)
@given(data=st.data())
def test_of_models(case, data):
    called(case, data)


@some.examples(100)
@given(
    some.drawn(6, 4, unit=some.USUAL),
    some.drawn(6, 4, unit=some.USUAL),
    st.floats(-5, 5).filter(lambda a: abs(a) > 1e-3),
)
def test_a_line_turns_with_its_axis(x, noise, slope):
    x, y = torch.from_numpy(x), torch.from_numpy(slope * x + 0.01 * np.abs(x).max() / np.abs(noise).max() * noise)
    up, down = estimates.line_fit(x, y), estimates.line_fit(x, -y)
    assert up.slope.value == pytest.approx(-down.slope.value) and up.r2.value == pytest.approx(down.r2.value)
    assert -1 - 1e-9 <= up.correlation.value <= 1 + 1e-9
