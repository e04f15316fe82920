"""Schema of an outlet's input lines: which numbered line of the front end has which function, its sense and debounce.

A function without a line does not exist on the board. Lines that an installer wires (In-1, In-2, delayed start, current
limit) have their sense among the outlet's settings, because a user may change it; the others belong to the board.
"""

from __future__ import annotations

from boards.keys import GUIDE, THOR, Strict, key

MAX_LINE = 8
"""Input lines of a front end (docs/hardware/front-end-protocol.md)."""


def _line() -> int:
    number: int = key(..., "Number of the line, from 1", ge=1, le=MAX_LINE)
    return number


class InstallerLine(Strict):
    """A line that the installer wires; its sense is a setting."""

    line: int = _line()
    debounce_ms: float = key(50, "The contact must say the same for this long", unit="ms", ge=1, le=1000)


class DeviceLine(Strict):
    """A line on which a device of the board has its contact."""

    line: int = _line()
    normally_open: bool | None = key(
        None,
        "The contact acts closed; `false`: it acts open. Without a value: false for the key lock, so that a broken wire "
        "reads as locked, else true",
    )
    debounce_ms: float = key(50, "The contact must say the same for this long", unit="ms", ge=1, le=1000)


class BreakerLine(Strict):
    """The extra input that watches the circuit breaker."""

    line: int = _line()
    normally_open: bool = key(
        True,
        "The contact is open while the breaker is on; `false`: closed, so that a broken wire reads as tripped",
    )
    debounce_ms: float = key(20, "The contact must say the same for this long", unit="ms", ge=1, le=50)


class InputLineKeys(Strict):
    """The lines of an outlet by their function."""

    in_1: InstallerLine | None = key(None, "Input In-1", source=GUIDE)
    in_2: InstallerLine | None = key(None, "Input In-2", source=GUIDE)
    extra_breaker: BreakerLine | None = key(
        None, "Extra input that watches the circuit breaker, whatever In-1 does (City)", source=GUIDE
    )
    delayed_start: InstallerLine | None = key(None, "Input for delayed charging start (Smart Wallbox)", source=GUIDE)
    current_limit: InstallerLine | None = key(
        None, "Input for temporary current limitation (Smart Wallbox)", source=GUIDE
    )
    key_lock: DeviceLine | None = key(
        None, "Key lock: it darkens the status light and blocks use (Smart Wallbox)", source=GUIDE
    )
    push_button: DeviceLine | None = key(None, "Front panel push button (Smart Wallbox)", source=GUIDE)
    x1: DeviceLine | None = key(
        None, "Enable input X1 (THØR); it counts when the DIP switch `x1_enable` is on", source=THOR
    )
    service_button: DeviceLine | None = key(None, "Service button behind the cover (THØR)", source=THOR)
