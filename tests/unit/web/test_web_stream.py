"""The stream: complete at first, then changes only, merged, bounded, shared."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from evse.core import events as e
from evse.web import serial
from evse.web.ports import EventRecord, Update
from evse.web.serial import Pieces
from evse.web.stream import MAX_QUEUED_EVENTS, MAX_READERS, Hub, Mailbox, TooManyReaders
from tests.fakes.web_fake import FakeStation, changed, charging, station_view

pytestmark = pytest.mark.anyio
S = 1_000_000


async def message(source: AsyncIterator[bytes]) -> dict[str, Any]:
    """The next message that carries data."""
    async for block in source:
        if block.startswith(b"data: "):
            assert block.endswith(b"\n\n")
            assert block.count(b"\n") == 2
            value: dict[str, Any] = json.loads(block[6:])
            return value
    raise AssertionError("the stream ended")


async def settle() -> None:
    """Let every task that can go on go on."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_first_message_is_complete_then_only_changes_come() -> None:
    station = FakeStation(station_view())
    hub = Hub(station, 0)
    mailbox = hub.open()
    source = hub.messages(mailbox)
    first = await message(source)
    assert first["connected"] is True
    assert [outlet["number"] for outlet in first["outlets"]] == [1, 2]
    assert first["station"]["station_uid"] == "EVP2-000417"
    assert "outlets" not in first["station"]
    await settle()
    view = changed(replace(station_view(), mono_us=61 * S), 2, ev_state="B_Present_9V")
    station.push(view, e.EvStateChanged(2, "A_Not_Present_12V", "B_Present_9V"))
    second = await message(source)
    assert [outlet["number"] for outlet in second["outlets"]] == [2]
    assert second["outlets"][0]["ev_state"] == "B_Present_9V"
    assert second["station"]["mono_us"] == 61 * S
    assert [event["type"] for event in second["events"]] == ["EvStateChanged"]
    await source.aclose()
    assert hub.readers == 0
    await settle()
    assert station.queues == []


async def test_what_comes_while_a_reader_is_slow_is_merged_into_one_message() -> None:
    station = FakeStation(station_view())
    hub = Hub(station, 0)
    source = hub.messages(hub.open())
    await message(source)
    await settle()
    for step in range(50):
        station.push(changed(station_view(60 * S + step), 1, offered_ma=step), e.ContactorMoved(1, bool(step % 2)))
    await settle()
    merged = await message(source)
    assert [outlet["offered_ma"] for outlet in merged["outlets"]] == [49]
    assert len(merged["events"]) == 50
    assert merged["lost_events"] == 0
    hub.close()


async def test_a_reader_that_never_reads_holds_a_bounded_amount() -> None:
    station = FakeStation(station_view())
    hub = Hub(station, 0)
    mailbox = hub.open()
    await settle()
    for step in range(MAX_QUEUED_EVENTS + 300):
        station.push(changed(station_view(60 * S + step), 1, offered_ma=step), e.ContactorMoved(1, True))
    await settle()
    assert mailbox.waiting_events == MAX_QUEUED_EVENTS
    text = json.loads(mailbox.take())
    assert text["lost_events"] == 300
    assert text["events"][-1]["sequence"] == MAX_QUEUED_EVENTS + 300
    assert text["outlets"][0]["offered_ma"] == MAX_QUEUED_EVENTS + 299
    hub.leave(mailbox)


async def test_readers_are_bounded_and_the_one_too_many_gets_503(bench: Any) -> None:
    mailboxes = [bench.app.state.hub.open() for _ in range(MAX_READERS)]
    with pytest.raises(TooManyReaders):
        bench.app.state.hub.open()
    async with bench.client() as client:
        response = await client.get("/api/stream")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    bench.app.state.hub.leave(mailboxes[0])
    bench.app.state.hub.open()
    bench.app.state.hub.close()


async def test_a_piece_becomes_json_once_for_all_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    genuine = serial.outlet_json

    def counted(outlet: Any) -> str:
        made.append(outlet.number)
        return genuine(outlet)

    monkeypatch.setattr(serial, "outlet_json", counted)
    station = FakeStation(station_view())
    hub = Hub(station, 0)
    mailboxes = [hub.open() for _ in range(10)]
    await settle()
    station.push(changed(station_view(61 * S), 1, offered_ma=6_000))
    await settle()
    assert made == [1, 2, 1]
    assert len({mailbox.take() for mailbox in mailboxes}) == 1
    hub.close()


async def test_one_subscription_serves_all_and_ends_with_the_last_reader() -> None:
    station = FakeStation(station_view())
    hub = Hub(station, 0)
    first, second = hub.open(), hub.open()
    await settle()
    assert len(station.queues) == 1
    hub.leave(first)
    await settle()
    assert len(station.queues) == 1
    hub.leave(second)
    third = hub.open()
    await settle()
    assert len(station.queues) == 1
    assert not third.closed
    hub.leave(third)


async def test_control_going_and_coming_back_is_told() -> None:
    station = FakeStation(station_view())
    hub = Hub(station, 0)
    source = hub.messages(hub.open())
    await message(source)
    await settle()
    station.push(None)
    gone = await message(source)
    assert gone == {"connected": False, "station": None, "outlets": [], "events": [], "lost_events": 0}
    station.push(charging(station_view(70 * S)))
    back = await message(source)
    assert back["connected"] is True
    assert len(back["outlets"]) == 2
    assert back["station"] is not None
    hub.close()


async def test_a_source_that_ends_ends_the_streams_so_that_pages_reconnect() -> None:
    station = FakeStation(station_view())
    hub = Hub(station, 0)
    source = hub.messages(hub.open())
    await message(source)
    await settle()
    station.end()
    with pytest.raises(AssertionError, match="the stream ended"):
        await message(source)
    assert hub.readers == 0


async def test_an_idle_stream_says_that_it_lives() -> None:
    hub = Hub(FakeStation(station_view()), 0, keep_alive_s=0.001)
    source = hub.messages(hub.open())
    assert await anext(source) == b"retry: 1000\n\n"
    await message(source)
    assert (await anext(source)).startswith(b"event: alive\n")
    hub.close()


async def test_a_stream_is_paced(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    hub = Hub(FakeStation(station_view()))
    mailbox = hub.open()
    source = hub.messages(mailbox)
    await message(source)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    mailbox.put({}, ["{}"], True)
    await message(source)
    assert pauses == [0.1]
    hub.close()


def test_the_clock_alone_is_given_out_once_a_second() -> None:
    pieces = Pieces()
    view = station_view(60 * S)
    assert set(pieces.update(view)) == {"station", "outlet/1", "outlet/2"}
    assert pieces.update(replace(view, mono_us=60_900_000)) == {}
    assert set(pieces.update(replace(view, mono_us=61 * S))) == {"station"}
    assert set(pieces.update(replace(view, mono_us=61_100_000, config_version=4))) == {"station"}
    pieces.clear()
    assert len(pieces.update(view)) == 3


async def test_a_mailbox_that_gets_no_news_does_not_wake() -> None:
    mailbox = Mailbox({}, True)
    mailbox.take()
    mailbox.put({}, [], True)
    assert not mailbox.ready.is_set()
    mailbox.put({}, [], False)
    assert mailbox.ready.is_set()


async def test_a_text_with_line_ends_stays_one_message() -> None:
    station = FakeStation(changed(station_view(), 1, last_error="a\n\ndata: {}\r\nid: 1\u2028"))
    hub = Hub(station, 0)
    first = await message(hub.messages(hub.open()))
    assert first["outlets"][0]["last_error"] == "a\n\ndata: {}\r\nid: 1\u2028"
    hub.close()


async def test_the_route_is_an_event_stream_and_is_not_compressed(bench: Any) -> None:
    class Ending(FakeStation):
        async def subscribe(self) -> AsyncIterator[Update]:
            yield Update(self.view, (EventRecord(1, 60 * S, e.ContactorMoved(1, True)),))

    bench.app.state.hub._source = Ending(station_view())
    async with bench.client(Accept_Encoding="gzip") as client:
        response = await client.get("/api/stream")
    assert response.headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in response.headers
    assert response.headers["cache-control"] == "no-store"
