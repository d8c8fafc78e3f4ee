"""The command line of the series, and the README's lines as they are written there."""

import io
import re
import tomllib

import pytest

from helpers import __main__ as command
from helpers.places import ROOT
from helpers.training.terminal import print_anyway


def test_it_is_installed_under_its_name():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"recurrences": "helpers.__main__:run"}


def test_what_a_terminal_has_no_character_for_ends_nothing(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    monkeypatch.setattr("sys.stderr", None)  # as under pythonw
    print_anyway()
    print("1 ± 2 ●", flush=True)
    assert written.getvalue().split() == [b"1", b"?", b"2", b"?"]


def test_a_shipped_model_is_evaluated_by_name_in_any_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command.main(["evaluate", "small"]) == 0
    assert re.search(r"small: test MSE \d", capsys.readouterr().out)


def test_a_file_is_continued(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.csv").write_text(
        "time,value\n" + "".join(f"{n},{2 + 0.5**n}\n" for n in range(6)), encoding="utf-8"
    )
    assert command.main(["forecast", "my.csv", "--model", "small", "--steps", "2"]) == 0
    *_, first, second = capsys.readouterr().out.splitlines()
    for line, truth in ((first, (6, 2 + 0.5**6)), (second, (7, 2 + 0.5**7))):
        found = [float(cell.split(" ± ")[0]) for cell in line.split("\t")]
        assert found == pytest.approx(truth, abs=0.7)


def test_what_can_be_read_in_two_ways_can_be_told(tmp_path, capsys):
    file = tmp_path / "two.csv"
    file.write_text("9,1\n5,1\n3,1\n2,1\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        command.main(["forecast", str(file), "--model", "small"])
    assert "may be 2 numbers or one" in capsys.readouterr().err
    assert command.main(["forecast", str(file), "--model", "small", "--decimal", ","]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "two.csv: 1 column, decimal comma" and "\t" not in said[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dance"], "invalid choice: 'dance'"),
        (["evaluate", "huge"], "MODEL must be one of"),
        (["forecast", "nothing.csv"], "nothing.csv cannot be read"),
        (["forecast", "x.csv", "--model", "huge"], "MODEL must be one of"),
        (["train", "--recipe", "huge"], "invalid choice: 'huge'"),
    ],
)
def test_a_mistake_is_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as exit:
        command.main(arguments)
    said = capsys.readouterr().err
    assert exit.value.code == 2 and message in said and "Traceback" not in said


def test_the_readme_names_only_modules_and_targets_that_there_are():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    for module in set(re.findall(r"python -m (helpers[\w.]*)", page)):
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), module
    for script in re.findall(r"`python ([\w/]+\.py)", page):
        assert (ROOT / script).exists(), script
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`[^`]*\bmake ([a-z-]+)", page)) <= targets
    for name in re.findall(r"`recurrences ([a-z|]+)", page):
        assert set(name.split("|")) <= set(command.COMMANDS), name
