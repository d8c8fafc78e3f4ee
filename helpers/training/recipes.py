"""How a model is trained: one dataclass is the whole recipe, one dictionary holds the ones that ship."""

from __future__ import annotations

from dataclasses import dataclass, replace

from helpers.data.fields import check, choice, part, real, whole
from helpers.data.recurrences import Family
from helpers.training.model import ModelConfig

OPTIMIZERS = ("adamw", "muon")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights; the same recipe on one thread of one machine gives the same bits
    (compiled or not, but not both).

    Attributes:
        batch: sequences in a step. The paper does not say.
        optimizer: "adamw", or "muon" (Muon on the weight matrices of the blocks, AdamW on everything else).
        learning_rate: AdamW's, at the peak of the schedule.
        muon_learning_rate: Muon's, at the peak, rescaled so that an update has the RMS of an AdamW update
            ("match_rms_adamw", arXiv 2502.16982).
        warmup: steps of linear warm-up.
        beta2: AdamW's memory of squared gradients. Where the error falls a thousandfold in a thousand steps, 0.999
            remembers gradients so much larger than today's that the steps become too small.
        decays: steps at which the learning rate has fallen to zero, in a straight line; after each it starts at the
            peak again (warm restarts, arXiv 1608.03983), so that the model is as good as it can be at each of them.
            Empty: the rate stays at the peak.
        clip: largest norm of the gradient; 0 leaves it alone.
        first_context: the loss counts contexts of this many vectors and more. After one or two vectors the next one
            cannot be known, so the paper's contexts start at 3.
        seed: of the training data; the initial weights have their own, ``model.seed``.
        log_every, save_every: steps between two rows of the log, and between two states on disk to resume from.
        keep_steps: steps after which the weights are kept beside the run.
        keep_errors: test errors; the weights are kept at the first row of the log that is at or below each.
        precision: of matrix products; weights, optimizer, norms, the residual stream and the log's test error are in
            float32 in any case (torch's autocast). "bfloat16" is fast where the processor has units for it.
    """

    model: ModelConfig = part(ModelConfig)
    family: Family = part(Family)
    steps: int = whole(100_000, 1, 2**40)
    batch: int = whole(64, 1, 2**20)
    optimizer: str = choice("adamw", OPTIMIZERS)
    learning_rate: float = real(1e-4, 0, 1e38, "(]")
    muon_learning_rate: float = real(0.0, 0, 1e38)
    weight_decay: float = real(0.01, 0, 1e38)
    beta2: float = real(0.999, 0, 1, "[)")
    warmup: int = whole(0, 0, 2**40)
    decays: tuple[int, ...] = whole((), 1, 2**40, several=True)
    clip: float = real(0.0, 0, 1e38)
    first_context: int = whole(3, 1, 2**16)
    seed: int = whole(0, 0, 2**64 - 1)
    log_every: int = whole(100, 1, 2**40)
    save_every: int = whole(500, 1, 2**40)
    keep_steps: tuple[int, ...] = whole((), 1, 2**40, several=True)
    keep_errors: tuple[float, ...] = real((), 0, 1e38, "(]", several=True)
    precision: str = choice("float32", PRECISIONS)

    def __post_init__(self) -> None:
        check(self)
        if self.optimizer == "muon" and not self.muon_learning_rate > 0:
            raise ValueError(f"muon_learning_rate must be above 0 with Muon, got {self.muon_learning_rate}")
        if self.decays and (list(self.decays) != sorted(set(self.decays)) or self.decays[-1] != self.steps):
            raise ValueError(f"decays must be rising steps up to steps={self.steps}, got {self.decays}")
        if self.decays and self.decays[0] <= self.warmup:
            raise ValueError(f"decays must be after warmup={self.warmup}, got {self.decays}")
        if self.family.dimension != self.model.dimension:
            raise ValueError(
                f"family.dimension ({self.family.dimension}) and model.dimension ({self.model.dimension}) must agree"
            )
        if self.family.length != self.model.n_ctx + 1:
            raise ValueError(
                f"family.length ({self.family.length}) must be model.n_ctx + 1 ({self.model.n_ctx + 1}): "
                "the longest context and its target"
            )
        if not 1 <= self.first_context <= self.model.n_ctx:
            raise ValueError(f"first_context must be between 1 and n_ctx={self.model.n_ctx}, got {self.first_context}")


PAPER = Recipe(batch=32, log_every=500)
# The setting that the paper's sizes point to: those of the teaching implementation's ``Config`` (``ModelConfig.init``),
# whose other defaults are 12 heads and a batch of 8; c between -1 and 1 is the plainer reading of "normalized".
ORIGIN = replace(
    PAPER,
    model=ModelConfig(n_heads=12, init="flat"),
    family=Family(c_min=-1.0, c_max=1.0),
    batch=8,
    # 15 steps spread evenly over the logarithm of time, 5 to a factor of 10
    keep_steps=tuple(round(10 ** (2 + 0.2 * i)) for i in range(15)),
    keep_errors=(1e-3, 3e-4, 1e-4, 3e-5),
)
SMALL_MODEL = ModelConfig(dimension=8, d_model=32, n_heads=2, d_head=16, d_mlp=128)

RECIPES: dict[str, Recipe] = {
    "small": Recipe(
        model=SMALL_MODEL,
        family=Family(dimension=8),
        steps=600,
        batch=128,
        optimizer="muon",
        learning_rate=3e-3,
        muon_learning_rate=1e-2,
        beta2=0.95,
        warmup=50,
        decays=(600,),
        clip=1.0,
        log_every=20,
    ),
    "fast": Recipe(
        steps=14_000,
        batch=192,
        optimizer="muon",
        learning_rate=1e-3,
        muon_learning_rate=3e-3,
        beta2=0.95,
        warmup=100,
        decays=(900, 3000, 14_000),
        clip=1.0,
        log_every=50,
        save_every=100,
    ),
    "paper": PAPER,
    "origin": ORIGIN,
    "origin-32": replace(ORIGIN, batch=32),
    "origin-2": replace(ORIGIN, model=replace(ORIGIN.model, n_heads=2)),
    "short": replace(
        ORIGIN,
        steps=6000,
        learning_rate=1e-3,
        warmup=100,
        decays=(6000,),
        clip=1.0,
        keep_steps=(),
        keep_errors=(),
    ),
    "bounded": replace(PAPER, model=ModelConfig(init="gpt2"), family=Family(c_min=-1.0, c_max=1.0)),
}

ABOUT: dict[str, str] = {
    "small": "8-dimensional vectors, 39 thousand parameters; half a minute on 2 cores",
    "fast": "the paper's model, trained with Muon in 14,000 steps; an hour and a half on 2 cores",
    "paper": "the paper's recipe to the letter: AdamW at 1e-4 for 100,000 steps; hours on 2 cores",
    "origin": "the setting the paper probably had: 12 heads, flat initialization, |c| <= 1, batch 8; an hour",
    "origin-32": "origin with batches of 32; hours",
    "origin-2": "origin with 2 heads; an hour",
    "short": "origin's setting in 6,000 steps, the base of the studies; five minutes on one core",
    "bounded": "the same as paper from GPT-2's initialization, with c between -1 and 1; as long",
}
