"""The domestic socket's contactor behind a front end, as a ``ContactorHold`` of its own."""

from __future__ import annotations

from hal.drivers.front_end import FrontEndDriver


class DomesticContactor:
    """Permission to hold the second contactor; everything is done by the front end's driver."""

    def __init__(self, driver: FrontEndDriver) -> None:
        self._driver = driver

    def hold_until(self, deadline_us: int, reading_age_us: int, now_us: int) -> None:
        """Permit it until ``deadline_us`` (cut to 250 ms from now) on a reading ``reading_age_us`` old."""
        self._driver.hold_domestic_until(deadline_us, reading_age_us, now_us)

    @property
    def renewal_due_us(self) -> int:
        """50 ms after its last HOLD_DOMESTIC, ``NEVER`` while no permission runs."""
        return self._driver.domestic_renewal_due_us

    def open(self, reason: int, now_us: int) -> None:
        """Withdraw the permission at once; the one of the other contactor with it."""
        self._driver.open(reason, now_us)
