"""Sets where Colab fetches the series from, in README, every badge and first cell: ``make colab REPO=owner/name``."""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACES = (
    (
        r"colab\.research\.google\.com/github/[^/]+/[^/]+/blob/[^/]+/",
        "colab.research.google.com/github/{repo}/blob/{ref}/",
    ),
    (r"clone -q -b \S+ https://github\.com/[^/]+/\S+", "clone -q -b {ref} https://github.com/{repo}"),
)


def set_address(text: str, repo: str, ref: str) -> tuple[str, int]:
    """A notebook's text with another address, and how many places were set."""
    count = 0
    for pattern, address in PLACES:
        text, found = re.subn(pattern, address.format(repo=repo, ref=ref), text)
        count += found
    return text, count


def main(arguments: list[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="tools/address.py", description=__doc__)
    p.add_argument("repo", help="owner/name on GitHub")
    p.add_argument("--ref", default="main", help="branch or tag (default: main)")
    options = p.parse_args(arguments)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", options.repo):
        p.error(f"argument repo: must be owner/name, got {options.repo!r}")
    if not re.fullmatch(r"[\w.-]+", options.ref):
        p.error(f"argument --ref: must be a branch or tag without a slash, got {options.ref!r}")
    for path in [ROOT / "README.md", *sorted((ROOT / "notebooks").glob("*.ipynb"))]:
        text, count = set_address(path.read_text(encoding="utf-8"), options.repo, options.ref)
        path.write_text(text, encoding="utf-8")
        print(f"{path.name}: {count} places")
    return 0


if __name__ == "__main__":
    stop_cleanly()
    sys.exit(main())
