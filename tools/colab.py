"""What a notebook's first cell runs on Colab, after fetching the repository: installs what is missing, and says so.

Colab's own torch and numpy stay: pip is told to keep the versions that are there.
"""

from __future__ import annotations

import signal

if __name__ == "__main__":  # Ctrl-C ends it without a traceback; the helpers are not there yet
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import os
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ("torch", "numpy")


def versions(names: list[str]) -> dict[str, str]:
    """Installed versions of some packages; what is not installed is left out."""
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def required() -> list[str]:
    """The names in requirements.txt."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [re.split(r"[<>=\[ ;]", line)[0] for line in lines if line and line[0] != "#"]


def install() -> str:
    """Installs what is missing, the ``KEPT`` packages pinned to what is there; returns what was done, in words."""
    before = versions(required())
    kept = {name: before[name] for name in KEPT if name in before}
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "kept.txt"
        pins.write_text("".join(f"{name}=={version}\n" for name, version in kept.items()), encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "-c", str(pins), "-r", str(ROOT / "requirements.txt")]
        subprocess.run(pip, check=True)
    new = [f"{name} {version}" for name, version in versions(required()).items() if before.get(name) != version]
    said = [f"installed {', '.join(new)}" if new else "nothing to install"]
    said += [f"kept {', '.join(f'{name} {version}' for name, version in kept.items())}"] if kept else []
    return "; ".join(said)


if __name__ == "__main__":
    done = install()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    from helpers.training.machine import pick_device

    print(f"The series is in {ROOT}: {done}; training would use: {pick_device()}.")
