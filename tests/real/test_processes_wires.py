"""The wires of a running station, seen through its processes: frames while somebody watches, and the last minutes."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.running_station import RunningStation, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def station() -> Iterator[RunningStation]:
    running = RunningStation()
    try:
        yield running.start()
    finally:
        running.close()


def frames(station: RunningStation, wanted: int, wire: str = "") -> list[list[Any]]:
    """The first frames that the stream gives: ``wanted`` at least, one of them sent on a line whose name ends in ``wire``."""
    found: list[list[Any]] = []
    with urllib.request.urlopen(f"{station.url}api/wires", timeout=60) as stream:  # noqa: S310  # our own
        for line in stream:
            if line.startswith(b'data: {"lines'):
                found += json.loads(line.removeprefix(b"data: "))["lines"]
            if len(found) >= wanted and any(each[1].endswith(wire) and each[2] == "sent" for each in found):
                return found
    raise AssertionError("the stream ended")


def test_frames_of_both_lines_are_seen_in_words_while_it_charges(station: RunningStation) -> None:
    station.charge()
    seen = frames(station, 60, "/reader")  # a reader is asked every few seconds only
    words = {(line[1], line[2], line[3]) for line in seen}
    assert ("outlet-1/front-end", "sent", "HOLD") in words
    assert ("outlet-1/front-end", "received", "STATE") in words
    assert any(wire.endswith("/reader") and way == "sent" for wire, way, _ in words)
    assert all(bytes.fromhex(line[5]) for line in seen)
    assert "?" not in {line[3] for line in seen}
    times = [line[0] for line in seen if line[1] == "outlet-1/front-end"]
    assert times == sorted(times)
    assert station.outlet()["contactor_closed"]


def test_the_watch_ends_with_the_reader_and_can_begin_again(station: RunningStation) -> None:
    assert len(frames(station, 5)) >= 5
    assert len(frames(station, 5)) >= 5


def test_the_last_minutes_are_remembered(station: RunningStation) -> None:
    station.charge()

    def rows() -> list[dict[str, Any]]:
        history = station.get("api/history?minutes=5")
        return [dict(zip(history["columns"], row, strict=True)) for row in history["outlets"]["1"]]

    until("a current in the history", lambda: max(rows()[-1]["currents_ma"] or (0,)) > 5_000)
    assert station.get("api/history")["boot_id"] == station.get("api/station")["boot_id"]
    assert rows()[-1]["contactor_closed"]
    states = [row["ev_state"] for row in rows()]
    assert states.index("A_Not_Present_12V") < states.index("C_Ready_6V_M12V")


def test_a_scenario_runs_beside_the_station(station: RunningStation) -> None:
    until("the list of scenarios", lambda: station.get("api/scenarios"))
    before = station.get("api/station")["boot_id"]
    assert station.post("api/scenarios/badge-first/run", {})["verdict"]["passed"] is True
    assert station.get("api/station")["boot_id"] == before
