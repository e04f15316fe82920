"""``python -m evse`` is the command ``evse``."""

from __future__ import annotations

import sys

from evse.app.cli import main

if __name__ == "__main__":
    sys.exit(main())
