"""Time base of the hardware layer: integer microseconds, monotonic, as an argument."""

from __future__ import annotations

from typing import Final

MS: Final = 1_000
SECOND: Final = 1_000_000
NEVER: Final = 2**62
"""A point in time that is never reached: "do not wake me"."""
