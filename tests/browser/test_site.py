"""The site as a reader sees it: each page, wide and narrow, light and dark."""

import re
import subprocess
import sys

import pytest

from helpers.claims import measures
from helpers.places import BUILD, ROOT, SHIPPED


@pytest.fixture(scope="session")
def site():
    subprocess.run([sys.executable, ROOT / "tools" / "build_site.py"], check=True)
    return BUILD / "site"


PAGES = [
    "index",
    "docs/explorer",
    "docs/claims",
    "docs/claims/A1",
    "docs/glossary",
    "docs/hosts",
    "docs/cite",
    "CHANGELOG",
    *(f"notebooks/{path.stem}" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))),
]


# What is wider than its frame and does not scroll there, and a figure's text that is drawn beyond it. CircuitsVis's own
# views are left out.
CUT = """() => [...document.querySelectorAll('article *')].filter(e => {
    if (e.closest('[id^="circuits-vis-"]')) return false;
    if (e instanceof SVGElement) {
        if (e.tagName != 'text' || !e.closest('.js-plotly-plot')) return false;
        const [mine, frame] = [e, e.closest('.js-plotly-plot')].map(x => x.getBoundingClientRect());
        return mine.width && (mine.left < frame.left - 1 || mine.right > frame.right + 1);
    }
    const style = getComputedStyle(e);
    if (style.display == 'inline' || !e.clientWidth || e.scrollWidth <= e.clientWidth + 1) return false;
    const shows = e.matches('.cell_output > .output.stream pre, figcaption');  // a printed sentence, a title
    return shows || !['auto', 'scroll'].includes(style.overflowX);
}).map(e => e.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole(new_page, offline, site, name, width, scheme):
    page, said, asked = new_page(viewport={"width": width, "height": 900}, color_scheme=scheme), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: message.type == "error" and said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.route("**/*", offline)
    page.goto(f"file://{site}/{name}.html")
    assert not said and not offline.refused
    assert [url for url in asked if not url.startswith((f"file://{site}/", "data:", "blob:"))] == []
    assert page.evaluate(CUT) == []
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
    links = [link for link in links if "#" in link]  # the others lead to the claim's own page
    assert len(links) == page.locator("article section section").count() == 6 + 4 + 4 + 5
    for link in sorted(set(links)):
        page.goto(link)
        assert page.locator("#" + re.sub(r"([^\w-])", r"\\\1", link.split("#")[1])).count() == 1, link


def test_every_claim_of_the_grid_has_a_page_that_leads_to_its_notebook(new_page, site):
    page = new_page()
    page.goto(f"file://{site}/index.html")
    links = page.eval_on_selector_all("article table a", "all => all.map(a => [a.innerText, a.href])")
    links = {id: link for id, link in links if "/docs/claims/" in link}
    assert list(links) == measures.ids()
    for id, link in links.items():
        page.goto(link)
        assert page.locator("article h1").inner_text().startswith(f"{id}: ")
        for name in SHIPPED:
            assert page.locator(f'summary:has-text("{name}:")').count() == 1
        evidence = page.locator("section#where-it-is-shown a.reference").first.get_attribute("href")
        assert evidence.startswith("../../notebooks/") and (site / "docs" / "claims" / evidence.split("#")[0]).exists()


def test_search_finds_a_term(new_page, site):
    page = new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"file://{site}/index.html")
    page.locator(".search-button-field:visible").click()
    page.locator("dialog input[type=search], .search-button__search-container input[type=search]").first.fill(
        "OV circuit"
    )
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li a")
    found = page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.href)")
    (layer_2,) = {link.split("?")[0].split("#")[0] for link in found if "05_layer2" in link}
    page.locator('#search-results li a[href*="05_layer2"]').first.click()
    page.wait_for_selector("article h1")
    assert page.url.startswith(layer_2) and "Layer 2" in page.locator("article h1").inner_text()


@pytest.mark.parametrize("script", [True, False])
def test_folded_code_opens_by_one_click_or_key(browser, site, script):
    page = browser.new_context(java_script_enabled=script).new_page()
    page.goto(f"file://{site}/notebooks/03_layer0_copying.html")
    folded = page.locator("details.above-input")
    count, code = folded.count(), folded.locator("pre")
    assert count > 10 and code.count() == count and not code.first.is_visible()
    folded.locator("summary").first.click()
    assert code.first.is_visible() and "notebook.setup()" in code.first.inner_text()
    folded.locator("summary").nth(1).focus()
    page.keyboard.press("Enter")
    assert code.nth(1).is_visible() and not code.nth(2).is_visible()
    page.context.close()


@pytest.mark.parametrize("name", [name for name in PAGES if "notebooks/" in name])
def test_a_quick_check_answers(new_page, site, name):
    page = new_page()
    page.goto(f"file://{site}/{name}.html")
    choices, said = page.locator(".quick-check button"), page.locator(".quick-check + p[role=status]")
    assert choices.count() == 3 and said.inner_text() == ""
    answer = page.locator(".quick-check ~ details").first
    letter = answer.locator("summary + b").text_content()
    outcomes = []
    for choice in sorted(choices.all(), key=lambda c: c.locator("strong").inner_text() == letter):  # the right one last
        assert answer.get_attribute("open") is None
        choice.focus()
        page.keyboard.press("Enter")
        outcomes.append(said.inner_text()[:1])
    assert outcomes == ["✗", "✗", "✓"] and answer.get_attribute("open") is not None


def test_a_quick_check_is_a_question_with_a_folded_answer_without_scripts(browser, site):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"file://{site}/notebooks/01_data_generation.html")
    assert page.locator("article li:has(strong)").filter(has_text="4.5").is_visible()
    answer = page.locator("details:has(> summary + b)")
    assert answer.count() == 1 and answer.get_attribute("open") is None
    page.context.close()
