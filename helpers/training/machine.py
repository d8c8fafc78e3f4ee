"""What a number that depends on the machine was measured on, and torch's settings that it must not depend on."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch

DEVICES = "cpu", "cuda", "mps"  # that a command line takes


def pick_device() -> torch.device:
    """CUDA where there is one, else Apple's GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def device_named(name: str | None) -> torch.device:
    """The device of that name; without one, the best there is.

    Raises:
        ValueError: it cannot be used here.
    """
    try:
        device = torch.device(name) if name else pick_device()
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"{name!r} cannot be used here: {str(error).splitlines()[0]}") from None
    return device


def processor() -> str:
    """The CPU's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def describe(device: torch.device) -> str:
    """Processor, threads and torch's version in one line."""
    where = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else f"{processor()}, {torch.get_num_threads()} threads"
    )
    return f"{where}, torch {torch.__version__}"


def why_not_compile(device: torch.device) -> str | None:
    """None if torch.compile works here, else what is wrong (no C++ compiler, most often), in one line."""
    try:
        torch.compile(torch.sin)(torch.zeros(2, device=device))
    except Exception as error:  # whatever the compiler's back end raises
        return str(error).strip().splitlines()[0]
    return None


def slow_in_bfloat16(device: torch.device) -> bool:
    """Whether this is an x86 processor without units for bfloat16."""
    can = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return can.get("architecture") == "x86_64" and not (can.get("avx512_bf16") or can.get("amx_bf16"))


def bfloat16_products(device: torch.device) -> torch.autocast:
    """A context in which matrix products are in bfloat16; nothing is kept between two, so that it can be recorded."""
    return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)


@contextmanager
def usual_torch() -> Iterator[None]:
    """For the time being torch as it starts: gradients on, float32 and the CPU unless a call says otherwise, no
    autocast. Whatever the process has set comes back afterwards. Decorates functions, too.

    Only what differs is touched: where nothing does, nothing is paid for at each of torch's calls.
    """
    dtype = torch.get_default_dtype()
    with ExitStack() as stack:
        if dtype != torch.float32:
            torch.set_default_dtype(torch.float32)
            stack.callback(torch.set_default_dtype, dtype)
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        if not torch.is_grad_enabled():
            stack.enter_context(torch.enable_grad())
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield
