import nbformat
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
