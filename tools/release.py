"""Collects a release under build/release, and says by which commands it is published: ``make release``.

Nothing leaves this machine unless ``--push`` is given; without it the commands are printed, and no address, network or
account is needed.
"""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import argparse
import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import citation
import model_card

from helpers.places import BUILD, CHECKPOINTS, ROOT

RELEASE = BUILD / "release"
TABLES = (
    CHECKPOINTS / "results.csv",
    *sorted((ROOT / "studies").glob("*.csv")),
    *sorted((ROOT / "bench").glob("*.csv")),
)
UNRELEASED = "(unreleased)"


def changes() -> tuple[str, str]:
    """The heading of the changelog's top section, and what stands below it."""
    _, top, *_ = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    heading, text = top.split("\n", 1)
    return heading.strip(), text.strip() + "\n"


def version() -> str:
    """The version, as pyproject.toml has it.

    Raises:
        ValueError: CITATION.cff, .zenodo.json or the changelog's top section says another.
    """
    said = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    others = {
        "CITATION.cff": citation.stated()["version"],
        ".zenodo.json": json.loads(citation.ZENODO.read_text(encoding="utf-8"))["version"],
        "CHANGELOG.md": changes()[0].removesuffix(UNRELEASED).strip(),
    }
    for name, other in others.items():
        if str(other) != said:
            raise ValueError(f"{name} says version {other}, pyproject.toml {said}: they must agree")
    return said


def packed(folder: Path, archive: Path) -> None:
    """Writes a folder's files into a zip that has the same bytes whenever it is made from the same files."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())  # of 1980, the oldest time that a zip can say
            entry.compress_type = zipfile.ZIP_STORED if path.suffix == ".safetensors" else zipfile.ZIP_DEFLATED
            out.writestr(entry, path.read_bytes())


def collect(target: Path = RELEASE, site: Path | None = None) -> Path:
    """Lays a release out anew and returns its folder.

    notes.md; models/, a folder for each shipped model with its card, as a hub takes it; assets/: models and site as
    archives, the tables, and SHA256SUMS of all of these.
    """
    version()
    shutil.rmtree(target, ignore_errors=True)
    assets = target / "assets"
    assets.mkdir(parents=True)
    (target / "notes.md").write_text(changes()[1], encoding="utf-8")
    for folder in sorted(path for path in CHECKPOINTS.iterdir() if path.is_dir()):
        model = target / "models" / folder.name
        shutil.copytree(folder, model)
        card = model_card.card(folder.name, citation.stated()["license"])
        (model / "README.md").write_text(card, encoding="utf-8")
        packed(model, assets / f"{folder.name}.zip")
    for table in TABLES:
        shutil.copy(table, assets / table.name)
    if site:
        packed(site, assets / "site.zip")
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(assets.iterdir())]
    (assets / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    return target


def commands(target: Path, hub: str) -> list[list[str]]:
    """What publishes a collected release: a tag, a release at GitHub, a repository on the hub for each model."""
    tag = f"v{version()}"
    assets = [str(path) for path in sorted((target / "assets").iterdir())]
    return [
        ["git", "tag", "--annotate", tag, "--message", f"Version {version()}"],
        ["git", "push", "origin", tag],
        [
            "gh",
            "release",
            "create",
            tag,
            "--verify-tag",
            "--title",
            tag,
            f"--notes-file={target / 'notes.md'}",
            *assets,
        ],
        *(
            ["hf", "upload", f"{hub}/recurrences-{model.name}", str(model), ".", f"--commit-message={tag}"]
            for model in sorted((target / "models").iterdir())
        ),
    ]


def obstacles() -> list[str]:
    """What speaks against publishing now."""
    found = []
    if changes()[0].endswith(UNRELEASED):
        found.append(f"CHANGELOG.md's top section is still {UNRELEASED}: put the date there")
    if subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, check=True, capture_output=True).stdout:
        found.append("the working tree has changes that are not committed")
    found += [f"the command {name} is not installed" for name in ("gh", "hf") if not shutil.which(name)]
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="tools/release.py", description=__doc__.split("\n")[0])
    p.add_argument("--hub", default="OWNER", help="whose the models are on the hub (default: %(default)s)")
    p.add_argument("--push", action="store_true", help="publish; without it the commands are only printed")
    options = p.parse_args(arguments)
    try:
        if options.push and (found := obstacles() + ["--hub is missing"] * (options.hub == "OWNER")):
            p.error("; ".join(found))
        from build_site import build

        target = collect(site=build().parent)
    except (OSError, ValueError, RuntimeError) as error:
        sys.exit(f"tools/release.py: error: {error}")
    print(f"{target} has the release of version {version()}. " + ("Publishing:" if options.push else "To publish:"))
    for command in commands(target, options.hub):
        print(" ", shlex.join(command))
        if options.push and subprocess.run(command, cwd=ROOT).returncode:
            sys.exit(f"tools/release.py: error: {command[0]} failed; what stands above it is done")
    if not options.push:
        print(
            "Nothing was sent. --push --hub name does all of this.",
            *(f"Before that: {x}." for x in obstacles()),
            sep="\n",
        )
    return 0


if __name__ == "__main__":
    stop_cleanly()
    sys.exit(main())
