"""How long a contributor waits for ``make story`` and ``make test``, part by part (part of ``make bench``).

Once each, on an otherwise idle machine; the table is kept in bench/loop.md.
"""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import datetime
import os
import subprocess
import sys
import time
from pathlib import Path

import torch

from helpers.claims.markdown import markdown
from helpers.places import ROOT
from helpers.training import checkpoints
from helpers.training.machine import describe

LAST = Path(__file__).with_name("loop.md")
PARTS = ("lint", "unit", "strict", "lax")  # of make test


def seconds(target: str) -> float:
    """How long a target of the Makefile takes, which must succeed."""
    start = time.monotonic()
    subprocess.run(["make", "--no-print-directory", target], cwd=ROOT, check=True)
    return time.monotonic() - start


def main() -> int:
    try:
        story = seconds("story")
        parts = {part: seconds(part) for part in PARTS}
    except subprocess.CalledProcessError as error:
        sys.exit(f"bench/loop.py: error: {' '.join(error.cmd)} failed")
    rows = [("`make story`", story), ("`make test`", sum(parts.values()))]
    rows += [(f"of it `make {part}`", t) for part, t in parts.items()]
    table = markdown(("command", "minutes"), [(what, f"{t / 60:.1f}") for what, t in rows])
    machine = f"{describe(torch.device('cpu'))}, {os.cpu_count()} cores"
    text = f"{machine}; {datetime.date.today()}; `make bench`\n\n{table}\n"
    print("\n" + text)
    checkpoints.write(LAST, f"# What a contributor waits for\n\n{text}".encode())
    return 0


if __name__ == "__main__":
    stop_cleanly()
    sys.exit(main())
