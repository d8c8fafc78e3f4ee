"""The pages of single claims: bars with their reasons, the paper's words, every reading."""

import re

import claim_pages
import claims_page
import pytest
import readme
from nbformat.v4 import new_markdown_cell, new_notebook

from helpers.claims import measures, thresholds
from helpers.claims.registry import NOT_ASKED
from helpers.places import SHIPPED


def test_every_threshold_has_its_reason():
    names = [name for name in vars(thresholds) if name.isupper()]
    reasons = claim_pages.reasons()
    assert list(reasons) == names and all(len(text) > 15 for text in reasons.values())
    assert reasons["SPARSE"] == reasons["LOW_RANK"] and reasons["HALF"].startswith("A claim that something")


def test_a_claims_bars_are_those_that_its_measure_uses():
    models = readme.models()
    found = {id: claim_pages.bars(id, models["origin"][id]) for id in measures.ids()}
    assert found["S5"] == ["PAPER_MSE"] and found["A1"] == ["NEARLY_ALL", "HALF"]
    assert "STRONG_C" in found["C1"] and "SAME_C" in found["B2"]  # by a label, by what the measure calls


@pytest.mark.parametrize("id", measures.ids())
def test_a_page_has_every_reading_the_paper_and_the_evidence(id):
    models, books = readme.models(), claims_page.notebooks()
    page = claim_pages.page(id, models, books)
    for name in SHIPPED:
        table = page.split(f"<summary>{name} (")[1].split("</details>")[0]
        rows = re.findall(r"^\| (?!---|measure)", table, re.MULTILINE)
        assert int(table.split(")")[0]) == len(rows) == len(models[name][id])
    assert "](../../notebooks/0" in page
    assert ("does not ask this" in page) == (measures.CLAIMS[id].paper == NOT_ASKED)


def test_the_papers_words_are_the_first_sentence_of_what_a_notebook_says_of_them():
    text = "# Title\n\n## A1: one\n\nNot this.\n**What the paper says (A1).** This.\nNot that.\n\n## A2: other"
    books = {"1.ipynb": new_notebook(cells=[new_markdown_cell(text)])}
    assert claim_pages.said("A1", books) == "This."
    assert "does not ask" in claim_pages.said("A2", books)


def test_the_grid_and_the_overview_link_to_the_pages():
    assert claim_pages.linked("| A1 | b |\n| Z9 | c |", "x") == "| [A1](x/A1.md) | b |\n| Z9 | c |"
    page = claim_pages.overview(claims_page.PAGE.read_text(encoding="utf-8"))
    assert page.count("[Every number, and why these bars](claims/") == len(measures.ids())


def test_a_claim_of_which_nothing_was_expected_is_refused_by_the_name_of_the_table(monkeypatch, tmp_path):
    monkeypatch.setattr(claim_pages, "EXPECTED", tmp_path / "e.csv")
    (tmp_path / "e.csv").write_text("claim,expected,why\nS5,replicated,x\n", encoding="utf-8")
    with pytest.raises(LookupError, match=r"e\.csv must say what is expected of claim A1"):
        claim_pages.page("A1", readme.models(), claims_page.notebooks())
