"""What the card of a simulated station hears comes from its world, or the card does not answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from evse.app.network.station_host import host_of
from evse.app.network.wifi_air import WorldAir
from evse.services.host.port import HostError
from evse.services.host.simulated import Heard, SimulatedHost
from evse.services.host.systemd import SystemdHost
from evse.services.host.wifi import WifiCard, WifiState
from tests.unit.app.test_board_cable import world_that_says

CARD = WifiCard("home", "wpa2", "charge-at-home", "192.168.0.101")


@pytest.mark.req("NET-04")
def test_the_worlds_answer_is_what_the_card_hears(tmp_path: Path) -> None:
    answers = (
        {"ok": True, "joined": state, "started_us": 5, "short_off_us": 7} for state in ("wrong_key", "connected")
    )
    air = WorldAir(world_that_says(tmp_path, *answers))
    assert air.hear(CARD) == Heard("5", WifiState.WRONG_KEY, 7)
    assert air.hear(CARD) == Heard("5", WifiState.CONNECTED, 7)


@pytest.mark.parametrize("answer", [{"ok": True}, {"ok": True, "joined": "?", "started_us": 5, "short_off_us": 0}, [5]])
def test_a_world_that_says_something_else_is_no_answer(tmp_path: Path, answer: object) -> None:
    with pytest.raises(HostError, match="the Wi-Fi card does not answer"):
        WorldAir(world_that_says(tmp_path, answer)).hear(CARD)


def test_why_the_card_does_not_answer_is_told(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="does not answer: its network cable is pulled"):
        WorldAir(world_that_says(tmp_path, {"ok": False, "reason": "its network cable is pulled"})).hear(CARD)
    with pytest.raises(HostError, match="does not answer: the simulated world does not answer"):
        WorldAir(str(tmp_path / "nobody")).hear(CARD)


@pytest.mark.req("NET-04")
def test_which_machine_is_below(tmp_path: Path) -> None:
    here = host_of(tmp_path, "", world=str(tmp_path / "w"))
    assert isinstance(here, SimulatedHost)
    assert isinstance(here.air, WorldAir)
    assert not isinstance(host_of(tmp_path, ""), SystemdHost)
    device = host_of(tmp_path, "eth0")
    assert isinstance(device, SystemdHost)
    with pytest.raises(HostError, match="--system-wifi-interface"):
        device.wifi()
    assert isinstance(host_of(tmp_path, "eth0", "wlan9"), SystemdHost)
