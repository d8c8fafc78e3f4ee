"""Multiplies one head's output matrix by 1.02 and runs strict nbval, which must fail or the comparison is worthless.

The altered model goes to build/tampered; the shipped one is not touched.
"""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import argparse
import os
import subprocess
import sys

import torch

from helpers.places import ANALYSED, BUILD, ROOT
from helpers.training import checkpoints


def main() -> int:
    p = argparse.ArgumentParser(prog="tools/tamper.py", description=__doc__)
    p.add_argument("--layer", type=int, default=1, help="(default: %(default)s)")
    p.add_argument("--head", type=int, default=0, help="(default: %(default)s)")
    p.add_argument("--factor", type=float, default=1.02, help="(default: %(default)s)")
    p.add_argument("--notebook", default="04_layer1_bias", help="which one to run (default: %(default)s)")
    options = p.parse_args()
    shipped, altered = ROOT / "checkpoints" / ANALYSED, BUILD / "tampered"
    model, recipe = checkpoints.load(shipped), checkpoints.load_recipe(shipped)
    if not (0 <= options.layer < recipe.model.n_layers and 0 <= options.head < recipe.model.n_heads):
        p.error(f"--layer and --head must be below {recipe.model.n_layers} and {recipe.model.n_heads}")
    log = list(zip(*checkpoints.load_log(shipped).values(), strict=True))
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "--nbval", f"notebooks/{options.notebook}.ipynb"]

    def strict_nbval() -> int:
        checkpoints.save(altered, model, recipe, log)
        return subprocess.run(command, cwd=ROOT, env={**os.environ, "MODEL": str(altered)}).returncode

    if strict_nbval() != 0:
        print("strict nbval fails even with the model unchanged: nothing can be concluded", file=sys.stderr)
        return 1
    first = options.head * recipe.model.d_head
    with torch.no_grad():
        weight = model.native.layers[options.layer].attn.o.weight
        weight[:, first : first + recipe.model.d_head] *= options.factor
    noticed = strict_nbval() == 1
    what = f"layer {options.layer}, head {options.head}: output matrix times {options.factor:g}"
    print(f"{what}: strict nbval {'fails, as it should' if noticed else 'DID NOT NOTICE'}")
    return 0 if noticed else 1


if __name__ == "__main__":
    stop_cleanly()
    sys.exit(main())
