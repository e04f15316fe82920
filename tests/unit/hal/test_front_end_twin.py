"""The front end's firmware, spoken to frame by frame: lease, interlock, repetitions, silence, restarts."""

from __future__ import annotations

import pytest

from evse.sim.scheduler import Scheduler
from hal.frames.front_end import Decoder, Frame, encode
from hal.frames.front_end_messages import (
    FRONT_END_IDS,
    NO_CURRENT_LIMIT,
    Beep,
    Control,
    FaultBit,
    Hold,
    Identity,
    Inquiry,
    Lock,
    Message,
    MessageId,
    Occasion,
    Open,
    RcdTest,
    Reset,
    ResetReason,
    SafeStateReason,
    State,
)
from hal.ports import BeepCode, LightCode, LockPulse, PilotDriveMode
from hal.twins.front_end import BOOT_US, FrontEndTwin
from hal.units import MS, SECOND
from hal.wires import LinkLostError
from tests.fakes.front_end_bench import HandElectronics

PWM = Control(PilotDriveMode.PWM, 5_333, NO_CURRENT_LIMIT, False, LightCode.GREEN)


class Wire:
    """A line without delay: what is put in is there at once."""

    def __init__(self) -> None:
        self.incoming = b""
        self.outgoing = b""
        self.lost = False

    def read(self, now_us: int) -> bytes:
        if self.lost:
            raise LinkLostError
        data, self.incoming = self.incoming, b""
        return data

    def write(self, data: bytes, now_us: int) -> None:
        if self.lost:
            raise LinkLostError
        self.outgoing += data


class Host:
    """Speaks to a twin by hand, at exact times."""

    def __init__(self, *, local_interlock: bool = True, watchdog_us: int | None = 100 * MS) -> None:
        self.wire = Wire()
        self.pins = HandElectronics()
        self.scheduler = Scheduler()
        self.twin = FrontEndTwin(
            self.wire, self.pins, self.scheduler, local_interlock, board_limit_ma=40_000, watchdog_us=watchdog_us
        )
        self.scheduler.add(self.twin, "twin")
        self.decoder = Decoder(FRONT_END_IDS)
        self.sequence = 0
        self.heard: list[Message] = []

    def run(self, span_us: int) -> None:
        self.scheduler.run_for(span_us)
        self.listen()

    def say(self, message: Message, *, sequence: int | None = None) -> int:
        """Send a frame that arrives now; return its sequence number."""
        number = self.sequence if sequence is None else sequence
        if sequence is None:
            self.sequence = (self.sequence + 1) & 0xFF
        self.wire.incoming += encode(Frame(number, message))
        self.scheduler.wake(self.twin, self.scheduler.now_us)
        self.run(0)
        return number

    def listen(self) -> None:
        data, self.wire.outgoing = self.wire.outgoing, b""
        self.heard += [frame.message for frame in self.decoder.feed(data)]

    def state(self) -> State:
        """The last STATE heard."""
        return next(message for message in reversed(self.heard) if isinstance(message, State))

    def ready(self) -> None:
        """Booted, PWM on the line, a vehicle in state C."""
        self.run(BOOT_US)
        self.say(PWM)
        self.pins.load_mv = 6_000
        self.pins.changed(self.scheduler.now_us)
        self.run(10 * MS)

    def keep_holding(self, span_us: int) -> None:
        """Renew every 50 ms for ``span_us``."""
        for _ in range(span_us // (50 * MS)):
            self.say(Hold(250, 5))
            self.run(50 * MS)


@pytest.fixture
def host() -> Host:
    ready = Host()
    ready.ready()
    return ready


def closed_host() -> Host:
    host = Host()
    host.ready()
    host.say(Hold(250, 5))
    assert host.pins.coil
    return host


def test_start_says_who_it_is_drives_f_and_holds_nothing() -> None:
    host = Host()
    host.run(BOOT_US - 1)
    assert host.heard == []
    assert host.pins.mode is PilotDriveMode.F
    host.run(1)
    identity, state = host.heard
    assert isinstance(identity, Identity)
    assert (identity.occasion, identity.reset_reason) == (Occasion.START, ResetReason.POWER_ON)
    assert isinstance(state, State)
    assert state.reading.safe_state_reason == SafeStateReason.START_UP
    assert host.pins.mode is PilotDriveMode.F
    assert not host.pins.coil


def test_no_permission_counts_before_the_first_control() -> None:
    host = Host(local_interlock=False)
    host.run(BOOT_US)
    host.say(Hold(250, 0))
    assert not host.pins.coil
    assert host.twin.counters.refused == 1


@pytest.mark.req("PIL-04")
@pytest.mark.parametrize("hold_ms", [1, 37, 250])
@pytest.mark.parametrize("local_interlock", [True, False])
def test_the_lease_ends_to_the_microsecond(hold_ms: int, local_interlock: bool) -> None:
    host = Host(local_interlock=local_interlock)
    host.ready()
    granted = host.scheduler.now_us
    host.say(Hold(hold_ms, 0))
    host.run(hold_ms * MS - 1)
    assert host.pins.coil
    host.run(1)
    assert not host.pins.coil
    assert host.pins.times_of("coil", False) == [granted + hold_ms * MS]
    host.run(10 * MS)
    assert host.state().reading.safe_state_reason == SafeStateReason.LEASE_EXPIRED


def test_a_longer_permission_is_cut_to_250_ms(host: Host) -> None:
    host.say(Hold(60_000, 0))
    host.run(250 * MS - 1)
    assert host.pins.coil
    host.run(1)
    assert not host.pins.coil


def test_a_renewal_counts_from_its_arrival_and_may_shorten(host: Host) -> None:
    host.say(Hold(250, 0))
    host.run(200 * MS)
    host.say(Hold(100, 0))
    host.run(100 * MS - 1)
    assert host.pins.coil
    host.run(1)
    assert not host.pins.coil


def test_a_renewal_at_the_very_end_does_not_save_the_old_lease(host: Host) -> None:
    host.say(Hold(100, 0))
    host.run(100 * MS - 1)
    at = host.scheduler.now_us + 1
    host.wire.incoming += encode(Frame(host.sequence, Hold(250, 0)))
    host.run(1)
    assert host.pins.times_of("coil", False) == [at]


@pytest.mark.req("PIL-04")
@pytest.mark.parametrize(("age_ms", "closes"), [(300, True), (301, False), (0xFFFF, False)])
def test_permission_on_an_old_reading_is_refused(host: Host, age_ms: int, closes: bool) -> None:
    number = host.say(Hold(250, age_ms))
    assert host.pins.coil is closes
    assert (host.state().accepted == number) is closes, "a refused HOLD is answered but not acknowledged"


def test_a_repeated_or_stale_hold_renews_nothing(host: Host) -> None:
    first = host.say(Hold(100, 0))
    host.run(60 * MS)
    host.say(Hold(100, 0), sequence=first)
    host.run(39 * MS)
    host.say(Hold(250, 3), sequence=(first - 1) & 0xFF)
    assert host.pins.coil
    host.run(1 * MS)
    assert not host.pins.coil


def test_open_opens_at_once_also_when_repeated() -> None:
    host = closed_host()
    number = host.say(Open(1))
    assert not host.pins.coil
    host.say(Open(1), sequence=number)
    assert host.state().accepted == number
    assert host.state().reading.safe_state_reason == SafeStateReason.NONE


@pytest.mark.req("PIL-04")
@pytest.mark.parametrize(
    ("load_mv", "negative_mv", "mode", "why"),
    [
        (9_000, -12_000, PilotDriveMode.PWM, SafeStateReason.PILOT_LEFT),
        (12_000, -12_000, PilotDriveMode.PWM, SafeStateReason.PILOT_LEFT),
        (1_900, -12_000, PilotDriveMode.PWM, SafeStateReason.PILOT_LEFT),
        (7_001, -12_000, PilotDriveMode.PWM, SafeStateReason.PILOT_LEFT),
        (6_000, -12_000, PilotDriveMode.X1, SafeStateReason.PILOT_LEFT),
        (6_000, -5_600, PilotDriveMode.PWM, SafeStateReason.DIODE),
        (6_000, -13_001, PilotDriveMode.PWM, SafeStateReason.DIODE),
    ],
)
def test_the_local_interlock_does_not_close(
    load_mv: int, negative_mv: int, mode: PilotDriveMode, why: SafeStateReason
) -> None:
    host = Host()
    host.ready()
    host.say(Control(mode, 5_333, NO_CURRENT_LIMIT, False, LightCode.OFF))
    host.pins.load_mv, host.pins.negative_mv = load_mv, negative_mv
    host.pins.changed(host.scheduler.now_us)
    host.run(10 * MS)
    host.say(Hold(250, 0))
    assert not host.pins.coil
    assert host.state().reading.safe_state_reason == why


def test_a_running_permission_closes_when_the_vehicle_asks() -> None:
    host = closed_host()
    host.say(Open(0))
    host.pins.load_mv = 9_000
    host.pins.changed(host.scheduler.now_us)
    host.run(10 * MS)
    host.say(Hold(250, 0))
    assert not host.pins.coil
    host.pins.load_mv = 3_000
    host.pins.changed(host.scheduler.now_us)
    host.run(2 * MS)
    assert host.pins.coil


@pytest.mark.req("PIL-04", "OUT-04")
@pytest.mark.parametrize("load_mv", [12_000, 9_000, 8_000, 1_999, -12_000])
def test_the_local_interlock_opens_12_ms_after_the_vehicle_leaves_c(load_mv: int) -> None:
    host = closed_host()
    left = host.scheduler.now_us
    host.pins.load_mv = load_mv
    host.pins.changed(left)
    host.keep_holding(100 * MS)
    sampled = (left // (2 * MS) + 1) * 2 * MS
    assert host.pins.times_of("coil", False) == [sampled + 10 * MS]


def test_a_short_dip_of_the_pilot_is_filtered() -> None:
    host = closed_host()
    host.pins.load_mv = 9_000
    host.pins.changed(host.scheduler.now_us)
    host.run(8 * MS)
    host.pins.load_mv = 6_000
    host.pins.changed(host.scheduler.now_us)
    host.run(40 * MS)
    assert host.pins.coil


def test_steady_twelve_volts_do_not_open_a_closed_contactor() -> None:
    host = closed_host()
    host.say(Control(PilotDriveMode.X1, 0, NO_CURRENT_LIMIT, False, LightCode.GREEN))
    host.keep_holding(500 * MS)
    assert host.pins.coil, "the vehicle is given time to stop drawing before the host opens"


@pytest.mark.req("PIL-04")
@pytest.mark.parametrize(
    ("attribute", "value", "why", "fault"),
    [
        ("residual", (True, False), SafeStateReason.RESIDUAL_CURRENT, 0),
        ("residual", (False, True), SafeStateReason.RESIDUAL_CURRENT, 0),
        ("currents", (0, 40_001, 0), SafeStateReason.OVER_CURRENT, FaultBit.OVER_CURRENT),
        ("supply", 9_999, SafeStateReason.SUPPLY_LOW, FaultBit.SUPPLY_LOW),
    ],
)
def test_the_local_interlock_opens_at_the_next_sample(
    attribute: str, value: object, why: SafeStateReason, fault: int
) -> None:
    host = closed_host()
    setattr(host.pins, attribute, value)
    host.pins.changed(host.scheduler.now_us)
    host.run(2 * MS)
    assert not host.pins.coil
    host.run(5 * MS)
    assert host.state().reading.safe_state_reason == why
    assert host.state().reading.fault_bits == fault


def test_the_hosts_limit_counts_below_the_boards() -> None:
    host = closed_host()
    host.say(Control(PilotDriveMode.PWM, 5_333, 200, False, LightCode.GREEN))
    host.pins.currents = (20_000, 0, 0)
    host.pins.changed(host.scheduler.now_us)
    host.run(2 * MS)
    assert host.pins.coil
    host.pins.currents = (20_001, 0, 0)
    host.pins.changed(host.scheduler.now_us)
    host.run(2 * MS)
    assert not host.pins.coil


def test_after_its_own_opening_renewals_do_not_close_again() -> None:
    host = closed_host()
    host.pins.residual = (True, False)
    host.pins.changed(host.scheduler.now_us)
    host.run(2 * MS)
    host.pins.residual = (False, False)
    host.pins.changed(host.scheduler.now_us)
    host.keep_holding(SECOND)
    assert not host.pins.coil, "a host that has not noticed must not close it"
    host.say(Open(0))
    host.say(Hold(250, 0))
    assert host.pins.coil


def test_after_its_own_opening_a_pause_of_the_permission_is_as_good_as_open() -> None:
    host = closed_host()
    host.pins.residual = (True, False)
    host.pins.changed(host.scheduler.now_us)
    host.run(2 * MS)
    host.pins.residual = (False, False)
    host.pins.changed(host.scheduler.now_us)
    host.say(Hold(250, 0))
    host.run(249 * MS)
    host.say(Hold(250, 0))
    assert not host.pins.coil
    host.run(250 * MS)
    host.say(Hold(250, 0))
    assert host.pins.coil


def test_the_dumb_variant_follows_the_host_only() -> None:
    host = Host(local_interlock=False)
    host.run(BOOT_US)
    host.say(Control(PilotDriveMode.X1, 0, NO_CURRENT_LIMIT, False, LightCode.OFF))
    host.pins.residual, host.pins.currents, host.pins.supply = (True, True), (90_000, 0, 0), 8_000
    host.pins.changed(host.scheduler.now_us)
    host.run(10 * MS)
    host.keep_holding(500 * MS)
    assert host.pins.coil
    host.say(Open(0))
    assert not host.pins.coil


@pytest.mark.parametrize(
    ("message", "what"),
    [
        (Lock(LockPulse.LOCK, 600), "lock"),
        (RcdTest(), "self test"),
        (Beep(BeepCode.ACCEPTED), "beep"),
    ],
)
def test_an_action_said_again_is_acknowledged_and_not_done_again(host: Host, message: Message, what: str) -> None:
    number = host.say(message)
    host.say(message, sequence=number)
    host.say(Inquiry(MessageId.STATE))
    host.say(message, sequence=number)
    assert [name for _, name, _ in host.pins.log].count(what) == 1
    assert host.state().accepted == number
    assert host.twin.counters.repetitions == 2
    host.say(message)
    assert [name for _, name, _ in host.pins.log].count(what) == 2


def test_an_action_whose_first_frame_was_lost_is_done_when_it_comes_late(host: Host) -> None:
    lost = host.sequence
    host.sequence += 1
    host.say(Inquiry(MessageId.STATE))
    host.say(Lock(LockPulse.UNLOCK, 600), sequence=lost)
    assert host.pins.times_of("lock", (LockPulse.UNLOCK, 600 * MS)) == [host.scheduler.now_us]


def test_no_self_test_is_begun_while_the_coil_is_on() -> None:
    host = closed_host()
    number = host.say(RcdTest())
    assert host.state().accepted == number
    assert host.pins.times_of("self test", True) == []


def test_an_older_control_does_not_undo_a_newer_one(host: Host) -> None:
    older = host.say(PWM)
    host.say(Control(PilotDriveMode.X1, 0, NO_CURRENT_LIMIT, False, LightCode.GREEN))
    host.say(PWM, sequence=older)
    assert host.pins.mode is PilotDriveMode.X1


def test_the_lock_motor_never_runs_longer_than_4_s(host: Host) -> None:
    host.say(Lock(LockPulse.LOCK, 65_535))
    assert host.pins.times_of("lock", (LockPulse.LOCK, 4 * SECOND))


def test_state_comes_on_change_within_2_ms_and_not_more_often_than_every_5_ms(host: Host) -> None:
    host.run(20 * MS)
    host.heard.clear()
    start = host.scheduler.now_us
    for step in range(20):
        host.pins.load_mv = 5_000 + 40 * step
        host.pins.changed(host.scheduler.now_us)
        host.run(MS)
    assert len(host.heard) == 4
    assert host.scheduler.now_us == start + 20 * MS


def test_ripple_is_not_news_but_is_told_with_the_next_state(host: Host) -> None:
    host.run(20 * MS)
    host.heard.clear()
    host.pins.currents = (49, 0, 0)
    host.pins.changed(host.scheduler.now_us)
    host.run(20 * MS)
    assert host.heard == []
    host.say(Inquiry(MessageId.STATE))
    assert host.state().reading.currents_ma == (50, 0, 0)


def test_keep_alive_comes_one_second_after_the_last_state_and_repeats_exactly(host: Host) -> None:
    host.run(20 * MS)
    host.say(Inquiry(MessageId.STATE))
    host.heard.clear()
    host.run(SECOND - 1)
    assert host.heard == []
    host.run(1)
    host.run(SECOND)
    assert len(host.heard) == 2
    assert host.heard[0] == host.heard[1]


def test_a_silent_host_leads_to_f_and_silence_until_the_next_frame() -> None:
    host = closed_host()
    last = host.scheduler.now_us
    host.run(3 * SECOND - 1)
    assert not host.pins.times_of("pilot", (PilotDriveMode.F, 0))[1:]
    host.run(1)
    assert host.pins.times_of("pilot", (PilotDriveMode.F, 0))[1:] == [last + 3 * SECOND]
    assert host.state().reading.safe_state_reason == SafeStateReason.HOST_SILENT
    host.run(10 * MS)
    host.heard.clear()
    host.run(60 * SECOND)
    assert host.heard == []
    host.say(Hold(250, 0))
    assert not host.pins.coil, "a CONTROL must come first"
    host.say(PWM)
    assert host.pins.mode is PilotDriveMode.PWM


@pytest.mark.parametrize("way", ["button", "frame", "power", "watchdog"])
def test_every_restart_opens_says_why_and_needs_everything_anew(way: str) -> None:
    host = closed_host()
    at = host.scheduler.now_us
    reason = {
        "button": ResetReason.UNKNOWN,
        "frame": ResetReason.COMMANDED,
        "power": ResetReason.POWER_ON,
        "watchdog": ResetReason.WATCHDOG,
    }[way]
    if way == "button":
        host.twin.reset(at)
    elif way == "frame":
        host.say(Reset())
    elif way == "power":
        host.twin.set_power(False, at)
        assert host.pins.mode is PilotDriveMode.E
        host.run(SECOND)
        host.say(PWM)
        host.twin.set_power(True, host.scheduler.now_us)
    else:
        host.twin.freeze(True, at)
        host.run(100 * MS - 1)
        assert host.pins.coil, "a hung program leaves its outputs as they are"
        host.run(1)
        assert not host.pins.coil
        host.run(SECOND)
        host.twin.freeze(False, host.scheduler.now_us)
    assert not host.pins.coil
    host.heard.clear()
    host.run(BOOT_US)
    identity, state = host.heard
    assert isinstance(identity, Identity)
    assert (identity.occasion, identity.reset_reason) == (Occasion.START, reason)
    assert isinstance(state, State)
    assert host.pins.mode is PilotDriveMode.F
    host.say(Hold(250, 0))
    assert not host.pins.coil


def test_a_hang_without_a_watchdog_ends_with_the_lease_over_and_old_frames_forgotten() -> None:
    host = Host(watchdog_us=None)
    host.ready()
    host.say(Hold(250, 0))
    host.twin.freeze(True, host.scheduler.now_us)
    host.run(SECOND)
    assert host.pins.coil
    host.say(Hold(250, 0))
    host.twin.thaw(host.scheduler.now_us)
    host.run(0)
    assert not host.pins.coil


def test_a_program_that_was_late_throws_away_what_came_meanwhile() -> None:
    host = closed_host()
    late = host.scheduler.now_us + SECOND
    host.wire.incoming += encode(Frame(host.sequence, Hold(250, 0)))
    host.twin.step(late)
    assert not host.pins.coil
    assert host.twin.counters.stalls == 1


def test_a_lost_line_leaves_the_lease_to_end(host: Host) -> None:
    host.say(Hold(250, 0))
    host.wire.lost = True
    host.run(250 * MS)
    assert not host.pins.coil
    host.wire.lost = False
    host.run(100 * MS)
    host.say(Hold(250, 0))
    assert host.pins.coil


def test_a_frame_cut_short_is_given_up_after_20_ms(host: Host) -> None:
    host.wire.incoming = encode(Frame(host.sequence, Hold(250, 0)))[:6]
    host.scheduler.wake(host.twin, host.scheduler.now_us)
    host.run(20 * MS)
    assert host.twin.counters.line.abandoned == 1
    host.say(Hold(250, 0))
    assert host.pins.coil


def test_an_internal_fault_is_reported(host: Host) -> None:
    host.twin.set_internal_fault(FaultBit.PILOT_GENERATOR, host.scheduler.now_us)
    host.run(10 * MS)
    assert host.state().reading.fault_bits == FaultBit.PILOT_GENERATOR


def test_a_hang_while_booting_ends_with_a_full_boot() -> None:
    host = closed_host()
    host.twin.reset(host.scheduler.now_us)
    host.run(10 * MS)
    host.twin.freeze(True, host.scheduler.now_us)
    host.run(20 * MS)
    host.heard.clear()
    host.twin.freeze(False, host.scheduler.now_us)
    host.run(BOOT_US)
    assert isinstance(host.heard[0], Identity), "nothing of before the reset goes on"
    host.say(Hold(250, 0))
    assert not host.pins.coil
