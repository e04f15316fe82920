"""What the machine is asked for, and how a wrong address is undone."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.core.units import SECOND
from evse.services.host.port import Host, HostError, TimePlan, host_name_of, time_plan_of
from evse.services.host.simulated import SimulatedHost
from evse.services.host.systemd import NETWORK_FILE, TIME_FILE, SystemdHost, network_file
from evse.services.host.trial import TRIAL_US, AddressState, at_start, later, reached, state_bytes, state_of, tried
from evse.services.settings.addresses import Addresses
from evse.services.settings.model import StationFacts
from evse.services.settings.registry import Catalogue
from tests.fakes.crash_disk import CrashDisk

FIXED = Addresses(False, "192.168.0.102", "", "255.255.255.0", "192.168.0.254", ("9.9.9.9", "1.1.1.1"))
OTHER = replace(FIXED, address="10.0.0.7", second="10.0.0.8", gateway="10.0.0.1")
ROOT = Path("/etc/systemd")


class Calls:
    def __init__(self) -> None:
        self.made: list[str] = []
        self.fails: Exception | None = None

    def __call__(self, arguments: Sequence[str]) -> None:
        if self.fails is not None:
            raise self.fails
        self.made.append(" ".join(arguments))


@pytest.fixture
def calls() -> Calls:
    return Calls()


def device(calls: Calls) -> tuple[SystemdHost, CrashDisk]:
    disk = CrashDisk(Random(1))
    return SystemdHost(disk, ROOT, "eth0", calls), disk


@pytest.mark.req("NET-01")
def test_fixed_addresses_of_both_outlets_are_written_and_put_in_force(calls: Calls) -> None:
    host, disk = device(calls)
    host.set_addresses(OTHER)
    assert (disk.read(ROOT / NETWORK_FILE) or b"").decode().splitlines() == [
        "[Match]",
        "Name=eth0",
        "",
        "[Network]",
        "DHCP=no",
        "DNS=9.9.9.9",
        "DNS=1.1.1.1",
        "",
        "[Address]",
        "Address=10.0.0.7/24",
        "",
        "[Address]",
        "Address=10.0.0.8/24",
        "",
        "[Route]",
        "Gateway=10.0.0.1",
    ]
    assert calls.made == ["networkctl reload", "networkctl reconfigure eth0"]


def test_the_same_addresses_again_cut_no_connection_unless_the_last_time_failed(calls: Calls) -> None:
    host, disk = device(calls)
    host.set_addresses(OTHER)
    done = len(calls.made)
    host.set_addresses(OTHER)
    SystemdHost(disk, ROOT, "eth0", calls).set_addresses(OTHER)
    assert len(calls.made) == done
    calls.fails = FileNotFoundError(2, "No such file")
    with pytest.raises(HostError):
        host.set_addresses(FIXED)
    calls.fails = None
    host.set_addresses(FIXED)
    assert calls.made[done:] == ["networkctl reload", "networkctl reconfigure eth0"]


@pytest.mark.req("NET-01")
def test_with_dhcp_the_fixed_address_stays_reachable() -> None:
    text = network_file(replace(FIXED, dhcp=True), "eth0")
    assert "DHCP=ipv4" in text
    assert "Address=192.168.0.102/24" in text
    assert "Gateway" not in text
    assert "DNS=" not in text


@pytest.mark.req("NET-02")
def test_a_dhcp_server_neither_names_the_station_nor_chooses_its_time_server() -> None:
    text = network_file(replace(FIXED, dhcp=True), "eth0")
    assert "[DHCPv4]\nUseNTP=no\nUseHostname=no\nRouteMetric=100\n" in text
    assert "DHCPv4" not in network_file(FIXED, "eth0")


@pytest.mark.req("NET-02")
def test_time_by_a_server_or_by_hand(calls: Calls) -> None:
    host, disk = device(calls)
    host.set_time(TimePlan("Europe/Paris", "pool.ntp.org"))
    host.set_time(TimePlan("Europe/Paris"))
    host.set_clock(1_795_780_800_000_000)
    host.set_name("evse-1")
    assert disk.read(ROOT / TIME_FILE) == b"[Time]\nNTP=pool.ntp.org\n"
    assert calls.made == [
        "timedatectl set-timezone Europe/Paris",
        "timedatectl set-ntp true",
        "systemctl try-restart systemd-timesyncd.service",
        "timedatectl set-timezone Europe/Paris",
        "timedatectl set-ntp false",
        "timedatectl set-time 2026-11-27 12:00:00 UTC",
        "hostnamectl set-hostname evse-1",
    ]


@pytest.mark.parametrize("text", ["", "a b", "a\nNTP=evil", "-H root@evil", "a\x00"])
def test_nothing_that_is_more_than_a_word_reaches_the_system(text: str, calls: Calls) -> None:
    host, disk = device(calls)
    with pytest.raises(HostError, match="cannot be a value"):
        host.set_name(text)
    with pytest.raises(HostError, match="cannot be a value"):
        host.set_time(TimePlan(text))
    with pytest.raises(HostError, match="cannot be a value"):
        network_file(FIXED, text)
    assert calls.made == []
    assert disk.files == {}


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (subprocess.CalledProcessError(1, "hostnamectl", stderr=b"first\nAccess denied\n"), "failed: Access denied"),
        (FileNotFoundError(2, "No such file"), "No such file"),
        (subprocess.TimeoutExpired("hostnamectl", 20), "timed out"),
    ],
)
def test_a_system_that_refuses_is_told(failure: Exception, said: str, calls: Calls) -> None:
    calls.fails = failure
    host, _ = device(calls)
    with pytest.raises(HostError, match=said):
        host.set_name("evse")


def test_the_simulated_host_remembers_and_can_refuse() -> None:
    simulated = SimulatedHost()
    host: Host = simulated
    host.set_addresses(FIXED)
    host.set_time(TimePlan("UTC"))
    host.set_clock(5)
    host.set_name("x")
    assert (simulated.addresses, simulated.time, simulated.name) == (FIXED, TimePlan("UTC"), "x")
    assert 5_000 <= host.utc_ns() < 60_000_000_000
    simulated.fails = "read-only"
    with pytest.raises(HostError, match="read-only"):
        host.set_name("y")


def test_the_simulated_host_remembers_over_a_restart_and_a_time_server_corrects_its_clock() -> None:
    disk, path = CrashDisk(Random(1)), Path("/d/host.json")
    real_ns = 1_000_000_000_000
    host = SimulatedHost(disk, path, lambda: real_ns)
    host.set_addresses(OTHER)
    host.set_time(TimePlan("Europe/Paris"))
    host.set_name("evse-1")
    host.set_clock(7_000_000)
    again = SimulatedHost(disk, path, lambda: real_ns + 1_000)
    assert (again.addresses, again.time, again.name) == (OTHER, TimePlan("Europe/Paris"), "evse-1")
    assert again.utc_ns() == 7_000_001_000
    again.set_time(TimePlan("Europe/Paris", "pool.ntp.org"))
    assert again.utc_ns() == real_ns + 1_000
    disk.files[path] = b"{damaged"
    assert SimulatedHost(disk, path).addresses is None
    disk.fail_at(disk.operations + 1)
    with pytest.raises(HostError, match="cannot be written"):
        again.set_name("y")


@pytest.mark.req("NET-02")
def test_the_settings_say_how_time_is_kept() -> None:
    catalogue = Catalogue(StationFacts("parking", "SN1"))
    assert time_plan_of(catalogue.factory) == TimePlan("UTC", "")
    assert time_plan_of(catalogue.whole({"time.source": "ntp"})) == TimePlan("UTC", "pool.ntp.org")


@given(st.text(max_size=80))
def test_a_host_name_is_always_one(name: str) -> None:
    made = host_name_of(name)
    assert 1 <= len(made) <= 63
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not made.startswith("-")
    assert not made.endswith("-")


def test_a_station_keeps_its_name_as_far_as_a_host_can() -> None:
    assert host_name_of("Borne n° 3 / Hall A") == "borne-n-3-hall-a"


@pytest.mark.req("NET-01")
def test_new_addresses_that_nobody_reaches_are_given_back() -> None:
    state = tried(AddressState(FIXED), OTHER, now_us=0)
    assert state.in_force == OTHER
    assert later(state, TRIAL_US - 1).in_force == OTHER
    assert later(reached(state, "192.168.0.102"), TRIAL_US) == AddressState(FIXED)


@pytest.mark.req("NET-01")
@pytest.mark.parametrize("at", ["10.0.0.7", "10.0.0.8"])
def test_a_request_by_the_new_address_confirms_it(at: str) -> None:
    state = reached(tried(AddressState(FIXED), OTHER, 0), at)
    assert later(state, TRIAL_US + SECOND) == AddressState(OTHER)


@pytest.mark.req("NET-01")
def test_with_dhcp_any_other_address_confirms() -> None:
    state = tried(AddressState(FIXED), replace(FIXED, dhcp=True), 0)
    assert reached(state, FIXED.address) == state
    assert reached(state, "192.168.0.77").confirmed.dhcp


def test_setting_the_old_addresses_again_ends_the_trial() -> None:
    assert tried(tried(AddressState(FIXED), OTHER, 0), FIXED, 5) == AddressState(FIXED)


@pytest.mark.req("NET-01")
def test_a_start_in_the_middle_of_a_trial_has_the_old_addresses() -> None:
    kept = state_of(state_bytes(tried(AddressState(FIXED), OTHER, 0)))
    assert at_start(kept, OTHER, 5) == AddressState(FIXED)
    assert at_start(kept, FIXED, 5) == AddressState(FIXED)
    third = replace(OTHER, address="10.0.0.9")
    assert at_start(kept, third, 5) == AddressState(FIXED, third, 5 + TRIAL_US)
    assert at_start(state_of(state_bytes(AddressState(FIXED))), OTHER, 5) == tried(AddressState(FIXED), OTHER, 5)
    assert at_start(None, OTHER, 5) == AddressState(OTHER)
    for damage in (b"", b"{}", b"[]", b'{"dns": 5}'):
        with pytest.raises(ValueError, match="damaged"):
            state_of(damage)
