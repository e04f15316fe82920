"""A device with systemd: systemd-networkd, systemd-timesyncd, hostnamectl and timedatectl; its Wi-Fi card by wpa_supplicant.

Files are written whole, then the service is told. Every value in a file has passed the settings' grammars and is checked
once more here: nothing with a line end gets into a file, and programs are started with argument lists, never by a shell.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Final, TypeAlias

from evse.services.disk import Disk
from evse.services.host.port import HostError, TimePlan
from evse.services.host.wifi import WifiCard, WifiReport
from evse.services.host.wpa_supplicant import WirelessInterface
from evse.services.settings.addresses import Addresses

Call: TypeAlias = Callable[[Sequence[str]], None]
"""Starts a program with its arguments and waits. Raises ``OSError`` or ``subprocess.SubprocessError``."""

NETWORK_FILE: Final = "network/20-evse.network"
WIRELESS_FILE: Final = "network/21-evse-wifi.network"
WIRED_METRIC: Final = 100
WIRELESS_METRIC: Final = 600
"""Of routes that a DHCP server gives, and of every route over the Wi-Fi card: a wire that is plugged in goes before."""
TIME_FILE: Final = "timesyncd.conf.d/20-evse.conf"
_TIMEOUT_S: Final = 20


def call(arguments: Sequence[str]) -> None:
    """Start a program of the system and wait for its end."""
    subprocess.run(list(arguments), check=True, timeout=_TIMEOUT_S, capture_output=True)  # noqa: S603  # fixed programs


class SystemdHost:
    """A ``Host``. ``root``: the directory ``/etc/systemd``; ``interface``: the name of the wired network interface;
    ``wireless``: the Wi-Fi card, where there is one.
    """

    def __init__(
        self, disk: Disk, root: Path, interface: str, call: Call = call, wireless: WirelessInterface | None = None
    ) -> None:
        self._disk = disk
        self._root = root
        self._interface = interface
        self._call = call
        self._wireless = wireless
        self._unsure: set[str] = set()
        """Files and units of which what is written may not be in force yet."""

    def set_addresses(self, addresses: Addresses) -> None:
        # Where the card has a network, the access point is the gateway.
        bridges, card = (False, "") if self._wireless is None else self._wireless.bridge()
        files = {NETWORK_FILE: (self._interface, network_file(addresses, self._interface, gateway=not bridges))}
        if self._wireless is not None:
            name = self._wireless.name
            files[WIRELESS_FILE] = (name, wireless_file(addresses, card, name, gateway=bridges))
        # Asked again at each start of services; to configure anew would cut every connection.
        different = [name for name, (_, text) in files.items() if not self._has(name, text)]
        self._unsure.update(different)
        for name in different:
            self._write(name, files[name][1])
        wanted = [name for name in files if name in self._unsure]
        if wanted:
            self._do("networkctl", "reload")
        for name in wanted:
            self._do("networkctl", "reconfigure", files[name][0])
            self._unsure.discard(name)

    def set_wifi(self, card: WifiCard) -> None:
        wireless = self._card()
        if wireless.give(card):
            self._unsure.add(wireless.unit)
        if wireless.unit in self._unsure:
            # At the next start of the machine, not now: until then the card works by what it has.
            self._do("systemctl", "enable", wireless.unit)
            self._unsure.discard(wireless.unit)

    def wifi(self) -> WifiReport:
        return self._card().report()

    def _card(self) -> WirelessInterface:
        if self._wireless is None:
            raise HostError("the board has a Wi-Fi card, but no wireless interface was named (--system-wifi-interface)")
        return self._wireless

    def set_time(self, plan: TimePlan) -> None:
        self._do("timedatectl", "set-timezone", _word(plan.zone))
        if plan.server:
            self._write(TIME_FILE, f"[Time]\nNTP={_word(plan.server)}\n")
        self._do("timedatectl", "set-ntp", "true" if plan.server else "false")
        if plan.server:
            self._do("systemctl", "try-restart", "systemd-timesyncd.service")

    def set_clock(self, utc_us: int) -> None:
        at = datetime.fromtimestamp(utc_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        self._do("timedatectl", "set-time", at)

    def set_name(self, name: str) -> None:
        self._do("hostnamectl", "set-hostname", _word(name))

    def utc_ns(self) -> int:
        return time.time_ns()

    def _has(self, name: str, text: str) -> bool:
        path = self._root / name
        try:
            return self._disk.read(path) == text.encode()
        except OSError as error:
            raise HostError(f"{path} cannot be read: {error.strerror or error}") from error

    def _write(self, name: str, text: str) -> None:
        path = self._root / name
        try:
            self._disk.make_directory(path.parent)
            self._disk.replace(path, text.encode())
        except OSError as error:
            raise HostError(f"{path} cannot be written: {error.strerror or error}") from error

    def _do(self, *arguments: str) -> None:
        try:
            self._call(arguments)
        except subprocess.CalledProcessError as error:
            said = (error.stderr or b"").decode(errors="replace").strip().splitlines()
            raise HostError(
                f"{arguments[0]} {arguments[1]} failed: {said[-1] if said else error.returncode}"
            ) from error
        except (OSError, subprocess.SubprocessError) as error:
            raise HostError(f"{arguments[0]} {arguments[1]} failed: {error}") from error


def network_file(addresses: Addresses, interface: str, *, gateway: bool = True) -> str:
    """The file of systemd-networkd for these addresses. ``gateway``: whether the gateway is on this side.

    With DHCP the fixed address stays beside the one that a server gives, so that the station can always be found (the
    guide's fall-back 192.168.0.102). Time server and name are those of the settings, whatever a DHCP server says.
    """
    return "\n".join([*_head(addresses, interface), *_placed(addresses, gateway=gateway)]) + "\n"


def wireless_file(addresses: Addresses, card: str, interface: str, *, gateway: bool) -> str:
    """The same for the Wi-Fi card, a bridge for this one station: the station's addresses hold there too, beside the card's own
    (``card``, empty while it has none). A wire that is plugged in goes before: the metric is higher.
    """
    metric = str(WIRELESS_METRIC)
    lines = [*_head(addresses, interface, metric), *_placed(addresses, metric, gateway=gateway)]
    if card:
        lines += ["", "[Address]", f"Address={_with_mask(card, addresses.mask)}", f"RouteMetric={metric}"]
    return "\n".join(lines) + "\n"


def _head(addresses: Addresses, interface: str, metric: str = "") -> list[str]:
    lines = ["[Match]", f"Name={_word(interface)}", "", "[Network]", f"DHCP={'ipv4' if addresses.dhcp else 'no'}"]
    if not addresses.dhcp:
        return [*lines, *(f"DNS={_word(server)}" for server in addresses.dns)]
    return [*lines, "", "[DHCPv4]", "UseNTP=no", "UseHostname=no", f"RouteMetric={metric or WIRED_METRIC}"]


def _placed(addresses: Addresses, metric: str = "", *, gateway: bool) -> list[str]:
    lines = []
    for address in filter(None, (addresses.address, addresses.second)):
        lines += ["", "[Address]", f"Address={_with_mask(address, addresses.mask)}"]
        lines += [f"RouteMetric={metric}"] if metric else []
    if gateway and addresses.gateway and not addresses.dhcp:
        lines += ["", "[Route]", f"Gateway={_word(addresses.gateway)}"]
        lines += [f"Metric={metric}"] if metric else []
    return lines


def _with_mask(address: str, mask: str) -> str:
    return IPv4Interface(f"{_word(address)}/{_word(mask)}").with_prefixlen


def _word(text: str) -> str:
    if not text or not text.isprintable() or any(each.isspace() for each in text) or text.startswith("-"):
        raise HostError(f"{text[:40]!r} cannot be a value in a system's configuration")
    return text
