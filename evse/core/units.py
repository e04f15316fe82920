"""Units and time base of the core.

Time is an integer number of microseconds on a clock that never steps back and starts at an arbitrary point at
each boot. Names ending in ``_us`` hold such times or spans; ``deadline`` means a point in time, ``timeout`` a span.
Electrical values are integers too: milliamperes, millivolts, duty cycle in basis points (0.01 %), so that equal
inputs give equal outputs on every machine.
"""

from __future__ import annotations

from typing import Final

MS: Final = 1_000
SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE

NEVER: Final = 2**62
"""A point in time that is never reached: "do not wake me"."""

NJ_PER_WH: Final = 3_600_000_000_000
"""Nanojoules in a watt-hour. Energy is summed in nanojoules (mA x V x us) so that no rounding depends on step times."""

THREE_PHASES: Final = 3
PhaseValues = tuple[int, int, int]
"""One value for each of L1, L2, L3."""
