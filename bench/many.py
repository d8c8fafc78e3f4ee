"""Many models at once: a process for each, or all stacked in one step; a part of ``make bench``.

Stacked, the weights of K models are one tensor each with a first axis of K (``torch.func.stack_module_state``), a step
is one forward and backward pass mapped over it (``vmap``), and AdamW, which works entry by entry, updates all at once.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from helpers.claims.markdown import markdown
from helpers.training.model import RecurrenceModel
from helpers.training.recipes import Recipe
from helpers.training.trainer import Trainer, as_tensor, batch_at, make_optimizers, rate_at

COUNTS = (1, 2, 4, 8)
WARM_UP = 3


def seeds(recipe: Recipe, count: int) -> list[Recipe]:
    """The recipe with seeds from 0 on."""
    return [replace(recipe, seed=seed, model=replace(recipe.model, seed=seed)) for seed in range(count)]


class Stack:
    """Several models in one training step; their recipes differ in the seed alone, and use AdamW without clipping."""

    def __init__(self, recipes: list[Recipe], device: torch.device) -> None:
        models = [RecurrenceModel(recipe.model).to(device) for recipe in recipes]
        self.recipes, self.device, self.one, self.done = recipes, device, models[0], 0
        params, self.buffers = stack_module_state(models)
        moving = {name: p for name, p in models[0].named_parameters() if p.requires_grad}
        self.params = {name: p.detach().requires_grad_(name in moving) for name, p in params.items()}
        (self.optimizer,) = make_optimizers(recipes[0], _Named(self.params))
        self.peak = self.optimizer.param_groups[0]["lr"]

    def losses(self, vectors: Float[Tensor, "models batch length dimension"]) -> Float[Tensor, " models"]:
        """Each model's loss on its own sequences."""
        first = self.recipes[0].first_context - 1

        def loss(params: dict[str, Tensor], buffers: dict[str, Tensor], one: Tensor) -> Tensor:
            guess = functional_call(self.one, (params, buffers), (one[:, :-1],))
            return (guess - one[:, 1:]).square().mean(dim=(0, 2))[first:].mean()

        return vmap(loss)(self.params, self.buffers, vectors)

    def step(self) -> Float[Tensor, " models"]:
        """One update of every model; returns the losses before it."""
        batches = [as_tensor(batch_at(recipe, self.done), self.device) for recipe in self.recipes]
        self.optimizer.param_groups[0]["lr"] = self.peak * rate_at(self.recipes[0], self.done)
        self.optimizer.zero_grad(set_to_none=True)
        losses = self.losses(torch.stack(batches))
        losses.sum().backward()
        self.optimizer.step()
        self.done += 1
        return losses.detach()


class _Named(torch.nn.Module):
    """Stacked parameters where a model is expected."""

    def __init__(self, params: dict[str, Tensor]) -> None:
        super().__init__()
        self.params = params

    def named_parameters(self, *_: object) -> list[tuple[str, Tensor]]:
        return list(self.params.items())


def alone(recipe: Recipe, device: str, steps: int, start: float) -> tuple[float, float]:
    """In a process of its own, on one thread: when ``steps`` steps began, at ``start`` or later, and ended."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(recipe, Path(folder), torch.device(device))
        for _ in range(WARM_UP):
            trainer.step()
        time.sleep(max(0.0, start - time.time()))
        begun = time.time()
        for _ in range(steps):
            trainer.step()
        return begun, time.time()


def processes(recipe: Recipe, count: int, device: torch.device, steps: int, imports: float = 20.0) -> float:
    """Models times steps in a second with a process for each model; ``imports``: seconds that all have to get ready."""
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        start = time.time() + imports
        jobs = [pool.submit(alone, one, str(device), steps, start) for one in seeds(recipe, count)]
        times = [job.result() for job in jobs]
    return count * steps / (max(end for _, end in times) - min(begun for begun, _ in times))


def stacked(recipe: Recipe, count: int, device: torch.device, steps: int) -> float:
    """Models times steps in a second with all models in one step, on all threads."""
    stack = Stack(seeds(recipe, count), device)
    for _ in range(WARM_UP):
        stack.step()
    begun = time.perf_counter()
    for _ in range(steps):
        losses = stack.step()
    losses.sum().item()  # what a GPU still has to do
    return count * steps / (time.perf_counter() - begun)


def table(recipe: Recipe, device: torch.device, steps: int) -> str:
    """Models times steps in a second, by way and number of models, as markdown."""
    ways: dict[str, Callable[..., float]] = {"a process each": processes, "stacked": stacked}
    rows = [(name, *(f"{way(recipe, k, device, steps):.1f}" for k in COUNTS)) for name, way in ways.items()]
    return markdown((f"models · steps a second, batch {recipe.batch}", *map(str, COUNTS)), rows)
