"""What an energy meter is built into, and what may be wrong with one: the boundary between a meter's twin and the world."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from evse.records import dataclass
from hal.units import MS
from hal.world.supply import Phases

ANSWER_TIME_US: Final = 15 * MS


class Measured(NamedTuple):
    """What flows through the meter. ``powers_mw`` is signed (positive: import); energies never fall."""

    currents_ma: Phases
    voltages_mv: Phases
    powers_mw: Phases
    import_mwh: int
    export_mwh: int = 0


class Source(Protocol):
    """What a meter is built into."""

    def measured(self, now_us: int) -> Measured:
        """Return what is true at ``now_us``."""
        ...


class MeterLie(StrEnum):
    """How a meter lies."""

    NONE = "none"
    NAN = "nan"
    """Floating numbers are NaN; whole ones the largest there is."""
    NEGATIVE = "negative"
    """Every value has the wrong sign."""
    JUMP = "jump"
    """Currents and energy are far off: a thousand times too much, and another number each time."""
    LEAP = "leap"
    """The energy alone is far off, another number each time; everything else is true."""
    FROZEN = "frozen"
    """Everything stays as it was when it began."""


@dataclass(slots=True)
class MeterFaults:
    """What is wrong with a meter. ``delay_us``: from request to answer. ``exception``: its answer to everything, 0: none."""

    silent: bool = False
    garbage: bool = False
    exception: int = 0
    delay_us: int = ANSWER_TIME_US
    lie: MeterLie = MeterLie.NONE
