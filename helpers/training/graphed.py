"""Training on CUDA: the whole step (forward, backward, clipping, optimizer) is one CUDA graph.

A step of these small models is hundreds of short kernels; launched one by one, the device waits for the processor most
of the time. The data are those of the CPU, bit by bit: where it may, another process makes them, ahead.
"""

from __future__ import annotations

import copy
from multiprocessing import current_process
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from helpers.training.recipes import Recipe
from helpers.training.trainer import Trainer, as_tensor, batch_at

BLOCK = 500  # steps whose data travel to the device at once


class Blocks(Dataset):
    """The batches of a recipe from step ``start`` on, ``BLOCK`` steps at a time."""

    def __init__(self, recipe: Recipe, start: int) -> None:
        self.recipe, self.starts = recipe, range(start, recipe.steps, BLOCK)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> Float[Tensor, "steps batch length dimension"]:
        steps = range(self.starts[index], min(self.starts[index] + BLOCK, self.recipe.steps))
        return torch.stack([as_tensor(batch_at(self.recipe, step)) for step in steps])


class GraphedTrainer(Trainer):
    """A Trainer whose update is recorded once and then replayed (CUDA and AdamW only).

    One at a time to a process: two that ran side by side in threads ended at errors a half larger than alone. Their
    backward passes are recorded by one thread on one stream, and so, it seems, with the same scratch memory of cuBLAS.
    """

    graphed = True

    def __init__(self, recipe: Recipe, out: Path, device: torch.device, compiled: bool = False) -> None:
        super().__init__(recipe, out, device, compiled)
        shape = (BLOCK, recipe.batch, recipe.family.length, recipe.family.dimension)
        self.block = torch.zeros(shape, device=device)
        self.at = torch.zeros(1, dtype=torch.long, device=device)  # the next step's place in the block
        self.left = 0  # steps of the block that are not done yet
        self.factor: float | None = None
        alone = current_process().daemon  # as a Dask worker is: it may have no process of its own
        other = {} if alone else {"num_workers": 1, "multiprocessing_context": "spawn"}
        self.blocks = iter(DataLoader(Blocks(recipe, self.done), None, pin_memory=True, **other))
        self.warm_up()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, capture_error_mode="thread_local"):
            self.loss = self.update(self.block.index_select(0, self.at).squeeze(0))
            self.at += 1

    def warm_up(self) -> None:
        """A few updates before the recording, as CUDA asks for, and back to the state from before them."""
        weights, states = copy.deepcopy((self.model.state_dict(), [o.state_dict() for o in self.optimizers]))
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.update(self.block[0])
        torch.cuda.current_stream().wait_stream(side)
        self.model.load_state_dict(weights)
        for optimizer, state in zip(self.optimizers, states, strict=True):
            if state["state"]:
                optimizer.load_state_dict(state)
            else:  # made by the first update: momenta and steps of zero
                for values in optimizer.state.values():
                    for value in values.values():
                        value.zero_()

    def set_rate(self, factor: float) -> None:
        """Sets the learning rates to ``factor`` times their peaks, where the recorded optimizer reads them."""
        if factor != self.factor:
            for optimizer, peaks in zip(self.optimizers, self.peaks, strict=True):
                for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                    group["lr"].fill_(peak * factor)
            self.factor = factor

    def next_update(self) -> Float[Tensor, ""]:
        """Replays the recorded update with the next batch; returns the loss before it."""
        if not self.left:
            vectors = next(self.blocks)
            self.left = len(vectors)
            self.block[: self.left].copy_(vectors, non_blocking=True)
            self.at.zero_()
        self.graph.replay()
        self.left -= 1
        return self.loss.clone()
