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

from helpers.notebook import ROOT

BOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
MINUTES = 60_000  # ms


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """Starts a Jupyter application on loopback and returns its address."""
    settings = tmp_path_factory.mktemp("settings")
    tracker = settings / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    tracker.parent.mkdir(parents=True)
    tracker.write_text(json.dumps({"windowingMode": "none"}))  # every output is drawn, seen or not
    started = []

    def start(*command):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        env = os.environ | {"JUPYTERLAB_SETTINGS_DIR": str(settings)}
        server = subprocess.Popen(
            [sys.executable, "-m", *command, "--no-browser", f"--port={port}", "--ServerApp.ip=127.0.0.1"],
            cwd=ROOT,
            env=env,
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
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def lab(serve, tmp_path_factory):
    copy = tmp_path_factory.mktemp("lab")  # what is saved must not land in the repository
    shutil.copytree(ROOT / "notebooks", copy / "notebooks")
    nothing = ("--IdentityProvider.token=", "--ServerApp.password=", "--ServerApp.allow_root=True")
    return serve("jupyterlab", f"--ServerApp.root_dir={copy}", *nothing)


@pytest.mark.parametrize("name", BOOKS)
def test_jupyterlab_runs_a_notebook(new_page, offline, lab, name):
    page = new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(10 * MINUTES)
    page.route("**/*", offline)
    page.goto(f"{lab}/lab/tree/notebooks/{name}.ipynb?reset")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.locator('.lm-MenuBar-itemLabel:text-is("Run")').click()
    page.locator('.lm-Menu-itemLabel:text-is("Restart Kernel and Run All Cells…")').click()
    page.locator('.jp-Dialog button:has-text("Restart")').click()
    count = page.locator(".jp-Notebook .jp-CodeCell").count()
    page.wait_for_function(
        """n => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
            return prompts.length == n && prompts.every((p, i) => p.textContent.trim() == `[${i + 1}]:`)
                || document.querySelector('[data-mime-type="application/vnd.jupyter.error"]');
        }""",
        arg=count,
    )
    assert page.locator('[data-mime-type="application/vnd.jupyter.error"]').count() == 0
    assert page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
    assert page.locator(".jp-OutputArea .js-plotly-plot .main-svg").count() > 0
    sliders = page.locator(".widget-slider .noUi-handle")
    if sliders.count():
        figures = page.locator(".jp-OutputArea .js-plotly-plot")
        before = figures.evaluate_all("all => all.map(f => f.innerHTML).join()")
        sliders.first.focus()
        sliders.first.press("ArrowRight")
        page.wait_for_function(
            "before => [...document.querySelectorAll('.jp-OutputArea .js-plotly-plot')]"
            ".map(f => f.innerHTML).join() != before",
            arg=before,
        )
    page.screenshot(path=ROOT / "build" / f"lab_{name}.png")


def test_the_explorer_is_served_without_code_and_follows_its_sliders(new_page, offline, serve):
    page = new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(5 * MINUTES)
    page.route("**/*", offline)
    page.goto(serve("voila", "notebooks/07_explorer.ipynb"))
    title = page.locator(".js-plotly-plot .gtitle")
    title.first.wait_for()
    before = title.first.text_content()
    assert page.locator("text=from helpers import").count() == 0
    page.locator(".widget-slider .noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('.js-plotly-plot .gtitle').textContent != before", arg=before
    )
