"""A training under way: its data, learning rate, optimizers and state, and how the state gets to disk and back.

The batch of a step depends on the recipe's seed and the number of the step alone, so a run that was stopped and resumed
sees the same data as one that was not.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from helpers.data.recurrences import Family, sample
from helpers.training import weights
from helpers.training.disk import write
from helpers.training.machine import bfloat16_products, usual_torch
from helpers.training.model import RecurrenceModel
from helpers.training.muon import Muon
from helpers.training.recipes import Recipe
from helpers.training.state import STATE, check, pack, unpack

KEPT = "kept"  # folder of the weights that a recipe's keep_steps and keep_errors ask for
TEST_SEED = 20241022  # the day the paper was submitted; a training seed must be another
TEST_COUNT = 1024


def as_tensor(vectors: Float[np.ndarray, "*shape"], device: torch.device | str = "cpu") -> Float[Tensor, "*shape"]:
    """float32 tensor on ``device``, the precision of training."""
    return torch.from_numpy(vectors.astype(np.float32)).to(device)


def batch_at(recipe: Recipe, step: int) -> Float[np.ndarray, "batch length dimension"]:
    """The sequences of one step, a function of the recipe's seed and the step alone."""
    return sample(recipe.family, recipe.batch, np.random.default_rng([recipe.seed, step])).vectors


def held_out(family: Family, count: int = TEST_COUNT) -> Float[np.ndarray, "count length dimension"]:
    """The test sequences of the log: the same for every recipe with the same family."""
    return sample(family, count, TEST_SEED).vectors


def squared_errors(
    model: RecurrenceModel, vectors: Float[Tensor, "batch length dimension"]
) -> Float[Tensor, " length-1"]:
    """Mean squared error of the prediction after 1, 2, ... n_ctx vectors, over batch and entries."""
    return (model(vectors[:, :-1]) - vectors[:, 1:]).square().mean(dim=(0, 2))


def gelu(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The model's GELU, x * (1 + tanh(u)) / 2 = x * sigmoid(2 u): the second form compiles to faster code on a CPU."""
    return x * torch.sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))


def rate_at(recipe: Recipe, step: int) -> float:
    """The factor on the peak learning rate at a step: linear warm-up, then constant, or down to zero at each decay."""
    start, warm = 0, min((step + 1) / max(1, recipe.warmup), 1.0)
    for end in recipe.decays:
        if step < end:
            return min(warm, (end - step) / max(1, end - max(start, recipe.warmup)))
        start = end
    return warm


def make_optimizers(recipe: Recipe, model: nn.Module, graphed: bool = False) -> list[torch.optim.Optimizer]:
    """AdamW alone, or Muon on the blocks' weight matrices and AdamW on the rest (arXiv 2502.16982).

    Args:
        graphed: for a CUDA graph, in which a rate that changes must be a tensor. Only AdamW can be recorded.
    """
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    muon = {name: p for name, p in trained.items() if recipe.optimizer == "muon" and ".layers." in name and p.ndim == 2}
    rest = [p for name, p in trained.items() if name not in muon]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(
            rest,
            lr=torch.tensor(recipe.learning_rate, device=rest[0].device) if graphed else recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            betas=(0.9, recipe.beta2),
            fused=True,
            capturable=graphed,
        )
    ]
    if muon:
        optimizers.append(Muon(list(muon.values()), recipe.muon_learning_rate, recipe.weight_decay))
    return optimizers


class Trainer:
    """Model, optimizers, step count and log of a training under way, and their way to disk and back."""

    graphed = False

    @usual_torch()
    def __init__(self, recipe: Recipe, out: Path, device: torch.device, compiled: bool = False) -> None:
        out.mkdir(parents=True, exist_ok=True)  # a folder that cannot be had should be noticed before the work
        self.recipe, self.out, self.device = recipe, out, device
        self.model = RecurrenceModel(recipe.model).to(device)
        self.errors = squared_errors
        if compiled:
            for layer in self.model.native.layers:
                layer.mlp.act = gelu
            self.errors = torch.compile(squared_errors, dynamic=False)
        self.optimizers = make_optimizers(recipe, self.model, self.graphed)
        self.peaks = [[float(group["lr"]) for group in o.param_groups] for o in self.optimizers]
        self.test = as_tensor(held_out(recipe.family), device)
        self.done, self.seconds = 0, 0.0
        self.log: list[tuple[float, ...]] = []
        self.losses: list[Tensor] = []  # since the last row of the log
        if (out / STATE).exists():
            self.load()

    def load(self) -> None:
        """Takes up the state in the folder.

        Raises:
            checkpoints.CheckpointError: the file is damaged or belongs to another recipe (``state.check``).
        """
        path = self.out / STATE
        state = unpack(path, self.device)
        check(path, state, self.recipe, self.model, self.optimizers)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            groups = optimizer.state_dict()["param_groups"]  # ours: the state may be another device's
            optimizer.load_state_dict({"state": saved["state"], "param_groups": groups})
        self.done, self.seconds, self.log = state["done"], state["seconds"], state["log"]
        self.losses = state["losses"]

    def save(self) -> None:
        """Writes the state so that a kill at any moment leaves the old file or the new one, never half of one.

        Raises:
            FloatingPointError: the test error is no longer a number; the state from before stays on disk.
            OSError: the file cannot be written, as on a full disk; the state from before stays there, too.
        """
        self.test_mse()
        state = {
            "recipe": asdict(self.recipe),
            "model": self.model.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "done": self.done,
            "seconds": self.seconds,
            "log": self.log,
            "losses": self.losses,
        }
        write(self.out / STATE, pack(state))

    def step(self) -> None:
        """One update at this step's rate, on its batch; keeps the loss before it."""
        self.set_rate(rate_at(self.recipe, self.done))
        self.losses.append(self.next_update())
        self.done += 1
        if self.done in self.recipe.keep_steps:
            self.keep(f"step_{self.done}")

    def set_rate(self, factor: float) -> None:
        """Sets the learning rates to ``factor`` times their peaks."""
        for optimizer, peaks in zip(self.optimizers, self.peaks, strict=True):
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * factor

    def next_update(self) -> Float[Tensor, ""]:
        """The update of this step; returns the loss before it."""
        return self.update(as_tensor(batch_at(self.recipe, self.done), self.device))

    def update(self, vectors: Float[Tensor, "batch length dimension"]) -> Float[Tensor, ""]:
        """One update on these sequences; returns the loss before it."""
        self.model.zero_grad(set_to_none=True)
        with bfloat16_products(self.device) if self.recipe.precision == "bfloat16" else nullcontext():
            loss = self.errors(self.model, vectors)[self.recipe.first_context - 1 :].mean()
        loss.backward()
        if self.recipe.clip:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        for optimizer in self.optimizers:
            optimizer.step()
        return loss.detach()

    def evaluate(self) -> None:
        """Adds a row to the log: the mean loss since the last row, and the test error.

        Raises:
            FloatingPointError: the test error is no longer a number.
        """
        rate, train_mse = rate_at(self.recipe, self.done - 1), torch.stack(self.losses).mean().item()
        self.log.append((self.done, rate, train_mse, self.test_mse(), round(self.seconds, 1)))
        self.losses.clear()
        best = min((row[3] for row in self.log[:-1]), default=math.inf)
        for level in self.recipe.keep_errors:
            if self.log[-1][3] <= level < best:
                self.keep(f"mse_{level:.0e}")

    def keep(self, name: str) -> None:
        """Writes the weights of this moment to ``kept/<name>.safetensors`` in the run's folder."""
        (self.out / KEPT).mkdir(exist_ok=True)
        write(self.out / KEPT / f"{name}.safetensors", weights.pack(self.model))

    @torch.no_grad()
    def test_mse(self) -> float:
        """MSE on the held-out sequences, contexts of ``first_context`` vectors and more.

        Raises:
            FloatingPointError: it is no longer a number, so that the weights are worth nothing.
        """
        mse = squared_errors(self.model, self.test)[self.recipe.first_context - 1 :].mean().item()
        if not math.isfinite(mse):
            raise FloatingPointError(f"the test error is {mse} at step {self.done}: lower the learning rate")
        return mse
