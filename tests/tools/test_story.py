import re
import time

import nbformat
import pytest
import story
from nbconvert.exporters import ScriptExporter
from nbformat.v4 import new_code_cell, new_notebook


def test_what_is_stored_keeps_its_language_and_nothing_that_changes_from_run_to_run(tmp_path):
    cell = new_code_cell("x = 1", metadata={"execution": {"at": "12:00"}, "collapsed": False, "tags": []})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    ran = {"kernelspec": kernel, "language_info": {"name": "python", "version": "3.11.9"}, "widgets": {}}
    story.store(new_notebook(cells=[cell], metadata=ran), tmp_path / "a.ipynb")
    stored = nbformat.read(tmp_path / "a.ipynb", as_version=4)
    assert set(stored.metadata) == {"kernelspec", "language_info"} and stored.metadata["kernelspec"] == kernel
    assert "version" not in stored.metadata["language_info"]
    assert stored.cells[0].metadata == {"tags": []}
    script, resources = ScriptExporter().from_notebook_node(stored)
    assert resources["output_extension"] == ".py" and "x = 1" in script


@pytest.fixture
def notebooks(tmp_path):
    """Writes two notebooks; the first cell of each waits until the other's has begun. The rest of each is given."""

    def write(*rest):
        paths = [tmp_path / f"{i}.ipynb" for i in range(2)]
        for path, other, source in zip(paths, paths[::-1], rest, strict=True):
            begun, awaited = (str(p.with_suffix(".begun")) for p in (path, other))
            wait = f"import os, time\nopen({begun!r}, 'w')\nwhile not os.path.exists({awaited!r}): time.sleep(0.1)"
            nbformat.write(new_notebook(cells=[new_code_cell(wait), new_code_cell(source)]), path)
        return paths

    return write


def test_two_notebooks_run_at_a_time_with_a_thread_each(notebooks):
    books = story.run(notebooks(*[f"print(os.environ['OMP_NUM_THREADS'], {i})" for i in range(2)]), jobs=2)
    assert [book.cells[1].outputs[0].text for book in books] == ["1 0\n", "1 1\n"]


def test_a_cell_that_fails_is_told_and_stops_what_else_runs(notebooks):
    slow, bad = notebooks("time.sleep(300)", "1 / 0")
    start = time.monotonic()
    with pytest.raises(ExceptionGroup) as failed:
        story.run([slow, bad], jobs=2)
    assert time.monotonic() - start < 100
    (error,) = failed.value.exceptions
    assert re.search(r"1\.ipynb: a cell failed\n(.*\n)*.*ZeroDivisionError", str(error))


def test_a_notebook_that_has_run_is_kept_though_another_fails(notebooks, tmp_path):
    kept = tmp_path / "kept"
    good, bad = notebooks("x = 1", f"while not os.path.exists({str(kept)!r}): time.sleep(0.1)\n1 / 0")
    with pytest.raises(ExceptionGroup):
        story.run([good, bad], 2, lambda nb, path: kept.write_text(path.name, encoding="utf-8"))
    assert kept.read_text(encoding="utf-8") == good.name
