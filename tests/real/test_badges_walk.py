"""A walk through the life of badges at a running station, as an installer and his users make it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.fakes.running_station import QUICK_PROFILE, RunningStation, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

USER, VIP, STRANGER, ADMIN = "04A1B2C3", "04A1B2C3D4E5F6", "0BADCAFE", "DEADBEEF"
PROFILE = f"""{QUICK_PROFILE}settings: {{authentication_strategy: reject_unknown_badges}}
badges:
  - {{uid: "{ADMIN}", type: Admin, comment: Service}}
"""


@pytest.fixture
def station() -> Iterator[RunningStation]:
    running = RunningStation(profile=PROFILE)
    try:
        yield running.start()
    finally:
        running.close()


def badge(station: RunningStation, *arguments: str, code: int = 0) -> dict[str, Any]:
    """``evse badge`` as somebody types it."""
    return station.evse("badge", *arguments, code=code)


def hold(station: RunningStation, uid: str) -> None:
    """Hold a badge to the reader and take it away again."""
    station.verb("present_card", outlet=1, uid=uid, hold=0.3)
    time.sleep(0.8)  # nothing shows when the reader has seen the empty field


def listed(station: RunningStation) -> dict[str, str]:
    found = station.get("api/badges")
    return {each["uid"]: each["type"] for each in found["badges"]} if found else {}


def is_listed(station: RunningStation, uid: str) -> bool:
    return uid in listed(station)


def free(station: RunningStation) -> None:
    until("outlet is free", lambda: station.outlet().get("outlet_status") == "OK_InitDone")


def teaching(station: RunningStation) -> Any:
    return station.get("api/badges")["teaching"]


@pytest.mark.req("AUT-01", "AUT-02", "AUT-03", "AUT-04", "CDR-05")
def test_learn_charge_refuse_and_survive_a_power_cut(station: RunningStation) -> None:
    free(station)
    badge(station, "learn", "--outlet", "1")
    for uid in (USER, VIP):
        hold(station, uid)
        until(f"{uid} is learned", partial(is_listed, station, uid))
    badge(station, "stop")
    badge(station, "change", VIP, "--type", "VIP", "--comment", "Vera")
    assert listed(station) == {ADMIN: "Admin", USER: "User", VIP: "VIP"}
    assert "last Admin" in badge(station, "remove", ADMIN, code=1)["reason"]

    charge(station, USER)
    station.unplug()
    free(station)
    charge(station, VIP)
    until("3 s since the session began", lambda: (station.outlet()["session"] or {}).get("energy_wh", 0) >= 1)
    hold(station, ADMIN)
    until("the Admin badge stops it", lambda: not station.truth()["contact_closed"])
    station.verb("unplug", outlet=1, end="vehicle")
    until("bolt opens", lambda: not station.truth()["plug_held"])
    station.verb("unplug", outlet=1)
    free(station)
    hold(station, STRANGER)
    until("a stranger is refused", lambda: station.outlet()["last_error"] == "KO_BadgeUnknown")
    free(station)

    manage_at_the_reader(station)
    exchange_files(station)

    charge(station, USER)
    station.verb("cut_power")
    until("it is dark", lambda: station.pid("services") == 0, 2)
    station.verb("restore_power")
    until("page", lambda: station.page_status() == 200)
    assert listed(station) == {ADMIN: "Admin", USER: "User", VIP: "VIP"}
    records = station.records()
    found = [(each["number"], each["uid"], each["comment"], each["reason"]) for each in records]
    assert found == [
        (3, USER, "", "PowerLoss"),
        (2, VIP, "Vera", "Local"),
        (1, USER, "", "EVDisconnected"),
    ]


def charge(station: RunningStation, uid: str) -> None:
    station.verb("plug_in", outlet=1)
    hold(station, uid)
    until("contact closes", lambda: station.truth()["contact_closed"])
    until("current flows", lambda: any(station.truth()["currents_ma"]))
    until("the station knows", lambda: (station.outlet().get("session") or {}).get("uid") == uid)


def manage_at_the_reader(station: RunningStation) -> None:
    hold(station, ADMIN)
    until("badges are added", lambda: (teaching(station) or {}).get("mode") == "admin add")
    hold(station, STRANGER)
    until("the stranger is added", lambda: STRANGER in listed(station))
    hold(station, ADMIN)
    until("badges are removed", lambda: (teaching(station) or {}).get("mode") == "admin delete")
    hold(station, STRANGER)
    until("the stranger is gone", lambda: STRANGER not in listed(station))
    hold(station, ADMIN)
    until("the end", lambda: teaching(station) is None)


def exchange_files(station: RunningStation) -> None:
    badge(station, "export", "badges.csv")
    exported = (station.home / "badges.csv").read_bytes()
    (station.home / "edited.csv").write_bytes(exported.replace(b"Vera", b"Vero"))
    assert "line 5: the checksum" in badge(station, "import", "edited.csv", code=1)["reason"]
    before = listed(station)
    badge(station, "remove-all", "--yes")
    assert listed(station) == {}
    assert badge(station, "import", "badges.csv")["badges"] == 3
    assert listed(station) == before
