"""How often a pilot generator may fail before it is given up.

A generator whose frequency or duty cycle is off is seen only while PWM is on. The fault ends with the offer and would come
back with the next one for ever: an offer, a closed contact, an emergency opening, twice a minute. So every offer that
fails so is counted, and after :data:`TRIES` of them nothing is offered any more until somebody has looked at the outlet
(`PilotGeneratorDefective`, cleared by service). PWM as ordered for :data:`GOOD_US` forgives earlier failures. The numbers
are ours.
"""

from __future__ import annotations

from typing import Final

from evse.core.pilot import PilotMonitor
from evse.core.units import NEVER, SECOND
from evse.core.values import PilotMode

TRIES: Final = 3
"""So many failed offers prove a defect."""
GOOD_US: Final = 60 * SECOND
"""PWM as ordered for this long proves that the generator works."""


class GeneratorTries:
    """Counts the failed offers of one outlet's pilot generator."""

    def __init__(self) -> None:
        self._failed = 0
        self._was_stuck = False
        self._good_since_us = NEVER

    @property
    def defective(self) -> bool:
        """The bounded number of tries is used up."""
        return self._failed >= TRIES

    def serviced(self) -> None:
        """Somebody has looked at the outlet: begin anew."""
        self._failed = 0

    def update(self, now_us: int, pilot: PilotMonitor) -> None:
        """Take the pilot as it is seen now.

        A line that something else holds (a short, a foreign voltage) says nothing about the generator.
        """
        failed = pilot.generator_stuck and not self._was_stuck and pilot.mode is PilotMode.PWM
        self._was_stuck = pilot.generator_stuck
        if failed and not pilot.held_by_others:
            self._failed += 1
        if not pilot.pwm_confirmed or pilot.generator_stuck:
            self._good_since_us = NEVER
        elif self._good_since_us == NEVER:
            self._good_since_us = now_us
        elif now_us - self._good_since_us >= GOOD_US and not self.defective:
            self._failed = 0
