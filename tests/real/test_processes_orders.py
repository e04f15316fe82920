"""Orders given to a running station over REST hold when its processes die, when the power fails and when it starts again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.fakes.running_station import RunningStation, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

FLAGS = {"Unavailable_Plc_Cmd_Received", "Booked_Plc_Cmd_Received", "Suspend_Plc_Cmd_Received"}


@pytest.fixture
def station() -> Iterator[RunningStation]:
    running = RunningStation()
    try:
        yield running.start()
    finally:
        running.close()


def killed(station: RunningStation, name: str) -> None:
    before = station.pid(name)
    os.kill(before, signal.SIGKILL)
    until(f"another {name}", lambda: station.pid(name) not in (0, before))


def dark(station: RunningStation) -> None:
    station.verb("cut_power")
    until("processes are down", lambda: station.pid("control") == 0 and station.pid("services") == 0, 2)
    station.verb("restore_power")
    until("processes are back", lambda: station.pid("control") and station.pid("services"))


def started_again(station: RunningStation) -> None:
    assert station.stop() == 0
    station.start()


DEATHS: tuple[Callable[[RunningStation], None], ...] = (
    lambda station: killed(station, "control"),
    lambda station: killed(station, "services"),
    dark,
    started_again,
)


@pytest.mark.req("OUT-06")
def test_orders_hold_whatever_dies(station: RunningStation) -> None:
    commands = "api/outlets/1/commands"
    until("control is connected", lambda: station.outlet().get("outlet_status") == "OK_InitDone")
    for name, body in (
        ("unavailable", {"active": True}),
        ("book", {"uid": "04A1B2C3", "duration_s": 3_600}),
        ("suspend", {"active": True}),
    ):
        assert station.post(f"{commands}/{name}", body)["outcome"] == "done"
    for die in DEATHS:
        die(station)
        until("orders are back", lambda: set(station.outlet().get("evse_status", ())) >= FLAGS)
        until("out of service", lambda: station.outlet().get("outlet_status") == "OK_Unavailable")
    assert station.post(f"{commands}/unavailable", {"active": False})["outcome"] == "done"
    until("in service", lambda: station.outlet()["outlet_status"] == "OK_InitDone")
