"""The way in on Colab: what is installed there, and the address in badges and first cells."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import address
import colab
import pytest

from helpers.places import ROOT

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_colabs_own_torch_and_numpy_are_pinned(monkeypatch):
    seen = {}

    def run(command, check):
        seen["command"], seen["pins"] = (
            command,
            Path(command[command.index("-c") + 1]).read_text(encoding="utf-8").split(),
        )

    monkeypatch.setattr(colab.subprocess, "run", run)
    said = colab.install()
    here = colab.versions(["torch", "numpy"])
    assert seen["pins"] == [f"{name}=={version}" for name, version in here.items()] and len(here) == 2
    assert seen["command"][-2:] == ["-r", str(ROOT / "requirements.txt")]
    assert said == f"nothing to install; kept torch {here['torch']}, numpy {here['numpy']}"


def test_what_was_missing_is_named(monkeypatch):
    states = iter([{"torch": "2.9"}, {"torch": "2.9", "nbval": "0.11"}])
    monkeypatch.setattr(colab, "versions", lambda names: next(states))
    monkeypatch.setattr(colab.subprocess, "run", lambda command, check: None)
    assert colab.install() == "installed nbval 0.11; kept torch 2.9"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_one_command_sets_badge_and_first_cell(path):
    once, count = address.set_address(path.read_text(encoding="utf-8"), "me/mine", "v1")
    assert count == 2 and "OWNER" not in once
    assert f"https://colab.research.google.com/github/me/mine/blob/v1/notebooks/{path.name}" in once
    assert "git clone -q -b v1 https://github.com/me/mine ~/series\\n" in once
    again, count = address.set_address(once, "you/yours", "main")
    assert count == 2 and "me/mine" not in again and json.loads(again)


def test_notebooks_survive_a_platform_whose_encoding_is_not_utf_8(tmp_path):
    badge = "clone -q -b main https://github.com/OWNER/REPOSITORY ~/series"
    book = json.dumps({"text": "c = −0.6 · ●", "badge": badge}, ensure_ascii=False)
    (tmp_path / "notebooks").mkdir()
    path, readme = tmp_path / "notebooks" / "01.ipynb", tmp_path / "README.md"
    path.write_text(book, encoding="utf-8")
    shutil.copy(ROOT / "README.md", readme)
    code = f"import address, pathlib; address.ROOT = pathlib.Path({str(tmp_path)!r}); address.main(['me/mine'])"
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONPATH": str(ROOT / "tools")}
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | ascii_only, stdout=subprocess.DEVNULL)
    assert json.loads(path.read_text(encoding="utf-8"))["text"] == "c = −0.6 · ●"
    assert "/github/me/mine/blob/main/notebooks/01_data_generation.ipynb" in readme.read_text(encoding="utf-8")


def test_a_wrong_address_is_one_line(capsys):
    for arguments, message in (
        (["mine"], "argument repo: must be owner/name, got 'mine'"),
        (["a/b", "--ref", "x y"], "--ref"),
    ):
        with pytest.raises(SystemExit) as exit:
            address.main(arguments)
        assert exit.value.code == 2 and message in capsys.readouterr().err
