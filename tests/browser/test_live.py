"""Notebooks with a running kernel, by the README's own commands: ``make lab`` and ``make explorer``.

JupyterLab runs each notebook to its end, sliders move the picture, in Voilà too, and links lead somewhere.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress

import pytest

from helpers.places import BUILD, ROOT

BOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
MINUTES = 60_000  # ms


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """Starts a target of the Makefile on loopback and returns its address."""
    settings = tmp_path_factory.mktemp("settings")
    tracker = settings / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    tracker.parent.mkdir(parents=True)
    tracker.write_text(json.dumps({"windowingMode": "none"}), encoding="utf-8")  # every output is drawn, seen or not
    started = []

    def start(target, folder=ROOT):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = f"--no-browser --port={port} --ServerApp.ip=127.0.0.1 --IdentityProvider.token= --allow-root"
        server = subprocess.Popen(
            ["make", "-o", ".venv/ready", target, f"ARGS={options}"],  # what runs the tests is installed
            cwd=folder,
            env=os.environ | {"JUPYTERLAB_SETTINGS_DIR": str(settings)},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(server)
        for _ in range(120):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.5)
        return f"http://127.0.0.1:{port}"

    yield start
    for server in started:
        os.killpg(server.pid, signal.SIGKILL)  # asked to terminate, it waits for kernels at work
        server.wait(20)


@pytest.fixture(scope="module")
def lab(serve, tmp_path_factory):
    """JupyterLab over a copy of the notebooks, so that nothing is saved into the repository; all else is linked."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", symlinks=True)
    for path in ROOT.iterdir():
        if path.name not in ("notebooks", ".git"):
            (folder / path.name).symlink_to(path)
    return serve("lab", folder)


def move_first_slider(page):
    """Clicks on the slider's far end."""
    track = page.locator(".widget-slider .noUi-target").first
    track.scroll_into_view_if_needed()
    box = track.bounding_box()
    page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)


def restart_and_run_all(page):
    """By the menu, once the notebook is the current one (a click makes it that), as often as it takes."""
    restart = page.locator('.jp-Dialog button:has-text("Restart")')
    for _ in range(20):
        if restart.count():
            break
        page.keyboard.press("Escape")
        page.locator(".jp-Notebook .jp-InputPrompt").first.click()
        page.locator('.lm-MenuBar-itemLabel:text-is("Run")').click()
        page.locator('.lm-Menu-itemLabel:text-is("Restart Kernel and Run All Cells…")').click()
        page.wait_for_timeout(3000)
    restart.click()


@pytest.mark.parametrize("name", BOOKS)
def test_jupyterlab_runs_a_notebook(new_page, offline, lab, name):
    page = new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(2 * MINUTES)
    page.route("**/*", offline)
    page.goto(f"{lab}/lab/tree/notebooks/{name}.ipynb?reset")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()  # the kernel is there
    restart_and_run_all(page)
    count = page.locator(".jp-Notebook .jp-CodeCell").count()
    page.locator('.jp-CodeCell .jp-InputPrompt:text-is("[*]:")').first.wait_for(state="attached")  # under way
    page.wait_for_function(
        """n => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
            return prompts.length == n && prompts.every((p, i) => p.textContent.trim() == `[${i + 1}]:`)
                || document.querySelector('[data-mime-type="application/vnd.jupyter.error"]');
        }""",
        arg=count,
        timeout=10 * MINUTES,
    )
    assert page.locator('[data-mime-type="application/vnd.jupyter.error"]').all_inner_texts() == []
    assert page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').all_inner_texts() == []
    assert page.locator(".jp-OutputArea .js-plotly-plot .main-svg").count() > 0
    views = page.locator('.jp-OutputArea [id^="circuits-vis-"]')
    for i in range(views.count()):
        page.wait_for_function("view => view.innerText", arg=views.nth(i).element_handle())
    if page.locator(".widget-slider").count():
        figures = "[...document.querySelectorAll('.jp-OutputArea .js-plotly-plot')].map(f => f.innerHTML).join()"
        before = page.evaluate(figures)
        move_first_slider(page)
        page.wait_for_function(f"before => {figures} != before", arg=before)
    page.screenshot(path=BUILD / f"lab_{name}.png")


def test_jupyterlab_opens_notebook_01_and_a_link_of_its_first_cell_leads_to_the_glossary(new_page, offline, lab):
    page = new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(MINUTES)
    page.route("**/*", offline)
    page.goto(lab)
    link = page.locator('.jp-Notebook a:text-is("glossary"):visible').first  # of the tab in front
    link.wait_for()
    assert page.url.startswith(f"{lab}/lab/tree/notebooks/01_data_generation.ipynb")
    page.wait_for_function("link => link.href.includes('/files/docs/glossary.md')", arg=link.element_handle())
    link.click()
    page.locator('.lm-TabBar-tabLabel:text-is("glossary.md")').wait_for()


def test_the_explorer_is_served_without_code_and_follows_its_sliders(new_page, offline, serve):
    page = new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(5 * MINUTES)
    page.route("**/*", offline)
    page.goto(serve("explorer"))
    title = page.locator(".js-plotly-plot .gtitle")
    title.first.wait_for()
    assert page.locator("text=from helpers").count() == 0
    before = title.first.text_content()
    move_first_slider(page)
    page.wait_for_function(
        "before => document.querySelector('.js-plotly-plot .gtitle')?.textContent != before", arg=before
    )
    here = page.url
    links = page.eval_on_selector_all("main a[href], body a[href]", "all => all.map(a => a.href)")
    inside = {link for link in links if link.startswith(here.split("/voila/")[0]) and "#" not in link}
    assert {link.rsplit("/", 1)[1] for link in inside} >= {"glossary.md", "14_your_own_recurrence.ipynb"}
    for link in inside:
        if link.endswith(".ipynb"):  # to open it would run it
            assert (ROOT / link.split("/voila/render/")[1]).exists(), link
        else:
            assert page.request.get(link).ok, link
    assert page.request.get(here.replace("notebooks/13_explorer.ipynb", "docs/%2E%2E/.git/config")).status in (403, 404)
    page.locator('a:text-is("glossary")').first.click()
    page.wait_for_function("document.body.innerText.includes('# Glossary')")
