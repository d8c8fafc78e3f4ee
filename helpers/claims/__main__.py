"""The paper's claims asked of a checkpoint: ``python -m helpers.claims checkpoints/paper``; ``--write`` stores them."""

from __future__ import annotations

import sys

from helpers.training.interrupt import stop_quietly

if __name__ == "__main__":
    stop_quietly()
    from helpers.claims.command import main

    sys.exit(main())
