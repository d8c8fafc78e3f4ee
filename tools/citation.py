"""How to cite the series, from CITATION.cff: a page of the site, and .zenodo.json, which this command writes."""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import json
from typing import Any

import yaml

from helpers.places import ROOT

ZENODO = ROOT / ".zenodo.json"
Entry = dict[str, Any]


def stated() -> Entry:
    """What CITATION.cff says."""
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def names(entry: Entry) -> list[str]:
    """Authors as "Family, Given", or the name of a group."""
    return [one.get("name") or f"{one['family-names']}, {one['given-names']}" for one in entry["authors"]]


def bibtex(kind: str, key: str, entry: Entry) -> str:
    """An entry for BibTeX; a field that is not stated is left out."""
    authors = " and ".join(name if "," in name else f"{{{name}}}" for name in names(entry))
    year = entry.get("year") or str(entry.get("date-released", ""))[:4]
    fields = {"author": authors, "title": f"{{{entry['title']}}}", "version": entry.get("version"), "year": year}
    fields |= {"url": entry.get("url") or entry.get("repository-code"), "doi": entry.get("doi")}
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def page() -> str:
    """The page "Cite this", in Markdown."""
    series = stated()
    (paper,) = series["references"]
    entries = (
        bibtex("software", "recurrence-notebooks", series) + "\n\n" + bibtex("article", "affine-recurrences", paper)
    )
    return (
        f"# Cite this\n\nThis is version **{series['version']}**; what has changed stands in the "
        f"[changelog](../CHANGELOG.md).\n\n{series['message']}\n\n```bibtex\n{entries}\n```\n\n"
        "The same for programs: [CITATION.cff](../CITATION.cff).\n"
    )


def zenodo() -> Entry:
    """The metadata of a deposit at Zenodo (.zenodo.json), as its documentation of a deposit's metadata names them."""
    series = stated()
    (paper,) = series["references"]
    return {
        "title": series["title"],
        "upload_type": "software",
        "version": series["version"],
        "description": f"<p>{series['abstract']}</p>",
        "creators": [{"name": name} for name in names(series)],
        "access_right": "open",
        "license": series["license"],
        "keywords": series["keywords"],
        "related_identifiers": [
            {"identifier": paper["identifiers"][0]["value"], "relation": "cites", "scheme": "arxiv"}
        ],
    }


if __name__ == "__main__":
    stop_cleanly()
    ZENODO.write_text(json.dumps(zenodo(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
