"""One contract for every journal: the SQLite store and the simulation's fake."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evse.core.limits import LimitStep, OnExpiry
from evse.core.orders import OrderKind, StandingOrder
from evse.services.badges.badge import Badge, BadgeType
from evse.services.badges.writes import (
    AUTHORISED_KEPT,
    Authorised,
    FactoryBadges,
    ForgetAuthorised,
    PutBadges,
    RememberAuthorised,
    RemoveBadges,
)
from evse.services.clock import ClockQuality, Deadline, Instant
from evse.services.fake_journal import FakeStore
from evse.services.journal import (
    BOOTS_KEPT,
    RECORDS_KEPT,
    AssignTransaction,
    Checkpoint,
    ClearLatch,
    CloseInterrupted,
    DropMessages,
    ForgetEverything,
    GiveUpPublication,
    Journal,
    KeepDocument,
    KeepOrders,
    KeptOrder,
    LatchFault,
    MarkPublished,
    MessageKind,
    QueueMessage,
    Sequence,
    SessionEnd,
    SessionStart,
    Transaction,
    Write,
)
from evse.services.sqlite_journal import SqliteStore

STATION = "station-1"


class Bench:
    """A store that can be waited for and opened again."""

    def commit(self, *writes: Write, station: str = STATION) -> None:
        """Commit and wait until it is durable."""
        raise NotImplementedError

    def journal(self, station: str = STATION) -> Journal:
        raise NotImplementedError

    def reopen(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class FakeBench(Bench):
    def __init__(self) -> None:
        self.store = FakeStore()

    def commit(self, *writes: Write, station: str = STATION) -> None:
        self.store.journal(station).commit(writes, lambda: None)
        self.store.step(0)

    def journal(self, station: str = STATION) -> Journal:
        return self.store.journal(station)

    def reopen(self) -> None:
        self.store = FakeStore(image=self.store.crash())

    def close(self) -> None:
        self.store.close()


class SqliteBench(Bench):
    def __init__(self, path: Path) -> None:
        self.path = path
        self.moved = threading.Event()
        self.store = SqliteStore(path, self.moved.set)

    def commit(self, *writes: Write, station: str = STATION) -> None:
        done: list[bool] = []
        self.moved.clear()
        self.store.journal(station).commit(writes, lambda: done.append(True))
        while not done:
            assert self.moved.wait(10), self.store.problem
            self.moved.clear()
            self.store.deliver()

    def journal(self, station: str = STATION) -> Journal:
        return self.store.journal(station)

    def reopen(self) -> None:
        self.store.close()
        self.store = SqliteStore(self.path, self.moved.set)

    def close(self) -> None:
        self.store.close()


@pytest.fixture(params=["fake", "sqlite"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    made: Bench = FakeBench() if request.param == "fake" else SqliteBench(tmp_path / "journal.db")
    yield made
    made.close()


def at(second: int, boot: str = "boot-1") -> Instant:
    return Instant(boot, second * 1_000_000, 1_700_000_000_000_000 + second * 1_000_000, ClockQuality.SYNCHRONISED)


def start(session: str = "s1", second: int = 0, boot: str = "boot-1", outlet: int = 1) -> SessionStart:
    return SessionStart(outlet, session, "04A1B2C3", "badge", at(second, boot), "T2", "Anna")


def end(session: str = "s1", second: int = 100, outlet: int = 1, publish: bool = False) -> SessionEnd:
    return SessionEnd(outlet, session, at(second), "Local", 1500, 11500, "Normal_Mode_3", 100_000_000, publish=publish)


def checkpoint(session: str, second: int, energy: int, register: int) -> Checkpoint:
    return Checkpoint(1, session, at(second), energy, register, "Normal_Mode_3")


def numbers(journal: Journal) -> list[int]:
    return [record.number for record in journal.records(10_000)]


def test_an_empty_journal_knows_nothing(bench: Bench) -> None:
    journal = bench.journal()
    assert journal.open_sessions() == ()
    assert journal.records(30) == ()
    assert journal.latched_faults(1) == ()
    assert (journal.register_wh(1), journal.last_sequence("boot-1"), journal.orders(1)) == (0, 0, ())
    assert journal.problem == ""


@pytest.mark.req("CDR-01")
def test_a_session_becomes_one_record_with_every_field(bench: Bench) -> None:
    bench.commit(start())
    bench.commit(Transaction(1, "s1", at(5), 10_000, "4711"))
    bench.commit(checkpoint("s1", 60, 800, 10_800))
    session = bench.journal().open_sessions()[0]
    assert (session.uid, session.last, session.energy_wh, session.in_transaction) == ("04A1B2C3", at(60), 800, True)
    bench.commit(end())
    record = bench.journal().records(30)[0]
    assert (record.number, record.station, record.outlet, record.socket) == (1, STATION, 1, "T2")
    assert (record.session_id, record.transaction_id, record.uid, record.comment) == ("s1", "4711", "04A1B2C3", "Anna")
    assert (record.start, record.end, record.duration_us) == (at(0), at(100), 100_000_000)
    assert (record.energy_wh, record.register_start_wh, record.register_end_wh) == (1500, 10_000, 11_500)
    assert (record.charge_type, record.reason) == ("Normal_Mode_3", "Local")
    assert bench.journal().open_sessions() == ()


def test_everything_survives_closing_and_opening(bench: Bench) -> None:
    bench.commit(start("s1"), end("s1"), start("s2", 200), Sequence("boot-1", 7))
    bench.commit(LatchFault(2, "ContactorWelded", "emergency", at(1)))
    before = bench.journal()
    expected = (before.open_sessions(), before.records(9), before.latched_faults(2), before.last_sequence("boot-1"))
    bench.reopen()
    after = bench.journal()
    assert (after.open_sessions(), after.records(9), after.latched_faults(2), after.last_sequence("boot-1")) == expected
    assert expected[2:] == (("ContactorWelded",), 7)


LIMIT = KeptOrder(
    StandingOrder(OrderKind.LIMIT, "plant", current_ma=10_000, fallback_ma=6_000), Deadline("m1", 9_000_000, 17)
)
BOOKED = KeptOrder(StandingOrder(OrderKind.BOOKED, uid="04A1B2C3"), Deadline("", 5))
PLAN = KeptOrder(
    StandingOrder(
        OrderKind.LIMIT,
        "ocpp",
        plan=(LimitStep(0, (16_000, 10_000, 0)), LimitStep(60_000_000, None)),
        on_expiry=OnExpiry.RELEASE,
    ),
    Deadline("m1", 9_000_000, None),
    Deadline("m1", 5_000_000, 17),
)
OUT = KeptOrder(StandingOrder(OrderKind.UNAVAILABLE, "ocpp", after_session=True))


def test_orders_are_kept_whole_and_replaced_whole(bench: Bench) -> None:
    bench.commit(KeepOrders(1, (OUT, LIMIT, PLAN, BOOKED)), KeepOrders(0, (LIMIT,)))
    bench.commit(KeepOrders(1, (OUT, LIMIT)), station="other")
    bench.reopen()
    assert bench.journal().orders(1) == (BOOKED, PLAN, LIMIT, OUT)
    assert (bench.journal().orders(0), bench.journal().orders(2)) == ((LIMIT,), ())
    bench.commit(KeepOrders(1, (OUT,)))
    assert (bench.journal().orders(1), bench.journal().orders(0)) == ((OUT,), (LIMIT,))
    bench.commit(KeepOrders(1, ()))
    bench.reopen()
    assert bench.journal().orders(1) == ()
    assert bench.journal("other").orders(1) == (LIMIT, OUT)


def test_what_controls_clock_showed_is_not_kept(bench: Bench) -> None:
    shown = replace(LIMIT, order=replace(LIMIT.order, until_us=77, end_unknown=True))
    bench.commit(KeepOrders(1, (shown,)))
    assert bench.journal().orders(1) == (LIMIT,)


def test_orders_of_an_event_that_comes_again_do_not_come_back(bench: Bench) -> None:
    bench.commit(KeepOrders(1, (OUT,)), Sequence("boot-1", 1))
    bench.commit(KeepOrders(1, ()), Sequence("boot-1", 2))
    bench.commit(KeepOrders(1, (OUT,)), Sequence("boot-1", 1))
    assert bench.journal().orders(1) == ()


@pytest.mark.req("CDR-05")
def test_the_same_event_twice_acts_once(bench: Bench) -> None:
    for _ in range(2):
        bench.commit(start(), Sequence("boot-1", 1))
        bench.commit(end(), Sequence("boot-1", 2))
    assert numbers(bench.journal()) == [1]
    # Even without the mark, the session's identity prevents a second record.
    bench.commit(start())
    bench.commit(end())
    assert numbers(bench.journal()) == [1]
    assert bench.journal().open_sessions() == ()


@pytest.mark.req("CDR-05")
def test_an_interrupted_session_ends_with_its_last_reading(bench: Bench) -> None:
    bench.commit(start("s1", 10), Transaction(1, "s1", at(11), 5_000), checkpoint("s1", 70, 900, 5_900))
    bench.commit(start("s2", 12, "boot-2", outlet=2))
    bench.commit(CloseInterrupted("boot-2"))
    bench.commit(CloseInterrupted("boot-2"))
    record = bench.journal().records(30)[0]
    assert (record.number, record.session_id, record.reason) == (1, "s1", "PowerLoss")
    assert (record.end, record.duration_us, record.energy_wh) == (at(70), 60_000_000, 900)
    assert (record.register_start_wh, record.register_end_wh) == (5_000, 5_900)
    assert [session.session_id for session in bench.journal().open_sessions()] == ["s2"]


def test_the_end_of_an_unknown_session_is_a_record_too(bench: Bench) -> None:
    bench.commit(end("lost"))
    record = bench.journal().records(1)[0]
    assert (record.session_id, record.energy_wh, record.register_start_wh, record.uid) == ("lost", 1500, 10_000, "")
    assert record.start == at(0)


def test_registers_and_readings_never_fall(bench: Bench) -> None:
    bench.commit(start(), checkpoint("s1", 60, 900, 5_900))
    bench.commit(checkpoint("s1", 50, 800, 5_800))
    assert bench.journal().register_wh(1) == 5_900
    session = bench.journal().open_sessions()[0]
    assert (session.energy_wh, session.last) == (900, at(60))
    bench.commit(checkpoint("gone", 61, 0, 6_000))
    assert (bench.journal().register_wh(1), bench.journal().register_wh(2)) == (6_000, 0)


def test_latches_are_kept_until_cleared(bench: Bench) -> None:
    bench.commit(LatchFault(1, "b", "emergency", at(1)), LatchFault(1, "a", "emergency", at(2)))
    bench.commit(LatchFault(1, "a", "emergency", at(3)), LatchFault(2, "c", "controlled", at(3)))
    bench.commit(ClearLatch(1, "b"), ClearLatch(1, "never there"))
    assert (bench.journal().latched_faults(1), bench.journal().latched_faults(2)) == (("a",), ("c",))


def test_stations_share_a_store_and_nothing_else(bench: Bench) -> None:
    bench.commit(start(), end(), LatchFault(1, "a", "emergency", at(1)), Sequence("boot-1", 9), station="other")
    mine, other = bench.journal(), bench.journal("other")
    assert (mine.records(9), mine.latched_faults(1), mine.last_sequence("boot-1")) == ((), (), 0)
    bench.commit(start(), end())
    assert (numbers(mine), numbers(other), mine.register_wh(1)) == ([1], [1], 11_500)


def test_only_the_last_boots_are_remembered(bench: Bench) -> None:
    for boot in range(BOOTS_KEPT + 1):
        bench.commit(Sequence(f"boot-{boot}", 5), Sequence(f"boot-{boot}", 5))
    assert bench.journal().last_sequence("boot-0") == 0
    assert bench.journal().last_sequence("boot-1") == 5
    assert bench.journal().last_sequence(f"boot-{BOOTS_KEPT}") == 5


@pytest.mark.req("CDR-01")
def test_3000_records_are_kept_and_numbers_are_never_used_again(bench: Bench) -> None:
    sessions = [f"s{number}" for number in range(RECORDS_KEPT + 5)]
    bench.commit(*(write for session in sessions for write in (start(session), end(session))))
    kept = numbers(bench.journal())
    assert kept == list(range(RECORDS_KEPT + 5, 5, -1))
    assert bench.journal().unpublished_dropped() == 5
    bench.reopen()
    bench.commit(start("next"), end("next"))
    assert bench.journal().records(1)[0].number == RECORDS_KEPT + 6


@pytest.mark.req("CDR-01")
def test_a_record_that_waits_for_publication_is_never_overwritten(bench: Bench) -> None:
    bench.commit(start("waits"), end("waits", publish=True), start("sent"), end("sent", publish=True))
    bench.commit(MarkPublished(2))
    sessions = [f"s{number}" for number in range(RECORDS_KEPT)]
    bench.commit(*(write for session in sessions for write in (start(session), end(session))))
    kept = numbers(bench.journal())
    assert (len(kept), kept[-2:], bench.journal().unpublished_dropped()) == (RECORDS_KEPT + 1, [3, 1], 0)
    bench.commit(MarkPublished(1), start("next"), end("next"))
    assert (numbers(bench.journal())[-1], bench.journal().unpublished_dropped()) == (4, 1)


ANNA = Badge("04A1B2C3", BadgeType.USER, "Anna", 1)
CHIEF = Badge("04A1B2C3D4E5F6", BadgeType.ADMIN, "", 2)


@pytest.mark.req("AUT-03", "AUT-04")
def test_badges_are_kept_in_the_order_of_their_numbers(bench: Bench) -> None:
    bench.commit(PutBadges((CHIEF, ANNA)))
    bench.commit(PutBadges((Badge("04A1B2C3", BadgeType.VIP, "Hostile '); --", 1),)), station="other")
    bench.reopen()
    assert bench.journal().badges() == (ANNA, CHIEF)
    bench.commit(PutBadges((replace(ANNA, type=BadgeType.VIP, comment="é"),)), RemoveBadges((CHIEF.uid, "0BADCAFE")))
    assert bench.journal().badges() == (replace(ANNA, type=BadgeType.VIP, comment="é"),)
    assert [badge.comment for badge in bench.journal("other").badges()] == ["Hostile '); --"]


def test_factory_badges_are_given_once(bench: Bench) -> None:
    bench.commit(FactoryBadges((ANNA,)))
    bench.commit(RemoveBadges((ANNA.uid,)))
    bench.reopen()
    bench.commit(FactoryBadges((ANNA, CHIEF)))
    assert bench.journal().badges() == ()


def test_the_list_is_empty_from_the_factory_when_the_profile_has_none(bench: Bench) -> None:
    bench.commit(FactoryBadges(()))
    bench.commit(FactoryBadges((ANNA,)))
    assert bench.journal().badges() == ()


@pytest.mark.req("AUT-06")
def test_the_cache_keeps_the_last_500_authorised_identifiers(bench: Bench) -> None:
    uids = [f"{number:08X}" for number in range(AUTHORISED_KEPT + 2)]
    bench.commit(*(RememberAuthorised(Authorised(uid)) for uid in uids))
    bench.commit(RememberAuthorised(Authorised(uids[2], 17, "family")), RememberAuthorised(Authorised("04A1B2C3")))
    bench.reopen()
    kept = bench.journal().authorised()
    assert [entry.uid for entry in kept] == [*uids[4:], uids[2], "04A1B2C3"]
    assert kept[-2] == Authorised(uids[2], 17, "family")
    bench.commit(ForgetAuthorised(uids[2]))
    assert len(bench.journal().authorised()) == AUTHORISED_KEPT - 1
    bench.commit(ForgetAuthorised())
    assert bench.journal().authorised() == ()


@pytest.mark.req("CDR-02")
def test_what_waits_for_publication_is_listed_oldest_first_until_sent_or_given_up(bench: Bench) -> None:
    for number in range(1, 6):
        bench.commit(start(f"s{number}"), end(f"s{number}", publish=number != 2))
    waiting = [record.number for record in bench.journal().unpublished(9)]
    assert waiting == [1, 3, 4, 5]
    assert [record.number for record in bench.journal().unpublished(2, after=1)] == [3, 4]
    bench.commit(MarkPublished(3), GiveUpPublication(4), GiveUpPublication(99))
    bench.reopen()
    assert [record.number for record in bench.journal().unpublished(9)] == [1, 5]
    assert numbers(bench.journal()) == [5, 4, 3, 2, 1], "the history keeps them all"


def test_records_are_read_in_pages(bench: Bench) -> None:
    bench.commit(*(write for number in range(5) for write in (start(f"s{number}"), end(f"s{number}"))))
    journal = bench.journal()
    assert [record.number for record in journal.records(2)] == [5, 4]
    assert [record.number for record in journal.records(2, before=4)] == [3, 2]
    assert journal.records(2, before=1) == ()
    assert journal.records(0) == ()


@pytest.mark.parametrize(
    "bad", [start("\ud800"), Sequence("b", 2**63), replace(start(), opened=Instant("b", -(2**64)))], ids=str
)
def test_what_no_store_can_hold_is_refused_at_the_door(bench: Bench, bad: Write) -> None:
    with pytest.raises(ValueError, match=r"surrogate|64 bits"):
        bench.journal().commit([start(), bad], lambda: None)
    bench.commit(start("s2"))
    assert [session.session_id for session in bench.journal().open_sessions()] == ["s2"]


def test_hostile_text_is_only_text(bench: Bench) -> None:
    text = "'; DROP TABLE record; --\x00\n\u202e"
    bench.commit(replace(start(text), comment=text), end(text))
    assert (bench.journal().records(1)[0].comment, bench.journal().records(1)[0].session_id) == (text, text)


SMALL = st.integers(0, 3)
IDS = st.sampled_from(["a", "b", "c"])
INSTANTS = st.builds(at, st.integers(0, 50), st.sampled_from(["boot-1", "boot-2"]))
DEADLINES = st.none() | st.builds(Deadline, IDS, SMALL, st.none() | SMALL)
KEPT = st.builds(
    KeptOrder,
    st.builds(
        StandingOrder,
        *(st.sampled_from(OrderKind), IDS, IDS, st.booleans(), SMALL, SMALL, st.just(5)),
        plan=st.lists(st.builds(LimitStep, SMALL, st.none() | st.tuples(SMALL, SMALL, SMALL)), max_size=2).map(tuple),
        on_expiry=st.sampled_from(OnExpiry),
    ),
    DEADLINES,
    DEADLINES,
)
UIDS = st.sampled_from(["04A1B2C3", "04A1B2C3D4E5F6", "0BADCAFE"])
BADGES = st.lists(st.builds(Badge, UIDS, st.sampled_from(BadgeType), IDS, SMALL), max_size=3).map(tuple)
WRITES = st.one_of(
    st.builds(SessionStart, SMALL, IDS, IDS, IDS, INSTANTS, IDS, IDS),
    st.builds(Transaction, SMALL, IDS, INSTANTS, st.integers(0, 9), IDS),
    st.builds(Checkpoint, SMALL, IDS, INSTANTS, st.integers(0, 9), st.integers(0, 9), IDS),
    st.builds(
        SessionEnd, SMALL, IDS, INSTANTS, IDS, SMALL, SMALL, IDS, SMALL, st.none() | INSTANTS, IDS, st.booleans()
    ),
    st.builds(CloseInterrupted, st.sampled_from(["boot-1", "boot-2"])),
    st.builds(LatchFault, SMALL, IDS, IDS, INSTANTS),
    st.builds(ClearLatch, SMALL, IDS),
    st.builds(KeepOrders, SMALL, st.lists(KEPT, max_size=3).map(tuple)),
    st.builds(Sequence, IDS, SMALL),
    st.builds(MarkPublished, SMALL),
    st.builds(FactoryBadges, BADGES),
    st.builds(PutBadges, BADGES),
    st.builds(RemoveBadges, st.lists(UIDS, max_size=2).map(tuple)),
    st.builds(RememberAuthorised, st.builds(Authorised, UIDS, st.none() | SMALL, IDS)),
    st.builds(ForgetAuthorised, UIDS | st.just("")),
    st.builds(GiveUpPublication, SMALL),
    st.builds(ForgetEverything, st.booleans()),
)


def everything(journal: Journal) -> object:
    latched = [journal.latched_faults(outlet) for outlet in range(4)]
    registers = [journal.register_wh(outlet) for outlet in range(4)]
    sequences = [journal.last_sequence(boot) for boot in "abc"]
    orders = [journal.orders(outlet) for outlet in range(4)]
    badges = journal.badges(), journal.authorised()
    return journal.open_sessions(), journal.records(99), latched, registers, sequences, orders, badges


@pytest.fixture(scope="module")
def shared_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteBench]:
    made = SqliteBench(tmp_path_factory.mktemp("journal") / "journal.db")
    yield made
    made.close()


@pytest.fixture(scope="module")
def fresh_name() -> Callable[[], str]:
    counter = iter(range(10_000))
    return lambda: f"station-{next(counter)}"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(commits=st.lists(st.lists(WRITES, max_size=4), max_size=12))
def test_both_journals_agree_on_any_writes(
    shared_sqlite: SqliteBench, fresh_name: Callable[[], str], commits: list[list[Write]]
) -> None:
    fake, station = FakeBench(), fresh_name()
    for writes in commits:
        fake.commit(*writes, station=station)
        shared_sqlite.commit(*writes, station=station)
    assert everything(fake.journal(station)) == everything(shared_sqlite.journal(station))


@pytest.mark.req("CFG-03")
@pytest.mark.parametrize("keep_badges", [True, False])
def test_a_factory_reset_forgets_all_but_what_belongs_to_the_unit(bench: Bench, keep_badges: bool) -> None:
    bench.commit(FactoryBadges((CHIEF,)), PutBadges((ANNA,)), start(), end())
    bench.commit(start("s2", 60), LatchFault(1, "weld", "emergency", at(61)), KeepDocument("keys", "{}"))
    bench.commit(ForgetEverything(keep_badges), station="other")
    before = bench.journal()
    number, register_wh = before.records(9)[0].number, before.register_wh(1)
    assert register_wh > 0
    bench.commit(ForgetEverything(keep_badges))
    bench.reopen()
    bench.commit(FactoryBadges((CHIEF,)))
    journal = bench.journal()
    assert (journal.records(9), journal.open_sessions(), journal.documents(), journal.messages()) == ((), (), {}, ())
    assert {badge.uid for badge in journal.badges()} == ({CHIEF.uid, ANNA.uid} if keep_badges else {CHIEF.uid})
    assert (journal.latched_faults(1), journal.register_wh(1)) == (("weld",), register_wh)
    bench.commit(start("s3", 120), end("s3", 180))
    assert [record.number for record in bench.journal().records(9)] == [number + 1]


# --- what the supervision has to be told ---------------------------------------------------------------------------


def message(session_id: str, kind: MessageKind, mono_us: int = 0) -> QueueMessage:
    return QueueMessage(1, session_id, kind, Instant("b1", mono_us, 5, ClockQuality.SET), 100, "04A1", "Local", "[]")


@pytest.mark.req("OCP-03")
def test_messages_keep_their_order_and_their_numbers_are_never_used_twice(bench: Bench) -> None:
    start, stop = message("s1", MessageKind.START), message("s1", MessageKind.STOP, 9)
    bench.commit(start, stop)
    bench.reopen()
    (first, one), (second, two) = bench.journal().messages()
    assert (one, two) == (start, stop)
    assert first < second
    assert bench.journal().messages(first) == ((second, stop),)
    assert bench.journal("station-2").messages() == ()
    bench.commit(DropMessages((first, second)))
    bench.commit(start)
    ((third, _),) = bench.journal().messages()
    assert third > second


@pytest.mark.req("OCP-03")
def test_a_transaction_id_is_kept_until_the_stop_is_delivered_and_stands_in_the_record(bench: Bench) -> None:
    at = Instant("b1", 0)
    bench.commit(
        SessionStart(1, "s1", "04A1", "badge", at), Transaction(1, "s1", at, 100), message("s1", MessageKind.START)
    )
    ((number, _),) = bench.journal().messages()
    bench.commit(AssignTransaction(number, "s1", -7))
    bench.reopen()
    assert bench.journal().messages() == ()
    assert bench.journal().transaction_ids() == {"s1": -7}
    assert bench.journal().open_sessions()[0].transaction_id == "-7"
    bench.commit(SessionEnd(1, "s1", at, "Local", 5, 105, "Normal_Mode_3", 1), message("s1", MessageKind.STOP))
    assert bench.journal().records(1)[0].transaction_id == "-7"
    ((number, _),) = bench.journal().messages()
    bench.commit(DropMessages((number,), "s1"))
    assert (bench.journal().messages(), bench.journal().transaction_ids()) == ((), {})


@pytest.mark.req("OCP-03")
def test_an_id_that_comes_after_the_session_has_ended_reaches_its_record(bench: Bench) -> None:
    at = Instant("b1", 0)
    bench.commit(SessionEnd(1, "s1", at, "Local", 5, 105, "Normal_Mode_3", 1), message("s1", MessageKind.START))
    ((number, _),) = bench.journal().messages()
    bench.commit(AssignTransaction(number, "s1", 12))
    assert bench.journal().records(1)[0].transaction_id == "12"


@pytest.mark.req("OCP-03")
def test_a_power_cut_stops_what_was_in_a_transaction_and_nothing_else(bench: Bench) -> None:
    at, last = Instant("b1", 0), Instant("b1", 60)
    bench.commit(SessionStart(1, "s1", "04A1", "badge", at), Transaction(1, "s1", at, 100))
    bench.commit(Checkpoint(1, "s1", last, 40, 140, "Normal_Mode_3"))
    bench.commit(SessionStart(2, "s2", "04A1", "badge", at))
    bench.commit(CloseInterrupted("b2", supervised=True))
    ((_, stop),) = bench.journal().messages()
    assert stop == QueueMessage(1, "s1", MessageKind.STOP, last, 140, "04A1", "PowerLoss")
    bench.commit(SessionStart(1, "s3", "04A1", "badge", Instant("b2", 0)), Transaction(1, "s3", Instant("b2", 0), 140))
    bench.commit(CloseInterrupted("b3"))
    assert len(bench.journal().messages()) == 1, "without supervision nothing is told"


def test_documents_are_replaced_and_forgotten(bench: Bench) -> None:
    bench.commit(KeepDocument("keys", "{}"), KeepDocument("list", "[1]"))
    bench.commit(KeepDocument("keys", "{1}"), KeepDocument("list", ""))
    bench.reopen()
    assert bench.journal().documents() == {"keys": "{1}"}
    assert bench.journal("station-2").documents() == {}
