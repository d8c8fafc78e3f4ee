"""The command line of training: ``python -m helpers.training --recipe small``; ``--help`` says the rest."""

from __future__ import annotations

import sys

from helpers.training.interrupt import stop_quietly

if __name__ == "__main__":
    stop_quietly()
    from helpers.training.command import main

    sys.exit(main())
