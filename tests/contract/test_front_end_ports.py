"""One contract for every implementation of an outlet's ports: sensing, pilot, contactor, lock, self test, signals.

Today: the serial front end's driver over its twin, with and without the firmware's own interlock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import pytest

from hal.ports import (
    BeepCode,
    ContactorHold,
    LightCode,
    LockMotor,
    LockPulse,
    OutletSense,
    PilotDrive,
    PilotDriveMode,
    Polled,
    ResidualCurrentTest,
    Signals,
)
from hal.units import MS, SECOND
from tests.fakes.front_end_bench import FrontEndBench


class OutletPorts(OutletSense, PilotDrive, ContactorHold, LockMotor, ResidualCurrentTest, Signals, Polled, Protocol):
    """Everything control may ask of an outlet."""


class Place(Protocol):
    """An outlet and the world around it. ``calls``: what its actuators were told, with times."""

    @property
    def ports(self) -> OutletPorts: ...

    @property
    def now_us(self) -> int: ...

    @property
    def contact_closed(self) -> bool: ...

    def run(self, span_us: int) -> None: ...

    def vehicle_asks(self) -> None: ...

    def unplug_device(self) -> None: ...

    def replug_device(self) -> None: ...

    def calls(self, what: str) -> list[object]: ...


class SerialPlace:
    """The serial front end; control's cycle is the bench's, which polls whenever the driver wants it."""

    def __init__(self, *, local_interlock: bool) -> None:
        self._bench = FrontEndBench(local_interlock=local_interlock)
        self.ports: OutletPorts = self._bench.driver

    @property
    def now_us(self) -> int:
        return self._bench.now_us

    @property
    def contact_closed(self) -> bool:
        return self._bench.pins.mirror_closed()

    def run(self, span_us: int) -> None:
        self._bench.poke()
        self._bench.run(span_us)

    def vehicle_asks(self) -> None:
        self.ports.drive_pilot(PilotDriveMode.PWM, 5_333, self.now_us)
        self._bench.load(6_000)
        self.run(50 * MS)

    def unplug_device(self) -> None:
        self._bench.modem.cut()

    def replug_device(self) -> None:
        self._bench.modem.restore()

    def calls(self, what: str) -> list[object]:
        return [value for _, name, value in self._bench.pins.log if name == what]


PLACES: dict[str, Callable[[], Place]] = {
    "serial": lambda: SerialPlace(local_interlock=True),
    "serial-dumb": lambda: SerialPlace(local_interlock=False),
}


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Place:
    made = PLACES[request.param]()
    made.run(SECOND)
    return made


def grant(place: Place, span_us: int = 250 * MS) -> None:
    """What control does after a step that permits."""
    ports = place.ports
    ports.hold_until(place.now_us + span_us, place.now_us - ports.read_at_us, place.now_us)


def test_a_reading_is_there_after_the_start_and_an_equal_one_is_no_news(place: Place) -> None:
    assert place.ports.connected
    first = place.ports.reading
    assert first is not None
    place.run(5 * SECOND)
    assert place.ports.reading == first
    assert place.now_us - place.ports.read_at_us <= SECOND


def test_without_the_device_there_is_no_connection_and_no_exception(place: Place) -> None:
    before = place.ports.reading
    place.unplug_device()
    place.run(SECOND)
    ports, now = place.ports, place.now_us
    assert not ports.connected
    assert ports.reading == before, "the last reading stays, its age tells"
    ports.drive_pilot(PilotDriveMode.X1, 0, now)
    ports.hold_until(now + 250 * MS, 0, now)
    ports.open(0, now)
    ports.pulse_lock(LockPulse.LOCK, MS, now)
    ports.start_self_test(now)
    ports.show_light(LightCode.RED, now)
    ports.beep(BeepCode.READ, now)
    ports.ventilate(True, now)
    ports.limit_current(32_000, now)
    assert ports.poll(now) > now
    place.replug_device()
    place.run(SECOND)
    assert ports.connected
    assert place.calls("light")[-1] is LightCode.RED, "levels ordered meanwhile are in force after the reconnection"
    assert place.calls("lock") == []
    assert not place.contact_closed


@pytest.mark.parametrize("mode", PilotDriveMode)
def test_the_pilot_is_driven_as_ordered_and_repeating_is_free(place: Place, mode: PilotDriveMode) -> None:
    for _ in range(5):
        place.ports.drive_pilot(mode, 2_666, place.now_us)
        place.run(20 * MS)
    driven = place.calls("pilot")
    assert driven[-1] == (mode, 2_666 if mode is PilotDriveMode.PWM else 0)
    assert driven.count(driven[-1]) <= 2, "once by the start, once by the order"


@pytest.mark.req("PIL-04")
def test_permission_closes_and_decays(place: Place) -> None:
    place.vehicle_asks()
    assert not place.contact_closed
    grant(place)
    place.run(100 * MS)
    assert place.contact_closed
    place.run(160 * MS)
    assert not place.contact_closed


@pytest.mark.req("PIL-04")
def test_permission_goes_on_as_long_as_steps_grant_it(place: Place) -> None:
    place.vehicle_asks()
    for _ in range(50):
        grant(place)
        place.run(50 * MS)
        assert place.contact_closed


@pytest.mark.req("PIL-04")
def test_open_withdraws_at_once_and_may_be_repeated(place: Place) -> None:
    place.vehicle_asks()
    grant(place)
    place.run(50 * MS)
    for _ in range(3):
        place.ports.open(1, place.now_us)
        place.run(2 * MS)
        assert not place.contact_closed
    place.run(SECOND)
    assert not place.contact_closed


@pytest.mark.req("PIL-04")
@pytest.mark.parametrize(("span_us", "age_us"), [(250 * MS, 300 * MS + 1), (0, 0), (-SECOND, 0)])
def test_no_permission_on_an_old_reading_or_for_the_past(place: Place, span_us: int, age_us: int) -> None:
    place.vehicle_asks()
    place.ports.hold_until(place.now_us + span_us, age_us, place.now_us)
    place.run(SECOND)
    assert not place.contact_closed
    assert place.calls("coil") == []


@pytest.mark.req("PIL-04")
def test_a_lost_device_ends_the_permission_and_a_found_one_needs_a_new_one(place: Place) -> None:
    place.vehicle_asks()
    grant(place)
    place.run(20 * MS)
    place.unplug_device()
    place.run(250 * MS)
    assert not place.contact_closed
    place.replug_device()
    place.run(SECOND)
    assert not place.contact_closed


def test_each_action_happens_once(place: Place) -> None:
    place.ports.pulse_lock(LockPulse.LOCK, 600 * MS, place.now_us)
    place.ports.pulse_lock(LockPulse.UNLOCK, 10 * SECOND, place.now_us)
    place.ports.start_self_test(place.now_us)
    place.ports.beep(BeepCode.REFUSED, place.now_us)
    place.ports.beep(BeepCode.NONE, place.now_us)
    place.run(3 * SECOND)
    assert place.calls("lock") == [(LockPulse.LOCK, 600 * MS), (LockPulse.UNLOCK, 4 * SECOND)]
    assert place.calls("self test") == [True]
    assert place.calls("beep") == [BeepCode.REFUSED]


def test_light_and_ventilation_follow(place: Place) -> None:
    place.ports.show_light(LightCode.BLUE_BLINK, place.now_us)
    place.ports.ventilate(True, place.now_us)
    place.run(50 * MS)
    assert place.calls("light")[-1] is LightCode.BLUE_BLINK
    assert place.calls("ventilation")[-1] is True


@pytest.mark.req("MNT-01")
def test_it_tells_the_version_of_its_program_and_keeps_it_while_it_is_away(place: Place) -> None:
    told = place.ports.firmware
    assert told.count(".") == 2
    place.unplug_device()
    place.run(SECOND)
    assert place.ports.firmware == told
