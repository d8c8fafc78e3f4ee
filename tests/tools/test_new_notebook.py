import nbformat
import new_notebook as new
import pytest
from nbclient import NotebookClient


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "07_there.ipynb").touch()
    monkeypatch.setattr(new, "NOTEBOOKS", tmp_path)
    return tmp_path


def test_a_new_notebook_has_the_next_number_its_own_badge_and_runs(folder, monkeypatch):
    assert new.main(["my_idea"]) == 0
    book = nbformat.read(folder / "08_my_idea.ipynb", as_version=4)
    assert book.cells[0].source.startswith("# 8 · My idea") and "08_my_idea.ipynb)" in book.cells[0].source
    monkeypatch.setenv("MODEL", "small")
    NotebookClient(book, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    figure = book.cells[4].outputs[0].data["application/vnd.plotly.v1+json"]
    assert figure["layout"]["title"]["text"].startswith("From 3 vectors to 14")


def test_a_second_notebook_of_the_same_name_is_refused(folder, capsys):
    (folder / "03_my_idea.ipynb").touch()
    with pytest.raises(SystemExit) as exit:
        new.main(["my_idea"])
    assert exit.value.code == 2 and "03_my_idea.ipynb is there already" in capsys.readouterr().err
    assert len(list(folder.iterdir())) == 2


def test_a_name_that_is_no_name_is_one_line(folder, capsys):
    with pytest.raises(SystemExit) as exit:
        new.main(["My Idea"])
    assert exit.value.code == 2 and "got 'My Idea'" in capsys.readouterr().err
    assert len(list(folder.iterdir())) == 1
