"""A real browser: the Chromium on the PATH, offline but for what a test hands it."""

import importlib.util
import shutil
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="make test-browser installs it")

BADGE = '<svg xmlns="http://www.w3.org/2000/svg" width="117" height="20"/>'
EXPORTS = "\nexport const { render, AttentionHeads } = CircuitsVis;"  # the package has no ES module of its own


@pytest.fixture(scope="session")
def browser():
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no Chromium on the PATH")
    with playwright.sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=path)
        yield chromium
        chromium.close()


@pytest.fixture
def new_page(browser):
    """Opens a page, and closes it when the test ends."""
    pages = []

    def opened(**options):
        pages.append(browser.new_page(**options))
        return pages[-1]

    yield opened
    for page in pages:
        page.close()


@pytest.fixture
def offline():
    """Answers what a page asks of the web: the badge, and CircuitsVis's script from its Python package."""
    package = Path(importlib.util.find_spec("circuitsvis").origin).parent
    bundle = (package / "dist" / "cdn" / "iife.js").read_text(encoding="utf-8") + EXPORTS
    refused = []

    def answer(route):
        url = route.request.url
        if url.startswith(("file:", "http://127.0.0.1", "data:", "blob:")):
            route.continue_()
        elif url.endswith("colab-badge.svg"):
            route.fulfill(body=BADGE, content_type="image/svg+xml")
        elif "circuitsvis" in url:
            route.fulfill(body=bundle, content_type="text/javascript")
        else:
            refused.append(url)
            route.abort()

    answer.refused = refused
    return answer
