"""Board, words, history, wires and scenarios at REST; what a station has not got has no route."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from evse.web.app import create_app
from evse.web.ports import Extras
from evse.web.routes_live import COLUMNS, WireStreams
from tests.fakes.web_extras import CARD, HOLD, STATE, FakeScenarios, FakeWires, extras

pytestmark = pytest.mark.anyio


@pytest.fixture
def full(bench: Any) -> Any:
    """A station with everything."""
    bench.extras = extras()
    bench.app = create_app(bench.station, bench.world, bench.records, extras=bench.extras)
    return bench


async def test_what_is_absent_has_no_route_and_no_place_on_the_page(bench: Any) -> None:
    async with bench.client() as client:
        for path in ("/api/history", "/api/wires", "/api/scenarios"):
            assert (await client.get(path)).status_code == 404, path
        text = (await client.get("/")).text
    assert 'id="wires"' not in text
    assert 'id="scenarios"' not in text
    assert 'data-history="no"' in text


async def test_board_and_words(full: Any) -> None:
    async with full.client() as client:
        board = (await client.get("/api/board")).json()
        words = (await client.get("/api/words")).json()
        text = (await client.get("/")).text
    assert board["family"] == "city"
    assert [outlet["position"] for outlet in board["outlets"]] == ["right", "left"]
    assert words["reasons"]["NoVehicle"] == "No vehicle is connected"
    assert "DiodeFault" in words["faults"]
    assert text.index('data-unit="2"') < text.index('data-unit="1"')
    assert text.count('class="leaf ') == 4


async def test_history_gives_columns_and_rows(full: Any) -> None:
    async with full.client() as client:
        body = (await client.get("/api/history?minutes=60")).json()
        short = (await client.get("/api/history?minutes=1")).json()
        assert (await client.get("/api/history?minutes=0")).status_code == 422
        full.extras.history.history = None
        assert (await client.get("/api/history")).status_code == 503
    assert tuple(body["columns"]) == COLUMNS
    assert body["boot_id"] == "b7c1"
    assert [row[0] // 1_000_000 for row in body["outlets"]["1"]] == [-240, -60, 30]
    assert body["outlets"]["1"][1][1:4] == ["C_Ready_6V_M12V", "OK_ChargeLoopStarted", "PWM"]
    assert [row[0] // 1_000_000 for row in short["outlets"]["1"]] == [-60, 30]


async def test_wires_come_in_words_and_end_with_their_reader() -> None:
    port = FakeWires()
    streams = WireStreams(port)
    reader = streams.open()
    messages = streams.messages(reader)
    assert await anext(messages) == b"retry: 2000\n\n"
    port.put(HOLD, STATE, CARD, lost=2)
    data = json.loads((await anext(messages)).removeprefix(b"data: "))
    assert data["lost"] == 2
    assert data["lines"][0] == [61_000_000, "outlet-1/front-end", "sent", "HOLD", HOLD.text, HOLD.data]
    await messages.aclose()
    assert port.readers == []


async def test_a_quiet_wire_is_kept_alive_and_a_stopping_server_ends_it() -> None:
    port = FakeWires()
    streams = WireStreams(port, keep_alive_s=0.001)
    messages = streams.messages(streams.open())
    await anext(messages)
    assert await anext(messages) == b"event: alive\ndata: {}\n\n"
    streams.close()
    assert [message async for message in messages] == []
    assert port.readers == []


async def test_places_at_the_wires_are_counted(full: Any) -> None:
    full.extras.wires.open()
    async with full.client() as client:
        answer = await client.get("/api/wires")
    assert answer.status_code == 503
    assert "all places" in answer.json()["error"]


async def test_scenarios_are_listed_run_and_refused(full: Any) -> None:
    scenarios: FakeScenarios = full.extras.scenarios
    async with full.page() as client:
        names = [each["name"] for each in (await client.get("/api/scenarios")).json()]
        assert names == ["plug-first", "city-session"]
        done = await client.post("/api/scenarios/city-session/run", json={"seed": 7, "dumb": True})
        assert done.json()["verdict"]["passed"] is False
        assert done.json()["seconds"] == 1.25
        assert (await client.post("/api/scenarios/city-session/run")).status_code == 200
        assert scenarios.asked == [("city-session", 7, True), ("city-session", None, False)]
        failed = await client.post("/api/scenarios/plug-first/run", json={})
        assert (failed.status_code, failed.json()["error"]) == (409, "it took longer than 60 s and was ended")
        unknown = await client.post("/api/scenarios/nonsense/run", json={})
        assert (unknown.status_code, unknown.json()["allowed"]) == (404, names)
        assert (await client.post("/api/scenarios/city-session/run", json={"seed": -1})).status_code == 422
        assert (await client.post("/api/scenarios/city-session/run", json={"sed": 1})).status_code == 422
        scenarios.busy = True
        assert (await client.post("/api/scenarios/city-session/run", json={})).status_code == 503
        scenarios.problem = "the run failed inside the program; the station's log says more"
        assert (await client.get("/api/scenarios")).status_code == 503
    async with full.client() as client:
        assert (await client.post("/api/scenarios/city-session/run", json={})).status_code == 403


async def test_the_server_ends_the_streams_of_wires_too(bench: Any) -> None:
    app = create_app(bench.station, None, bench.records, extras=Extras(wires=FakeWires()))
    streams = app.state.streams[1]
    reader = streams.open()
    messages = streams.messages(reader)
    await anext(messages)
    waiting = asyncio.ensure_future(anext(messages))
    await asyncio.sleep(0)
    for each in app.state.streams:
        each.close()
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_every_route_has_an_operation_id_of_its_own(full: Any) -> None:
    schema = full.app.openapi()
    ids = [entry["operationId"] for methods in schema["paths"].values() for entry in methods.values()]
    assert len(ids) == len(set(ids))
