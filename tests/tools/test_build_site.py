"""What the site's builder makes of README and notebooks; tests/browser looks at the result."""

import re

import build_site as site
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.claims import measures


def test_every_claim_has_a_section_and_its_evidence():
    books = {path.name: nbformat.read(path, as_version=4) for path in site.notebooks()}
    page = site.results(books)
    sections = re.findall(r"^## (\w\d): ", page, re.MULTILINE)
    assert sections == ["S1", "S2", "S3", "S4", *measures.ids()]
    assert page.count("Evidence: [") == len(sections) and page.count("**the paper**") == len(sections)
    assert "[C2: does similarity decide where to look?](notebooks/05_layer2_negative_similarity.ipynb#c2-" in page


def test_a_claim_without_evidence_is_an_error():
    books = {"1.ipynb": new_notebook(cells=[new_markdown_cell("# A1 in a title is not enough\n\n## A10: another")])}
    with pytest.raises(LookupError, match="no heading of a notebook names claim A1"):
        site.evidence("A1", books)


def test_a_figure_becomes_html_as_wide_as_the_page_and_keeps_its_title():
    figure = {"data": [{"y": [1, 2]}], "layout": {"width": 760, "title": {"text": "One < two<br>always"}}}
    outputs = [new_output("display_data", {site.PLOTLY: figure, "image/png": "x"}), new_output("stream", text="3")]
    nb = site.interactive(new_notebook(cells=[new_markdown_cell("text"), new_code_cell("", outputs=outputs)]))
    data = nb.cells[1].outputs[0].data
    assert list(data) == ["text/html"] and 'aria-label="One &lt; two always"' in data["text/html"]
    assert '"width":760' not in data["text/html"] and nb.cells[1].outputs[1].text == "3"
