"""What holds for the repository: shipped models, dependencies, direction of imports."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
import warnings

import numpy as np
import pytest

from helpers.claims.thresholds import PAPER_MSE
from helpers.data.recurrences import from_third
from helpers.places import ROOT
from helpers.training import checkpoints, evaluator

# The rooms of helpers in the order of the data; ``places`` may be imported by all, and the command line imports all.
ROOMS = ["places", "data", "training", "analysis", "claims", "display", "__main__"]


@pytest.mark.parametrize("name", ["origin", "origin-1e-4", "paper", "fast", "bounded", "small"])
def test_a_shipped_model_is_as_good_as_it_should_be(name):
    """By the evaluator that shares no code with training, in both precisions."""
    log, recipe = (
        checkpoints.load_log(ROOT / "checkpoints" / name),
        checkpoints.load_recipe(ROOT / "checkpoints" / name),
    )
    assert log["step"][-1] == recipe.steps
    double, single = (evaluator.errors(ROOT / "checkpoints" / name, 512, kind) for kind in (np.float64, np.float32))
    mse, variance = from_third(double[0]).mean(), double[1]
    assert abs(from_third(single[0]).mean() / mse - 1) < 1e-3
    assert 1 - mse / variance >= 0.99  # the best of the naive rules explains 0.97
    limits = {
        "origin": 2 * PAPER_MSE,
        "origin-1e-4": 1.05 * PAPER_MSE,
        "paper": PAPER_MSE,
        "fast": 2e-6,
        "bounded": PAPER_MSE,
        "small": np.inf,
    }
    assert mse <= limits[name]


@pytest.mark.parametrize("folder", sorted((ROOT / "checkpoints").glob("*/")), ids=lambda folder: folder.name)
def test_the_config_of_a_shipped_model_has_its_hash(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # if this fails: checkpoints.seal(folder)
        assert checkpoints.load_recipe(folder).steps == checkpoints.load_log(folder)["step"][-1]


def test_the_fast_model_was_fast():
    log = checkpoints.load_log(ROOT / "checkpoints" / "fast")
    for level, step in ((1e-4, 1000), (1e-5, 3000), (1e-6, 20_000)):
        assert checkpoints.reached(log, level)[0] <= step


def test_the_readmes_example_runs_in_any_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    exec(example.replace('"origin"', '"small"'), {})  # a model that is quick
    intact, ablated = re.findall(r"(\S+) \[.*?\]", capsys.readouterr().out)
    assert float(intact) < float(ablated)


def test_a_read_only_checkout_sends_its_output_elsewhere(tmp_path):
    code = "from helpers import places; print(places.LIVE, places.RUNS, places.model_folder('build/mine'), sep='\\n')"
    (tmp_path / "build" / "mine").mkdir(parents=True)
    command = [sys.executable, "-c", code]
    env = os.environ | {"SERIES_OUTPUT": str(tmp_path), "PYTHONPATH": str(ROOT)}
    said = subprocess.run(command, env=env, check=True, capture_output=True, encoding="utf-8").stdout.split()
    assert said == [f"{tmp_path}/build/live", f"{tmp_path}/runs", f"{tmp_path}/build/mine"]
    command = ["make", "-n", "lax", f"SERIES_OUTPUT={tmp_path}"]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, encoding="utf-8").stdout
    assert f"rm -rf {tmp_path}/build/live\n" in said and f"MODEL={tmp_path}/build/live" in said


def test_notebooks_find_helpers_from_their_own_folder_where_nothing_is_installed():
    code = "import helpers.places as places; print(places.__file__, places.ROOT, sep='\\n')"
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", code]
    said = subprocess.run(
        command, cwd=ROOT / "notebooks", env=env, check=True, capture_output=True, encoding="utf-8"
    ).stdout
    assert said.splitlines() == [str(ROOT / "notebooks" / "helpers" / "places.py"), str(ROOT)]


def test_what_is_installed_is_said_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["setuptools"]["dynamic"]["dependencies"] == {"file": ["requirements.txt"]}
    conda = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert "-r requirements.txt" in conda and "-c constraints.txt" in conda
    assert f"python{project['project']['requires-python']}" in conda


def test_every_requirement_has_a_recorded_version():
    def names(path):
        return {
            re.split(r"[<>=\[ ;]", line)[0].lower().replace("_", "-")
            for line in path.read_text(encoding="utf-8").splitlines()
            if line and line[0] != "#"
        }

    recorded = names(ROOT / "constraints.txt")
    assert names(ROOT / "requirements.txt") <= recorded
    assert all(
        "==" in line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if line[0] != "#"
    )


def required():
    """Every requirement by its name, with its lowest version: requirements.txt and the optional ones."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    lines = [line.partition("#")[0].strip() for line in lines]
    lines += [one for many in project["optional-dependencies"].values() for one in many]
    return {line.partition(">=")[0]: line.partition(">=")[2].partition(",")[0] for line in lines if line}


def test_every_requirement_has_a_licence_and_a_reason():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## What it depends on")[2]
    rows = [row.strip("| ").split(" | ") for row in page.partition("## ")[0].splitlines() if row.startswith("|")]
    assert [name for name, *_ in rows[2:]] == list(dict.fromkeys(name for name, *_ in rows[2:]))
    assert {name for name, *_ in rows[2:]} == set(required()) and all(len(row) == 3 and all(row) for row in rows)


def test_the_oldest_versions_are_those_that_are_allowed():
    lines = (ROOT / "tests" / "oldest.txt").read_text(encoding="utf-8").splitlines()
    oldest = dict(line.split("==") for line in lines if not line.startswith("#"))
    floors = required()
    assert set(oldest) <= set(floors)
    for name, version in oldest.items():
        assert (version + ".0.0").startswith(floors[name]), name
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(floors) - set(oldest) == {
        one.partition(">=")[0] for extra in ("lab", "site", "browser", "sweep") for one in project[extra]
    }


def without_encoding(tree):
    """Calls that read or write text and leave the encoding to the platform, ruff's PLW1514 for objects of any type."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        mode = given.get("mode", "".join(map(ast.unparse, call.args[isinstance(call.func, ast.Name) :][:1])))
        text = name in ("read_text", "write_text") or given.get("text") == "True"
        if (text or (name == "open" and "b" not in mode)) and "encoding" not in given:
            yield ast.unparse(call)


def test_a_call_without_an_encoding_is_noticed():
    text = "p.read_text()\nopen('a', 'w')\nopen('a', 'rb')\nrun(x, text=True)\np.write_text('a', encoding='utf-8')"
    assert list(without_encoding(ast.parse(text))) == ["p.read_text()", "open('a', 'w')", "run(x, text=True)"]


def sources():
    """Python of the repository: files, and cells without their magics."""
    for path in ROOT.rglob("*.py"):
        if not {".venv", "build", "runs"} & set(path.relative_to(ROOT).parts):
            yield path, path.read_text(encoding="utf-8")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                lines = "".join(cell["source"]).splitlines()
                yield path, "\n".join(re.sub(r"^( *)[!%].*", r"\1pass", line) for line in lines)


def test_every_text_file_is_read_and_written_as_utf_8():
    assert {(path, call) for path, source in sources() for call in without_encoding(ast.parse(source))} == set()


def imported_rooms(path):
    """The rooms of helpers that a file imports from."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "helpers":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("helpers."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("helpers.")}
    return found


def test_imports_between_rooms_go_in_one_direction():
    files = list((ROOT / "helpers").rglob("*.py"))
    assert {path.relative_to(ROOT / "helpers").parts[0].removesuffix(".py") for path in files} == {"__init__", *ROOMS}
    for path in files:
        room = path.relative_to(ROOT / "helpers").parts[0].removesuffix(".py")
        allowed = ROOMS[: ROOMS.index(room) + 1] if room in ROOMS else []
        assert imported_rooms(path) <= set(allowed), path


def test_nothing_hangs_on_what_python_leaves_out():
    """``python -OO`` drops docstrings and asserts."""
    for path in (ROOT / "helpers").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not isinstance(node, ast.Assert) and getattr(node, "id", "") != "__doc__", path
            assert getattr(node, "attr", "") != "__doc__", path


def test_a_room_says_what_belongs_in_it():
    for room in ROOMS[1:-1]:
        assert "\n\nNot here: " in ast.get_docstring(
            ast.parse((ROOT / "helpers" / room / "__init__.py").read_text(encoding="utf-8"))
        )


def test_helper_files_are_short_and_nothing_is_too_large():
    for path in (ROOT / "helpers").rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 250, path
    for path in [*(ROOT / "checkpoints").rglob("*"), *(ROOT / "notebooks").glob("*.ipynb")]:
        assert path.is_dir() or path.stat().st_size < 16e6, path
