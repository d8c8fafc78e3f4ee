"""Every public function of helpers has a property, a fuzz test, or a reason why not; a measure: the planted model."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import test_properties_analysis
import test_properties_rest

import helpers
from helpers.claims.measures import CLAIMS

TESTS = Path(__file__).parent.parent
TABLES = (test_properties_analysis, test_properties_rest)
# By file: what speaks for all functions of it that no table of properties has.
REASONS = {
    "__main__": "the console command, tests/properties/test_properties_commands.py",
    "analysis.outside": "asks a model of drawn conditions: tests/analysis/test_outside.py",
    "analysis.moment": "parts have properties; a rule that is known: tests/analysis/test_moment.py",
    "analysis.on_line": "``on_line`` is no number where c is not told: tests/analysis/test_on_line.py has its property",
    "analysis.beside": "parts have properties, their row tests/analysis/test_beside.py",
    "analysis.forecast": "the console command's property",
    "claims.asked": "minutes for each model; tests/claims/test_asked.py",
    "claims.command": "no arguments but folders, tests/claims/test_results.py; minutes for each model",
    "claims.measures.layer1": "L-BFGS for each head takes seconds: b2, b4 in tests/claims/test_measures.py",
    "claims.measures.layer2": "the same: c4; ``kept_by_identity`` is a part of c2 and c3",
    "claims.measures.layer0": "parts of a2 and a3, which have properties",
    "claims.measures": "a list of names; tests/claims/test_measures.py",
    "claims.measures.error": "``following.kept`` has the property",
    "claims.portrait": "half a minute for each model; tests/claims/test_results.py",
    "claims.registry": "registers once for each process; tests/claims/test_measures.py",
    "claims.results": "reads and writes one file; tests/claims/test_results.py",
    "claims.study": "``over_seeds`` has a property and ``load`` its cases in tests/claims/test_study.py",
    "data.bayes": "tests/data/test_bayes.py has properties",
    "data.blind": "``fit`` and ``predict`` have properties; ``best_weights`` is ``fit`` of one drawing",
    "data.conditions": "drawn from seeds, nothing to choose but c: tests/data/test_conditions.py",
    "data.exact": "tests/data/test_families.py has properties of every solver",
    "data.families.changing": "tests/data/test_families.py has properties",
    "data.families.linear": "the same",
    "data.families.registry": "the same",
    "data.recurrences": "``scaled`` is a part of ``sample``; tests/data/test_families.py has its property",
    "data.scales": "tests/data/test_families.py, tests/analysis/test_outside.py",
    "data.fields": "declarations; ``hold`` and ``check`` have properties",
    "data.solvers": "tests/data/test_solvers.py has properties",
    "data.userdata": "tests/training/test_fuzz.py and the console command's property",
    "display.drawings": "a fixed picture, and CircuitsVis's view; tests/display/test_drawings.py",
    "display.explorer": "widgets of a notebook; ``picture`` has the property",
    "display.notebook": "shows in a notebook; tests/display/test_notebook.py",
    "display.sliders": "widgets of a notebook; tests/display/test_sliders.py",
    "display.theme": "decorates the figures that have properties",
    "places": "the environment and two folders; tests/test_project.py, tests/test_command.py",
    "training.checkpoints": "damaged files by the thousand, tests/training/test_fuzz.py",
    "training.command": "tests/properties/test_properties_commands.py",
    "training.disk": "full, read-only, shared and killed: tests/training/test_disk.py, tests/training/test_kills.py",
    "training.evaluator": "damaged files by the thousand, and a second opinion: tests/training/test_evaluator.py",
    "training.machine": "asks the machine; tests/training/test_machine.py",
    "training.model": "models of TransformerLens; tests/training/test_model.py compares them",
    "training.muon": "tests/training/test_muon.py has properties",
    "training.sweep": "trainings on a cluster, some killed: tests/training/test_sweep_on_a_cluster.py",
    "training.sweep_command": "the same; tests/training/test_sweeps.py",
    "training.sweeps": "tests/training/test_sweeps.py names what is refused",
    "training.state": "damaged states by the thousand, tests/training/test_fuzz.py; tests/training/test_state.py",
    "training.terminal": "signals and streams; tests/test_invocations.py, tests/test_command.py",
    "training.train": "trainings; tests/training/test_train.py, tests/training/test_kills.py",
    "training.trainer": "trainings; tests/training/test_train.py",
    "training.weights": "damaged files by the thousand, tests/training/test_fuzz.py",
}


def public():
    """The public functions of helpers, "data.bayes.sizes"."""
    for info in pkgutil.walk_packages(helpers.__path__, "helpers."):
        if info.name.endswith("__main__") and info.name != "helpers.__main__":
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            function = inspect.unwrap(value) if callable(value) else None
            if not name.startswith("_") and inspect.isfunction(function) and function.__module__ == info.name:
                yield f"{info.name.removeprefix('helpers.')}.{name}"


def tried():
    """The names that tables of properties have, and reasons name: "bayes.sizes"."""
    return {key for table in TABLES for name in ("CASES", "OF_MODELS", "REASONS") for key in getattr(table, name)}


def test_every_public_function_is_tried_or_has_a_reason():
    names = tried()
    claims = {f"{c.measure.__module__}.{c.measure.__name__}".removeprefix("helpers.") for c in CLAIMS.values()}
    alone = [name for name in public() if name not in claims and ".".join(name.split(".")[-2:]) not in names]
    assert not [name for name in alone if name.rpartition(".")[0] not in REASONS]


def test_no_property_and_no_reason_is_of_what_is_gone():
    functions = {".".join(name.split(".")[-2:]) for name in public()}
    for table in TABLES:
        assert set(table.CASES) | set(table.OF_MODELS) <= functions, table.__name__
    assert set(REASONS) <= {name.rpartition(".")[0] for name in public()}
    for reason in REASONS.values():
        for path in re.findall(r"tests/[\w/]+\.py", reason):
            assert (TESTS.parent / path).exists(), path
