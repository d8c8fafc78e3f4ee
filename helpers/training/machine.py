"""What a number that depends on the machine was measured on."""

from __future__ import annotations

import platform
from pathlib import Path

import torch


def pick_device() -> torch.device:
    """CUDA where there is one, else Apple's GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


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
