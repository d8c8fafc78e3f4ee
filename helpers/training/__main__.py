"""The command line of training: ``python -m helpers.training --recipe small``, or ``… sweep FILE``; ``--help`` says
the rest."""

from __future__ import annotations

import sys

from helpers.training.terminal import print_anyway, stop_quietly

if __name__ == "__main__":
    stop_quietly()
    print_anyway()
    if sys.argv[1:2] == ["sweep"]:
        from helpers.training.sweep_command import main

        sys.exit(main(sys.argv[2:]))
    from helpers.training.command import main

    sys.exit(main())
