"""Layers and heads that the model has not, asked of everything that takes one."""

import pytest

from conftest import CONFIG
from helpers.analysis import (
    attention,
    attribution,
    circuits,
    components,
    edits,
    effects,
    expectations,
    interventions,
    paths,
)
from helpers.analysis.components import head

BY_LAYER = {
    "cache": lambda obs, i: obs.cache["pattern", i],
    "cache by hook": lambda obs, i: obs.cache[components.mlp(i).hook],
    "heads": lambda obs, i: obs.heads(i),
    "normalized": lambda obs, i: obs.normalized(i),
    "norm_scale": lambda obs, i: obs.norm_scale(i),
    "norm_matrix": lambda obs, i: obs.norm_matrix(i),
    "pattern": attention.pattern,
    "scores": attention.scores,
    "at_offset": lambda obs, i: attention.at_offset(obs, i, 1),
    "same_parity": attention.same_parity,
    "similarity": attention.similarity,
    "carried": effects.carried,
    "copy_strength": lambda obs, i: effects.copy_strength(obs, layer=i),
    "direct_share": lambda obs, i: effects.direct_share(obs, layer=i),
    "expected_changes": expectations.expected_changes,
    "edit_scores": lambda obs, i: edits.edit_scores(obs, i, "flipped"),
    "edit_outputs": lambda obs, i: edits.edit_outputs(obs, i, "flipped"),
    "identity_sizes": edits.identity_sizes,
    "linearize": lambda obs, i: interventions.linearize(obs, obs, i),
    "into_heads": lambda obs, i: paths.into_heads(obs, obs.embedded, i, paths.READERS[0]),
    "over_random": lambda obs, i: circuits.over_random(obs, i, circuits.effective_rank),
}
BY_HEAD = {
    "ov": circuits.ov,
    "qk": circuits.qk,
    "vector_ov": circuits.vector_ov,
    "vector_qk": circuits.vector_qk,
    "head_result": attribution.head_result,
    "score_similarity_fit": attention.score_similarity_fit,
    "ov_points": effects.ov_points,
    "ov_fit": effects.ov_fit,
    "copy_slope": effects.copy_slope,
    "copy_strength": lambda obs, part: effects.copy_strength(obs, head=part),
    "head_scores": edits.head_scores,
    "attended": edits.attended,
    "output_of_identity": edits.output_of_identity,
}


@pytest.mark.parametrize("call", BY_LAYER.values(), ids=BY_LAYER)
@pytest.mark.parametrize("layer", [CONFIG.n_layers, -1])
def test_a_layer_that_is_not_there_is_refused_by_name(obs, call, layer):
    with pytest.raises(
        ValueError, match=rf"must be .* 0 and 2, got {layer}|there is no L{layer}.* in a model of 3 layers"
    ):
        call(obs, layer)


@pytest.mark.parametrize("call", BY_HEAD.values(), ids=BY_HEAD)
@pytest.mark.parametrize("part", [head(3, 0), head(-1, 0), head(0, 2), head(0, -1)], ids=str)
def test_a_head_that_is_not_there_is_refused_by_name(obs, call, part):
    with pytest.raises(
        ValueError, match=rf"there is no {part} in a model of 3 layers of 2 heads|0 and 2, got {part.layer}"
    ):
        call(obs, part)


def test_an_activation_that_was_not_kept_is_refused_by_name(obs):
    for key in ("luck", ("luck", 0), "blocks.0.hook_luck"):
        with pytest.raises(ValueError, match="there is no activation .*luck.*attn.hook_pattern"):
            obs.cache[key]
