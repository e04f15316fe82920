"""The house connection and the outlets' meters, on the page and over REST."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response

from evse.exchange.snapshot import MeterView, StationView
from evse.web.app import create_app
from evse.web.house_port import HouseView
from evse.web.ports import Extras
from tests.fakes.web_fake import FakeRecords, FakeStation, station_view

RULES = HouseView(
    meter="tq-em420",
    in_force=True,
    problem="",
    house_ma=(5_000, 12_000, -3_000),
    allowed_ma=(20_000, 13_000, 28_000),
    maximum_ma=25_000,
    maximum_power_mw=0,
    fallback_ma=0,
)
LOST = RULES.model_copy(
    update={"in_force": False, "problem": "the <meter> does not answer", "house_ma": None, "allowed_ma": (0, 0, 0)}
)
LOST_METER = MeterView(
    "iem3155", False, "the gateway reaches no meter at address 2 (exception 11)", None, None, None, None, None, 0
)


class House:
    def __init__(self, view: HouseView | None) -> None:
        self.view = view

    def house(self) -> HouseView | None:
        return self.view


pytestmark = pytest.mark.anyio


async def get(path: str, view: StationView, house: HouseView | None) -> Response:
    station = FakeStation(view)
    extras = Extras(house=None if house is None else House(house))
    made: FastAPI = create_app(station, None, FakeRecords(), extras=extras)
    async with AsyncClient(transport=ASGITransport(app=made), base_url="http://127.0.0.1:8061") as client:
        return await client.get(path)


@pytest.mark.req("ENE-10")
@pytest.mark.parametrize("house", [RULES, LOST])
async def test_rest_tells_how_the_house_connection_is(house: HouseView) -> None:
    answer = await get("/api/house", station_view(), house)
    assert answer.status_code == 200
    assert HouseView.model_validate(answer.json()) == house


async def test_a_station_without_house_meter_has_no_place_for_it() -> None:
    assert (await get("/api/house", station_view(), None)).status_code == 404
    assert 'id="house"' not in (await get("/", station_view(), None)).text


@pytest.mark.req("ENE-10")
async def test_the_page_shows_what_the_house_takes_and_leaves() -> None:
    text = (await get("/", station_view(), RULES)).text
    assert 'id="house"' in text
    assert all(f">{shown}<" in text for shown in ("12.0", "-3.0", "13.0", "28.0"))
    assert "carries 25 A on each phase. Without the meter the charge ends" in text


@pytest.mark.req("ENE-10")
async def test_while_monitoring_is_off_rest_says_so_and_the_page_hides_its_place() -> None:
    made = create_app(FakeStation(station_view()), None, FakeRecords(), extras=Extras(house=House(None)))
    async with AsyncClient(transport=ASGITransport(app=made), base_url="http://127.0.0.1:8061") as client:
        answer = await client.get("/api/house")
        page = (await client.get("/")).text
    assert answer.status_code == 404
    assert "house.monitoring" in answer.json()["hint"]
    assert re.search(r'id="house"[^>]* hidden>', page)


@pytest.mark.req("ENE-10")
async def test_the_page_says_why_the_house_meter_does_not_rule() -> None:
    text = (await get("/", station_view(), LOST)).text
    assert "The meter is lost" in text
    assert "The &lt;meter&gt; does not answer" in text


@pytest.mark.req("MTR-02")
async def test_the_page_says_who_meters_and_why_the_meter_does_not() -> None:
    view = station_view()
    first = replace(view.outlets[0], metered_by="internal CT", meter=LOST_METER)
    text = (await get("/", replace(view, outlets=(first, *view.outlets[1:])), None)).text
    assert LOST_METER.problem in text
    assert text.count("Meter&#39;s own") + text.count("Meter's own") == 1, "only where there is one"
