"""The explorer of the site, which needs no kernel: ONNX Runtime Web runs the model in the page.

Runtime and model become scripts that hold compressed files as text: a page opened as a file, without a server, can load
scripts and nothing else. The runtime comes from ``make runtime``; without it a sentence stands in the explorer's place.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
from pathlib import Path

from helpers.places import ANALYSED, BUILD, CHECKPOINTS, ROOT

MARK = "<!-- explorer -->"
RUNTIME = BUILD / "npm" / "node_modules" / "onnxruntime-web" / "dist"
ENGINE = "ort-wasm-simd-threaded"
SCRIPTS = ("numbers", "reader", "engine", "charts", "views", "layout", "page")  # of docs/_static, as they load
MISSING = (
    "**The explorer is not in this build.** The model runs in the page by ONNX Runtime Web, which `make runtime` "
    "fetches once, by npm and over the network; `make site` then has it. "
    "Until then `make explorer` shows the same in a notebook."
)


def packed(name: str, content: bytes) -> str:
    """A script that hands a file's content to the page."""
    text = base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()
    return f'((window.Recurrences ??= {{}}).packed ??= {{}})["{name}"] = "{text}";\n'


def runtime() -> str | None:
    """ONNX Runtime Web with its WebAssembly as one script, or None where it is not installed."""
    try:
        script = (RUNTIME / "ort.wasm.min.js").read_text(encoding="utf-8")
        parts = {ending: (RUNTIME / f"{ENGINE}.{ending}").read_bytes() for ending in ("mjs", "wasm")}
    except FileNotFoundError:
        return None
    lines = [line for line in script.splitlines() if not line.startswith("//# sourceMappingURL")]
    return "\n".join(lines) + "\n" + "".join(packed(*part) for part in parts.items())


def model() -> str:
    """The model of the series and its settings as one script; made anew where weights or their export have changed."""
    known = [ROOT / "tools" / "explorer_model.py", ROOT / "constraints.txt", *sorted(CHECKPOINTS.glob("*/config.json"))]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in known)).hexdigest()[:16]
    kept = BUILD / "explorer" / f"{digest}.js"
    if not kept.exists():
        import explorer_model  # takes seconds

        from helpers.places import model_folder
        from helpers.training import checkpoints

        graph = explorer_model.graph(checkpoints.load(model_folder(ANALYSED)))
        settings = json.dumps(explorer_model.settings(ANALYSED), separators=(",", ":"))
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(
            packed("model", graph.SerializeToString()) + f"window.Recurrences.settings = {settings};\n",
            encoding="utf-8",
        )
    return kept.read_text(encoding="utf-8")


def block(static: str, size: int) -> str:
    """The explorer's place in a page.

    Args:
        static: the way from the page to _static.
        size: of runtime and model, in bytes.
    """
    megabytes = f"{size / 1e6:.0f} MB"
    scripts = "\n".join(f'<script defer src="{static}/explorer.{name}.js"></script>' for name in SCRIPTS)
    text = f"Model and engine are {megabytes}, loaded when this comes into view; nothing you enter leaves the page."
    return f"""
<link rel="stylesheet" href="{static}/explorer.css">
<div class="explorer" data-size="{megabytes}" data-static="{html.escape(static)}">
<p class="before">{text} <button type="button">Load it now ({megabytes})</button></p>
<noscript><p>It needs JavaScript.</p></noscript>
</div>
{scripts}
"""


def add(source: Path) -> bool:
    """Puts the explorer, or why there is none, where the pages under ``source`` have the mark; says which."""
    script = runtime()
    pages = {source / "index.md": "## See it at work\n", source / "docs" / "explorer.md": ""}
    size = 0
    if script:
        for name, content in {"runtime": script, "model": model()}.items():
            size += (source / "_static" / f"explorer.{name}.js").write_text(content, encoding="utf-8")
    for page, heading in pages.items():
        text = page.read_text(encoding="utf-8")
        if text.count(MARK) != 1:
            raise ValueError(f"{page.name} must have {MARK} once, for the explorer")
        static = "../" * (len(page.relative_to(source).parts) - 1) + "_static"
        page.write_text(text.replace(MARK, heading + (block(static, size) if script else MISSING)), encoding="utf-8")
    return bool(script)
