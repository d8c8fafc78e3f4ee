"""What the site's builder makes of README and notebooks; tests/browser looks at the result."""

import subprocess
import sys
from ast import literal_eval

import site_notebook as site
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.places import ROOT


def of_settings(what):
    """What Sphinx's settings hold, printed."""
    shown = f"import runpy; print(ascii(runpy.run_path('docs/conf.py'){what}))"
    run = [sys.executable, "-c", shown]
    return literal_eval(subprocess.run(run, cwd=ROOT, check=True, capture_output=True, encoding="utf-8").stdout)


def test_an_interval_in_a_table_is_in_one_piece():
    page = "<p>1.0 [0.9, 1.1]</p><td>c of 1.0 [0.9, 1.1] and -2 [-3, -1]</td><td>0 [1, 2]</td>"
    expected = "<p>1.0 [0.9, 1.1]</p><td>c of 1.0\u00a0[0.9,\u00a01.1] and -2\u00a0[-3,\u00a0-1]</td>"
    assert of_settings(f"['whole_intervals']({page!r})") == expected + "<td>0\u00a0[1,\u00a02]</td>"


def test_the_pages_name_their_authors():
    said = of_settings("['author']")
    assert said and f'name: "{said}"' in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def figure(title="One < two<br>always"):
    layout = {"width": 760, "height": 400, "margin": {"t": 76}, "title": {"text": title}}
    return {site.PLOTLY: {"data": [{"y": [1, 2]}], "layout": layout}, "image/png": "x"}


def test_a_figure_becomes_html_as_wide_as_the_page_and_its_title_text():
    outputs = [new_output("display_data", figure()), new_output("stream", text="3")]
    nb = site.as_page(new_notebook(cells=[new_markdown_cell("text"), new_code_cell("", outputs=outputs)]))
    data = nb.cells[1].outputs[0].data
    assert list(data) == ["text/html"] and 'aria-label="One &lt; two always"' in data["text/html"]
    assert "<figcaption>One &lt; two always</figcaption>" in data["text/html"]
    assert '"width":760' not in data["text/html"] and '"title"' not in data["text/html"]
    assert '"t":16' in data["text/html"] and '"height":340' in data["text/html"]  # the title's room is not left empty
    assert nb.cells[1].outputs[1].text == "3"


def test_code_is_folded_where_it_draws_or_shows_nothing():
    shown = {
        "draws": [new_output("stream", text="3"), new_output("display_data", figure())],
        "draws svg": [new_output("display_data", {"image/svg+xml": "<svg/>"})],
        "nothing": [],
        "prints": [new_output("stream", text="3")],
        "table": [new_output("execute_result", {"text/markdown": "| a |"}, execution_count=1)],
    }
    nb = site.as_page(new_notebook(cells=[new_code_cell(name, outputs=outputs) for name, outputs in shown.items()]))
    assert [cell.source for cell in nb.cells if "hide-input" in cell.metadata.get("tags", [])] == list(shown)[:3]


def test_nothing_is_fetched_from_the_web():
    view = 'import { render } from "https://unpkg.com/circuitsvis@1.2.3/dist/cdn/esm.js";'
    outputs = [new_output("display_data", {"text/html": f"<script type=module>{view}</script>"})]
    nb = site.as_page(
        new_notebook(cells=[new_markdown_cell(f"![a]({site.BADGE})"), new_code_cell("", outputs=outputs)])
    )
    shown = nb.cells[1].outputs[0].data["text/html"]
    assert "https:" not in shown + nb.cells[0].source and "const { render } = CircuitsVis;" in shown
    assert site.circuitsvis().is_file()
