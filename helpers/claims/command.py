"""What ``python -m helpers.claims checkpoints/paper`` does: the paper's claims asked of checkpoints."""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from helpers.claims import measures, results
from helpers.claims.setup import setup_rows
from helpers.claims.tables import claim_rows, claims_table
from helpers.places import SHIPPED
from helpers.training import checkpoints

ABOUT = "The paper's claims asked of a checkpoint; --write stores the answers."


def main(arguments: list[str] | None = None) -> int:
    """The command line; a mistake ends in one line and exit code 2."""
    p = argparse.ArgumentParser(prog="python -m helpers.claims", description=ABOUT)
    p.add_argument("folders", nargs="*", type=Path, help="checkpoints (default: the shipped ones)")
    p.add_argument("--write", action="store_true", help="store the shipped models' readings in checkpoints/results.csv")
    p.add_argument("--claim", nargs="+", choices=measures.ids(), metavar="ID", help="these alone (default: all)")
    options = p.parse_args(arguments)
    if options.folders and options.write:
        p.error("argument --write: the shipped models' readings are stored; leave the folders out")
    folders = options.folders or [results.CHECKPOINTS / name for name in SHIPPED]
    try:
        if options.write and options.claim and (stale := results.stale(folders)):
            weights = f"the weights of {', '.join(stale)} are not those that the other claims were asked of"
            p.error(f"argument --claim: {weights}; leave --claim out")
        bar = tqdm(folders, unit="model", disable=None)
        found = {folder: results.measure(folder, options.claim) for folder in bar}
        asked = options.claim or measures.ids()
        tables = {
            str(folder): setup_rows(checkpoints.load_recipe(folder)) + claim_rows(readings, asked)
            for folder, readings in found.items()
        }
    except (OSError, ValueError) as error:
        p.exit(2, f"{p.prog}: error: {error}\n")
    if options.write:
        results.write(results.updated([results.to_rows(*one) for one in found.items()], options.claim))
    print(claims_table(tables))
    return 0
