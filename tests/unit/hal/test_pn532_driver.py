"""The card reader's driver against its twin over a null modem, in virtual time."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evse.sim.elision import RenewalLoop
from evse.sim.scheduler import Scheduler
from hal.drivers.pn532 import KEEP_ALIVE_US, Pn532Driver
from hal.frames.pn532 import (
    ACK_FRAME,
    TYPE_A_106,
    Command,
    TypeATarget,
    answer_frame,
    build_targets,
    command_frame,
)
from hal.ports import CardRead
from hal.twins.null_modem import NullModem
from hal.twins.pn532 import Pn532Twin
from hal.units import MS, NEVER, SECOND

FOUR = bytes.fromhex("04A1B2C3")
SEVEN = bytes.fromhex("04112233445566")
TEN = bytes.fromhex("0102030405060708090A")


class Runner:
    """Polls the driver as control does and keeps what it reports."""

    def __init__(self, driver: Pn532Driver) -> None:
        self.driver = driver
        self.cards: list[CardRead] = []

    def step(self, now_us: int) -> int:
        wish = self.driver.poll(now_us)
        assert wish > now_us, "a driver that wants to be polled at once would never rest"
        self.cards += self.driver.take_cards()
        return wish

    def essential_wake_us(self) -> int:
        return self.driver.essential_wake_us()


class Bench:
    def __init__(self, elide: bool = False) -> None:
        self.scheduler = Scheduler(elide=elide)
        self.modem = NullModem(self.scheduler)
        self.twin = Pn532Twin(self.modem.right, self.scheduler)
        self.driver = Pn532Driver(self.modem.left)
        self.runner = Runner(self.driver)
        self.frames: list[tuple[int, str, bytes]] = []
        self.driver.on_frame = lambda at, way, raw: self.frames.append((at, way, raw))
        self.modem.left.attach(self.runner)
        self.modem.right.attach(self.twin)
        self.scheduler.add(self.twin, "reader twin")
        self.scheduler.add(self.runner, "control")
        self.scheduler.add_loop(RenewalLoop("reader", (self.driver, self.modem, self.twin), self.modem, self.runner))

    def run(self, span_us: int) -> None:
        self.scheduler.run_for(span_us)

    @property
    def uids(self) -> list[str]:
        return [card.uid for card in self.runner.cards]


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.run(1 * SECOND)
    assert bench.driver.connected
    return bench


def test_it_wakes_the_chip_and_searches(bench: Bench) -> None:
    sent = [raw for _, way, raw in bench.frames if way == "tx"]
    assert sent == [
        ACK_FRAME,
        command_frame(Command.SAM_CONFIGURATION, b"\x01\x00\x00"),
        command_frame(Command.GET_FIRMWARE_VERSION),
        command_frame(Command.RF_CONFIGURATION, b"\x05\xff\x01\xff"),
        command_frame(Command.IN_LIST_PASSIVE_TARGET, bytes((1, TYPE_A_106))),
    ]
    assert bench.twin.searching
    assert bench.driver.problem == ""
    assert bench.driver.counters.repeated_commands == 0, (
        "the wake-up is long enough for a chip in its low-battery state"
    )
    assert bench.twin.counters.refused == 0


@pytest.mark.req("AUT-10")
@pytest.mark.parametrize("uid", [FOUR, SEVEN, TEN], ids=["4", "7", "10"])
def test_a_card_is_read_once_within_a_tenth_of_a_second(bench: Bench, uid: bytes) -> None:
    bench.twin.present(uid)
    bench.run(100 * MS)
    assert bench.uids == [uid.hex().upper()]
    bench.run(60 * SECOND)
    assert bench.uids == [uid.hex().upper()], "a card left in the field counts once"
    assert bench.driver.counters.sightings > 150


def test_a_card_taken_away_and_held_again_counts_again(bench: Bench) -> None:
    for _ in range(3):
        bench.twin.present(FOUR)
        bench.run(2 * SECOND)
        bench.twin.remove()
        bench.run(2 * SECOND)
    assert bench.uids == ["04A1B2C3"] * 3


def test_a_card_that_trembles_at_the_edge_of_the_field_counts_once(bench: Bench) -> None:
    for _ in range(10):
        bench.twin.present(FOUR)
        bench.run(350 * MS)
        bench.twin.remove()
        bench.run(300 * MS)
    assert bench.uids == ["04A1B2C3"]


def test_another_card_right_behind_the_first_counts(bench: Bench) -> None:
    bench.twin.present(FOUR)
    bench.run(400 * MS)
    bench.twin.remove()
    bench.twin.present(SEVEN)
    bench.run(400 * MS)
    bench.twin.remove()
    bench.twin.present(FOUR)
    bench.run(5 * SECOND)
    assert bench.uids == ["04A1B2C3", SEVEN.hex().upper()]


def test_more_cards_than_asked_for_are_no_answer() -> None:
    link = Script()
    driver = Pn532Driver(link)
    link.chip_answers_the_start(driver)
    cards = (TypeATarget(1, 4, 8, FOUR), TypeATarget(2, 0x44, 0, SEVEN))
    link.incoming = answer_frame(Command.IN_LIST_PASSIVE_TARGET, build_targets(cards))
    link.run(driver, 50 * MS)
    assert driver.take_cards() == ()
    assert driver.counters.malformed_answers == 1


@pytest.mark.parametrize("length", [1, 3, 5, 6, 8, 9, 11, 12, 16])
def test_a_uid_of_any_other_length_is_counted_and_ignored(bench: Bench, length: int) -> None:
    bench.twin.present(bytes(range(1, length + 1)))
    bench.run(1 * SECOND)
    assert bench.uids == []
    assert bench.driver.counters.ignored_uids >= 2
    bench.twin.remove()
    bench.twin.present(FOUR)
    bench.run(1 * SECOND)
    assert bench.uids == ["04A1B2C3"]


def test_a_quiet_hour_costs_one_keep_alive_every_five_seconds(bench: Bench) -> None:
    before = bench.driver.counters.frames_sent
    bench.run(3600 * SECOND)
    assert bench.driver.counters.keep_alives == pytest.approx(720, abs=1)
    assert bench.driver.counters.frames_sent - before == 3 * bench.driver.counters.keep_alives
    assert bench.driver.connected
    bench.twin.present(TEN)
    bench.run(100 * MS)
    assert bench.uids == [TEN.hex().upper()]


def test_a_wrong_checksum_is_asked_for_again(bench: Bench) -> None:
    bench.twin.corrupt_next(2)
    bench.twin.present(FOUR)
    bench.run(1 * SECOND)
    assert bench.uids == ["04A1B2C3"]
    assert bench.driver.counters.nacks_sent == 2
    assert bench.twin.counters.repeated_answers == 2
    assert bench.driver.counters.line.bad_checksums == 2
    assert bench.driver.connected


def test_nothing_but_wrong_checksums_disconnects_and_never_invents_a_card(bench: Bench) -> None:
    bench.twin.corrupt_next(10_000)
    bench.twin.present(FOUR)
    bench.run(10 * SECOND)
    assert bench.uids == []
    assert not bench.driver.connected
    assert bench.driver.counters.nacks_sent < 150, "asking again is bounded"
    bench.twin.corrupt_next(0)
    bench.run(2 * SECOND)
    assert bench.driver.connected
    assert bench.uids == ["04A1B2C3"]


def test_a_hanging_chip_is_noticed_and_comes_back(bench: Bench) -> None:
    bench.twin.freeze()
    bench.run(KEEP_ALIVE_US + 700 * MS)
    assert not bench.driver.connected
    assert bench.driver.problem == "the chip does not answer"
    bench.twin.freeze(False)
    bench.run(2 * SECOND)
    assert bench.driver.connected


def test_a_power_cut_of_the_reader_is_followed_by_a_full_start(bench: Bench) -> None:
    bench.twin.power(False)
    bench.run(30 * SECOND)
    assert not bench.driver.connected
    bench.twin.power(True)
    bench.twin.present(SEVEN)
    bench.run(2 * SECOND)
    assert bench.driver.connected
    assert bench.uids == [SEVEN.hex().upper()]


def test_a_power_blink_between_two_checks_is_repaired(bench: Bench) -> None:
    bench.twin.power(False)
    bench.twin.power(True)
    bench.run(8 * SECOND)
    bench.twin.present(SEVEN)
    bench.run(1 * SECOND)
    assert bench.uids == [SEVEN.hex().upper()]


@pytest.mark.req("HW-01")
def test_unplugged_and_plugged_again(bench: Bench) -> None:
    bench.modem.cut()
    bench.run(1 * MS)
    assert not bench.driver.connected
    assert bench.driver.problem.startswith("no serial line")
    wish = bench.driver.poll(bench.scheduler.now_us)
    assert wish - bench.scheduler.now_us <= 500 * MS
    bench.run(20 * SECOND)
    assert bench.driver.counters.lines_lost == 1
    bench.modem.restore()
    bench.twin.present(FOUR)
    bench.run(1 * SECOND)
    assert bench.driver.connected
    assert bench.uids == ["04A1B2C3"]


def test_a_chip_that_is_no_pn532_is_refused() -> None:
    bench = Bench()
    bench.twin._handlers[Command.GET_FIRMWARE_VERSION] = lambda _p, _n: bytes.fromhex("33010607")
    bench.run(5 * SECOND)
    assert not bench.driver.connected
    assert bench.driver.problem == "the chip answers, but it is no PN532"


def test_cards_that_nobody_takes_do_not_pile_up() -> None:
    link = Script()
    driver = Pn532Driver(link)
    link.chip_answers_the_start(driver)
    for number in range(40):
        card = TypeATarget(1, 4, 8, bytes((4, 0, 0, number)))
        link.incoming = answer_frame(Command.IN_LIST_PASSIVE_TARGET, build_targets((card,)))
        link.run(driver, 800 * MS)
    cards = driver.take_cards()
    assert len(cards) == 16
    assert cards[-1].uid == "04000027"
    assert driver.counters.cards_dropped == 24
    assert driver.take_cards() == ()


def test_a_card_that_comes_just_before_a_check_is_not_lost() -> None:
    link = Script()
    driver = Pn532Driver(link)
    link.chip_answers_the_start(driver)
    link.silent = True
    link.run(driver, KEEP_ALIVE_US)
    assert driver.counters.keep_alives == 1
    link.incoming = CARD_ANSWER
    link.run(driver, 10 * MS)
    assert [card.uid for card in driver.take_cards()] == ["04A1B2C3"]


def test_bytes_of_an_earlier_life_are_thrown_away_at_the_start() -> None:
    link = Script()
    link.silent = True
    link.incoming = ACK_FRAME + answer_frame(Command.SAM_CONFIGURATION)
    driver = Pn532Driver(link)
    link.run(driver, 100 * MS)
    assert driver.counters.frames_received == 0
    assert driver.counters.frames_sent == 2, "still waiting for the answer to SAMConfiguration"


def test_a_frame_that_never_ends_does_not_swallow_the_next_check() -> None:
    link = Script()
    driver = Pn532Driver(link)
    link.chip_answers_the_start(driver)
    link.incoming = answer_frame(Command.IN_LIST_PASSIVE_TARGET, bytes(200))[:30]
    link.run(driver, KEEP_ALIVE_US + 1 * SECOND)
    assert driver.counters.keep_alives == 1
    assert driver.counters.unanswered == 0
    assert driver.counters.line.abandoned == 1


def test_it_is_steady_from_the_first_check_on(bench: Bench) -> None:
    assert bench.driver.steady_period_us() == 0, "the first check leaves another last answer behind in the chip"
    bench.run(KEEP_ALIVE_US)
    assert bench.driver.steady_period_us() == KEEP_ALIVE_US
    assert bench.driver.essential_wake_us() == NEVER
    bench.twin.present(FOUR)
    bench.run(50 * MS)
    bench.twin.remove()
    assert bench.driver.steady_period_us() == 0


class Script:
    """A byte link whose chip acknowledges and answers everything at once but never finds a card by itself."""

    def __init__(self) -> None:
        self.incoming = b""
        self.now_us = 0
        self.silent = False

    def read(self, now_us: int) -> bytes:
        data, self.incoming = self.incoming, b""
        return data

    def write(self, data: bytes, now_us: int) -> None:
        if self.silent or data[5:6] != b"\xd4":
            return
        self.incoming += ACK_FRAME
        if data[6] == Command.GET_FIRMWARE_VERSION:
            self.incoming += answer_frame(data[6], bytes.fromhex("32010607"))
        elif data[6] == Command.IN_RELEASE:
            self.incoming += answer_frame(data[6], b"\x00")
        elif data[6] != Command.IN_LIST_PASSIVE_TARGET:
            self.incoming += answer_frame(data[6])

    def run(self, driver: Pn532Driver, span_us: int) -> None:
        end = self.now_us + span_us
        while self.now_us < end:
            self.now_us += 10 * MS
            wish = driver.poll(self.now_us)
            assert wish <= NEVER

    def chip_answers_the_start(self, driver: Pn532Driver) -> None:
        self.run(driver, 200 * MS)
        assert driver.connected


CARD_ANSWER = answer_frame(Command.IN_LIST_PASSIVE_TARGET, build_targets((TypeATarget(1, 4, 8, FOUR),)))
# Whole answers made by hand are left out of the noise: the line's 8-bit sum cannot tell them from the chip's.
NOISE = st.binary(max_size=40).filter(lambda noise: CARD_ANSWER[5:7] not in noise)
RECEIVED = st.one_of(
    NOISE,
    st.sampled_from((ACK_FRAME, CARD_ANSWER, CARD_ANSWER * 2, answer_frame(0x02, b"\x32\x01\x06\x07"))),
    st.integers(0, len(CARD_ANSWER)).map(lambda size: CARD_ANSWER[:size]),
    st.tuples(st.integers(3, len(CARD_ANSWER) - 2), st.integers(1, 255)).map(
        lambda change: bytes(b ^ (change[1] if i == change[0] else 0) for i, b in enumerate(CARD_ANSWER))
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(RECEIVED, st.integers(0, 400)), max_size=25), st.booleans())
def test_whatever_arrives_nothing_is_raised_and_no_card_is_invented(
    chunks: list[tuple[bytes, int]], silent: bool
) -> None:
    link = Script()
    driver = Pn532Driver(link)
    link.chip_answers_the_start(driver)
    link.silent = silent
    for chunk, span_ms in chunks:
        link.incoming += chunk
        link.run(driver, span_ms * MS)
    link.silent = False
    link.run(driver, 8 * SECOND)
    assert {card.uid for card in driver.take_cards()} <= {"04A1B2C3"}
    assert driver.connected
    link.incoming += answer_frame(Command.IN_LIST_PASSIVE_TARGET, build_targets((TypeATarget(1, 4, 8, TEN),)))
    link.run(driver, 50 * MS)
    assert [card.uid for card in driver.take_cards()] in ([TEN.hex().upper()], [])


FAULTS = st.one_of(
    st.tuples(st.just("corrupt"), st.integers(1, 4)),
    st.tuples(st.just("drop"), st.integers(1, 4)),
    st.tuples(st.just("drop bytes"), st.integers(1, 4)),
    st.tuples(st.just("duplicate"), st.integers(1, 4)),
    st.tuples(st.just("checksum"), st.integers(1, 6)),
    st.tuples(st.just("cut"), st.integers(1, 3)),
    st.tuples(st.just("power"), st.integers(1, 3)),
    st.tuples(st.just("freeze"), st.integers(1, 3)),
    st.tuples(st.just("card"), st.integers(1, 3)),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(FAULTS, st.sampled_from(("left", "right"))), max_size=10), st.integers(0, 1000))
def test_a_bad_line_in_both_directions_never_raises_and_heals(
    faults: list[tuple[tuple[str, int], str]], seed: int
) -> None:
    bench = Bench()
    stream = random.Random(seed)
    bench.run(1 * SECOND)
    for (fault, count), sender in faults:
        inflict(bench, fault, count, stream, sender)
        bench.run(stream.randrange(1, 3_000) * MS)
    assert set(bench.uids) <= {"04A1B2C3"}, "a damaged line never invents a card"
    bench.modem.restore()
    bench.twin.power(True)
    bench.twin.freeze(False)
    bench.twin.corrupt_next(0)
    bench.twin.remove()
    bench.run(30 * SECOND)
    assert bench.driver.connected
    bench.twin.present(TEN)
    bench.run(5 * SECOND)
    assert bench.uids[-1:] == [TEN.hex().upper()]


def inflict(bench: Bench, fault: str, count: int, stream: random.Random, sender: str) -> None:
    if fault == "corrupt":
        bench.modem.corrupt(count, stream, sender)
    elif fault == "drop":
        bench.modem.drop(count, None, sender)
    elif fault == "drop bytes":
        bench.modem.drop(count, stream, sender)
    elif fault == "duplicate":
        bench.modem.duplicate(count, sender)
    elif fault == "checksum":
        bench.twin.corrupt_next(count)
    elif fault == "cut":
        bench.modem.restore() if bench.modem.is_cut else bench.modem.cut()
    elif fault == "power":
        bench.twin.power(count > 1)
    elif fault == "freeze":
        bench.twin.freeze(count > 1)
    else:
        bench.twin.present(FOUR) if count > 1 else bench.twin.remove()


def story(elide: bool) -> Bench:
    """Four hours with three cards, a hanging chip and an unplugged line."""
    bench = Bench(elide)
    part = 10 * 60 * SECOND
    at = bench.scheduler.at
    at(1 * part + 1_234_567, lambda now: bench.twin.present(FOUR, now))
    at(1 * part + 5_000_000, lambda now: bench.twin.remove(now_us=now))
    at(5 * part + 7, lambda now: bench.twin.present(SEVEN, now))
    at(5 * part + 900_000, lambda now: bench.twin.remove(now_us=now))
    at(8 * part, lambda now: bench.twin.freeze())
    at(8 * part + 20 * SECOND, lambda now: bench.twin.freeze(False))
    at(9 * part, lambda now: bench.modem.cut())
    at(9 * part + 3 * SECOND + 17, lambda now: bench.modem.restore())
    at(12 * part + 5, lambda now: bench.twin.power(False))
    at(12 * part + 6, lambda now: bench.twin.power(True))
    at(23 * part + 4_999_999, lambda now: bench.twin.present(TEN, now))
    bench.scheduler.run_until(23 * part + 10 * SECOND)
    return bench


def test_an_elided_run_equals_the_full_one() -> None:
    full, elided = story(False), story(True)
    assert elided.runner.cards == full.runner.cards
    assert len(full.runner.cards) == 3
    assert elided.driver.counters == full.driver.counters
    assert elided.twin.counters == full.twin.counters
    assert set(elided.frames) < set(full.frames), (
        "what was sent in the elided run was sent at the same time in the full"
    )
    assert elided.driver.heard_at_us == full.driver.heard_at_us
    assert elided.scheduler.counters.frames_elided > 15_000
    assert elided.scheduler.counters.steps < full.scheduler.counters.steps / 20
