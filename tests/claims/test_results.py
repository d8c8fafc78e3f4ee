"""The stored results: that they are today's, and that nothing shown hangs on their last bits."""

import dataclasses
from math import inf

import claims_page
import numpy as np
import pytest
import readme

from helpers.analysis.estimates import Estimate
from helpers.claims import results
from helpers.claims.command import main
from helpers.claims.measures import CLAIMS, ids
from helpers.claims.portrait import portrait
from helpers.claims.readings import Reading
from helpers.claims.tables import claim_rows, claim_section, grid
from helpers.places import ANALYSED, CHECKPOINTS, SHIPPED

NUMBERS = ["value", "low", "high", "at_least", "at_most", "weight"]
KEYS = ["model", "weights", "claim", "key", "head"]


@pytest.fixture(scope="module")
def stored():
    return results.load()


def test_the_shipped_models_have_stored_results_and_no_others(stored):
    assert tuple(stored["model"].unique()) == SHIPPED


COSTLY = ("B2", "B4", "C4")  # the constants that cost least are two thirds of all measuring


@pytest.mark.parametrize("name", SHIPPED)
def test_the_stored_results_are_todays(stored, name):
    """Every claim of the model that the notebooks take apart; of the others all but the costly ones."""
    wanted = [id for id in ids() if name == ANALYSED or id not in COSTLY]
    wanted.append(results.PORTRAIT)
    now = results.to_rows(CHECKPOINTS / name, results.measure(CHECKPOINTS / name, wanted))
    then = stored[(stored["model"] == name) & stored["claim"].isin(wanted)].reset_index(drop=True)
    advice = "run: make results"
    assert now[[*KEYS, "agrees"]].equals(then[[*KEYS, "agrees"]]), advice
    for column in NUMBERS:
        np.testing.assert_allclose(now[column].astype(float), then[column], rtol=1e-6, atol=1e-9, err_msg=advice)


def test_readings_survive_being_stored(tmp_path):
    found = {"A1": [Reading("attention", Estimate(0.5, 0.4, 0.6), "L0H1", low=0.5, note=", x", also=False)]}
    found["S5"] = [Reading("mse", Estimate(1e-5, 9e-6, 2e-5), high=1e-4)]
    results.write(results.to_rows(CHECKPOINTS / ANALYSED, found), tmp_path / "r.csv")
    again = results.to_readings(results.load(tmp_path / "r.csv"))
    assert again == found
    assert again["S5"][0].low == -inf


def test_some_claims_measured_again_take_their_rows_place_and_leave_the_others(stored, tmp_path):
    again = [stored[(stored["model"] == name) & stored["claim"].isin(["B1", "A1"])] for name in SHIPPED]
    results.write(results.updated(again, ["B1", "A1"]), tmp_path / "r.csv")
    assert (tmp_path / "r.csv").read_bytes() == results.RESULTS.read_bytes()
    fewer = results.updated([again[0][again[0]["head"] != "L0H3"]], ["A1"])
    assert set(stored["head"][stored["claim"] == "A1"]) - set(fewer["head"][fewer["claim"] == "A1"]) == {"L0H3"}
    assert results.updated(again).equals(results.pd.concat(again, ignore_index=True))


def test_one_claim_is_not_stored_beside_those_of_other_weights(monkeypatch, stored, capsys):
    replaced = stored.assign(weights=stored["weights"].where(stored["model"] != "paper", "0" * 12))
    monkeypatch.setattr(results, "load", lambda: replaced)
    with pytest.raises(SystemExit):
        main(["--write", "--claim", "A1"])
    assert "the weights of paper are not those that the other claims were asked of" in capsys.readouterr().err


def test_another_table_is_refused(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="the columns must be model, weights"):
        results.load(tmp_path / "x.csv")


def test_a_shipped_model_is_not_measured_again_and_another_is(monkeypatch, stored, tmp_path):
    monkeypatch.setattr(results.measures, "measure", lambda obs, wanted: {id: [] for id in wanted})
    assert set(results.of(CHECKPOINTS / ANALYSED, ["A1", "B1"])) == {"A1", "B1"}
    assert results.of(CHECKPOINTS / "small", ["A1"]) == {"A1": []}


def shown(table):
    """Everything that is printed from stored results: claims, portrait."""
    models = {name: results.to_readings(table[table["model"] == name]) for name in SHIPPED}
    return (
        [claim_rows(found, ids()) for found in models.values()],
        grid(models, ids()),
        [claim_section(id, models) for id in ids()],
        [list(map(str, found[results.PORTRAIT])) for found in models.values()],
    )


@pytest.mark.parametrize("seed", range(5))
def test_nothing_shown_hangs_on_the_last_bits(stored, seed):
    """Every stored number moved by a few parts in 1e-12, as another processor would: not a character changes."""
    moved = stored.copy()
    noise = np.random.default_rng(seed).uniform(-4e-12, 4e-12, moved[NUMBERS].shape)
    moved[NUMBERS] += noise * moved[NUMBERS].abs().where(lambda x: x > 1e-9, 0.1)  # zero, too, is only nearly so
    assert shown(moved) == shown(stored)


def test_a_reworded_label_changes_nothing_but_a_label(monkeypatch, stored):
    before = shown(stored)
    old = CLAIMS["A1"]
    monkeypatch.setitem(CLAIMS, "A1", dataclasses.replace(old, labels={"attention": "a wording of this test"}))
    after = shown(stored)
    assert after != before
    assert repr(after).replace("a wording of this test", old.labels["attention"]) == repr(before)


def test_readme_claims_and_drawing_are_current():
    assert readme.page() == readme.README.read_text(encoding="utf-8"), "run: make readme"
    assert readme.claims() == claims_page.PAGE.read_text(encoding="utf-8"), "run: make readme"
    assert readme.mechanism() == readme.DRAWING.read_text(encoding="utf-8"), "run: make readme"
    assert readme.algorithm() == readme.ALGORITHM.read_text(encoding="utf-8"), "run: make readme"


def test_a_page_without_markers_is_refused():
    with pytest.raises(ValueError, match="must have the lines"):
        readme.insert("no markers", "table")
    page = f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter"
    assert readme.insert(readme.insert(page, "new"), "newer") == f"before\n{readme.BEGIN}\nnewer\n{readme.END}\nafter"


def test_the_portrait_names_every_component(obs):
    found = portrait(obs)
    assert sum(r.estimate.value for r in found if r.key == "share") == pytest.approx(
        (obs.prediction * obs.targets)[:, 2:].sum().item() / obs.targets[:, 2:].square().sum().item()
    )
    assert [r.head for r in found if r.key == "cost"] == ["layer 0", "layer 1", "layer 2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["nowhere"], "nowhere: "), (["nowhere", "--write"], "argument --write: the shipped models' readings are stored")],
)
def test_a_mistake_on_the_command_line_is_one_line(capsys, arguments, message):
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    assert exit.value.code == 2 and message in capsys.readouterr().err
