"""The residual-current detector: 30 mA AC and 6 mA DC, trip outputs, self test.

Specification. A trip latches in the detector. It is released by a self test that passes, by a reset by hand, or by
taking the detector's supply away; a leak that still flows trips it again. A leak trips only while the outlet is live
behind the contactor: AC from 30 mA after 40 ms, DC from 6 mA after 200 ms (both inside the limits of IEC 62955 and
IEC 61008; the exact times are ours). The detector has no contact of its own: it reports, the front end acts. The self
test takes 800 ms and does not touch the trip outputs while it runs.
"""

from __future__ import annotations

from typing import Final

from evse.records import dataclass
from hal.ports import SelfTest
from hal.units import MS, NEVER

AC_TRIP_MA: Final = 30
DC_TRIP_MA: Final = 6
AC_TRIP_TIME_US: Final = 40 * MS
DC_TRIP_TIME_US: Final = 200 * MS
SELF_TEST_US: Final = 800 * MS


@dataclass(slots=True)
class ResidualDetector:
    """One detector. ``leak_ac_ma`` / ``leak_dc_ma``: fault current that flows whenever the outlet is live."""

    tripped_ac: bool = False
    tripped_dc: bool = False
    self_test: SelfTest = SelfTest.NOT_RUN
    self_test_fails: bool = False
    leak_ac_ma: int = 0
    leak_dc_ma: int = 0
    test_due_us: int = NEVER
    ac_due_us: int = NEVER
    dc_due_us: int = NEVER

    @property
    def due_us(self) -> int:
        """When something next happens in the detector."""
        return min(self.test_due_us, self.ac_due_us, self.dc_due_us)

    def start_self_test(self, now_us: int) -> bool:
        """Start a self test; a running one goes on. Return whether one was started."""
        if self.self_test is SelfTest.RUNNING:
            return False
        self.self_test, self.test_due_us = SelfTest.RUNNING, now_us + SELF_TEST_US
        return True

    def observe(self, live: bool, now_us: int) -> None:
        """Start or stop the trip times as the outlet becomes live or dead, or a leak appears."""
        ac = live and self.leak_ac_ma >= AC_TRIP_MA and not self.tripped_ac
        dc = live and self.leak_dc_ma >= DC_TRIP_MA and not self.tripped_dc
        self.ac_due_us = min(self.ac_due_us, now_us + AC_TRIP_TIME_US) if ac else NEVER
        self.dc_due_us = min(self.dc_due_us, now_us + DC_TRIP_TIME_US) if dc else NEVER

    def step(self, now_us: int) -> None:
        """End the self test or trip, whichever is due."""
        if self.test_due_us <= now_us:
            self.test_due_us = NEVER
            self.self_test = SelfTest.FAILED if self.self_test_fails else SelfTest.PASSED
            if self.self_test is SelfTest.PASSED:
                self.release()
        if self.ac_due_us <= now_us:
            self.tripped_ac, self.ac_due_us = True, NEVER
        if self.dc_due_us <= now_us:
            self.tripped_dc, self.dc_due_us = True, NEVER

    def release(self) -> None:
        """Take both trips back."""
        self.tripped_ac = self.tripped_dc = False

    def lose_power(self) -> None:
        """Forget everything, as the supply is gone."""
        self.release()
        self.self_test = SelfTest.NOT_RUN
        self.test_due_us = self.ac_due_us = self.dc_due_us = NEVER
