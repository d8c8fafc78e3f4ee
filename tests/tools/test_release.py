"""A release: what is collected, what it says, and that nothing is sent unless it is asked for."""

import hashlib
import json
import re
import zipfile

import citation
import model_card
import pytest
import release
import yaml

from helpers.analysis.estimates import number
from helpers.claims import results
from helpers.places import CHECKPOINTS, SHIPPED


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    site = tmp_path_factory.mktemp("site")
    (site / "index.html").write_text("<p>", encoding="utf-8")
    return release.collect(tmp_path_factory.mktemp("release"), site)


def test_every_file_of_the_release_has_its_sum(collected):
    lines = (collected / "assets" / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    files = {path.name: path for path in (collected / "assets").iterdir() if path.name != "SHA256SUMS"}
    assert set(sums) == set(files) >= {"results.csv", "expectations.csv", "site.zip", "origin.zip", "small.zip"}
    for name, path in files.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sums[name], name


def test_a_models_archive_holds_the_shipped_bytes_and_is_the_same_each_time(collected, tmp_path):
    with zipfile.ZipFile(collected / "assets" / "small.zip") as archive:
        assert set(archive.namelist()) == {"README.md", "config.json", "model.safetensors", "training_log.csv"}
        for name in ("config.json", "model.safetensors", "training_log.csv"):
            assert archive.read(name) == (CHECKPOINTS / "small" / name).read_bytes()
    release.packed(collected / "models" / "small", tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (collected / "assets" / "small.zip").read_bytes()


def test_the_notes_are_the_changelogs_top_section(collected):
    notes = (collected / "notes.md").read_text(encoding="utf-8")
    assert notes.startswith("- ") and not re.search("^#", notes, re.MULTILINE)


def test_the_version_is_one(monkeypatch):
    assert re.fullmatch(r"\d+\.\d+\.\d+", release.version())
    monkeypatch.setattr(release, "changes", lambda: ("9.9.9 (unreleased)", ""))
    with pytest.raises(ValueError, match=r"CHANGELOG.md says version 9.9.9, pyproject.toml"):
        release.version()


def test_zenodos_file_is_that_of_today_and_has_what_zenodo_requires():
    stored = json.loads(citation.ZENODO.read_text(encoding="utf-8"))
    assert stored == citation.zenodo()  # if this fails: python tools/citation.py
    assert stored["upload_type"] == "software" and stored["access_right"] == "open"
    assert stored["title"] and stored["description"] and all(one["name"] for one in stored["creators"])


@pytest.mark.parametrize("name", sorted(path.name for path in CHECKPOINTS.iterdir() if path.is_dir()))
def test_a_models_card_has_the_stored_numbers(name):
    _, meta, text = model_card.card(name, "MIT").split("---\n", 2)
    (entry,) = yaml.safe_load(meta)["model-index"]
    table = results.load()
    asked = table[table["model"] == name]
    value = entry["results"][0]["metrics"][0]["value"]
    if name in SHIPPED:
        assert value == asked.loc[asked["claim"] == "S5", "value"].item()
        ids = [id for id in dict.fromkeys(asked["claim"]) if id != results.PORTRAIT]
        assert re.findall(r"^\| (\w\d) \|", text, re.MULTILINE) == ids
    else:
        assert 0 < value < 1e-2 and "were not asked" in text
    assert f"Test MSE {number(value)}." in text


def test_without_push_the_commands_are_printed_and_none_is_run(collected, monkeypatch, capsys):
    import build_site

    monkeypatch.setattr(build_site, "build", lambda: collected / "index.html")
    monkeypatch.setattr(release, "collect", lambda site: collected)
    monkeypatch.setattr(release, "obstacles", lambda: ["something"])
    monkeypatch.setattr(release.subprocess, "run", lambda *_, **__: pytest.fail("a command was run"))
    assert release.main([]) == 0
    said = capsys.readouterr().out
    assert f"gh release create v{release.version()}" in said and "assets/SHA256SUMS" in said
    assert said.count("hf upload OWNER/recurrences-") == len(list((collected / "models").iterdir()))
    assert "Nothing was sent" in said and "Before that: something." in said


def test_what_is_not_ready_is_not_pushed(monkeypatch, capsys):
    monkeypatch.setattr(release.shutil, "which", lambda _: None)
    with pytest.raises(SystemExit):
        release.main(["--push"])
    said = capsys.readouterr().err
    assert "gh is not installed" in said and "--hub is missing" in said and "Traceback" not in said


def test_a_citation_leaves_out_what_is_not_known():
    entry = {"title": "T", "authors": [{"family-names": "B", "given-names": "S"}, {"name": "a group"}], "year": 2024}
    assert citation.bibtex("article", "k", entry) == (
        "@article{k,\n  author = {B, S and {a group}},\n  title = {{T}},\n  year = {2024},\n}"
    )
    assert f"version **{release.version()}**" in citation.page()
