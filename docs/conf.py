"""Sphinx's settings for the site; ``tools/build_site.py`` lays the pages out and builds from there."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import yaml
from docutils.nodes import Node, SkipNode
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

from helpers.places import ROOT

project = "How a transformer learns recurrences"
author = ", ".join(
    one["name"] for one in yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["authors"]
)
extensions = ["myst_nb"]
html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["plotly.min.js", "quick_check.js"]  # the first once for all figures
html_copy_source = html_show_sphinx = html_show_copyright = False
html_theme_options = {
    "show_toc_level": 2,
    "home_page_in_toc": True,
    "use_download_button": False,
    "navbar_persistent": [],
}
html_context = {"default_mode": "auto"}
nb_execution_mode = "off"  # the outputs are there already
nb_code_prompt_show, nb_code_prompt_hide = "Show the code", "Hide the code"
nb_render_markdown_format = "gfm"  # outputs have tables
nb_mime_priority_overrides = [("html", "text/html", 0)]  # a figure that moves rather than its picture
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing"]  # links to folders, which GitHub has and a site has not


def _inline(self: HTML5Translator, node: Node) -> None:
    self.body.append(convert(node.astext()))
    raise SkipNode


def _block(self: HTML5Translator, node: Node) -> None:
    self.body.append(convert(node.astext(), display="block"))
    raise SkipNode


html_math_renderer = "mathml"


def whole_intervals(html: str) -> str:
    """A page in which no line breaks within an interval that a table's cell has."""
    joined = partial(re.sub, r"\S+ \[[^][<>]*\]", lambda found: found[0].replace(" ", "\u00a0"))
    return re.sub("<td.*?</td>", lambda cell: joined(cell[0]), html, flags=re.DOTALL)


def _keep_whole(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Node | None) -> None:
    context["body"] = whole_intervals(context.get("body", ""))


def setup(app: Sphinx) -> None:
    """Formulas as MathML, which browsers draw themselves: no script, nothing fetched. Intervals in one piece."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("html-page-context", _keep_whole)
