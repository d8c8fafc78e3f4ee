"""Ctrl-C before anything is at stake. Nothing heavy is imported here: it is called before what is."""

from __future__ import annotations

import signal


def stop_quietly() -> None:
    """From now on Ctrl-C ends the process at once and without a traceback, as it ends most programs.

    While a training runs it listens itself, and saves first. A shell that has told the process to ignore Ctrl-C is
    obeyed.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
