"""Both command lines under switches of Python, and Ctrl-C while they still import."""

import os
import signal
import subprocess
import sys

import pytest

from conftest import NIGHTLY
from helpers.places import ROOT

ALL = """
import sys, torch
from helpers.claims import command as claims
from helpers.data.recurrences import Family
from helpers.training import command, evaluator
from helpers.training.model import ModelConfig
from helpers.training.recipes import RECIPES, Recipe
model = ModelConfig(dimension=3, d_model=8, n_heads=1, d_head=8, d_mlp=8)
RECIPES["tiny"] = Recipe(model=model, family=Family(dimension=3), steps=2)
assert False, "asserts are off"
for main in (command.main, claims.main, evaluator.main):
    try:
        main(["--help"])
    except SystemExit as exit:
        print("exit", exit.code)
print("trained", command.main(["--recipe", "tiny", "--out", sys.argv[1], "--threads", "1", "--device", "cpu"]))
print("judged", evaluator.main([sys.argv[1]]))
"""


def environment(*paths, **more):
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*paths, ROOT)))} | more


@pytest.mark.skipif(not NIGHTLY, reason="compiles all of torch anew; test_project reads the helpers for it")
def test_the_command_lines_work_without_docstrings_asserts_and_the_current_folder(tmp_path):
    code = [sys.executable, "-OO", "-c", ALL, str(tmp_path / "run")]
    done = subprocess.run(
        code, env=environment(PYTHONSAFEPATH="1"), cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("exit 0") == 3 and "trained 0" in done.stdout and "judged 0" in done.stdout
    assert "Traceback" not in done.stderr


STUB = "import time\nprint('importing', flush=True)\ntime.sleep(100)\n"


@pytest.mark.skipif(os.name == "nt", reason="signals are other ones there")
@pytest.mark.parametrize(
    ("module", "heavy"),
    [("helpers.training", "torch"), ("helpers.training.evaluator", "numpy"), ("helpers.claims", "pandas")],
)
def test_ctrl_c_during_imports_leaves_no_traceback(module, heavy, tmp_path):
    (tmp_path / f"{heavy}.py").write_text(STUB, encoding="utf-8")  # found before the real one, and never done
    code = [sys.executable, "-m", module, "--help"]
    env, pipe = environment(tmp_path, PYTHONSAFEPATH="1"), subprocess.PIPE
    with subprocess.Popen(code, env=env, cwd=tmp_path, stdout=pipe, stderr=pipe, encoding="utf-8") as one:
        assert one.stdout.readline() == "importing\n"
        one.send_signal(signal.SIGINT)
        assert one.wait(60) == -signal.SIGINT and one.stderr.read() == ""
