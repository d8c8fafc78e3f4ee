"""The paper's claims asked of a checkpoint: ``python -m helpers.claims checkpoints/paper``; ``--write`` stores them."""

from __future__ import annotations

import sys

from helpers.training.terminal import print_anyway, stop_quietly

if __name__ == "__main__":
    stop_quietly()
    print_anyway()
    from helpers.claims.command import main

    sys.exit(main())
