"""The first hour of a station: label, first login, settings by command line, in force while it runs and after a restart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.running_station import QUICK_PROFILE, RunningStation, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]
NEW = "Walk-password-1"


@pytest.fixture
def station() -> Iterator[RunningStation]:
    running = RunningStation(profile=QUICK_PROFILE)
    try:
        yield running.start()
    finally:
        running.close()


def evse(
    station: RunningStation, *arguments: str, code: int = 0, secrets: dict[str, str] | None = None
) -> dict[str, Any]:
    """A command as somebody types it."""
    return station.evse(*arguments, code=code, secrets=secrets)


@pytest.mark.req("CFG-01", "CFG-02", "MNT-02", "MNT-04")
def test_the_first_hour_of_a_station(station: RunningStation) -> None:
    label = evse(station, "label")
    first = {"EVSE_PASSWORD": label["password"]}
    refused = evse(station, "settings", "list", code=1, secrets=first)
    assert "must be changed first" in refused["reason"]
    evse(station, "settings", "list", code=2, secrets={"EVSE_PASSWORD": "ADMIN"})
    evse(station, "account", "password", secrets={**first, "EVSE_NEW_PASSWORD": NEW})
    admin = {"EVSE_PASSWORD": NEW}

    wrong = evse(station, "settings", "set", "outlet.1.derated_current_a=40", code=2, secrets=admin)
    assert "0…32 A" in wrong["reason"]
    evse(station, "settings", "set", "outlet.1.derated_current_a=20", "general.location=Outdoor", secrets=admin)

    def active() -> bool:
        view = evse(station, "settings", "get", "general.location", secrets=admin)
        seen = station.get("api/station") or {}
        return bool(view["values"] == {"general.location": "Outdoor"} and seen.get("config_version") == 2)

    until("control works by the new settings", active)
    evse(station, "settings", "set", "smtp.password=canary-4711", secrets=admin)
    report = json.dumps(station.get("api/report"))
    assert "outlet.1.derated_current_a" in report
    assert "canary" not in report
    exported = evse(station, "settings", "export", "station.cfg", secrets=admin)
    assert exported["bytes"] > 1_000
    evse(station, "settings", "set", "general.location=Indoor", secrets=admin)
    preview = evse(station, "settings", "import", "station.cfg", "--preview", secrets=admin)
    assert [each["key"] for each in preview["differences"]] == ["general.location"]
    evse(station, "settings", "import", "station.cfg", secrets=admin)
    listed = evse(station, "settings", "list", "general.", secrets=admin)
    assert (listed["version"], {each["key"]: each["value"] for each in listed["settings"]}["general.location"]) == (
        5,
        "Outdoor",
    )
    until("the imported settings are active", lambda: bool(evse(station, "settings", "list", secrets=admin)["active"]))


@pytest.mark.req("CFG-01")
def test_settings_that_were_damaged_from_outside_are_told_by_the_health(station: RunningStation) -> None:
    data = Path(station.status()["data"])
    station.stop()
    (data / "settings" / "settings.json").write_bytes(b"?")
    station.start()

    def told() -> bool:
        reasons = (station.get("api/health") or {}).get("reasons", [])
        return any("settings.json cannot be read" in reason for reason in reasons)

    until("the health tells of the settings", told)
    assert "settings.json cannot be read" in json.dumps(station.get("api/report"))


@pytest.mark.req("CFG-03", "MNT-02")
def test_a_restart_keeps_everything_and_a_factory_reset_what_the_family_keeps(station: RunningStation) -> None:
    label = {"EVSE_PASSWORD": evse(station, "label")["password"]}
    evse(station, "account", "password", secrets={**label, "EVSE_NEW_PASSWORD": NEW})
    admin = {"EVSE_PASSWORD": NEW}
    evse(station, "settings", "set", "access.location=disable", "time.zone=Europe/Paris", secrets=admin)
    evse(station, "badge", "add", "04A1B2C3")
    boot = station.get("api/station")["boot_id"]

    def restarted() -> bool:
        nonlocal boot
        seen = (station.get("api/station") or {}).get("boot_id", boot)
        return bool(seen != boot)

    evse(station, "settings", "restart", secrets=admin)
    until("the station has restarted", restarted)
    values = evse(station, "settings", "get", "access.location", "time.zone", secrets=admin)["values"]
    assert values == {"access.location": "disable", "time.zone": "Europe/Paris"}

    boot = station.get("api/station")["boot_id"]
    evse(station, "settings", "reset", code=2, secrets=admin)
    evse(station, "settings", "reset", "--yes", secrets=admin)
    until("the station has restarted", restarted)
    evse(station, "settings", "list", code=2, secrets=admin)
    assert "must be changed first" in evse(station, "settings", "list", code=1, secrets=label)["reason"]
    evse(station, "account", "password", secrets={**label, "EVSE_NEW_PASSWORD": NEW})
    view = evse(station, "settings", "list", "--all", secrets=admin)
    changed = {each["key"] for each in view["settings"] if each["value"] != each["factory"]}
    assert (changed, view["version"]) == (set(), 3)
    assert [each["uid"] for each in evse(station, "badge", "list")["badges"]] == ["04A1B2C3"]
    assert evse(station, "label")["password"] == label["EVSE_PASSWORD"]
