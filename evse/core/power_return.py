"""What becomes of a charge that the loss of the supply has interrupted.

| setting                         | effect after the return                                                                   |
|---------------------------------|-------------------------------------------------------------------------------------------|
| continue after a power failure  | off (factory): whoever was charging asks again. On: a new session begins for the same     |
|                                 | user without asking, if a vehicle is there within ``RESUME_WITHIN_US``                    |
| restart delay                   | nothing is offered at this outlet for a random part of it (0 to 1800 s), so that the      |
|                                 | vehicles of a whole street do not come back at once                                       |

The first is a setting of the THØR (configuration manual 120501, "Network"); the delay and the times are ours. Where access is
free whoever is plugged charges, so there a new charge begins in any case, after the delay. Who comes and asks, with a badge, a
remote start, the key or the push button, need not wait; neither does the next vehicle.

Sessions that ended because control itself died count as interrupted too: their records say `PowerLoss` as well.
"""

from __future__ import annotations

from typing import Final

from evse.core.units import MS, NEVER, SECOND
from evse.records import dataclass

LONGEST_DELAY_US: Final = 1_800 * SECOND
RESUME_WITHIN_US: Final = 60 * SECOND
"""A vehicle that is not seen this long after the return has left."""
LEFT_US: Final = 5 * SECOND
"""An outlet that shows no vehicle for so long has none; after a start it takes a moment to be seen."""
DRAWS: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The outlet's session that had no end. ``uid``, ``authorised_by``: whose it was.

    ``continues``: it is to go on without asking. ``delay_us``: nothing is offered for so long from now on.
    """

    uid: str = ""
    authorised_by: str = ""
    continues: bool = False
    delay_us: int = 0


def part_of_delay(longest_us: int, draw: int) -> int:
    """The share of ``longest_us`` that a ``draw`` of 0 to ``DRAWS`` - 1 means, in whole milliseconds; all are equally likely."""
    return longest_us * (draw % DRAWS) // (DRAWS - 1) // MS * MS


class PowerReturn:
    """The interrupted charge of one outlet."""

    def __init__(self) -> None:
        self._interrupted: Interrupted | None = None
        self._until_us = -NEVER
        self._left_since_us = NEVER
        self.held_until_us = -NEVER
        """Nothing is offered before this instant."""

    def restore(self, now_us: int, interrupted: Interrupted | None) -> None:
        """Services say what the boot before has left."""
        if interrupted is None:
            return
        self.held_until_us = now_us + max(0, min(interrupted.delay_us, LONGEST_DELAY_US))
        if interrupted.continues:
            self._interrupted, self._until_us = interrupted, now_us + RESUME_WITHIN_US

    def to_continue(self, now_us: int) -> Interrupted | None:
        """The session that may go on now."""
        return self._interrupted if now_us < self._until_us else None

    @property
    def until_us(self) -> int:
        """When an interrupted session is given up, ``NEVER`` without one."""
        return NEVER if self._interrupted is None else self._until_us

    def begun(self) -> None:
        """A session has begun at this outlet: the interrupted one is history."""
        self._interrupted = None

    def asked(self) -> None:
        """Somebody is here and asks: nobody waits for a delay in front of a person."""
        self.held_until_us = -NEVER
        self._interrupted = None

    def look(self, now_us: int, *, empty: bool) -> int:
        """Note whether a vehicle is there; return when the result changes by time alone."""
        if self.held_until_us == -NEVER or not empty:
            self._left_since_us = NEVER
            return NEVER
        self._left_since_us = min(self._left_since_us, now_us)
        if now_us >= self._left_since_us + LEFT_US:
            self.held_until_us = -NEVER
            return NEVER
        return self._left_since_us + LEFT_US
