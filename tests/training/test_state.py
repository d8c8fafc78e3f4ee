import copy
import dataclasses
import io
import random

import pytest
import torch

from helpers.training.checkpoints import CheckpointError
from helpers.training.state import MARK, STATE, pack, unpack
from helpers.training.trainer import Trainer

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["adamw", "muon"])
def saved(request, recipe, tmp_path_factory):
    """A trainer after three steps, and its file."""
    one = dataclasses.replace(recipe, optimizer=request.param, learning_rate=1e-3, log_every=2)
    trainer = Trainer(one, tmp_path_factory.mktemp(request.param), CPU)
    for _ in range(3):
        trainer.step()
        if trainer.done == 2:
            trainer.evaluate()
    trainer.save()
    return trainer, (trainer.out / STATE).read_bytes()


def content_of(file):
    return torch.load(io.BytesIO(file.partition(b"\n")[2]), weights_only=True)


def refused(trainer, folder, file):
    """What is said of a file that is refused: one line that names it and gives no advice to run its code."""
    (folder / STATE).write_bytes(file)
    with pytest.raises(CheckpointError) as error:
        if trainer:
            trainer.out = folder
            trainer.load()
        unpack(folder / STATE, CPU)
    text = str(error.value)
    assert str(folder / STATE) in text and "\n" not in text and len(text) < 500
    assert "weights_only" not in text and "pickle" not in text.lower()
    return text


def test_every_flipped_bit_and_every_cut_is_noticed(saved, tmp_path):
    _, file = saved
    rng = random.Random(5)
    for _ in range(25):
        place = rng.randrange(len(file) * 8)
        flipped = bytearray(file)
        flipped[place // 8] ^= 1 << place % 8
        refused(None, tmp_path, bytes(flipped))
        refused(None, tmp_path, file[: rng.randrange(len(file))])
    for place in range(0, len(MARK) + 65):  # the first line, too
        flipped = bytearray(file)
        flipped[place] ^= 4
        refused(None, tmp_path, bytes(flipped))


def test_a_state_from_before_it_was_hashed_is_taken_with_a_word(saved, tmp_path):
    trainer, file = saved
    (tmp_path / STATE).write_bytes(file.partition(b"\n")[2])
    with pytest.warns(UserWarning, match="no SHA-256"):
        old = Trainer(trainer.recipe, tmp_path, CPU)
    assert old.done == 3 and all(
        torch.equal(a, b) for a, b in zip(old.model.parameters(), trainer.model.parameters(), strict=True)
    )


def first(state, i=0):
    return state["optimizers"][i]["state"][0]


WRONG = {  # each takes a good state and makes it one that must not be used
    "a key too few": lambda s: s.pop("seconds"),
    "a key too many": lambda s: s.update(luck=1),
    "another's recipe": lambda s: s["recipe"].update(batch=9),
    "no recipe": lambda s: s.update(recipe={"steps": torch.ones(3)}),
    "past the end": lambda s: s.update(done=60),
    "before the start": lambda s: s.update(done=-1),
    "no whole number": lambda s: s.update(done=3.0),
    "a truth": lambda s: s.update(done=True),
    "endless": lambda s: s.update(seconds=float("inf")),
    "no optimizer": lambda s: s.update(optimizers=[]),
    "optimizers by name": lambda s: s.update(optimizers={"state": {}}),
    "an optimizer too many": lambda s: s["optimizers"].append(s["optimizers"][0]),
    "no moments": lambda s: s["optimizers"][0].update(state={}),
    "a moment too few": lambda s: s["optimizers"][0]["state"].popitem(),
    "moments of nothing": lambda s: s["optimizers"][0]["state"].update({99: first(s)}),
    "half of the moments": lambda s: first(s).pop("exp_avg_sq"),
    "a moment of another shape": lambda s: first(s).update(exp_avg=first(s)["exp_avg"][:1].clone()),
    "a flat moment": lambda s: first(s).update(exp_avg=first(s)["exp_avg"].flatten()[:-1].clone()),
    "a moment in 64 bits": lambda s: first(s).update(exp_avg=first(s)["exp_avg"].double()),
    "one number as many": lambda s: first(s).update(exp_avg=torch.zeros(()).expand_as(first(s)["exp_avg"])),
    "a sparse moment": lambda s: first(s).update(exp_avg=first(s)["exp_avg"].to_sparse()),
    "a moment that is no number": lambda s: first(s)["exp_avg"].fill_(float("nan")),
    "a moment that is text": lambda s: first(s).update(exp_avg="0.1"),
    "a weight too few": lambda s: s["model"].popitem(),
    "a weight of another shape": lambda s: s["model"].update({"embed.weight": torch.zeros(5, 12)}),
    "a weight that is no number": lambda s: s["model"]["embed.weight"].fill_(float("inf")),
    "weights as a list": lambda s: s.update(model=list(s["model"].values())),
    "losses of other shapes": lambda s: s.update(losses=[torch.zeros(2)]),
    "losses as numbers": lambda s: s.update(losses=[0.5]),
    "no list of losses": lambda s: s.update(losses=None),
    "a short row": lambda s: s["log"].append((1, 2.0)),
    "a row of text": lambda s: s["log"].append(tuple("abcde")),
    "a log by name": lambda s: s.update(log={}),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_state_that_does_not_fit_is_refused_before_it_is_used(saved, tmp_path, change):
    trainer, file = saved
    state = content_of(file)
    change(state)
    refused(trainer, tmp_path, pack(state))


@pytest.mark.filterwarnings("ignore:.*has no SHA-256")
def test_what_would_run_code_is_refused_without_advice_to_run_it(tmp_path):
    content = io.BytesIO()
    torch.save({"recipe": copy.copy, "done": Trainer}, content)
    assert "delete it" in refused(None, tmp_path, content.getvalue())
    for file in (b"", b"\n", MARK, b"half a file", pack({}), pack({"done": 1})):
        refused(None, tmp_path, file)
