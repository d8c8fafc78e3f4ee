"""What holds for the repository: shipped models, the README's table, dependencies, direction of imports."""

import ast
import re
import tomllib

import numpy as np
import pytest

from helpers import checkpoints, evaluator, front
from helpers.notebook import ANALYSED, ROOT
from helpers.recurrences import FIRST
from helpers.verdicts import PAPER_MSE, SOLVED_R2

LAYERS = [
    ["estimates", "recurrences", "predictors", "evaluator"],
    ["bayes", "machine", "study", "userdata"],
    ["model"],
    ["recipes"],
    ["checkpoints"],
    ["run"],
    ["training", "observation"],
    ["circuits", "attention", "forecast", "planted"],
    ["attribution", "interventions"],
    ["copying", "edits"],
    ["verdicts", "theme"],
    ["claims", "settings", "figures"],
    ["drawings", "notebook", "controls"],
    ["front", "explorer"],
]


def test_the_readmes_table_and_drawing_are_current():
    page = (ROOT / "README.md").read_text()
    assert front.insert(page, front.table(front.SHIPPED)) == page, "run: make readme"
    assert front.mechanism(front.look(ROOT / "checkpoints" / ANALYSED)) == front.DRAWING.read_text(), "run: make readme"


@pytest.mark.parametrize("name", ["paper", "fast", "bounded", "small"])
def test_a_shipped_model_is_as_good_as_it_should_be(name):
    """By the evaluator that shares no code with training, in both precisions."""
    log, recipe = (
        checkpoints.load_log(ROOT / "checkpoints" / name),
        checkpoints.load_recipe(ROOT / "checkpoints" / name),
    )
    assert log["step"][-1] == recipe.steps
    double, single = (evaluator.errors(ROOT / "checkpoints" / name, 512, kind) for kind in (np.float64, np.float32))
    mse, variance = double[0][:, FIRST:].mean(), double[1]
    assert abs(single[0][:, FIRST:].mean() / mse - 1) < 1e-3
    assert 1 - mse / variance >= SOLVED_R2
    assert mse <= {"paper": PAPER_MSE, "fast": 2e-6, "bounded": PAPER_MSE, "small": np.inf}[name]


def test_the_fast_model_was_fast():
    log = checkpoints.load_log(ROOT / "checkpoints" / "fast")
    for level, step in ((1e-4, 1000), (1e-5, 3000), (1e-6, 20_000)):
        assert checkpoints.reached(log, level)[0] <= step


def test_what_is_installed_is_said_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["dynamic"]["dependencies"] == {"file": ["requirements.txt"]}
    conda = (ROOT / "environment.yml").read_text()
    assert "-r requirements.txt" in conda and "-c constraints.txt" in conda
    assert f"python{project['project']['requires-python']}" in conda


def test_every_requirement_has_a_recorded_version():
    def names(path):
        return {
            re.split(r"[<>=\[ ;]", line)[0].lower().replace("_", "-")
            for line in path.read_text().splitlines()
            if line and line[0] != "#"
        }

    recorded = names(ROOT / "constraints.txt")
    assert names(ROOT / "requirements.txt") <= recorded
    assert all("==" in line for line in (ROOT / "constraints.txt").read_text().splitlines() if line[0] != "#")


def test_imports_go_in_one_direction():
    level = {name: i for i, names in enumerate(LAYERS) for name in names}
    assert set(level) == {path.stem for path in (ROOT / "helpers").glob("*.py")} - {"__init__"}
    for name in level:
        tree = ast.parse((ROOT / "helpers" / f"{name}.py").read_text())
        used = {
            node.module.removeprefix("helpers.")
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("helpers.")
        }
        used |= {
            a.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "helpers"
            for a in node.names
        }
        assert all(level[other] < level[name] for other in used), (name, used)


def test_helper_files_are_short_and_nothing_is_too_large():
    for path in (ROOT / "helpers").glob("*.py"):
        assert len(path.read_text().splitlines()) <= 250, path
    for path in [*(ROOT / "checkpoints").rglob("*"), *(ROOT / "notebooks").glob("*.ipynb")]:
        assert path.is_dir() or path.stat().st_size < 16e6, path
