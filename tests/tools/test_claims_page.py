"""The page of all results: a section for each claim, with its evidence."""

import re

import claims_page
import pytest
import readme
from nbformat.v4 import new_markdown_cell, new_notebook

from helpers.claims import measures
from helpers.places import SHIPPED


def test_every_claim_has_a_section_its_evidence_and_every_model():
    page = claims_page.sections(readme.models(), claims_page.notebooks())
    sections = re.findall(r"^## (\w\d): ", page, re.MULTILINE)
    assert sections == ["S1", "S2", "S3", "S4", *measures.ids()]
    assert page.count("Evidence: [") == len(sections)
    assert page.count("| measure | asked for | " + " | ".join(f"`{name}`" for name in SHIPPED)) == len(measures.ids())
    assert "[C2: does similarity decide where to look?](../notebooks/05_layer2_negative_similarity.ipynb#c2-" in page


def test_a_claim_without_evidence_is_an_error():
    books = {"1.ipynb": new_notebook(cells=[new_markdown_cell("# A1 in a title is not enough\n\n## A10: another")])}
    with pytest.raises(LookupError, match="no heading of a notebook names claim A1"):
        claims_page.evidence("A1", books)


def test_numbers_marks_and_intervals_do_not_break():
    line = "| `origin-1e-4` | B2 | ◐ -8.50e-05 | 0.25 [-0.10, 1.00e-04] ✓, c < -0.7 (see a-1) |"
    joined = "| `origin-1e-4` | B2 | ◐\u00a0−8.50e−05 | 0.25\u00a0[−0.10,\u00a01.00e−04] ✓, c < −0.7 (see a-1) |"
    assert claims_page.unbroken(f"text 1 [2, 3]\n{line}") == f"text 1 [2, 3]\n{joined}"
