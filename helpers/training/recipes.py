"""How a model is trained: one dataclass is the whole recipe, one dictionary holds the ones that ship."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from helpers.data.recurrences import Family
from helpers.training.model import ModelConfig

OPTIMIZERS = ("adamw", "muon")


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
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    family: Family = field(default_factory=Family)
    steps: int = 100_000
    batch: int = 64
    optimizer: str = "adamw"
    learning_rate: float = 1e-4
    muon_learning_rate: float = 0.0
    weight_decay: float = 0.01
    beta2: float = 0.999
    warmup: int = 0
    decays: tuple[int, ...] = ()
    clip: float = 0.0
    first_context: int = 3
    seed: int = 0
    log_every: int = 100
    save_every: int = 500
    keep_steps: tuple[int, ...] = ()
    keep_errors: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "log_every", "save_every"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
        rates = {"learning_rate": self.learning_rate}
        if self.optimizer == "muon":
            rates["muon_learning_rate"] = self.muon_learning_rate
        for name, value in rates.items():
            if not 0 < value < float("inf"):
                raise ValueError(f"{name} must be a positive number, got {value}")
        for name in ("weight_decay", "clip", "warmup", "seed"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer must be one of {OPTIMIZERS}, got {self.optimizer!r}")
        if not 0 <= self.beta2 < 1:
            raise ValueError(f"beta2 must be at least 0 and below 1, got {self.beta2}")
        for name in ("keep_steps", "keep_errors"):
            if not all(value > 0 for value in getattr(self, name)):
                raise ValueError(f"{name} must be positive numbers, got {getattr(self, name)}")
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
    "bounded": replace(PAPER, model=ModelConfig(init="gpt2"), family=Family(c_min=-1.0, c_max=1.0)),
}

ABOUT: dict[str, str] = {
    "small": "8-dimensional vectors, 39 thousand parameters; half a minute on 2 cores",
    "fast": "the paper's model, trained with Muon in 14,000 steps; an hour and a half on 2 cores",
    "paper": "the paper's recipe to the letter: AdamW at 1e-4 for 100,000 steps; hours on 2 cores",
    "origin": "the setting the paper probably had: 12 heads, flat initialization, |c| <= 1, batch 8; an hour",
    "origin-32": "origin with batches of 32; hours",
    "origin-2": "origin with 2 heads; an hour",
    "bounded": "the same as paper from GPT-2's initialization, with c between -1 and 1; as long",
}
