"""Changes a line of helpers.analysis or helpers.claims at a time and asks the tests: ``make mutants``.

A seeded sample, in proportion to the files' lines. A mutant that no test of its module notices survives; the list of
survivors is written to bench/mutants.md, and a reason written there before is kept. All this is done to a copy.
"""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from helpers.claims.markdown import markdown
from helpers.places import ROOT
from helpers.training import disk

FOLDERS = ROOT / "helpers" / "analysis", ROOT / "helpers" / "claims"
LIST, SEED, COUNT = ROOT / "bench" / "mutants.md", 19, 80
OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult}
COMPARISONS = {ast.Lt: ast.GtE, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
WIDER = {"following": ["claims/test_solved.py"], "edits": ["analysis/test_expectations.py"]}  # tests of another name
Place = tuple[Path, int, str]  # file, number among its places, what is changed


def changed(node: ast.AST) -> ast.AST | None:
    """Another node in the place of this one; None where there is nothing to change."""
    new = copy.copy(node)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        new.op = OPERATORS[type(node.op)]()
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        new.ops = [COMPARISONS[type(node.ops[0])](), *node.ops[1:]]
    elif isinstance(node, ast.BoolOp):
        new.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        return node.operand
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float, bool):
        new.value = not node.value if isinstance(node.value, bool) else node.value + 1
    else:
        return None
    return new


def body(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes of a file but for annotations and messages, whose change is no fault."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        parts = [getattr(node, name, None) for name in ("annotation", "returns")]
        parts += [node] if isinstance(node, (ast.Raise, ast.JoinedStr)) else []
        for part in parts:
            if isinstance(part, ast.AST):
                skipped |= {id(inner) for inner in ast.walk(part)}
        if id(node) not in skipped:
            yield node


def places(path: Path) -> list[int]:
    """The numbers, in the order of ``body``, of the nodes that can be changed."""
    nodes = body(ast.parse(path.read_text(encoding="utf-8")))
    return [i for i, node in enumerate(nodes) if changed(node) is not None]


def mutant(source: str, number: int) -> tuple[str, str]:
    """The source with one place changed, and what was changed into what, in a line."""
    tree = ast.parse(source)
    node = list(body(tree))[number]
    new, line = changed(node), node.lineno
    said = f"line {line}: {ast.unparse(node)} → {ast.unparse(new)}"

    class Put(ast.NodeTransformer):
        def visit(self, one: ast.AST) -> ast.AST:
            return new if one is node else self.generic_visit(one)

    return ast.unparse(ast.fix_missing_locations(Put().visit(tree))), " ".join(said.split())


def tests_of(path: Path) -> list[str]:
    """The test files of a module: of its name, else those of its room; the wider ones last."""
    room = "claims" if "claims" in path.parts else "analysis"
    own = ROOT / "tests" / room / f"test_{path.stem}.py"
    found = [own] if own.exists() else sorted((ROOT / "tests" / room).glob("test_*.py"))
    return [
        str(one.relative_to(ROOT)) for one in [*found, *(ROOT / "tests" / more for more in WIDER.get(path.stem, []))]
    ]


def killed(path: Path, number: int, seconds: float, tree: Path) -> tuple[bool, str]:
    """Whether a test fails, or hangs, with one place of the copy ``tree`` changed; and what was changed."""
    source, said = mutant(path.read_text(encoding="utf-8"), number)
    copied = tree / path.relative_to(ROOT)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests_of(path)]
    try:
        copied.write_text(source, encoding="utf-8")
        env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tree)}
        return subprocess.run(command, cwd=tree, env=env, capture_output=True, timeout=seconds).returncode != 0, said
    except subprocess.TimeoutExpired:
        return True, said
    finally:
        shutil.copy(path, copied)


def sample(count: int) -> list[tuple[Path, int]]:
    """So many places of all, by a fixed seed."""
    every = [(path, i) for folder in FOLDERS for path in sorted(folder.rglob("*.py")) for i in places(path)]
    return random.Random(SEED).sample(every, min(count, len(every)))


def reasons() -> dict[str, str]:
    """What the list of survivors says already."""
    lines = LIST.read_text(encoding="utf-8").splitlines() if LIST.exists() else []
    cells = [line.strip("|").split(" | ") for line in lines if line.startswith("| helpers/")]
    return {f"{file.strip()} {what.strip()}": why.strip() for file, what, why in cells}


def main(arguments: list[str] | None = None) -> int:
    """Tries the sample and writes the list; exit code 1 if fewer than nine in ten were noticed."""
    p = argparse.ArgumentParser(prog="tools/mutants.py", description=(__doc__ or "").partition("\n")[0])
    p.add_argument("--count", type=int, default=COUNT, help="how many (default: %(default)s)")
    p.add_argument("--seconds", type=float, default=300, help="a test that takes longer hangs (default: %(default)s)")
    options = p.parse_args(arguments)
    known, survivors, tried = reasons(), [], 0
    folder = TemporaryDirectory()
    tree = Path(folder.name) / "tree"
    try:
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".*", "build", "runs", "*.egg-info", "__pycache__"))
        for path, number in sample(options.count):
            noticed, said = killed(path, number, options.seconds, tree)
            tried += 1
            print(f"{tried}: {'killed' if noticed else 'SURVIVED'} {path.name} {said}", flush=True)
            if not noticed:
                name = path.relative_to(ROOT).as_posix()
                survivors.append((name, said, known.get(f"{name} {said}", "")))
    finally:
        folder.cleanup()
        score = f"{tried - len(survivors)} of {tried} changes were noticed (seed {SEED}); `make mutants`"
        table = markdown(("file", "change", "why nobody need notice"), survivors)
        disk.write(LIST, f"# Changes that no test notices\n\n{score}\n\n{table}\n".encode())
        print(score)
    return 0 if tried and len(survivors) <= 0.1 * tried else 1


if __name__ == "__main__":
    stop_cleanly()
    sys.exit(main())
