"""The site's explorer: the model runs in the page, says what the helpers say, and asks nobody else for anything."""

import functools
import http.server
import subprocess
import threading

import numpy as np
import pytest
import torch

from helpers.analysis import attention
from helpers.analysis.components import head
from helpers.analysis.interventions import scaling
from helpers.analysis.jacobians import rule_of, weights
from helpers.analysis.observation import observe_sequences
from helpers.analysis.suitability import covering, unsuited
from helpers.data.blind import best_weights, predict
from helpers.data.fitting import fit
from helpers.data.predictors import continue_by, exact_solver
from helpers.data.recurrences import Sequences, unroll
from helpers.places import BUILD, ROOT, model_folder
from helpers.training import checkpoints

TOLERANCE = 1e-4
READY = '.explorer[data-state="ready"]'
STATE = """() => {
    const { rows, next, strengths, now, blind, trueC } = document.querySelector(".explorer").explored;
    const n = rows.length, each = (size, f) => Array.from({ length: size }, (_, i) => f(i));
    const patterns = each(strengths.length, l => each(strengths[0].length, h =>
        each(n, i => each(n, j => now.pattern(l, h)(i, j)))));
    return { rows, next, strengths, predictions: now.predictions, weights: now.weights, implied: now.implied,
             direction: now.direction, blind, trueC, patterns };
}"""


@pytest.fixture(scope="module")
def served():
    """The site as a server has it."""
    subprocess.run(["make", "-o", ".venv/ready", "site"], cwd=ROOT, check=True)
    if not (BUILD / "site" / "_static" / "explorer.runtime.js").exists():
        pytest.skip("the site has no explorer: make runtime needs npm and the network")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(BUILD / "site")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


class Page:
    """An explorer that has loaded."""

    def __init__(self, page, address):
        self.page = page
        self.asked, self.errors = [], []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)

    def opened(self):
        self.page.locator(".explorer").scroll_into_view_if_needed()
        self.page.wait_for_selector(READY, timeout=60_000)
        return self

    def set(self, name, value):
        """Moves a control and waits until the picture has followed."""
        moves = "Number(document.querySelector('.explorer').dataset.moves)"
        before = self.page.evaluate(moves)
        self.page.evaluate(
            """([name, value]) => {
                const control = document.querySelector(".explorer form").elements[name];
                control.value = value;
                control.dispatchEvent(new Event(control.tagName == "SELECT" ? "change" : "input", { bubbles: true }));
            }""",
            [name, value],
        )
        self.page.wait_for_function(f"before => {moves} > before", arg=before, timeout=60_000)

    def state(self):
        found = self.page.evaluate(STATE)
        return {name: np.array(value) if isinstance(value, list) else value for name, value in found.items()}

    def said(self):
        return self.page.locator(".explorer .said").inner_text()


@pytest.fixture
def front(new_page, served, offline):
    page = new_page(viewport={"width": 1280, "height": 720})
    page.route("**/*", offline)
    return Page(page, f"{served}/index.html")


@pytest.fixture(scope="module")
def origin():
    folder = model_folder("origin")
    return checkpoints.load(folder), checkpoints.load_recipe(folder).family


def observed(origin, state):
    """What the helpers see in the page's sequence, with its heads' strengths."""
    unknown = np.full((1, state["rows"].shape[1]), np.nan)
    whole = np.concatenate([state["rows"], state["next"][None]])[None]
    obs = observe_sequences(*origin, Sequences(whole, np.full(1, np.nan), unknown, np.ones(1)))
    return obs.under(scaling(obs, {head(*place): float(by) for place, by in np.ndenumerate(state["strengths"])}))


def agrees(origin, state):
    obs = observed(origin, state)
    assert np.abs(state["predictions"] - obs.prediction[0].numpy()).max() < TOLERANCE
    for layer, patterns in enumerate(state["patterns"]):
        assert np.abs(patterns - attention.pattern(obs, layer)[0].numpy()).max() < TOLERANCE
    return obs


def test_it_loads_when_it_comes_into_view_and_asks_its_own_host_alone(front, served, offline):
    big = ("explorer.runtime.js", "explorer.model.js")
    assert "MB" in front.page.locator(".explorer .before").inner_text()
    assert not [url for url in front.asked if url.endswith(big)]
    headings = front.page.eval_on_selector_all("article h2", "all => all.map(h => h.innerText)")
    assert headings[0].startswith("See it at work")
    front.opened()
    assert len([url for url in front.asked if url.endswith(big)]) == 2
    elsewhere = [url for url in front.asked if not url.startswith((served, "data:", "blob:"))]
    assert all("colab-badge" in url for url in elsewhere) and not offline.refused and not front.errors


def test_a_click_or_a_file_does_as_well(new_page, served):
    page = Page(new_page(), f"file://{BUILD / 'site' / 'docs' / 'explorer.html'}").opened()
    assert page.state()["rows"].shape == (5, 40) and not page.errors


def test_it_says_what_the_helpers_say_and_a_head_changed_is_a_head_scaled(front, origin):
    front.opened()
    for changes in (
        {},
        {"c": 0.6, "vectors": 14},
        {"noise": 0.05},
        {"chosen": "L2H3", "strength": 0},
        {"chosen": "L0", "strength": 0.5},
    ):
        for name, value in changes.items():
            front.set(name, value)
        state = front.state()
        obs = agrees(origin, state)
        blind = predict(best_weights(obs.family), obs.vectors.numpy())[0, -1]
        assert np.abs(state["blind"] - blind).max() < TOLERANCE
    assert state["strengths"][2, 3] == 0 and (state["strengths"][0] == 0.5).all() and state["strengths"].sum() == 29
    assert not front.errors


def test_the_weights_on_the_vectors_are_the_jacobians(front, origin):
    front.opened()
    state = front.state()
    obs, direction = observed(origin, state), torch.from_numpy(state["direction"])[None]
    assert np.abs(state["rows"] @ state["direction"]).max() < 1e-9  # at right angles to all vectors
    assert np.abs(state["weights"] - weights(rule_of(obs), obs.vectors, direction)[0].numpy()).max() < TOLERANCE
    present, step, said = (
        torch.from_numpy(x) for x in (state["rows"][-1], np.diff(state["rows"], axis=0)[-1], state["predictions"][-1])
    )
    size, share = torch.linalg.lstsq(torch.stack([present, step], dim=1), said[:, None]).solution[:, 0]
    assert state["implied"]["told"] and abs(state["implied"]["c"] - (share / size).item()) < 1e-6


def test_ones_own_sequence_is_brought_to_the_model_and_back(front, origin):
    front.opened()
    rows = unroll(np.array([[1.0, 20.0, -3.0]]), np.array([0.7]), np.array([[2.0, 3.0, 0.5]]), 9)[0]
    front.set("vectors", 14)
    front.set("own", "\n".join("\t".join(f"{x:.6f}" for x in row) for row in rows[:8]))
    state = front.state()
    agrees(origin, state)
    assert state["rows"].shape == (8, 40) and abs(state["trueC"] - 0.7) < 1e-4
    steps = np.diff(state["rows"], axis=0)
    assert np.abs(steps[1:] - 0.7 * steps[:-1]).max() < 1e-5  # an affine map leaves the recurrence
    assert np.abs(state["next"] - continue_by(exact_solver, state["rows"], 1)[0]).max() < 1e-9
    back = front.page.evaluate(
        "state => document.querySelector('.explorer').explored.back(state)", state["next"].tolist()
    )
    assert np.abs(np.array(back) - rows[8]).max() < 1e-3
    assert "8 rows of 3 numbers" in front.said() and "Row 9 is predicted to be" in front.said()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1 2\n3 four\n5 6", "Row 2, column 2: “four” is no number."),
        ("1 2\n3\n5 6", "Row 2 has 1 numbers, the first has 2."),
        ("1\n\n2\n3", "Row 2 is empty."),
        ("1;2\n3;nan\n5;6", "Row 2, column 2 must be a finite number"),
        ("1,5\n2,5\n3,5", "Row 1: “1,5” may be one number or two"),
        ("a;b\n1;1,234\n3;2\n4;4", "Row 2, column 2: “1,234” may have a decimal comma or mark thousands"),
        ("7 7\n7 7\n7 7", "All rows equal row 1"),
        ("1 2\n3 4", "There must be at least 3 rows, there are 2"),
        ("\n".join([" ".join("1" * 41)] * 3), "Row 1 has 41 numbers, a vector of this model at most 40."),
        ("<b>lorem</b> ipsum", "Row 1, column 1: “<b>lorem</b>” is no number."),
        ("1 2e999\n2 3\n4 5", "Row 1, column 2 is larger than"),
    ],
)
def test_nonsense_gives_a_sentence_that_names_the_row(shared, text, sentence):
    shared.set("own", text)
    assert sentence in shared.said() and not shared.errors
    assert shared.page.locator(".explorer").get_attribute("data-state") == "refused"


@pytest.fixture(scope="module")
def shared(browser, served):
    """One page for tests that leave no trace in it."""
    page = browser.new_page()
    yield Page(page, f"{served}/docs/explorer.html").opened()
    page.close()


@pytest.mark.parametrize(
    ("text", "shape", "understood"),
    [
        ("a;b\n1;1,5\n3;2,5\n4;4,5", (3, 2), "1 header row, 3 rows of 2 numbers"),
        ("\ufeff# made by hand\r\n1, 2\r\n3, 4\r\n4, 8\r\n", (3, 2), "3 rows of 2 numbers"),
        ("1 2 4 8.5", (4, 1), "one row: a sequence of 4 single numbers"),
        ("\n".join(str(2 - 0.9**n) for n in range(20)), (14, 1), "the last 14 are used"),
    ],
)
def test_what_can_be_read_is_said(shared, text, shape, understood):
    shared.set("vectors", 14)
    shared.set("own", text)
    assert understood in shared.said()
    assert len(shared.state()["rows"]) == shape[0]


def test_a_c_outside_the_training_is_named_with_the_range_and_a_model_that_knows_it(shared, origin):
    shared.set("own", "")
    shared.set("c", 1.3)
    other = f"the shipped model {covering(1.3, 40)} was trained on it"
    assert f"c = 1.3 is outside the −1 to 1 that origin was trained on; {other}." in shared.said()
    shared.set("vectors", 14)
    affine = [unroll(np.array([[1.0, 2.0]]), np.array([c]), np.array([[0.3, -0.4]]), 6)[0] for c in (1.3, -1.2, 0.5)]
    few = [[[1.0], [2], [4]], [[1.0], [1], [2], [3]], [[1.0, 2], [3, 4], [9, 9]], [[1.0], [5], [2], [9], [1], [7], [7]]]
    for rows in [*affine, *map(np.array, few)]:
        shared.set("own", "\n".join(" ".join(map(repr, row.tolist())) for row in rows))
        wrong = unsuited(fit(rows, 15), rows, origin[1]) or ""
        for sentence in ("outside the −1 to 1", "not affine"):
            assert (sentence in shared.said()) == (sentence in wrong.replace("-", "−")), (wrong, shared.said())
    shared.set("own", "")
    shared.set("c", -0.8)
    shared.set("vectors", 5)
    assert not shared.said()
    shared.set("vectors", 14)
    assert shared.said() == "With 14 vectors a rule that knows no c is ahead of the model."


def test_a_move_is_quick(shared, capsys):
    times = []
    for i in range(12):
        shared.set("c", -0.9 + 0.1 * i)
        times.append(float(shared.page.locator(".explorer").get_attribute("data-ms")))
    with capsys.disabled():
        print(f"\na move in the site's explorer: {np.median(times):.0f} ms in the median, {max(times):.0f} at most")
    assert all(times)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_controls_and_pictures_fit_a_screen(new_page, served, width, height, scheme):
    page = Page(
        new_page(viewport={"width": width, "height": height}, color_scheme=scheme), f"{served}/docs/explorer.html"
    ).opened()
    page.page.screenshot(path=BUILD / f"explorer_{width}_{scheme}.png", full_page=True)
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.page.locator(".explorer").bounding_box()
    header = page.page.locator(".bd-header-article").bounding_box()["height"]
    assert width < 1280 or box["height"] <= height - header
    cut = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.outerHTML.slice(0, 80))"
    assert page.page.eval_on_selector_all(".explorer :is(p, figcaption, table, label, td, th)", cut) == []


def test_heads_are_chosen_by_keyboard(new_page, served):
    page = Page(new_page(), f"{served}/docs/explorer.html").opened()
    page.page.locator('.explorer .attention [tabindex="0"]').focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "Enter"):
        page.page.keyboard.press(key)
    assert page.page.locator('.explorer [aria-pressed="true"]').get_attribute("value") == "L2H0"
    page.page.locator('.explorer input[name="strength"]').focus()
    page.page.keyboard.press("Home")
    page.page.wait_for_function("document.querySelector('.explorer').explored.strengths[2][0] == 0")
    unlabelled = (
        "all => all.filter(one => !(one.labels?.length || one.getAttribute('aria-label') || one.innerText)).length"
    )
    assert page.page.eval_on_selector_all(".explorer :is(input, select, textarea, button)", unlabelled) == 0
