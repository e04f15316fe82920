"""The first thing a child of the supervisor runs: ``python -m evse.app.processes.child_start MODULE ...`` runs the module's ``main``.

Nothing is collected while the module and all that it needs are loaded: what a program consists of is no garbage, and
looking through it again and again takes a tenth of the start. The module's ``main`` decides when collecting begins.
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module


def main() -> int:
    """Load the module that the first argument names and run it with the others; returns its exit code."""
    gc.disable()
    module = import_module(sys.argv.pop(1))
    return int(module.main())


if __name__ == "__main__":
    sys.exit(main())
