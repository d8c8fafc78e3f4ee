"""What holds across notebooks, as they are stored."""

import ast
import json
import re

import pytest

from helpers import places

PATHS = sorted((places.ROOT / "notebooks").glob("*.ipynb"))
BOOKS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in PATHS}


def code(book):
    return [cell for cell in book["cells"] if cell["cell_type"] == "code"]


def outputs(book):
    return [output for cell in code(book) for output in cell["outputs"]]


@pytest.mark.parametrize("name", BOOKS)
def test_a_notebook_is_stored_as_run_from_top_to_bottom(name):
    book = BOOKS[name]
    assert [cell["execution_count"] for cell in code(book)] == list(range(1, len(code(book)) + 1))
    for output in outputs(book):
        assert output["output_type"] != "error" and output.get("name") != "stderr"


@pytest.mark.parametrize("name", BOOKS)
def test_a_notebook_becomes_a_python_script(name):
    language = BOOKS[name]["metadata"]["language_info"]
    assert (language["file_extension"], language["nbconvert_exporter"]) == (".py", "python")


@pytest.mark.parametrize("name", BOOKS)
def test_github_can_show_every_output(name):
    for output in outputs(BOOKS[name]):
        kinds = set(output.get("data", {"text/plain": ""}))
        assert kinds & {"text/plain", "text/markdown", "image/png", "image/svg+xml"}, kinds
        assert "application/vnd.jupyter.widget-view+json" not in kinds
        if "application/vnd.plotly.v1+json" in kinds:
            assert "image/png" in kinds


@pytest.mark.parametrize("name", BOOKS)
def test_every_figure_has_a_title_and_named_axes(name):
    figures = [
        o["data"]["application/vnd.plotly.v1+json"]
        for o in outputs(BOOKS[name])
        if "application/vnd.plotly.v1+json" in o.get("data", {})
    ]
    assert figures
    for figure in figures:
        layout = figure["layout"]
        assert len(layout["title"]["text"]) > 10
        axes = layout.get("scene", layout)  # in three dimensions they are the scene's
        titles = {
            axis: value.get("title", {}).get("text") for axis, value in axes.items() if re.match("[xy]axis", axis)
        }
        assert any(titles[a] for a in titles if a[0] == "x") and any(titles[a] for a in titles if a[0] == "y"), layout[
            "title"
        ]["text"]


def test_the_set_up_is_the_same_everywhere_and_short():
    setups = {"".join(code(book)[0]["source"]) for book in BOOKS.values()}
    assert len(setups) == 1 and setups.pop().count("\n") <= 5


def test_no_two_notebooks_define_the_same_function_and_cells_are_short():
    defined = {}
    for name, book in BOOKS.items():
        for cell in code(book)[1:]:
            source = "".join(cell["source"])
            assert len(source.splitlines()) <= 20, source
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.FunctionDef):
                    assert defined.setdefault(node.name, name) == name


@pytest.mark.parametrize("name", BOOKS)
def test_prose_is_short(name):
    """Tables, code and a quick check's choices do not count; a list's entries are paragraphs of their own."""
    texts = ["".join(cell["source"]) for cell in BOOKS[name]["cells"] if cell["cell_type"] == "markdown"]
    texts = [re.sub(r"```(?s:.*?)```|^(\||- \*\*[a-d]\*\*).*$", "", text, flags=re.MULTILINE) for text in texts]
    assert sum(len(text.split()) for text in texts) <= 1800
    for text in texts:
        for paragraph in re.split(r"\n\s*\n|\n(?=(?:[-*]|\d+\.) )", text):
            assert len(paragraph.split()) <= 90, paragraph


@pytest.mark.parametrize("name", BOOKS)
def test_links_between_notebooks_lead_somewhere(name):
    text = "\n".join("".join(cell["source"]) for cell in BOOKS[name]["cells"] if cell["cell_type"] == "markdown")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (places.ROOT / "notebooks" / target).exists(), target


def test_an_unknown_model_is_refused_with_those_there_are(monkeypatch):
    monkeypatch.setenv("MODEL", "huge")
    with pytest.raises(
        FileNotFoundError,
        match=r"MODEL must be one of \['bounded', 'fast', 'origin', 'origin-1e-4', 'origin-2', 'origin-32', 'paper', "
        r"'small'\].*"
        "got 'huge'",
    ):
        places.model_folder()
    monkeypatch.setenv("MODEL", "small")
    assert places.model_folder() == places.ROOT / "checkpoints" / "small"
