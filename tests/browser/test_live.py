"""Notebooks with a running kernel: JupyterLab runs each to its end, and sliders move the picture, in Voilà too."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from helpers.places import ROOT

BOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
MINUTES = 60_000  # ms


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """Starts a Jupyter application on loopback and returns its address."""
    settings = tmp_path_factory.mktemp("settings")
    tracker = settings / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    tracker.parent.mkdir(parents=True)
    tracker.write_text(json.dumps({"windowingMode": "none"}), encoding="utf-8")  # every output is drawn, seen or not
    started = []

    def start(*command):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = subprocess.Popen(
            [sys.executable, "-m", *map(str, command), "--no-browser", f"--port={port}", "--ServerApp.ip=127.0.0.1"],
            cwd=ROOT,
            env=os.environ | {"JUPYTERLAB_SETTINGS_DIR": str(settings)},
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
        server.kill()  # asked to terminate, it waits for kernels at work
        server.wait(20)


@pytest.fixture(scope="module")
def lab(serve, tmp_path_factory):
    """JupyterLab over a copy of the notebooks, so that nothing is saved into the repository."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    return serve("jupyterlab", f"--ServerApp.root_dir={folder}", "--IdentityProvider.token=", "--allow-root")


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
    assert page.locator('[data-mime-type="application/vnd.jupyter.error"]').count() == 0
    assert page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
    assert page.locator(".jp-OutputArea .js-plotly-plot .main-svg").count() > 0
    views = page.locator('.jp-OutputArea [id^="circuits-vis-"]')
    for i in range(views.count()):
        page.wait_for_function("view => view.innerText", arg=views.nth(i).element_handle())
    if page.locator(".widget-slider").count():
        figures = "[...document.querySelectorAll('.jp-OutputArea .js-plotly-plot')].map(f => f.innerHTML).join()"
        before = page.evaluate(figures)
        move_first_slider(page)
        page.wait_for_function(f"before => {figures} != before", arg=before)
    page.screenshot(path=ROOT / "build" / f"lab_{name}.png")


def test_the_explorer_is_served_without_code_and_follows_its_sliders(new_page, offline, serve):
    page = new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(5 * MINUTES)
    page.route("**/*", offline)
    page.goto(serve("voila", "notebooks/11_explorer.ipynb"))
    title = page.locator(".js-plotly-plot .gtitle")
    title.first.wait_for()
    assert page.locator("text=from helpers").count() == 0
    before = title.first.text_content()
    move_first_slider(page)
    page.wait_for_function(
        "before => document.querySelector('.js-plotly-plot .gtitle')?.textContent != before", arg=before
    )
