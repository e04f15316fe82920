"""A device with systemd: systemd-networkd, systemd-timesyncd, hostnamectl and timedatectl.

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
from evse.services.settings.addresses import Addresses

Call: TypeAlias = Callable[[Sequence[str]], None]
"""Starts a program with its arguments and waits. Raises ``OSError`` or ``subprocess.SubprocessError``."""

NETWORK_FILE: Final = "network/20-evse.network"
TIME_FILE: Final = "timesyncd.conf.d/20-evse.conf"
_TIMEOUT_S: Final = 20


def call(arguments: Sequence[str]) -> None:
    """Start a program of the system and wait for its end."""
    subprocess.run(list(arguments), check=True, timeout=_TIMEOUT_S, capture_output=True)  # noqa: S603  # fixed programs


class SystemdHost:
    """A ``Host``. ``root``: the directory ``/etc/systemd``; ``interface``: the name of the wired network interface."""

    def __init__(self, disk: Disk, root: Path, interface: str, call: Call = call) -> None:
        self._disk = disk
        self._root = root
        self._interface = interface
        self._call = call
        self._unsure = False
        """Whether what is written may not be in force yet."""

    def set_addresses(self, addresses: Addresses) -> None:
        text = network_file(addresses, self._interface)
        if self._has(NETWORK_FILE, text) and not self._unsure:
            # Asked again at each start of services; to configure anew would cut every connection.
            return
        self._unsure = True
        self._write(NETWORK_FILE, text)
        self._do("networkctl", "reload")
        self._do("networkctl", "reconfigure", self._interface)
        self._unsure = False

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


def network_file(addresses: Addresses, interface: str) -> str:
    """The file of systemd-networkd for these addresses.

    With DHCP the fixed address stays beside the one that a server gives, so that the station can always be found (the
    guide's fall-back 192.168.0.102).
    """
    lines = ["[Match]", f"Name={_word(interface)}", "", "[Network]", f"DHCP={'ipv4' if addresses.dhcp else 'no'}"]
    lines += [f"DNS={_word(server)}" for server in addresses.dns if not addresses.dhcp]
    for address in filter(None, (addresses.address, addresses.second)):
        placed = IPv4Interface(f"{_word(address)}/{_word(addresses.mask)}")
        lines += ["", "[Address]", f"Address={placed.with_prefixlen}"]
    if addresses.gateway and not addresses.dhcp:
        lines += ["", "[Route]", f"Gateway={_word(addresses.gateway)}"]
    return "\n".join(lines) + "\n"


def _word(text: str) -> str:
    if not text or not text.isprintable() or any(each.isspace() for each in text) or text.startswith("-"):
        raise HostError(f"{text[:40]!r} cannot be a value in a system's configuration")
    return text
