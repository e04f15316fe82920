"""A simulated Smart Wallbox with Wi-Fi card in real processes: set, pending, off, connected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.running_station import RunningStation, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]
PROFILE = "schema: 1\nkind: station\nname: quick\ninherits: smart-wallbox\ndevices: {wifi_card: true}\n"
PASSWORD, KEY = "Walk-password-1", "charge-at-home"


@pytest.fixture
def station() -> Iterator[RunningStation]:
    running = RunningStation(profile=PROFILE)
    try:
        yield running.start()
    finally:
        running.close()


class Walk:
    """What somebody does with the station who has logged in."""

    def __init__(self, station: RunningStation) -> None:
        self.station = station
        label = station.evse("label")["password"]
        station.evse("account", "password", secrets={"EVSE_PASSWORD": label, "EVSE_NEW_PASSWORD": PASSWORD})

    def set(self, *words: str) -> dict[str, Any]:
        return self.station.evse("settings", "set", *words, secrets={"EVSE_PASSWORD": PASSWORD})

    def machine(self) -> dict[str, Any]:
        return self.station.evse("settings", "machine", secrets={"EVSE_PASSWORD": PASSWORD})

    def until_told(self, words: str) -> dict[str, Any]:
        """Wait until the report names this as a problem; the world is asked every 5 s."""

        def told() -> Any:
            report = self.station.get("api/report")
            return report if report and words in json.dumps(report) else None

        report: dict[str, Any] = until(f"the report says {words!r}", told)
        return report

    def dark(self, duration_s: float) -> None:
        self.station.verb("cut_power", duration=duration_s)
        until("services are down", lambda: self.station.pid("services") == 0)
        until("services are back", lambda: self.station.pid("services"))


@pytest.mark.req("NET-04")
def test_new_wifi_settings_count_after_five_seconds_without_power(station: RunningStation) -> None:
    walk = Walk(station)
    station.verb("set_access_point", network="home", key=KEY)
    walk.set("wifi.network=home", f"wifi.key={KEY}")
    report = walk.until_told("new settings count after 5 s without power")
    walk.dark(5)
    until("the page is back", lambda: station.get("api/report"))
    until("the card is connected", lambda: (walk.machine()["wifi"] or {}).get("state") == "connected")
    assert "Wi-Fi card: " not in json.dumps(station.get("api/report"))
    station.verb("set_access_point", network="home", key="another-key")
    walk.until_told("home: not connected: wrong key")
    station.verb("unplug_wifi_card")
    walk.until_told("the Wi-Fi card does not answer: its network cable is pulled")
    logged = station.errors.read_text(encoding="utf-8") + json.dumps(report) + json.dumps(station.world("recording"))
    assert (KEY in logged, "another-key" in logged, "********" in logged) == (False, False, True)
