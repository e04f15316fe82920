"""``/api/health``: what is wrong is said, in words and by the status."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from evse.web import routes_health
from evse.web.ports import Condition, RecordView
from tests.fakes.web_fake import changed, station_view

pytestmark = pytest.mark.anyio
S = 1_000_000


async def ask(bench: Any) -> tuple[int, dict[str, Any]]:
    async with bench.client() as client:
        response = await client.get("/api/health")
    return response.status_code, response.json()


async def test_nothing_wrong_is_ok(bench: Any) -> None:
    status, health = await ask(bench)
    assert (status, health["status"], health["reasons"]) == (200, "ok", [])


async def test_a_journal_that_cannot_be_written_fails_the_station(bench: Any) -> None:
    bench.station.state = Condition(True, 0, "journal: database or disk is full")
    status, health = await ask(bench)
    assert (status, health["status"]) == (503, "failed")
    assert health["reasons"] == ["journal: database or disk is full"]
    assert health["journal_problem"] == "journal: database or disk is full"


async def test_a_journal_that_cannot_be_read_fails_the_station(bench: Any) -> None:
    bench.records.problem = "journal: file is not a database"
    status, health = await ask(bench)
    assert (status, health["journal_problem"]) == (503, "journal: file is not a database")


async def test_a_journal_that_does_not_answer_does_not_hang_the_answer(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_limit: int) -> Sequence[RecordView]:
        await asyncio.Event().wait()
        return ()

    monkeypatch.setattr(routes_health, "JOURNAL_PATIENCE_S", 0.01)
    bench.records.last = never
    status, health = await ask(bench)
    assert status == 503
    assert "no answer" in health["journal_problem"]


async def test_control_gone_and_control_hung_are_told_apart(bench: Any) -> None:
    bench.station.view = None
    bench.station.state = Condition(False, None)
    assert (await ask(bench))[1]["reasons"] == ["control is not connected"]
    bench.station.state = Condition(True, 4 * S)
    status, health = await ask(bench)
    assert (status, health["status"], health["snapshot_age_ms"]) == (503, "failed", 4000)
    assert health["reasons"] == ["control does not react: no Snapshot for 4.0 s"]


async def test_a_charge_that_the_central_system_will_never_know_degrades(bench: Any) -> None:
    bench.station.state = Condition(True, 0, supervision_problem="central system: messages of one charge were given up")
    status, health = await ask(bench)
    assert (status, health["status"]) == (200, "degraded")
    assert health["reasons"] == ["central system: messages of one charge were given up"]


async def test_a_memory_that_is_not_as_it_was_left_degrades(bench: Any) -> None:
    bench.station.state = Condition(True, 0, memory_problem="settings.json cannot be read")
    status, health = await ask(bench)
    assert (status, health["status"], health["reasons"]) == (200, "degraded", ["settings.json cannot be read"])


async def test_a_late_snapshot_degrades(bench: Any) -> None:
    bench.station.state = Condition(True, 2 * S + 100_000)
    status, health = await ask(bench)
    assert (status, health["status"]) == (200, "degraded")
    assert health["reasons"] == ["control's newest Snapshot is 2.1 s old"]


async def test_devices_without_an_answer_degrade_with_their_reason(bench: Any) -> None:
    view = changed(station_view(), 2, link_ok=False, link_problem="no serial line: /dev/ttyS9: No such file")
    bench.station.view = replace(changed(view, 1, reader_ok=False, reader_problem="the chip does not answer"))
    status, health = await ask(bench)
    assert (status, health["status"]) == (200, "degraded")
    assert health["reasons"] == [
        "outlet 1, card reader: the chip does not answer",
        "outlet 2: no serial line: /dev/ttyS9: No such file",
    ]


async def test_before_the_latched_state_is_back_the_station_is_degraded(bench: Any) -> None:
    bench.station.view = replace(station_view(), restored=False)
    assert (await ask(bench))[1]["status"] == "degraded"
