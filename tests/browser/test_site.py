"""The site as a reader sees it: each page, wide and narrow, light and dark."""

import re
import subprocess
import sys

import pytest

from helpers.places import BUILD, ROOT


@pytest.fixture(scope="session")
def site():
    subprocess.run([sys.executable, ROOT / "tools" / "build_site.py"], check=True)
    return BUILD / "site"


PAGES = [
    "index",
    "docs/explorer",
    "docs/claims",
    "docs/glossary",
    *(f"notebooks/{path.stem}" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole(new_page, offline, site, name, width, scheme):
    page, said = new_page(viewport={"width": width, "height": 900}, color_scheme=scheme), []
    page.on("console", lambda message: message.type == "error" and said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.route("**/*", offline)
    page.goto(f"file://{site}/{name}.html")
    assert not said and not offline.refused
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].filter(i => !i.naturalWidth || !i.alt).map(i => i.src)") == []
    figures = page.locator("figure.plot")
    drawn = page.locator("figure.plot .js-plotly-plot .main-svg >> nth=0")
    if figures.count():
        assert drawn.is_visible()
        assert page.locator("figure.plot:has(.main-svg)").count() == figures.count()
        assert all(figures.nth(i).get_attribute("aria-label") for i in range(figures.count()))
    views = page.locator('[id^="circuits-vis-"]')
    for i in range(views.count()):
        assert views.nth(i).inner_text()
    assert "| —" not in page.inner_text("article")  # a table that is none
    assert page.locator(".component-author").inner_text() == "By the authors of the recurrence notebooks"
    levels = page.eval_on_selector_all("article :is(h1, h2, h3, h4)", "all => all.map(h => +h.tagName[1])")
    assert levels[0] == 1 and all(b <= a + 1 for a, b in zip(levels, levels[1:], strict=False))
    assert page.evaluate("document.documentElement.dataset.theme") == scheme


def test_every_claim_leads_to_its_evidence(new_page, site):
    page = new_page()
    page.goto(f"file://{site}/docs/claims.html")
    links = page.eval_on_selector_all("article section section a.reference", "all => all.map(a => a.href)")
    assert len(links) == page.locator("article section section").count() == 6 + 4 + 4 + 5
    for link in sorted(set(links)):
        page.goto(link)
        assert page.locator("#" + re.sub(r"([^\w-])", r"\\\1", link.split("#")[1])).count() == 1, link


def test_search_finds_a_term(new_page, site):
    page = new_page()
    page.goto(f"file://{site}/search.html?q=checkerboard")
    page.wait_for_selector("#search-results li")
    assert page.locator("#search-results li").count() >= 2
