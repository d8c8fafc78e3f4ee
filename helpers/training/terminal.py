"""Manners at a terminal, before anything is at stake. Nothing heavy is imported here: it is called before what is."""

from __future__ import annotations

import io
import signal
import sys


def stop_quietly() -> None:
    """From now on Ctrl-C ends the process at once and without a traceback, as it ends most programs.

    While a training runs it listens itself, and saves first. A shell that has told the process to ignore Ctrl-C is
    obeyed.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def stop_cleanly() -> None:
    """From now on Ctrl-C is a ``KeyboardInterrupt`` again, so that what is open is closed and what is caught is caught.

    For after the imports, whose extension modules make other errors of it. Caught by nobody it ends the process as it
    ends most programs, and shows no traceback.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    show = sys.excepthook
    sys.excepthook = lambda kind, *rest: None if issubclass(kind, KeyboardInterrupt) else show(kind, *rest)


def print_anyway() -> None:
    """What a terminal or pipe has no character for, ± or ●, is printed as "?" from now on and ends nothing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
