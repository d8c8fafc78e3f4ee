"""Colab, as near as it can be had here: an environment with torch, numpy and IPython and nothing else, a stand-in for
``google.colab``, and the repository behind its GitHub address. Notebook 01 must run in it from its first cell on."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from helpers.places import ROOT

SHELL = """
from IPython.core.interactiveshell import InteractiveShell


class Shell(InteractiveShell):
    pass
"""
RUN_CELLS = """
import json, sys
from google.colab._shell import Shell

shell = Shell.instance()
for source in json.load(open(sys.argv[1], encoding="utf-8")):
    shell.run_cell(source, store_history=True).raise_error()
import os, torch, numpy
print("\\nEND", os.getcwd(), torch.__version__, numpy.__version__)
"""
THERE = ("torch", "numpy", "ipython")  # what the environment has before the first cell


def called(*command, **options):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, encoding="utf-8", **options).stdout


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """Python of an environment like Colab's."""
    folder = tmp_path_factory.mktemp("colab")
    pins = [
        line
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if line.split("==")[0] in THERE
    ]
    called(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    called(python, "-m", "pip", "install", "--quiet", *pins)
    site = called(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    package = folder / site / "google" / "colab"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "_shell.py").write_text(SHELL, encoding="utf-8")
    return python


@pytest.fixture(scope="module")
def remote(tmp_path_factory):
    """A repository with the files as they are now, and its only commit."""
    folder = tmp_path_factory.mktemp("remote")
    files = called("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).splitlines()
    for name in files:
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name, follow_symlinks=False)  # notebooks/helpers is a link
    git = ("git", "-c", "user.name=x", "-c", "user.email=x@localhost")
    called("git", "init", "-q", "-b", "main", cwd=folder)
    called("git", "add", "-A", cwd=folder)
    called(*git, "commit", "-qm", "as it is", cwd=folder)
    return folder


def test_the_first_cell_makes_colab_ready_for_the_rest(colab, remote, tmp_path):
    book = json.loads((remote / "notebooks" / "01_data_generation.ipynb").read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    address = re.search(r"https://github\.com/\S+/\S+", sources[0])[0]
    (tmp_path / "cells.json").write_text(json.dumps(sources), encoding="utf-8")
    (tmp_path / "run.py").write_text(RUN_CELLS, encoding="utf-8")
    redirect = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{remote}.insteadOf", "GIT_CONFIG_VALUE_0": address}
    env = os.environ | redirect | {"HOME": str(tmp_path), "COLAB_RELEASE_TAG": "stand-in"}
    before = called(colab, "-c", "import torch, numpy; print(torch.__version__, numpy.__version__)", env=env).split()
    said = called(colab, tmp_path / "run.py", tmp_path / "cells.json", cwd=tmp_path, env=env)
    series = tmp_path / "series"
    first = said.splitlines()[0]
    assert first.startswith(f"The series is in {series}: installed ") and "transformer_lens" in first
    assert re.search(
        rf"; kept torch {re.escape(before[0])}, numpy {re.escape(before[1])}; training would use: \w+\.$", first
    )
    assert said.splitlines()[-1].split() == ["END", str(series), *before]
