"""The CSV export: separators, and no cell that a spreadsheet runs."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from evse.services.records import Record
from evse.web.app import create_app
from evse.web.ports import Extras
from evse.web.publication_port import DeliveryView, PublicationView
from evse.web.routes_records import INCOMPLETE, csv_chunks
from tests.fakes.memory_log import MemoryLog
from tests.fakes.web_fake import FakeRecords, FakeStation, kept_record, station_view

pytestmark = pytest.mark.anyio


async def test_the_export_has_every_record_oldest_first_in_the_factory_format(bench: Any) -> None:
    async with bench.client() as client:
        response = await client.get("/api/records.csv")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert rows[0] == [
        *(
            "Charge number",
            "Charging station",
            "Socket ID",
            "Transaction ID",
            "User ID",
            "Type of charge",
            "Start",
            "End",
        ),
        *("Energy (kWh)", "Type of socket", "Duration", "Comment", "Reason", "Clock quality"),
    ]
    assert [row[0] for row in rows[1:]] == ["1", "2", "3", "4", "5", "6"]
    assert rows[1][rows[0].index("Energy (kWh)")] == "7,360"
    assert response.text.endswith("\r\n")


async def test_separator_and_decimal_sign_can_be_chosen(bench: Any) -> None:
    async with bench.client() as client:
        comma = (await client.get("/api/records.csv?separator=comma&decimal=comma")).content.decode("utf-8-sig")
        tab = (await client.get("/api/records.csv?separator=tab&decimal=point")).text
        wrong = await client.get("/api/records.csv?separator=;")
    assert list(csv.reader(io.StringIO(comma)))[1][8] == "7,360"
    assert "\t7.360\t" in tab
    assert wrong.status_code == 422
    assert "semicolon" in wrong.json()["allowed"]


async def test_a_long_export_comes_in_pieces() -> None:
    async def many() -> AsyncIterator[Record]:
        for number in range(3000):
            yield kept_record(number, comment="=1+1")

    pieces = [piece async for piece in csv_chunks(many())]
    assert len(pieces) > 10
    assert max(map(len, pieces)) < 32_000
    assert b"".join(pieces).count(b"\r\n") == 3001
    assert b";=1" not in b"".join(pieces)


async def test_records_that_cannot_be_read_are_a_503_with_the_reason_and_never_an_empty_list(bench: Any) -> None:
    bench.records.problem = "journal: disk I/O error"
    async with bench.client() as client:
        for path in ("/api/records", "/api/records.csv"):
            response = await client.get(path)
            assert response.status_code == 503, path
            assert response.headers["retry-after"] == "5"
            assert response.json()["error"] == "the charge records cannot be read: journal: disk I/O error"
        assert (await client.get("/")).status_code == 200, "the page comes all the same"


async def test_an_export_that_breaks_off_says_so_in_its_last_line(bench: Any) -> None:
    bench.records = FakeRecords(1_000)
    bench.records.problem, bench.records.fails_after = "journal: disk I/O error", 700
    pieces = [piece async for piece in csv_chunks(bench.records.oldest_first())]
    rows = list(csv.reader(io.StringIO(b"".join(pieces).decode("utf-8-sig"), newline=""), delimiter=";"))
    assert len(pieces) > 2
    assert [row[0] for row in rows[1:-1]] == [str(number) for number in range(1, 701)]
    assert rows[-1] == [f"{INCOMPLETE}: journal: disk I/O error"]


class Server:
    """A ``PublicationPort`` whose server takes what it gets while ``takes`` says so."""

    takes = True

    async def view(self) -> PublicationView:
        return PublicationView("disabled", "smtp", (), None)

    async def test(self) -> DeliveryView:
        return DeliveryView(self.takes, "250 ok" if self.takes else "451 no", False, "")


@pytest.mark.req("CDR-02")
async def test_records_that_leave_the_house_by_the_test_button_are_noted() -> None:
    log, server = MemoryLog(), Server()
    app = create_app(FakeStation(station_view()), None, FakeRecords(), extras=Extras(publication=server, security=log))
    headers = {"x-evse-request": "1"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        for takes in (False, True):
            server.takes = takes
            assert (await client.post("/api/publication/test")).json()["delivered"] is takes
    assert log.told() == [("records-exported", "sent by the TEST button", "")]
