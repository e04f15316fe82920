"""How soon a charge is safe, and the page is back, when the station's processes die."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.fakes.running_station import RunningStation, measured, now_us, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

OPEN_WITHIN_MS = 300
SERVICES_BACK_S = 5


@pytest.fixture(scope="module")
def station() -> Iterator[RunningStation]:
    running = RunningStation()
    try:
        yield running.start()
    finally:
        running.close()


def test_memory_of_control_and_services(station: RunningStation, request: pytest.FixtureRequest) -> None:
    control, services = station.resident_mb("control"), station.resident_mb("services")
    measured(request, "control_mb", control)
    measured(request, "services_mb", services)
    measured(request, "world_mb", station.resident_mb("world"))
    assert control <= 40
    assert services <= 110


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_contact_opens_when_control_is_killed_or_stopped(
    station: RunningStation, how: str, request: pytest.FixtureRequest
) -> None:
    station.charge()
    before = station.pid("control")
    at_us = now_us()
    os.kill(before, signal.SIGKILL if how == "kill" else signal.SIGSTOP)
    opened_ms = station.opened_after_ms(at_us)
    measured(request, f"{how}_to_open_ms", opened_ms)
    assert opened_ms <= OPEN_WITHIN_MS
    limit_s = 1 if how == "kill" else 4
    until("a new control", lambda: station.pid("control") not in (0, before), limit_s)
    until("the interrupted session's record", lambda: station.records()[0]["reason"] == "PowerLoss")
    until("it may charge again", lambda: (station.get("api/station") or {}).get("restored"))
    assert not station.truth()["contact_closed"]


@pytest.mark.req("CDR-05")
def test_a_charge_outlives_services_and_leaves_one_record(
    station: RunningStation, request: pytest.FixtureRequest
) -> None:
    station.charge()
    known = {record["number"] for record in station.records()}
    register_wh = station.outlet()["register_wh"]
    before, at_us = station.pid("services"), now_us()
    os.kill(before, signal.SIGKILL)
    until("services are back", lambda: station.page_status() == 200 and station.pid("services") != before, 10)
    back_s = (now_us() - at_us) / 1e6
    measured(request, "services_back_s", back_s)
    assert back_s <= SERVICES_BACK_S
    until("page knows the charge", lambda: station.outlet().get("session"))
    assert station.contact_moves(at_us) == []
    until("energy goes on", lambda: station.outlet().get("register_wh", 0) >= register_wh + 2)
    station.unplug()
    new = until("record", lambda: [record for record in station.records() if record["number"] not in known])
    assert len(new) == 1
    assert new[0]["reason"] != "PowerLoss"
    assert new[0]["energy_wh"] >= 2
