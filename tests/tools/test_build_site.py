"""What the site's builder makes of README and notebooks; tests/browser looks at the result."""

import subprocess
import sys

import build_site as site
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.places import ROOT


def test_the_pages_name_their_authors():
    said = subprocess.run(
        [sys.executable, "-c", "import runpy; print(runpy.run_path('docs/conf.py')['author'])"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        encoding="utf-8",
    ).stdout.strip()
    assert said and f'name: "{said}"' in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_a_figure_becomes_html_as_wide_as_the_page_and_keeps_its_title():
    figure = {"data": [{"y": [1, 2]}], "layout": {"width": 760, "title": {"text": "One < two<br>always"}}}
    outputs = [new_output("display_data", {site.PLOTLY: figure, "image/png": "x"}), new_output("stream", text="3")]
    nb = site.interactive(new_notebook(cells=[new_markdown_cell("text"), new_code_cell("", outputs=outputs)]))
    data = nb.cells[1].outputs[0].data
    assert list(data) == ["text/html"] and 'aria-label="One &lt; two always"' in data["text/html"]
    assert '"width":760' not in data["text/html"] and nb.cells[1].outputs[1].text == "3"
