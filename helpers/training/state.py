"""What a training needs to go on, on disk: ``state.pt`` is a line with a SHA-256, then what torch.save writes.

Before any of it is used every key, shape and type is compared with what the recipe asks for.
"""

from __future__ import annotations

import hashlib
import io
import math
import warnings
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from helpers.training import disk
from helpers.training.checkpoints import LOG_COLUMNS, CheckpointError
from helpers.training.recipes import Recipe

STATE = "state.pt"
MARK = b"recurrence training, sha256 "
ZIP = b"PK\x03\x04"  # with which torch.save's files begin; states from before they were hashed are these alone
LIMIT = 2**34
KEYS = {"recipe", "model", "optimizers", "done", "seconds", "log", "losses"}
MOMENTS = {"AdamW": {"step", "exp_avg", "exp_avg_sq"}, "Muon": {"momentum_buffer"}}  # of each parameter
ONE = torch.Size(()), torch.float32
ANEW = "delete it to start anew"


def pack(state: dict) -> bytes:
    """A state's file content."""
    content = io.BytesIO()
    torch.save(state, content)
    return MARK + hashlib.sha256(content.getvalue()).hexdigest().encode() + b"\n" + content.getvalue()


def unpack(path: Path, device: torch.device) -> dict:
    """The content of a state's file, on ``device``. No code runs from it.

    Raises:
        CheckpointError: it cannot be read, is cut short or altered, or is no dictionary with a state's keys.
    """
    try:
        content = disk.read(path, LIMIT)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from error
    first, _, rest = content.partition(b"\n")
    if first.startswith(MARK):
        if hashlib.sha256(rest).hexdigest().encode() != first.removeprefix(MARK):
            raise CheckpointError(f"{path}: cut short or altered (its SHA-256 is another); {ANEW}")
    elif content.startswith(ZIP):
        warnings.warn(f"{path}: has no SHA-256, so that damage to it would not be noticed", stacklevel=2)
        rest = content
    else:
        raise CheckpointError(f"{path}: not the state of a training; {ANEW}")
    try:
        state = torch.load(io.BytesIO(rest), map_location=device, weights_only=True)
    except Exception as error:  # of many kinds; torch's words may advise to run the file's code
        raise CheckpointError(f"{path}: cannot be read, not what torch.save writes of numbers; {ANEW}") from error
    if not isinstance(state, dict) or set(state) != KEYS:
        raise CheckpointError(f"{path}: not the state of a training, which has {', '.join(sorted(KEYS))}; {ANEW}")
    return state


def check(path: Path, state: dict, recipe: Recipe, model: nn.Module, optimizers: list[torch.optim.Optimizer]) -> None:
    """Compares every part of a state with the training that would take it up.

    Raises:
        CheckpointError: it belongs to another recipe, or a part is missing, too much, or of another shape or type.
    """
    saved = state["recipe"]
    if isinstance(saved, dict):  # of a version without a field that has a default
        saved = asdict(Recipe()) | saved
    if repr(saved) != repr(asdict(recipe)):  # as text: what is no recipe may not like to be compared
        raise CheckpointError(f"{path}: belongs to another recipe; choose another folder or {ANEW}")
    try:
        _steps(state, recipe.steps)
        _same("model", state["model"], {name: (t.shape, t.dtype) for name, t in model.state_dict().items()})
        _is("optimizers", len(optimizers), isinstance(state["optimizers"], list) and len(state["optimizers"]))
        for i, optimizer in enumerate(optimizers):
            _moments(f"optimizers[{i}]", state["optimizers"][i], optimizer, started=state["done"] > 0)
    except ValueError as error:
        raise CheckpointError(f"{path}: does not fit the recipe: {error}; {ANEW}") from error


def _shown(value: object) -> str:
    """What was found, as a piece of one line."""
    return f"{list(value.shape)} {value.dtype}" if isinstance(value, Tensor) else " ".join(repr(value).split())[:60]


def _is(name: str, wanted: object, found: object) -> None:
    if found != wanted:
        raise ValueError(f"{name} must be {wanted}, got {found}")


def _number(name: str, value: object, kind: type | tuple[type, ...] = (int, float)) -> None:
    if isinstance(value, bool) or not isinstance(value, kind) or not abs(value) < math.inf:
        raise ValueError(f"{name} must be a number, got {_shown(value)}")


def _steps(state: dict, steps: int) -> None:
    """Where the training stands: its step, seconds, log and the losses since the log's last row."""
    _number("done", state["done"], int)
    _number("seconds", state["seconds"])
    if not 0 <= state["done"] < steps:
        raise ValueError(f"done must be between 0 and {steps - 1}, got {state['done']}")
    for name in ("log", "losses"):
        _is(name, list, type(state[name]))
    for row in state["log"]:
        if not isinstance(row, (tuple, list)) or len(row) != len(LOG_COLUMNS):
            raise ValueError(f"a row of log must have {len(LOG_COLUMNS)} numbers, got {_shown(row)}")
        for value in row:
            _number("log", value)
    for loss in state["losses"]:
        _tensor("losses", loss, ONE)


def _moments(name: str, saved: object, optimizer: torch.optim.Optimizer, started: bool) -> None:
    """An optimizer's moments: before the first step none, later some for each parameter."""
    if not isinstance(saved, dict) or set(saved) != {"state", "param_groups"} or not isinstance(saved["state"], dict):
        raise ValueError(f"{name} must have state and param_groups")
    parameters = dict(enumerate(p for group in optimizer.param_groups for p in group["params"]))
    if not started and not saved["state"]:
        return
    if set(saved["state"]) != set(parameters):
        raise ValueError(f"{name} must have moments of {len(parameters)} parameters, got {len(saved['state'])}")
    for i, p in parameters.items():
        kinds = {key: ONE if key == "step" else (p.shape, p.dtype) for key in MOMENTS[type(optimizer).__name__]}
        _same(f"{name}.state[{i}]", saved["state"][i], kinds)


def _same(name: str, found: object, wanted: dict[str, tuple[torch.Size, torch.dtype]]) -> None:
    if not isinstance(found, dict) or set(found) != set(wanted):
        other = set(found) ^ set(wanted) if isinstance(found, dict) else type(found)
        raise ValueError(f"{name} must have this model's entries, missing or too many: {_shown(other)}")
    for key, kind in wanted.items():
        _tensor(f"{name}[{key!r}]", found[key], kind)


def _tensor(name: str, found: object, wanted: tuple[torch.Size, torch.dtype]) -> None:
    if not isinstance(found, Tensor) or (found.shape, found.dtype) != wanted:
        raise ValueError(f"{name} must be {list(wanted[0])} {wanted[1]}, got {_shown(found)}")
    # Where numbers share memory, as in expand(), fused AdamW would run past its end.
    if found.layout != torch.strided or found.untyped_storage().nbytes() < found.nbytes:
        raise ValueError(f"{name} must have a place in memory for each number")
    if not found.isfinite().all():
        raise ValueError(f"{name} must have finite numbers")
