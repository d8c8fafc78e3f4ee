"""Claims S1 to S4: how the setting of a model compares with the paper's."""

from __future__ import annotations

from helpers.claims.tables import Row
from helpers.training.recipes import RECIPES, Recipe


def setup_rows(recipe: Recipe) -> list[Row]:
    """S1 to S4: how the recipe of a model compares with the paper's, from its config.json."""
    paper, m, f = RECIPES["paper"], recipe.model, recipe.family

    def same(agrees: bool, yes: str = "as in the paper") -> str:
        return yes if agrees else "differs"

    size = ("n_layers", "d_model", "d_head", "d_mlp")
    optimizer = ("optimizer", "learning_rate", "weight_decay", "steps", "beta2", "warmup", "decays", "clip")
    names = {"adamw": f"AdamW {recipe.learning_rate:g}", "muon": f"Muon {recipe.muon_learning_rate:g} with AdamW"}
    return [
        Row(
            "S1",
            "task: predict the next of n vectors",
            "40 dimensions, contexts of 3 to 14",
            f"{m.dimension} dimensions, contexts of {recipe.first_context} to {m.n_ctx}",
            same((m.dimension, m.n_ctx, recipe.first_context) == (40, 14, 3)),
        ),
        Row(
            "S2",
            "sequences are normalized",
            "bounded; how is not said",
            f"scaling {f.scaling!r}, c from {f.c_min} to {f.c_max}",
            same(f.scaling != "none", "compatible"),
        ),
        Row(
            "S3",
            "model",
            "3 layers, d_model 128, d_head 64, d_mlp 3072",
            f"{m.n_layers} layers, d_model {m.d_model}, d_head {m.d_head}, d_mlp {m.d_mlp}, {m.n_heads} heads",
            same(all(getattr(m, k) == getattr(paper.model, k) for k in size)),
        ),
        Row(
            "S4",
            "optimizer",
            "AdamW 1e-4, weight decay 0.01, 100,000 steps",
            f"{names[recipe.optimizer]}, weight decay {recipe.weight_decay:g}, {recipe.steps:,} steps",
            same(all(getattr(recipe, k) == getattr(paper, k) for k in optimizer)),
        ),
    ]
