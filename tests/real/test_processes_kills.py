"""A running station whose processes are killed at random instants of its charges: no record is lost or doubled.

``EVSE_STATION_KILLS`` and ``EVSE_RANDOM`` make a longer or another test of it (``tools/campaign --kills``).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.fakes.running_station import CARD, RunningStation, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

KILLS = int(os.environ.get("EVSE_STATION_KILLS", "3"))
SEED = int(os.environ.get("EVSE_RANDOM", "1"))
CHECKPOINT_S = 60
VICTIMS = ("services", "control", "supervisor")


@pytest.fixture
def station() -> Iterator[RunningStation]:
    running = RunningStation()
    try:
        yield running.start()
    finally:
        running.close()


def add_badge(station: RunningStation, number: int) -> str:
    uid = f"{number:08X}"
    until(f"badge {number} is stored", lambda: _added(station, uid))
    return uid


def _added(station: RunningStation, uid: str) -> bool:
    try:
        station.post("api/badges/add", {"uid": uid, "type": "User", "comment": "kept"})
    except OSError:
        # An answer that was lost: was it stored?
        return uid in badges(station)
    return True


def badges(station: RunningStation) -> set[str]:
    found = until("the list of badges is told", lambda: station.get("api/badges"))
    return {each["uid"] for each in found["badges"]}


def begin_charge(station: RunningStation) -> dict[str, Any]:
    """A charge under way whose start is durable; returns its session."""
    station.charge()
    return dict(
        until(
            "the start is durable",
            lambda: (station.outlet()["session"] or {}).get("record_durable") and station.outlet()["session"],
        )
    )


def kill(station: RunningStation, victim: str) -> None:
    if victim == "supervisor":
        assert station.process is not None
        station.process.kill()
        station.process.wait()
        station.start()
        return
    before = station.pid(victim)
    os.kill(before, signal.SIGKILL)
    until(f"another {victim}", lambda: station.pid(victim) not in (0, before))
    until("services answer", lambda: station.get("api/station"))


@pytest.mark.req("CDR-05", "AUT-03")
def test_no_kill_of_any_process_loses_or_doubles_a_record(station: RunningStation) -> None:
    random = Random(SEED)
    stored: set[str] = set()
    begun: list[str] = []
    for number in range(KILLS):
        session = begin_charge(station)
        assert session["uid"] == CARD
        if session["session_id"] not in begun:
            begun.append(session["session_id"])
        stored.add(add_badge(station, number))
        time.sleep(random.random() * 0.5)
        kill(station, VICTIMS[number % len(VICTIMS)])
        assert stored <= badges(station)
    assert station.stop() == 0
    station.start()
    records = station.records()
    sessions = [record["session_id"] for record in records]
    assert len(set(sessions)) == len(sessions)
    assert set(begun) <= set(sessions)
    assert [record["number"] for record in records] == list(range(len(records), 0, -1))
    assert stored <= badges(station)
