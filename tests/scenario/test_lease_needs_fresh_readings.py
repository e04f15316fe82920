"""What "a lease is renewed only by a completed step on fresh readings" guarantees, with everything else against it.

The front end of outlet 1 hears everything and is heard no more; it has no interlock of its own. The station steps on, every
few milliseconds, because of outlet 2. So nothing but the age of the readings can end the permission of outlet 1.
"""

from __future__ import annotations

import pytest

from evse.core.commands import Suspend
from hal.drivers import front_end_patience
from hal.drivers.front_end import FrontEndDriver
from hal.units import MS, SECOND
from tests.fakes.core_in_world import WorldBench

READING_AGE_US = 300 * MS
LEASE_US = 250 * MS
RELEASE_US = 50 * MS
"""The longest a contactor takes to fall."""


class Silenced:
    """A charge whose front end is no longer heard, in a station that steps every 7 ms."""

    def __init__(self) -> None:
        self.bench = WorldBench(local_interlock=False, watched=False).charging()
        station = self.bench.station
        self.station = station
        driver = station._board.outlets[0].sense
        assert isinstance(driver, FrontEndDriver)
        self.driver = driver
        modem = station._modems["outlet-1/front-end"]
        self.heard_us = driver.read_at_us
        modem.drop(10_000, sender="right")
        self.steps_before = self.core_steps
        self._command = 0

    @property
    def core_steps(self) -> int:
        control = self.station._control
        assert control is not None
        return control.core_steps

    def run(self, span_us: int) -> None:
        """Run with outlet 2 busy."""
        end_us = self.bench.now_us + span_us
        while self.bench.now_us < end_us:
            self._command += 1
            active = bool(self._command % 2)
            self.station.post(Suspend(f"busy-{self._command}", 2, end_us + SECOND, active=active))
            self.station.scheduler.run_for(7 * MS)

    def last_hold_us(self) -> int:
        """When the last HOLD is sent; runs until none has come for longer than any pause between two."""
        last_us, count = self.bench.now_us, self.driver.counters.holds
        while self.bench.now_us < last_us + SECOND:
            self.run(7 * MS)
            if self.driver.counters.holds > count:
                last_us, count = self.bench.now_us, self.driver.counters.holds
        return last_us


@pytest.mark.req("OUT-04")
@pytest.mark.parametrize("patient", [False, True], ids=["as it is", "a driver that never misses its front end"])
def test_without_fresh_readings_nothing_renews_whatever_else_the_station_does(
    monkeypatch: pytest.MonkeyPatch, patient: bool
) -> None:
    if patient:
        monkeypatch.setattr(front_end_patience, "HOLDING_PATIENCE_US", 3600 * SECOND)
        monkeypatch.setattr(front_end_patience, "IDLE_PATIENCE_US", 3600 * SECOND)
    silenced = Silenced()
    last_us = silenced.last_hold_us()
    assert silenced.core_steps - silenced.steps_before >= SECOND // (7 * MS), "the station stepped on"
    assert last_us - silenced.heard_us <= READING_AGE_US + 7 * MS
    assert not silenced.bench.truth().contact_closed
    (count,) = {silenced.driver.counters.holds}
    silenced.run(2 * SECOND)
    assert silenced.driver.counters.holds == count, "and nothing is renewed later"


@pytest.mark.req("OUT-04")
def test_the_contact_is_open_within_the_age_the_lease_and_the_fall_of_the_contactor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(front_end_patience, "HOLDING_PATIENCE_US", 3600 * SECOND)
    silenced = Silenced()
    while silenced.bench.truth().contact_closed:
        silenced.run(7 * MS)
        assert silenced.bench.now_us - silenced.heard_us <= READING_AGE_US + LEASE_US + RELEASE_US
