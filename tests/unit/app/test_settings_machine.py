"""``evse settings machine``: what the machine is set to, for people."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from evse.app.commands.settings_command import show_settings

ADDRESSES = {
    "dhcp": False, "address": "10.0.0.7", "second": "", "mask": "255.255.255.0", "gateway": "10.0.0.1", "dns": [],
}  # fmt: skip
HOST: dict[str, Any] = {
    "name": "hall-a",
    "announced": "Hall A",
    "utc": "2026-11-27T12:00:00Z",
    "zone": "Europe/Paris",
    "ntp_server": "pool.ntp.org",
    "addresses": ADDRESSES,
    "confirmed": ADDRESSES,
    "trial_s": None,
    "waiting": None,
    "wifi": None,
    "problem": "",
}


def shown(capsys: pytest.CaptureFixture[str], **more: object) -> list[str]:
    show_settings(argparse.Namespace(action="machine"), {**HOST, **more})
    return capsys.readouterr().out.splitlines()


@pytest.mark.req("NET-01", "NET-02")
def test_addresses_name_and_clock_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys) == [
        "name hall-a",
        "clock 2026-11-27T12:00:00Z (Europe/Paris, time server pool.ntp.org)",
        "addresses 10.0.0.7, mask 255.255.255.0, gateway 10.0.0.1",
    ]
    two = {**ADDRESSES, "dhcp": True, "second": "10.0.0.8", "gateway": ""}
    lines = shown(capsys, addresses=two, trial_s=170.4, ntp_server="", problem="read-only\x1b[2J")
    assert "set by hand" in lines[1]
    assert lines[2:] == [
        "addresses by DHCP, else 10.0.0.7 and 10.0.0.8, mask 255.255.255.0, gateway none",
        "on trial: the addresses before come back in 170 s unless somebody logs in by these",
        "problem: read-only\\x1b[2J",
    ]


@pytest.mark.req("NET-04")
def test_the_card_and_what_waits_for_it_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    wifi = {"address": "10.0.0.6", "told": "home: connected; new settings count after 5 s without power"}
    assert shown(capsys, addresses=None, waiting=ADDRESSES, wifi=wifi)[2:] == [
        "waiting 10.0.0.7, mask 255.255.255.0, gateway 10.0.0.1",
        "Wi-Fi card 10.0.0.6: home: connected; new settings count after 5 s without power",
    ]
