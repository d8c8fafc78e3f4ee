import dataclasses

import pytest
import torch

from helpers.training.graphed import BLOCK, Blocks, GraphedTrainer
from helpers.training.recipes import RECIPES
from helpers.training.state import STATE
from helpers.training.trainer import Trainer, as_tensor, batch_at

CPU = torch.device("cpu")


@pytest.fixture
def plain(recipe):
    return dataclasses.replace(recipe, optimizer="adamw", learning_rate=1e-3)


@pytest.mark.parametrize("start", [0, 7, BLOCK])
def test_blocks_hold_the_batches_of_the_steps_that_are_left(start):
    recipe = dataclasses.replace(RECIPES["small"], steps=BLOCK + 11, decays=())
    blocks = Blocks(recipe, start)
    steps = torch.cat([blocks[i] for i in range(len(blocks))])
    assert len(steps) == recipe.steps - start
    for step in (start, recipe.steps - 1):
        assert torch.equal(steps[step - start], as_tensor(batch_at(recipe, step)))


def test_a_state_from_a_gpu_goes_on_without_one(plain, tmp_path):
    there = Trainer(plain, tmp_path, CPU)
    there.step()
    for group in there.optimizers[0].param_groups:  # as a recorded optimizer has them
        group |= {"lr": torch.tensor(group["lr"]), "capturable": True}
    there.save()
    here, same = Trainer(plain, tmp_path, CPU), Trainer(plain, tmp_path / "same", CPU)
    assert (tmp_path / STATE).exists() and here.done == 1
    same.step()
    for trainer in (here, same):
        trainer.step()
    assert torch.equal(here.losses[-1], same.losses[-1])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_the_recorded_step_is_the_step(plain, tmp_path):
    plain = dataclasses.replace(plain, warmup=5, clip=1.0)  # the rate must reach the recorded optimizer
    recorded = GraphedTrainer(plain, tmp_path / "recorded", torch.device("cuda"))
    there = Trainer(plain, tmp_path / "there", CPU)
    for trainer in (recorded, there):
        for _ in range(20):
            trainer.step()
    assert torch.stack(recorded.losses).tolist() == pytest.approx(torch.stack(there.losses).tolist(), rel=1e-3)
