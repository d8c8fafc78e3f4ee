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


def listening():
    """Lets a child hear Ctrl-C, which is ignored where a shell has started these tests in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


STUB = "import time\nprint('importing', flush=True)\ntime.sleep(100)\n"


MODULES = {"helpers.training": "torch", "helpers.training.evaluator": "numpy", "helpers.claims": "pandas"}
SCRIPTS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("tools", "bench", "studies")
    for path in (ROOT / folder).glob("*.py")
    if "__main__" in path.read_text(encoding="utf-8")
)


def imported_next(script):
    """The first module that a script imports after its first words on Ctrl-C."""
    lines = (ROOT / script).read_text(encoding="utf-8").partition("stop_quietly()\n")[2].splitlines()
    names = (line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from ")))
    return next(name for name in names if name not in sys.builtin_module_names)


@pytest.mark.skipif(os.name == "nt", reason="signals are other ones there")
@pytest.mark.parametrize(
    ("run", "heavy"),
    [(["-m", module], heavy) for module, heavy in MODULES.items()]
    + [([script], imported_next(script)) for script in SCRIPTS if script != "tools/colab.py"],
    ids=lambda value: value[-1] if isinstance(value, list) else value,
)
def test_ctrl_c_during_imports_leaves_no_traceback(run, heavy, tmp_path):
    (tmp_path / f"{heavy}.py").write_text(STUB, encoding="utf-8")  # found before the real one, and never done
    code = [sys.executable, *run, "--help"] if run[0] == "-m" else [sys.executable, str(ROOT / run[0]), "--help"]
    env, pipe = environment(tmp_path, PYTHONSAFEPATH="1"), subprocess.PIPE
    out = {"stdout": pipe, "stderr": pipe, "encoding": "utf-8"}
    with subprocess.Popen(code, env=env, cwd=tmp_path, preexec_fn=listening, **out) as one:
        assert one.stdout.readline() == "importing\n"
        one.send_signal(signal.SIGINT)
        assert one.wait(60) == -signal.SIGINT and one.stderr.read() == ""


WAIT = """
import sys, time
from helpers.training.terminal import stop_cleanly, stop_quietly
stop_quietly()
stop_cleanly()
try:
    print("at work", flush=True)
    time.sleep(100)
finally:
    print("closed", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are other ones there")
def test_ctrl_c_after_imports_closes_what_is_open_and_leaves_no_traceback(tmp_path):
    code, pipe = [sys.executable, "-c", WAIT], subprocess.PIPE
    out = {"stdout": pipe, "stderr": pipe, "encoding": "utf-8"}
    with subprocess.Popen(code, env=environment(), cwd=tmp_path, preexec_fn=listening, **out) as one:
        assert one.stdout.readline() == "at work\n"
        one.send_signal(signal.SIGINT)
        assert one.wait(60) == -signal.SIGINT and one.stdout.read() == "closed\n" and one.stderr.read() == ""


def test_what_is_no_interruption_keeps_its_traceback(tmp_path):
    code = [sys.executable, "-c", WAIT.replace("time.sleep(100)", "raise RuntimeError('broken')")]
    done = subprocess.run(code, env=environment(), cwd=tmp_path, capture_output=True, encoding="utf-8")
    assert done.returncode == 1 and "RuntimeError: broken" in done.stderr and "closed" in done.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_ends_quietly_and_cleans_up(script):
    source = (ROOT / script).read_text(encoding="utf-8")
    if script == "tools/colab.py":  # it runs before the helpers are there
        assert "signal.signal(signal.SIGINT, signal.SIG_DFL)" in source
    else:
        assert source.index("    stop_quietly()\n") < source.index("    stop_cleanly()\n")
