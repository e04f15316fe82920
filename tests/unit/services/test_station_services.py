"""The services of one station: what they answer, what they store, and what a crash at any write leaves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from evse.core.commands import Authorise, Command, ConfirmRecord, RestoreState, Verdict
from evse.core.config import OutletConfig, SocketType, StationConfig
from evse.core.events import (
    AuthorisationRequested,
    CableChanged,
    CommandDone,
    EnergyCheckpoint,
    Event,
    FaultCleared,
    FaultRaised,
    SessionClosed,
    SessionOpened,
    TransactionStarted,
)
from evse.core.units import MS, NEVER, SECOND
from evse.exchange.envelope import Acknowledge, Envelope
from evse.exchange.outbox import Outbox
from evse.services.authorisation import Decision, Policy, Strategy
from evse.services.badges.badge import Badge, BadgeType
from evse.services.badges.badge_list import BadgeList
from evse.services.clock import NO_CLOCK, ClockMapping, ClockQuality, Instant
from evse.services.fake_journal import FakeStore, Image
from evse.services.station_services import RETRY_US, StationServices

CONFIG = StationConfig("station-1", "parking", (OutletConfig(1), OutletConfig(2, socket=SocketType.TE)))
POLICY = Policy(strategy=Strategy.REJECT_UNKNOWN)
BADGES = BadgeList((Badge("04A1B2C3", comment="Anna"), Badge("DEADBEEF", BadgeType.ADMIN)))
LATENCY_US = 5 * MS
UTC_US = 1_700_000_000_000_000


@dataclass
class Plant:
    """One station: control's end of the exchange, the services, their store, and a clock."""

    image: Image | None = None
    boot_id: str = "boot-1"
    clock: ClockMapping = NO_CLOCK
    now_us: int = 0
    connected: bool = True
    received: list[Command] = field(default_factory=list)
    acknowledged: int = 0

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.boot_id)
        self.power_up(self.image)

    def power_up(self, image: Image | None) -> None:
        """A services process starts and control says hello."""
        self.store = FakeStore(LATENCY_US, image)
        self.services = StationServices(
            self.store.journal("station-1"), POLICY, self.clock, CONFIG, factory_badges=BADGES
        )
        self.connect()

    def connect(self) -> None:
        self.outbox.reconnected()
        self.received += self.services.start(self.now_us, self.boot_id)

    def services_restart(self, keep: int | None = None) -> None:
        """Services are killed and come back while control lives on."""
        self.power_up(self.store.crash(keep))

    def exchange(self) -> None:
        """One round at the present moment, in the order the adapters keep."""
        for envelope in self.outbox.unsent():
            self.outbox.mark_sent(envelope)
            self.services.handle(envelope, self.now_us)
        self.store.step(self.now_us)
        self.services.step(self.now_us)
        commands = self.services.take_commands()
        acknowledge = self.services.take_acknowledgement()
        if self.connected:
            self.received += commands
            if acknowledge is not None:
                self.acknowledged = acknowledge.up_to_seq
                self.outbox.acknowledge(acknowledge)

    def emit(self, event: Event) -> Envelope:
        envelope = self.outbox.put(event, self.now_us)
        self.exchange()
        return envelope

    def wait(self, span_us: int = 4 * LATENCY_US) -> None:
        end_us = self.now_us + span_us
        while self.now_us < end_us:
            self.exchange()
            self.now_us += MS
        self.exchange()

    def of(self, kind: type[Command]) -> list[Command]:
        return [command for command in self.received if type(command) is kind]

    @property
    def confirmed(self) -> set[str]:
        return {command.session_id for command in self.received if isinstance(command, ConfirmRecord)}


@pytest.fixture
def plant() -> Plant:
    made = Plant()
    made.wait()
    made.received.clear()
    return made


def opened(session: str = "s1", outlet: int = 1) -> SessionOpened:
    return SessionOpened(outlet, session, "04A1B2C3", "badge")


def closed(session: str = "s1", energy_wh: int = 100, register_wh: int = 100, outlet: int = 1) -> SessionClosed:
    return SessionClosed(outlet, session, "Local", energy_wh, register_wh, "Normal_Mode_3", 60 * SECOND)


def asked(uid: str, purpose: str = "start", read: int = 7) -> AuthorisationRequested:
    return AuthorisationRequested(1, read, 3, uid, purpose)


def test_a_new_station_is_restored_empty_after_its_first_commit() -> None:
    plant = Plant()
    assert (plant.received, plant.services.ready) == ([], False)
    plant.wait(LATENCY_US)
    assert plant.services.ready
    assert plant.received == [RestoreState("restore-boot-1-1", 1), RestoreState("restore-boot-1-2", 2)]


@pytest.mark.req("CDR-05")
def test_a_start_is_confirmed_when_it_is_durable_and_not_before(plant: Plant) -> None:
    plant.emit(opened())
    plant.wait(LATENCY_US - MS)
    assert (plant.received, plant.acknowledged) == ([], 0)
    plant.wait(MS)
    assert plant.received == [ConfirmRecord("confirm-1-s1", 1, session_id="s1")]
    assert plant.acknowledged == 1
    assert [session.session_id for session in plant.store.journal("station-1").open_sessions()] == ["s1"]


@pytest.mark.req("CDR-05")
def test_events_behind_a_slow_write_wait_for_their_acknowledgement(plant: Plant) -> None:
    plant.emit(CommandDone(1, "c", "done", ""))
    assert plant.acknowledged == 1
    plant.emit(opened())
    plant.emit(CommandDone(1, "c2", "done", ""))
    assert plant.acknowledged == 1
    plant.wait()
    assert plant.acknowledged == 3


@pytest.mark.req("CDR-01")
def test_a_whole_session_is_one_record(plant: Plant) -> None:
    plant.services.clock = ClockMapping("boot-1", plant.now_us, UTC_US, ClockQuality.SYNCHRONISED)
    begin_us = plant.now_us
    plant.emit(opened())
    plant.wait()
    plant.emit(TransactionStarted(1, "s1", 5_000))
    plant.emit(EnergyCheckpoint(1, "s1", 40, 5_040, "Normal_Mode_3"))
    end_us = plant.now_us
    plant.emit(closed(energy_wh=90, register_wh=5_090))
    plant.wait()
    (record,) = plant.store.journal("station-1").records(30)
    assert (record.number, record.outlet, record.uid, record.comment, record.socket) == (1, 1, "04A1B2C3", "Anna", "T2")
    assert (record.energy_wh, record.register_start_wh, record.register_end_wh) == (90, 5_000, 5_090)
    assert (record.duration_us, record.reason, record.charge_type) == (60 * SECOND, "Local", "Normal_Mode_3")
    assert record.start == Instant("boot-1", begin_us, UTC_US, ClockQuality.SYNCHRONISED)
    assert record.end == Instant("boot-1", end_us, UTC_US + end_us - begin_us, ClockQuality.SYNCHRONISED)
    assert record.transaction_id == ""


def test_a_clock_set_during_the_session_dates_its_start_too(plant: Plant) -> None:
    begin_us = plant.now_us
    plant.emit(opened())
    plant.wait()
    plant.services.clock = ClockMapping("boot-1", plant.now_us, UTC_US, ClockQuality.SET)
    set_us = plant.now_us
    plant.emit(closed())
    plant.wait()
    (record,) = plant.store.journal("station-1").records(30)
    assert record.start == Instant("boot-1", begin_us, UTC_US - (set_us - begin_us), ClockQuality.SET)


@pytest.mark.req("CDR-05")
def test_steps_of_the_wall_clock_change_no_duration_and_no_order(plant: Plant) -> None:
    for index, (start_utc_us, end_utc_us) in enumerate(((UTC_US, 0), (0, UTC_US), (UTC_US, UTC_US + 10**15))):
        plant.services.clock = ClockMapping("boot-1", plant.now_us, start_utc_us, ClockQuality.SET)
        plant.emit(opened(f"s{index}"))
        plant.wait()
        plant.services.clock = ClockMapping("boot-1", plant.now_us, end_utc_us, ClockQuality.SET)
        plant.emit(EnergyCheckpoint(1, f"s{index}", 1, 1, ""))
        plant.wait()
    # The power goes: all three sessions end with the reading they had, each 20 ms after its start.
    after = Plant(plant.store.crash(), "boot-2")
    after.wait()
    records = after.store.journal("station-1").records(30)
    assert [(record.number, record.session_id) for record in records] == [(3, "s2"), (2, "s1"), (1, "s0")]
    assert [record.duration_us for record in records] == [4 * LATENCY_US] * 3


@pytest.mark.parametrize(
    ("uid", "purpose", "decision"),
    [
        ("04A1B2C3", "start", Decision(Verdict.ACCEPTED)),
        ("01020304", "start", Decision(Verdict.REFUSED, "KO_BadgeUnknown")),
        ("DEADBEEF", "stop", Decision(Verdict.ACCEPTED, may_stop_any=True)),
        ("04A1B2C3", "stop", Decision(Verdict.REFUSED, "KO_BadgeIsNotTheCurrentUser")),
    ],
)
def test_a_card_is_answered_for_its_read_and_epoch(plant: Plant, uid: str, purpose: str, decision: Decision) -> None:
    plant.emit(asked(uid, purpose))
    assert plant.received == [
        Authorise(
            "authorise-boot-1-1-7",
            1,
            epoch=3,
            card_read_id=7,
            verdict=decision.verdict,
            reason=decision.reason,
            may_stop_any=decision.may_stop_any,
        )
    ]
    assert plant.acknowledged == 1


def test_logs_do_not_show_cards(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        plant.emit(asked("04A1B2C3"))
        plant.emit(opened())
        plant.wait()
    assert "****B2C3" in caplog.text
    assert "04A1" not in caplog.text


def test_latched_faults_come_back_and_others_do_not(plant: Plant) -> None:
    plant.emit(FaultRaised(1, "ContactorWelded", "emergency", True))
    plant.emit(FaultRaised(1, "PilotDiode", "emergency", False))
    plant.emit(FaultRaised(0, "Tamper", "emergency", True))
    plant.wait()
    second = Plant(plant.store.crash(), "boot-2")
    second.wait()
    assert second.received == [
        RestoreState("restore-boot-2-1", 1, latched=("ContactorWelded", "Tamper")),
        RestoreState("restore-boot-2-2", 2, latched=("Tamper",)),
    ]
    commits = second.store.commits
    second.emit(FaultCleared(1, "ContactorWelded"))
    second.emit(FaultCleared(1, "PilotDiode"))
    second.wait()
    assert second.store.commits == commits + 1
    third = Plant(second.store.crash(), "boot-3")
    third.wait()
    assert third.received[0] == RestoreState("restore-boot-3-1", 1, latched=("Tamper",))


def test_registers_and_the_counter_come_back(plant: Plant) -> None:
    plant.emit(opened())
    plant.emit(EnergyCheckpoint(1, "s1", 40, 5_040, ""))
    plant.wait()
    after = Plant(plant.store.crash(), "boot-2")
    after.wait()
    assert after.received[0] == RestoreState("restore-boot-2-1", 1, register_wh=5_040)


@pytest.mark.req("CDR-05")
def test_services_that_return_do_not_end_the_sessions_of_a_living_control(plant: Plant) -> None:
    plant.emit(opened())
    plant.wait()
    plant.services_restart()
    plant.wait()
    journal = plant.store.journal("station-1")
    assert ([s.session_id for s in journal.open_sessions()], journal.records(9)) == (["s1"], ())
    plant.emit(closed())
    plant.wait()
    assert [record.reason for record in plant.store.journal("station-1").records(9)] == ["Local"]


@pytest.mark.req("CDR-05")
def test_a_control_that_returns_finds_its_earlier_session_closed(plant: Plant) -> None:
    plant.emit(opened())
    plant.emit(EnergyCheckpoint(1, "s1", 40, 40, "Normal_Mode_3"))
    # The commits are still under way when control announces a new boot to the same services.
    plant.boot_id, plant.outbox = "boot-2", Outbox("boot-2")
    plant.connect()
    plant.wait()
    (record,) = plant.store.journal("station-1").records(9)
    assert (record.session_id, record.reason, record.energy_wh) == ("s1", "PowerLoss", 40)
    assert plant.of(RestoreState)[0] == RestoreState("restore-boot-2-1", 1, register_wh=40)
    assert plant.of(ConfirmRecord) == []


def test_events_of_a_boot_that_did_not_say_hello_are_not_taken(plant: Plant) -> None:
    plant.services.handle(Envelope("boot-9", 1, 0, opened()), 0)
    plant.wait()
    assert (plant.services.foreign_events, plant.received, plant.acknowledged) == (1, [], 0)


def test_events_before_the_state_is_restored_wait_in_order() -> None:
    plant = Plant()
    plant.emit(CableChanged(1, "32 A"))
    plant.emit(opened())
    plant.emit(closed())
    assert plant.acknowledged == 0
    plant.wait()
    assert (plant.acknowledged, plant.confirmed) == (3, {"s1"})
    assert [type(command) for command in plant.received] == [RestoreState, RestoreState, ConfirmRecord]


@pytest.mark.req("CDR-05")
def test_a_broken_connection_loses_no_answer(plant: Plant) -> None:
    plant.connected = False
    plant.emit(asked("04A1B2C3"))
    plant.emit(opened())
    plant.wait()
    assert plant.received == []
    plant.connected = True
    plant.connect()
    plant.wait()
    assert [type(command) for command in plant.received] == [RestoreState, RestoreState, Authorise, ConfirmRecord]
    assert (plant.acknowledged, plant.services.repeated_events) == (2, 2)


@pytest.mark.parametrize("fail", [FakeStore.full_disk, FakeStore.failing_disk])
def test_a_disk_that_fails_is_reported_and_nothing_is_promised(plant: Plant, fail: Callable[[FakeStore], None]) -> None:
    fail(plant.store)
    plant.emit(opened())
    plant.emit(asked("04A1B2C3"))
    plant.wait(SECOND)
    assert (plant.acknowledged, plant.confirmed) == (0, set())
    assert len(plant.of(Authorise)) == 1
    assert "disk" in plant.services.problem
    plant.store.mended_disk()
    plant.wait()
    assert (plant.acknowledged, plant.confirmed, plant.services.problem) == (2, {"s1"}, "")


def test_a_journal_that_cannot_be_read_holds_the_station_back() -> None:
    plant = Plant()
    plant.store.unreadable_disk()
    plant.wait()
    assert (plant.services.ready, plant.received, plant.services.problem) == (False, [], "disk I/O error")
    assert plant.services.step(plant.now_us) <= plant.now_us + RETRY_US
    plant.store.mended_disk()
    plant.wait(RETRY_US)
    assert (plant.services.ready, len(plant.of(RestoreState)), plant.services.problem) == (True, 2, "")
    assert plant.services.step(plant.now_us) == NEVER


# --- crash at every write ------------------------------------------------------------------------------------------

Story = Iterator[Event | set[str]]


def story(boot: str) -> Story:
    """Two outlets' sessions, latches between; a set of session ids means: wait until all of them are confirmed."""
    a, b, c = (f"{boot}-{name}" for name in "abc")
    yield asked("04A1B2C3")
    yield opened(a)
    yield {a}
    yield TransactionStarted(1, a, 0)
    yield opened(b, outlet=2)
    yield EnergyCheckpoint(1, a, 40, 40, "Normal_Mode_3")
    yield FaultRaised(2, "ContactorWelded", "emergency", True)
    yield {b}
    yield closed(b, 0, 0, outlet=2)
    yield CableChanged(1, "32 A")
    yield EnergyCheckpoint(1, a, 80, 80, "Normal_Mode_3")
    yield closed(a, 90, 90)
    yield FaultCleared(2, "ContactorWelded")
    yield opened(c)
    yield {c}
    yield TransactionStarted(1, c, 90)
    yield closed(c, 10, 100)


def play(plant: Plant, crash_at: int | None, on_crash: Callable[[], bool]) -> list[Envelope]:
    """Play the story; once ``crash_at`` commits are durable the disk stops, the story goes on as far as it can."""
    sent: list[Envelope] = []
    crashed = crash_at is None
    for item in story(plant.boot_id):
        if not crashed and plant.store.commits >= (crash_at or 0):
            plant.store.slow_disk(SECOND)
        if isinstance(item, Event):
            sent.append(plant.emit(item))
            plant.now_us += MS
            continue
        plant.wait(8 * LATENCY_US)
        if not item <= plant.confirmed:
            crashed = True
            if not on_crash():
                return sent
            plant.wait(8 * LATENCY_US)
        assert item <= plant.confirmed
    if crash_at is not None and not crashed:
        on_crash()
    plant.wait(8 * LATENCY_US)
    return sent


FULL = play(Plant(), None, lambda: False)
COMMITS = 1 + sum(not isinstance(e.event, AuthorisationRequested | CableChanged) for e in FULL)


def check_records(plant: Plant, first_boot: Plant, sent: list[Envelope]) -> None:
    """What must hold after the restart that follows any crash."""
    journal = plant.store.journal("station-1")
    records = journal.records(100)
    assert [record.number for record in records] == list(range(len(records), 0, -1))
    sessions = [record.session_id for record in records]
    assert len(set(sessions)) == len(sessions)
    assert first_boot.confirmed <= set(sessions)
    assert set(sessions) <= {e.event.session_id for e in sent if isinstance(e.event, SessionOpened)}
    assert journal.open_sessions() == ()
    by_session = {record.session_id: record for record in records}
    latched: set[str] = set()
    for envelope in sent:
        if envelope.seq > first_boot.acknowledged:
            break
        match envelope.event:
            case SessionClosed(session_id=session, energy_wh=energy):
                assert (by_session[session].reason, by_session[session].energy_wh) == ("Local", energy)
            case EnergyCheckpoint(session_id=session, energy_wh=energy, register_wh=register):
                assert by_session[session].energy_wh >= energy
                assert journal.register_wh(1) >= register
            case FaultRaised(fault=fault):
                latched.add(fault)
            case FaultCleared(fault=fault):
                latched.discard(fault)
    if not any(isinstance(e.event, FaultCleared) and e.seq > first_boot.acknowledged for e in sent):
        assert set(journal.latched_faults(2)) >= latched


@pytest.mark.req("CDR-05")
@pytest.mark.parametrize("keep", [None, 1, 2, 3])
@pytest.mark.parametrize("crash_at", range(COMMITS + 1))
def test_a_power_cut_at_any_write_loses_and_doubles_no_record(crash_at: int, keep: int | None) -> None:
    plant = Plant()
    sent = play(plant, crash_at, lambda: False)
    image = plant.store.crash(keep)
    before = {session.session_id: session for s in image.values() for session in s.sessions.values()}
    second = Plant(image, "boot-2")
    # A second cut while the first is being repaired, before and after the repair is durable.
    torn = second.store.crash(0 if keep is None else 1)
    third = Plant(torn, "boot-3")
    third.wait()
    check_records(third, plant, sent)
    for record in third.store.journal("station-1").records(100):
        if record.session_id in before:
            last = before[record.session_id]
            assert (record.reason, record.energy_wh, record.end) == ("PowerLoss", last.energy_wh, last.last)
    play(third, None, lambda: False)
    records = third.store.journal("station-1").records(100)
    assert len({record.session_id for record in records}) == len(records) >= len(before)


@pytest.mark.req("CDR-05")
@pytest.mark.parametrize("keep", [None, 1, 2, 3])
@pytest.mark.parametrize("crash_at", range(1, COMMITS + 1))
def test_services_killed_at_any_write_change_nothing_in_the_end(crash_at: int, keep: int | None) -> None:
    plant = Plant()

    def restart() -> bool:
        plant.services_restart(keep)
        return True

    play(plant, crash_at, restart)
    undisturbed = Plant()
    play(undisturbed, None, lambda: False)
    records, expected = (p.store.journal("station-1").records(100) for p in (plant, undisturbed))
    facts = [
        [(r.number, r.session_id, r.reason, r.energy_wh, r.register_end_wh, r.duration_us) for r in each]
        for each in (records, expected)
    ]
    assert facts[0] == facts[1]
    assert len(records) == 3
    assert plant.outbox.durable_waiting == 0
    journal = plant.store.journal("station-1")
    assert (journal.latched_faults(2), journal.open_sessions(), journal.register_wh(1)) == ((), (), 100)


def test_what_is_known_to_be_durable_is_not_written_again(plant: Plant) -> None:
    plant.connected = False
    plant.emit(opened())
    plant.emit(EnergyCheckpoint(1, "s1", 40, 40, ""))
    plant.wait()
    plant.connected = True
    plant.services_restart()
    plant.wait()
    assert (plant.acknowledged, plant.confirmed) == (2, {"s1"})
    # Only the look for interrupted sessions, nothing of what came again.
    assert (plant.store.commits, plant.services.repeated_events) == (1, 2)


def test_the_adapter_is_woken_when_there_is_something_to_take() -> None:
    store, wakes = FakeStore(), list[int]()
    services = StationServices(store.journal("s"), POLICY, NO_CLOCK, CONFIG, wake=lambda: wakes.append(1))
    services.start(0, "boot-1")
    assert wakes == []
    store.step(0)
    assert (len(wakes), len(services.take_commands())) == (1, 2)
    services.handle(Envelope("boot-1", 1, 0, opened()), 0)
    services.take_commands()
    wakes.clear()
    store.step(0)
    assert (len(wakes), len(services.take_commands())) == (1, 1)


def test_an_acknowledgement_waits_for_the_commands_that_belong_to_it(plant: Plant) -> None:
    plant.services.handle(Envelope("boot-1", 1, plant.now_us, asked("04A1B2C3")), plant.now_us)
    assert plant.services.take_acknowledgement() is None
    assert len(plant.services.take_commands()) == 1
    assert plant.services.take_acknowledgement() == Acknowledge("boot-1", 1)
    assert plant.services.take_acknowledgement() is None


@pytest.mark.req("ENE-11")
@pytest.mark.parametrize("continues", [False, True])
def test_a_charge_that_lost_its_supply_is_told_with_what_the_settings_make_of_it(continues: bool) -> None:
    config = replace(CONFIG, continue_after_power_failure=continues, restart_delay_us=1_800 * SECOND)
    plant = Plant()
    plant.wait()
    for outlet in (1, 2):
        plant.emit(SessionOpened(outlet, f"s{outlet}", "04A1B2C3", "badge"))
    plant.emit(TransactionStarted(1, "s1", 100))
    plant.wait()
    delays = []
    for number in (2, 3):
        again = Plant(boot_id=f"boot-{number}", image=plant.store.crash())
        again.services.adopt(config)
        again.connect()
        again.wait()
        told = {each.outlet: each.interrupted for each in again.of(RestoreState) if isinstance(each, RestoreState)}
        assert told[2] is None, "outlet 2 never came to a transaction"
        found = told[1]
        assert found is not None
        assert (found.uid, found.authorised_by, found.continues) == ("04A1B2C3", "badge", continues)
        delays.append(found.delay_us)
    assert all(0 <= delay_us <= 1_800 * SECOND for delay_us in delays)
    assert len(set(delays)) == 2, "each return draws anew"


def test_a_session_that_control_still_runs_is_not_interrupted() -> None:
    plant = Plant()
    plant.wait()
    plant.emit(opened())
    plant.emit(TransactionStarted(1, "s1", 100))
    plant.wait()
    plant.received.clear()
    plant.services_restart()
    plant.wait()
    assert [each.interrupted for each in plant.of(RestoreState) if isinstance(each, RestoreState)] == [None, None]
