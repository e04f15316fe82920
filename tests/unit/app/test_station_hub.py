"""The station inside services: snapshots, events, commands and their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from evse.app.station.station_hub import NOT_STORED, QUEUE, RING, SILENCE_US, StationHub
from evse.app.station.system_clock import EARLIEST_UTC_US, machine_boot, system_mapping
from evse.core.commands import Command, Configure, RestoreState, SetUnavailable, StopSession
from evse.core.config import OutletConfig, StationConfig
from evse.core.configure import with_digest
from evse.core.events import CommandDone, EvStateChanged, OrdersChanged, SessionOpened
from evse.core.orders import OrderKind, StandingOrder
from evse.core.units import MS, SECOND
from evse.exchange.envelope import Acknowledge, Envelope, FromServices, Hello
from evse.exchange.snapshot import LatencyView, StationView
from evse.services.authorisation import Policy
from evse.services.clock import NO_CLOCK, ClockQuality
from evse.services.fake_journal import FakeStore
from evse.services.station_services import StationServices
from evse.web.ports import Condition, NotConnected, Outcome, Update

CONFIG = StationConfig("S1", "parking", (OutletConfig(1),))
VIEW = StationView("S1", "parking", "boot", 0, 1, "d", True, (), LatencyView())


class Bench:
    """A hub with real services on a journal in memory; control is played by the test."""

    def __init__(self) -> None:
        self.now_us = 0
        self.sent: list[FromServices] = []
        self.store = FakeStore(0)
        services = StationServices(self.store.journal("S1"), Policy(), NO_CLOCK, CONFIG)
        self.hub = StationHub(services, system_mapping, lambda: self.now_us)
        self.hub.sender = self

    def send(self, messages: Sequence[FromServices]) -> bool:
        self.sent += messages
        return True

    def begin(self) -> None:
        self.hub.hello(Hello("boot", 0))
        self.disk()
        self.hub.view(VIEW)

    def disk(self) -> None:
        self.store.step(self.now_us)
        self.hub.flush()


def play(story: Callable[[Bench], Awaitable[None]]) -> None:
    async def run() -> None:
        await story(Bench())

    asyncio.run(run())


async def _soon() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_restores_confirms_and_acknowledges_over_the_exchange() -> None:
    async def story(bench: Bench) -> None:
        bench.begin()
        assert [type(message).__name__ for message in bench.sent] == ["RestoreState"]
        bench.hub.envelope(Envelope("boot", 1, 5, SessionOpened(1, "boot-1-1", "04A1B2C3", "badge")))
        assert len(bench.sent) == 1
        bench.disk()
        assert [type(message).__name__ for message in bench.sent[1:]] == ["ConfirmRecord", "Acknowledge"]
        assert bench.sent[-1] == Acknowledge("boot", 1)

    play(story)


def test_a_silent_control_is_not_shown_as_alive() -> None:
    async def story(bench: Bench) -> None:
        bench.begin()
        bench.now_us = SILENCE_US
        bench.hub.tick()
        assert bench.hub.latest() == VIEW
        bench.now_us += 1
        bench.hub.tick()
        assert bench.hub.latest() is None
        bench.hub.view(VIEW)
        assert bench.hub.latest() == VIEW
        bench.hub.disconnected()
        assert bench.hub.latest() is None

    play(story)


def test_the_condition_tells_a_hung_control_from_one_that_is_gone_and_what_the_journal_lacks() -> None:
    async def story(bench: Bench) -> None:
        assert bench.hub.condition() == Condition(False, None, "")
        bench.begin()
        bench.now_us = 5 * SECOND
        bench.hub.tick()
        assert bench.hub.latest() is None
        assert bench.hub.condition() == Condition(True, 5 * SECOND, "")
        bench.store.full_disk()
        bench.hub.envelope(Envelope("boot", 1, 5, SessionOpened(1, "boot-1-1", "04A1B2C3", "badge")))
        bench.disk()
        assert "full" in bench.hub.condition().journal_problem
        bench.hub.disconnected()
        assert bench.hub.condition().connected is False

    play(story)


def test_a_posted_command_gets_its_answer_and_acts_once() -> None:
    async def story(bench: Bench) -> None:
        bench.begin()
        bench.sent.clear()
        command: Command = StopSession("c1", outlet=1, expires_us=5 * SECOND)
        tasks = [asyncio.create_task(bench.hub.post(command)) for _ in range(2)]
        await _soon()
        assert bench.sent == [command]
        bench.hub.envelope(Envelope("boot", 1, 5, CommandDone(1, "c1", "refused", "no session")))
        assert [await task for task in tasks] == [Outcome("refused", "no session")] * 2

    play(story)


def test_an_order_is_answered_when_it_is_stored_and_not_before() -> None:
    async def story(bench: Bench) -> None:
        bench.begin()
        command: Command = SetUnavailable("c1", outlet=1, expires_us=5 * SECOND)
        task = asyncio.create_task(bench.hub.post(command))
        await _soon()
        orders = (StandingOrder(OrderKind.UNAVAILABLE, "plc"),)
        bench.hub.envelope(Envelope("boot", 1, 5, OrdersChanged(1, orders)))
        bench.hub.envelope(Envelope("boot", 2, 5, CommandDone(1, "c1", "done", "")))
        await _soon()
        assert not task.done()
        bench.disk()
        assert await task == Outcome("done", "")

    play(story)


def test_an_order_that_is_not_stored_in_time_is_not_called_done() -> None:
    async def story(bench: Bench) -> None:
        bench.begin()
        bench.store.full_disk()
        bench.now_us = SECOND
        task = asyncio.create_task(bench.hub.post(SetUnavailable("c1", outlet=1, expires_us=SECOND)))
        await _soon()
        orders = (StandingOrder(OrderKind.UNAVAILABLE, "plc"),)
        bench.hub.envelope(Envelope("boot", 1, 5, OrdersChanged(1, orders)))
        bench.hub.envelope(Envelope("boot", 2, 5, CommandDone(1, "c1", "done", "")))
        stop = asyncio.create_task(bench.hub.post(StopSession("c2", outlet=1, expires_us=SECOND)))
        await _soon()
        bench.hub.envelope(Envelope("boot", 3, 5, CommandDone(1, "c2", "done", "")))
        assert await stop == Outcome("done", ""), "what is no order waits for nothing"
        assert await task == Outcome("expired", NOT_STORED)
        bench.hub.disconnected()

    play(story)


def test_a_command_without_control_or_whose_control_dies_is_not_connected() -> None:
    async def story(bench: Bench) -> None:
        command = StopSession("c1", outlet=1, expires_us=5 * SECOND)
        with pytest.raises(NotConnected):
            await bench.hub.post(command)
        bench.begin()
        task = asyncio.create_task(bench.hub.post(command))
        await _soon()
        bench.hub.disconnected()
        with pytest.raises(NotConnected):
            await task

    play(story)


def test_a_command_without_answer_expires() -> None:
    async def story(bench: Bench) -> None:
        bench.begin()
        bench.now_us = SECOND
        outcome = await bench.hub.post(StopSession("c1", outlet=1, expires_us=SECOND))
        assert outcome.outcome == "expired"

    play(story)


def test_subscribers_get_news_and_a_slow_one_is_bounded() -> None:
    async def story(bench: Bench) -> None:
        bench.begin()
        updates = bench.hub.subscribe()
        first = asyncio.ensure_future(anext(updates))
        await _soon()
        for number in range(1, QUEUE + 101):
            bench.hub.envelope(Envelope("boot", number, number, EvStateChanged(1, "A", "B")))
        newest = replace(VIEW, mono_us=9)
        bench.hub.view(newest)
        update: Update = await first
        assert update.view == newest
        assert len(update.events) == QUEUE
        assert update.events[-1].sequence == QUEUE + 100
        await updates.aclose()  # type: ignore[attr-defined]

    play(story)


def test_events_are_kept_once_in_a_ring_and_by_outlet() -> None:
    async def story(bench: Bench) -> None:
        bench.begin()
        for number in range(1, RING + 11):
            envelope = Envelope("boot", number, number, EvStateChanged(1 + number % 2, "A", "B"))
            bench.hub.envelope(envelope)
            bench.hub.envelope(envelope)  # sent again after a reconnection
        found = bench.hub.recent_events(10 * RING)
        assert len(found) == RING
        assert [record.sequence for record in found] == list(range(11, RING + 11))
        assert all(record.event.outlet == 1 for record in bench.hub.recent_events(10, 1))
        assert len(bench.hub.recent_events(10, 1)) == 10
        assert bench.hub.recent_events(0) == []

    play(story)


@pytest.mark.parametrize(
    ("utc_us", "synchronised", "quality"),
    [
        (EARLIEST_UTC_US - 1, True, ClockQuality.UNSET),
        (EARLIEST_UTC_US, False, ClockQuality.SET),
        (EARLIEST_UTC_US, True, ClockQuality.SYNCHRONISED),
    ],
)
def test_quality_of_the_systems_clock(utc_us: int, synchronised: bool, quality: ClockQuality) -> None:
    mapping = system_mapping("boot", lambda: 5_000, lambda: utc_us * 1_000, lambda: synchronised)
    assert mapping.quality is quality
    assert (mapping.boot_id, mapping.mono_us, mapping.utc_us) == ("boot", 5, utc_us)
    assert mapping.instant("boot", 5 + MS).utc_us == (None if quality is ClockQuality.UNSET else utc_us + MS)


def test_the_machines_run_has_a_name_where_the_kernel_tells_it(tmp_path: Path) -> None:
    assert machine_boot() == machine_boot() != ""
    assert machine_boot(str(tmp_path / "nothing")) == ""
    assert system_mapping("boot").clock_id == machine_boot()


NEXT = with_digest(replace(CONFIG, version=2, station_maximum_ma=32_000))


@pytest.mark.req("STA-02")
@pytest.mark.parametrize("outcome", ["done", "refused"])
def test_a_configuration_is_answered_and_sent_again_before_the_state_when_control_starts(outcome: str) -> None:
    async def story(bench: Bench) -> None:
        bench.begin()
        bench.sent.clear()
        asked = asyncio.create_task(bench.hub.configure(NEXT))
        await _soon()
        (sent,) = bench.sent
        assert isinstance(sent, Configure)
        assert sent.config == NEXT
        bench.hub.envelope(Envelope("boot", 1, 5, CommandDone(0, sent.command_id, outcome, "why")))
        assert (await asked).outcome == outcome
        bench.sent.clear()
        bench.hub.disconnected()
        bench.hub.hello(Hello("boot-2", 0))
        bench.disk()
        again = [type(each) for each in bench.sent]
        assert again == ([Configure, RestoreState] if outcome == "done" else [RestoreState])

    play(story)


def test_a_configuration_that_is_saved_while_control_is_away_comes_with_its_start() -> None:
    async def story(bench: Bench) -> None:
        with pytest.raises(NotConnected):
            await bench.hub.configure(NEXT)
        bench.begin()
        assert [type(each) for each in bench.sent] == [Configure, RestoreState]

    play(story)
