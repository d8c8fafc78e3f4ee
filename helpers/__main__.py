"""The series at the shell: ``recurrences train|sweep|evaluate|forecast``, or ``python -m helpers`` uninstalled."""

from __future__ import annotations

import argparse
import sys

from helpers.places import model_folder
from helpers.training.terminal import print_anyway, stop_quietly

ABOUT = {
    "train": "Trains a model from a recipe; Ctrl-C saves, and the same command goes on from there.",
    "sweep": "Trains and measures many models that a file lists, here or on a cluster; resumes where it was stopped.",
    "evaluate": "Prints the test error of checkpoints, found out without torch; a shipped model's name is enough.",
    "forecast": "Continues a sequence in a file, with a standard deviation for each entry.",
}


def train(arguments: list[str]) -> int:
    """``python -m helpers.training``."""
    from helpers.training.command import main as work

    return work(arguments)


def sweep(arguments: list[str]) -> int:
    """``python -m helpers.training sweep``."""
    from helpers.training.sweep_command import main as work

    return work(arguments)


def evaluate(arguments: list[str]) -> int:
    """``python -m helpers.training.evaluator``, which takes a shipped model's name, too."""
    from helpers.training.evaluator import main as work

    return work([one if one.startswith("-") else str(model_folder(one)) for one in arguments])


def forecast(arguments: list[str]) -> int:
    """``helpers.analysis.forecast`` of a file."""
    p = argparse.ArgumentParser(prog="recurrences forecast", description=ABOUT["forecast"])
    p.add_argument("file", help="a .csv, .txt or .npy file, one vector to a row")
    p.add_argument("--model", help="a shipped model's name or a checkpoint's folder (default: MODEL, else origin)")
    p.add_argument("--steps", type=int, default=1, help="vectors to predict (default: %(default)s)")
    p.add_argument("--allow-outside", action="store_true", help="continue what the model was not trained on, too")
    p.add_argument("--delimiter", help="of the file, where it can be read in two ways")
    p.add_argument("--decimal", choices=(".", ","), help="its decimal mark, likewise")
    p.add_argument("--header", action=argparse.BooleanOptionalAction, help="whether its first row is one, likewise")
    options = p.parse_args(arguments)
    from helpers.analysis.forecast import forecast as work
    from helpers.data.userdata import read
    from helpers.training import checkpoints

    try:
        model = checkpoints.load(model_folder(options.model))
        numbers = read(options.file, delimiter=options.delimiter, decimal=options.decimal, header=options.header)
        found = work(model, numbers, options.steps, allow_outside=options.allow_outside)
    except (ValueError, OSError) as error:  # a SequenceError and a CheckpointError are ValueErrors
        p.exit(2, f"{p.prog}: error: {error}\n")
    for mean, deviation in zip(*found, strict=True):
        print(*(f"{m:.6g} ± {s:.2g}" for m, s in zip(mean, deviation, strict=True)), sep="\t")
    return 0


COMMANDS = {"train": train, "sweep": sweep, "evaluate": evaluate, "forecast": forecast}


def main(arguments: list[str] | None = None) -> int:
    """The command line's work; a user's mistake ends in one line and exit code 2."""
    about = "\n".join(f"  {name:10}{text}" for name, text in ABOUT.items())
    p = argparse.ArgumentParser(
        prog="recurrences",
        description="How a transformer learns recurrences.",
        epilog=f"commands:\n{about}\n\nrecurrences <command> --help says the rest",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("command", choices=COMMANDS, metavar="command", help="one of those below")
    p.add_argument("arguments", nargs=argparse.REMAINDER, help="the command's own")
    options = p.parse_args(arguments)
    try:
        return COMMANDS[options.command](options.arguments)
    except FileNotFoundError as error:
        p.exit(2, f"{p.prog}: error: {error}\n")


def run() -> int:
    """What the shell calls: ``main`` with manners at a terminal."""
    stop_quietly()
    print_anyway()
    return main()


if __name__ == "__main__":
    sys.exit(run())
