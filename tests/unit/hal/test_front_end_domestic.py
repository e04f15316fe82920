"""The second contactor on the front end's line: a lease of its own, the local interlock, and minor version 1.2."""

from __future__ import annotations

import pytest

from evse.sim.scheduler import Scheduler
from hal.drivers.front_end import FrontEndDriver
from hal.drivers.front_end_domestic import DomesticContactor
from hal.frames.front_end import Decoder, Frame, encode
from hal.frames.front_end_messages import (
    FRONT_END_IDS,
    HOST_IDS,
    NO_CURRENT_LIMIT,
    Capability,
    Control,
    Hold,
    HoldDomestic,
    Identity,
    Message,
    Occasion,
    Open,
    ResetReason,
    SafeStateReason,
    State,
)
from hal.ports import LightCode, PilotDriveMode
from hal.twins.front_end import BOOT_US, DEFAULT_FIRMWARE, FirmwareIdentity, FrontEndTwin
from hal.units import MS
from tests.fakes.front_end_bench import HandElectronics

PWM = Control(PilotDriveMode.PWM, 5_333, NO_CURRENT_LIMIT, False, LightCode.GREEN)
WITH_DOMESTIC = FirmwareIdentity(capabilities=DEFAULT_FIRMWARE.capabilities | Capability.DOMESTIC)


class Line:
    """A line without delay."""

    def __init__(self) -> None:
        self.incoming = b""
        self.written = b""

    def read(self, now_us: int) -> bytes:
        data, self.incoming = self.incoming, b""
        return data

    def write(self, data: bytes, now_us: int) -> None:
        self.written += data


class Host:
    """Speaks to a twin by hand; a vehicle asks for energy at the pilot, a plug is in the domestic socket."""

    def __init__(self, *, local_interlock: bool = True, firmware: FirmwareIdentity = WITH_DOMESTIC) -> None:
        self.line, self.pins, self.scheduler = Line(), HandElectronics(), Scheduler()
        self.twin = FrontEndTwin(self.line, self.pins, self.scheduler, local_interlock, firmware=firmware)
        self.scheduler.add(self.twin, "twin")
        self.decoder = Decoder(FRONT_END_IDS)
        self.sequence = 0
        self.states: list[State] = []
        self.run(BOOT_US)
        self.say(PWM)
        self.pins.load_mv = 6_000
        self.plug(True)

    def run(self, span_us: int) -> None:
        self.scheduler.run_for(span_us)
        data, self.line.written = self.line.written, b""
        self.states += [f.message for f in self.decoder.feed(data) if isinstance(f.message, State)]

    def say(self, message: Message, *, version: int = 0x12) -> None:
        self.line.incoming += encode(Frame(self.sequence, message, version=version))
        self.sequence += 1
        self.scheduler.wake(self.twin, self.scheduler.now_us)
        self.run(0)

    def plug(self, home: bool) -> None:
        self.pins.domestic_plug = home
        self.pins.changed(self.scheduler.now_us)
        self.run(4 * MS)

    @property
    def reason(self) -> int:
        return self.states[-1].reading.safe_state_reason


@pytest.mark.req("HW-01", "STA-07")
def test_hold_domestic_closes_the_second_contactor_only_and_its_lease_ends_by_itself() -> None:
    host = Host()
    host.say(HoldDomestic(250, 5))
    assert (host.pins.domestic_coil, host.pins.coil) == (True, False)
    host.run(10 * MS)
    reading = host.states[-1].reading
    assert (reading.domestic_mirror_closed, reading.mirror_closed, reading.coil_energised) == (True, False, True)
    assert reading.domestic_plugged
    host.run(239 * MS)
    assert host.pins.domestic_coil
    host.run(1 * MS)
    assert not host.pins.domestic_coil
    assert host.reason == SafeStateReason.LEASE_EXPIRED


@pytest.mark.req("STA-07")
def test_without_a_plug_nothing_closes_and_a_plug_that_leaves_opens() -> None:
    host = Host()
    host.plug(False)
    host.say(HoldDomestic(250, 5))
    assert (host.pins.domestic_coil, host.reason) == (False, SafeStateReason.PLUG_LEFT)
    host.plug(True)
    assert host.pins.domestic_coil
    host.plug(False)
    host.run(9 * MS)
    assert not host.pins.domestic_coil
    assert host.reason == SafeStateReason.PLUG_LEFT
    accepted = host.states[-1].accepted
    host.say(HoldDomestic(250, 5))
    assert host.states[-1].accepted == accepted, "renewals do not close again before the host has noticed"


@pytest.mark.req("STA-07")
@pytest.mark.parametrize(("first", "second"), [(Hold, HoldDomestic), (HoldDomestic, Hold)])
@pytest.mark.parametrize("local_interlock", [True, False])
def test_the_local_interlock_refuses_a_second_closing_and_the_dumb_front_end_does_not(
    first: type[Hold], second: type[Hold], local_interlock: bool
) -> None:
    host = Host(local_interlock=local_interlock)
    host.say(first(250, 5))
    before = (host.pins.coil, host.pins.domestic_coil)
    assert sum(before) == 1
    host.say(second(250, 5))
    host.run(10 * MS)
    if local_interlock:
        assert (host.pins.coil, host.pins.domestic_coil) == before
        assert host.reason == SafeStateReason.OTHER_SOCKET
    else:
        assert (host.pins.coil, host.pins.domestic_coil) == (True, True)


@pytest.mark.req("STA-07")
def test_open_and_hazards_release_whichever_coil_is_on() -> None:
    for end in (Open(1), None):
        host = Host()
        host.say(HoldDomestic(250, 5))
        assert host.pins.domestic_coil
        if end is not None:
            host.say(end)
        else:
            host.pins.residual = (True, False)
            host.pins.changed(host.scheduler.now_us)
            host.run(10 * MS)
            assert host.reason == SafeStateReason.RESIDUAL_CURRENT
        assert not host.pins.domestic_coil


def test_a_front_end_without_a_domestic_socket_refuses() -> None:
    host = Host(firmware=DEFAULT_FIRMWARE)
    host.say(HoldDomestic(250, 5))
    assert not host.pins.domestic_coil
    assert host.twin.counters.refused == 1


@pytest.mark.req("HW-01")
def test_an_older_host_never_sees_the_new_bits() -> None:
    host = Host()
    host.run(10 * MS)
    assert host.states[-1].reading.domestic_plugged
    host.say(PWM, version=0x11)
    assert not host.states[-1].reading.domestic_plugged
    host.say(PWM, version=0x12)
    assert host.states[-1].reading.domestic_plugged


@pytest.mark.req("HW-01", "STA-07")
@pytest.mark.parametrize(("protocol", "sent"), [(0x10, 0), (0x11, 0), (0x12, 1), (0x13, 1)])
def test_an_older_front_end_is_never_sent_hold_domestic(protocol: int, sent: int) -> None:
    host = Host()
    host.run(2_000 * MS)
    state = encode(Frame(1, host.states[-1], version=protocol))
    link = Line()
    driver = FrontEndDriver(link)
    domestic = DomesticContactor(driver)
    capabilities = Capability.LOCK | Capability.DOMESTIC
    identity = Identity(protocol, (1, 0, 0), bytes(8), 3, capabilities, ResetReason.POWER_ON, Occasion.ANSWER)
    link.incoming = encode(Frame(0, identity, version=protocol)) + state
    driver.poll(0)
    link.incoming = state
    driver.drive_pilot(PilotDriveMode.X1, 0, 0)
    link.incoming = encode(Frame(2, host.states[-1], version=protocol))
    driver.poll(MS)
    assert driver.connected
    domestic.hold_until(251 * MS, 0, MS)
    messages = [frame.message for frame in Decoder(HOST_IDS).feed(link.written)]
    assert sum(isinstance(message, HoldDomestic) for message in messages) == sent
    assert (domestic.renewal_due_us == 51 * MS) is bool(sent)


@pytest.mark.req("STA-07")
def test_both_leases_of_the_driver_are_renewed_each_by_itself_and_withdrawn_together() -> None:
    host = Host()
    link = Line()
    driver = FrontEndDriver(link)
    domestic = DomesticContactor(driver)
    identity = Identity(0x12, (1, 0, 0), bytes(8), 3, Capability.DOMESTIC, ResetReason.POWER_ON, Occasion.ANSWER)
    link.incoming = encode(Frame(0, identity))
    driver.poll(0)
    link.incoming = encode(Frame(1, host.states[-1]))
    driver.poll(MS)
    domestic.hold_until(251 * MS, 0, MS)
    driver.hold_until(260 * MS, 0, 10 * MS)
    assert (driver.renewal_due_us, domestic.renewal_due_us) == (60 * MS, 51 * MS)
    assert driver.steady_period_us() == 0
    domestic.hold_until(301 * MS, 0, 51 * MS)
    assert (driver.renewal_due_us, domestic.renewal_due_us) == (60 * MS, 101 * MS)
    domestic.open(1, 60 * MS)
    kinds = [type(frame.message) for frame in Decoder(HOST_IDS).feed(link.written)]
    assert kinds[-4:] == [HoldDomestic, Hold, HoldDomestic, Open]
    assert min(driver.renewal_due_us, domestic.renewal_due_us) > 10**12
