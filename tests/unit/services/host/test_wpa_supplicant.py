"""A device's Wi-Fi card: the file of wpa_supplicant, what is pending, what the program says, and the addresses over the bridge."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from evse.services.disk import RealDisk
from evse.services.host.port import HostError
from evse.services.host.systemd import NETWORK_FILE, WIRELESS_FILE, SystemdHost, wireless_file
from evse.services.host.wifi import WifiCard, WifiReport, WifiState
from evse.services.host.wpa_supplicant import DIRECTORY, RUNNING, WirelessInterface, supplicant_file
from evse.services.settings.addresses import Addresses
from tests.fakes.crash_disk import CrashDisk, PowerCut

CONF = DIRECTORY / "wpa_supplicant-wlan0.conf"
ROOT = Path("/etc/systemd")
UNIT = "wpa_supplicant@wlan0.service"
HOME = WifiCard("home", "wpa2", "charge-at-home", "192.168.0.101")
GUEST = WifiCard("guest", "open", "", "10.0.0.6")
NONE = WifiCard("", "wpa2", "", "192.168.0.101")
FIXED = Addresses(False, "192.168.0.102", "", "255.255.255.0", "192.168.0.1", ("9.9.9.9",))


class Supplicant:
    """Plays ``wpa_cli``."""

    def __init__(self) -> None:
        self.state, self.flags = "COMPLETED", "[CURRENT]"
        self.asked: list[Sequence[str]] = []
        self.fails: Exception | None = None

    def __call__(self, arguments: Sequence[str]) -> str:
        if self.fails is not None:
            raise self.fails
        self.asked.append(arguments)
        if arguments[-1] == "status":
            return f"bssid=02:00:00:00:00:01\nssid=home\nwpa_state={self.state}\n"
        return f"network id / ssid / bssid / flags\n0\thome\tany\t{self.flags}\n"


class Device:
    """A device whose machine starts again and again; what it was told to do."""

    def __init__(self) -> None:
        self.disk = CrashDisk(Random(1))
        self.supplicant = Supplicant()
        self.made: list[str] = []
        self.fails = ""
        self.start()

    def start(self, *, machine: bool = False) -> SystemdHost:
        if machine:
            self.disk.files = {path: data for path, data in self.disk.files.items() if path.parts[1] != "run"}
        wireless = WirelessInterface(self.disk, "wlan0", ask=self.supplicant)
        self.host = SystemdHost(self.disk, ROOT, "eth0", self._call, wireless)
        return self.host

    def _call(self, arguments: Sequence[str]) -> None:
        if self.fails == arguments[0]:
            raise FileNotFoundError(2, "No such file")
        self.made.append(" ".join(arguments))

    def text(self, name: str) -> str:
        return self.disk.files[ROOT / name].decode()


@pytest.mark.req("NET-04")
def test_each_security_has_its_lines_and_no_name_or_key_means_anything_to_the_file() -> None:
    # The key of "password" in the network "IEEE" is the standard's own example (IEEE 802.11, annex J.4.1).
    assert supplicant_file(WifiCard("IEEE", "wpa2", "password", "1.2.3.4")).splitlines() == [
        '# evse: {"address": "1.2.3.4", "network": "IEEE", "security": "wpa2"}',
        "ctrl_interface=DIR=/run/wpa_supplicant GROUP=root",
        "update_config=0",
        "",
        "network={",
        "\tssid=49454545",
        "\tscan_ssid=1",
        "\tkey_mgmt=WPA-PSK",
        "\tproto=RSN",
        "\tpairwise=CCMP",
        "\tpsk=f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e",
        "}",
    ]
    text = supplicant_file(WifiCard("a", "wpa3", 'a"b# {}\\x', "1.2.3.4"))
    assert "\tkey_mgmt=SAE\n\tproto=RSN\n\tpairwise=CCMP\n\tieee80211w=2\n\tsae_password=61226223207b7d5c78\n}" in text
    assert "\tkey_mgmt=NONE\n}" in supplicant_file(GUEST)
    assert "network={" not in supplicant_file(NONE)
    evil = supplicant_file(WifiCard('x"}\n#é', "open", "", "1.2.3.4"))
    assert evil.splitlines()[5] == "\tssid=78227d0a23c3a9"
    assert evil.count("\n") == supplicant_file(GUEST).count("\n")


@pytest.mark.parametrize("key", ["1234567", "x" * 64, "caf\u00e9 noir", "tab\tulator"])
def test_a_key_that_is_none_reaches_no_file(key: str) -> None:
    with pytest.raises(HostError, match="not 8 to 63 printable ASCII characters") as refused:
        supplicant_file(replace(HOME, key=key))
    assert key not in str(refused.value)
    with pytest.raises(HostError, match="has 34 bytes in UTF-8, at most 32"):
        supplicant_file(replace(HOME, network="é" * 17))


@pytest.mark.req("NET-04")
def test_the_card_works_by_new_settings_from_the_next_start_of_the_machine() -> None:
    device = Device()
    device.host.set_wifi(NONE)
    assert device.host.wifi() == WifiReport("", "wpa2", "192.168.0.101", False, WifiState.OFF)
    device.host.set_wifi(HOME)
    assert device.made == [f"systemctl enable {UNIT}"] * 2
    assert device.host.wifi() == WifiReport("", "wpa2", "192.168.0.101", True, WifiState.OFF)
    device.start()
    device.host.set_wifi(HOME)
    assert device.host.wifi().pending, "a restart of the program alone changes nothing"
    device.start(machine=True)
    device.host.set_wifi(HOME)
    assert device.host.wifi() == WifiReport("home", "wpa2", "192.168.0.101", False, WifiState.CONNECTED)
    device.host.set_wifi(GUEST)
    assert device.host.wifi() == WifiReport("home", "wpa2", "192.168.0.101", True, WifiState.CONNECTED)
    device.host.set_wifi(HOME)
    assert not device.host.wifi().pending
    assert device.made.count(f"systemctl enable {UNIT}") == 4


@pytest.mark.req("NET-04")
@pytest.mark.parametrize(
    ("state", "flags", "found"),
    [
        ("COMPLETED", "[CURRENT]", WifiState.CONNECTED),
        ("SCANNING", "", WifiState.NO_ACCESS_POINT),
        ("SCANNING", "[TEMP-DISABLED]", WifiState.WRONG_KEY),
        ("DISCONNECTED", "", WifiState.NO_ACCESS_POINT),
        ("4WAY_HANDSHAKE", "[CURRENT]", WifiState.CONNECTING),
        ("ASSOCIATING", "[TEMP-DISABLED]", WifiState.WRONG_KEY),
    ],
)
def test_what_the_program_says_is_told(state: str, flags: str, found: WifiState) -> None:
    device = Device()
    device.host.set_wifi(HOME)
    device.start(machine=True)
    device.supplicant.state, device.supplicant.flags = state, flags
    assert device.host.wifi().state is found
    assert device.supplicant.asked[0] == ("wpa_cli", "-i", "wlan0", "status")


def test_a_program_that_is_not_there_is_told_and_keeps_no_address_back() -> None:
    device = Device()
    device.host.set_wifi(HOME)
    device.start(machine=True)
    device.supplicant.fails = subprocess.CalledProcessError(255, "wpa_cli")
    with pytest.raises(HostError, match=r"wpa_cli -i wlan0 status failed: .* is wpa_supplicant@wlan0.service running"):
        device.host.wifi()
    device.host.set_addresses(FIXED)
    assert "Address=192.168.0.102/24" in device.text(NETWORK_FILE)


@pytest.mark.req("NET-04")
def test_the_station_has_its_addresses_over_the_bridge_too_and_the_access_point_is_the_gateway() -> None:
    device = Device()
    device.host.set_wifi(NONE)
    device.host.set_addresses(FIXED)
    assert "Gateway=192.168.0.1" in device.text(NETWORK_FILE)
    assert "Gateway" not in device.text(WIRELESS_FILE)
    device.host.set_wifi(replace(HOME, address="192.168.0.99"))
    device.host.set_addresses(FIXED)
    assert "Address=192.168.0.101/24" in device.text(WIRELESS_FILE), "until the card takes its new address"
    device.start(machine=True)
    device.made.clear()
    device.host.set_addresses(FIXED)
    assert device.text(WIRELESS_FILE).splitlines() == [
        *("[Match]", "Name=wlan0", "", "[Network]", "DHCP=no", "DNS=9.9.9.9"),
        *("", "[Address]", "Address=192.168.0.102/24", "RouteMetric=600"),
        *("", "[Route]", "Gateway=192.168.0.1", "Metric=600"),
        *("", "[Address]", "Address=192.168.0.99/24", "RouteMetric=600"),
    ]
    assert "Gateway" not in device.text(NETWORK_FILE)
    assert device.made == ["networkctl reload", "networkctl reconfigure eth0", "networkctl reconfigure wlan0"]
    device.host.set_addresses(FIXED)
    assert len(device.made) == 3
    device.host.set_addresses(replace(FIXED, address="192.168.0.112"))
    assert device.text(WIRELESS_FILE).count("192.168.0.112/24") == 1, (
        "wrong addresses come back over the bridge at once"
    )


def test_with_dhcp_the_wire_goes_before() -> None:
    text = wireless_file(replace(FIXED, dhcp=True), "", "wlan0", gateway=True)
    assert "[DHCPv4]\nUseNTP=no\nUseHostname=no\nRouteMetric=600\n" in text
    assert "Gateway" not in text
    assert text.count("[Address]") == 1


def test_what_failed_is_asked_for_again() -> None:
    device = Device()
    device.fails = "systemctl"
    with pytest.raises(HostError, match="systemctl enable failed"):
        device.host.set_wifi(HOME)
    device.fails = ""
    device.host.set_wifi(HOME)
    assert device.made == [f"systemctl enable {UNIT}"]
    device.disk.fail_at(device.disk.operations + 1)
    with pytest.raises(HostError, match=r"wlan0\.conf cannot be written"):
        device.host.set_wifi(GUEST)
    device.disk.unreadable = True
    with pytest.raises(HostError, match=r"wlan0\.conf cannot be read"):
        device.host.wifi()


def test_a_device_without_a_wireless_interface_says_what_is_missing() -> None:
    host = SystemdHost(CrashDisk(Random(1)), ROOT, "eth0", lambda arguments: None)
    for ask in (host.wifi, lambda: host.set_wifi(HOME)):
        with pytest.raises(HostError, match="--system-wifi-interface"):
            ask()


@pytest.mark.req("NET-04")
@pytest.mark.parametrize("cut_at", range(1, 5))
def test_a_power_cut_at_any_operation_leaves_the_old_settings_or_the_new_ones(cut_at: int) -> None:
    first = Device()
    first.host.set_wifi(HOME)
    first.start(machine=True)
    disk = CrashDisk(Random(cut_at), cut_at, files=first.disk.files)
    cut = False
    try:
        WirelessInterface(disk, "wlan0", ask=first.supplicant).give(GUEST)
    except PowerCut:
        cut = True
    assert cut is (cut_at <= 4)
    # The power is gone, and with it what was in memory.
    after = CrashDisk(Random(1), files={CONF: disk.files[CONF]})
    report = WirelessInterface(after, "wlan0", ask=first.supplicant).report()
    assert (report.network, report.pending) in (("home", False), ("guest", False))


@pytest.mark.req("NET-04")
def test_only_the_owner_reads_what_has_the_key(tmp_path: Path) -> None:
    wireless = WirelessInterface(RealDisk(), "wlan0", tmp_path, tmp_path / "run" / "r", Supplicant())
    wireless.give(HOME)
    wireless.give(GUEST)
    for file in (tmp_path / "wpa_supplicant-wlan0.conf", tmp_path / "run" / "r"):
        assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["run", "wpa_supplicant-wlan0.conf"]
    damaged = tmp_path / "wpa_supplicant-wlan0.conf"
    for text in (b"", b"network={}\n", b"# evse: [5]\n", b"# evse: {\n"):
        damaged.write_bytes(text)
        (tmp_path / "run" / "r").unlink(missing_ok=True)
        assert wireless.report() == WifiReport("", "", "", False, WifiState.OFF)
    assert RUNNING.is_relative_to("/run"), "what is there is gone after a start of the machine"
