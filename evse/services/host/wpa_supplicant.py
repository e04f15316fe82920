"""The Wi-Fi card of a device with Linux: a wireless interface, driven by wpa_supplicant.

Specification (docs/hardware/wifi-card.md). ``wpa_supplicant@NAME.service`` reads its one file when it starts, which is when the
machine does; this module writes the file and never restarts the service, so that new settings count as on the guide's card: after
the power was off. What the card works by until then lies in ``RUNNING``, in memory (``/run``), which a start of the machine
empties: while that is there and differs from the file, the settings are pending.

The file has the key, or what is derived from it: it is its owner's only, and is never logged. Names and keys stand in it as
hexadecimal digits, so that nothing in them means anything to the file's grammar.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from evse.services.disk import Disk
from evse.services.host.port import HostError
from evse.services.host.wifi import OPEN, WifiCard, WifiReport, WifiState

Ask: TypeAlias = Callable[[Sequence[str]], str]
"""Starts a program with its arguments, waits, and returns what it wrote. Raises ``OSError`` or ``subprocess.SubprocessError``."""

DIRECTORY: Final = Path("/etc/wpa_supplicant")
RUNNING: Final = Path("/run/evse/wifi-running")
_ABOUT: Final = "# evse: "
_KEY_LENGTH: Final = (8, 63)
_NAME_BYTES: Final = 32
_TIMEOUT_S: Final = 5
_SECURITY: Final = {
    "wpa2": ("key_mgmt=WPA-PSK", "proto=RSN", "pairwise=CCMP"),
    # WPA3-Personal demands protected management frames.
    "wpa3": ("key_mgmt=SAE", "proto=RSN", "pairwise=CCMP", "ieee80211w=2"),
    OPEN: ("key_mgmt=NONE",),
}
_ALONE: Final = ("SCANNING", "DISCONNECTED", "INACTIVE")
"""States of wpa_supplicant in which it has found nobody."""


def ask(arguments: Sequence[str]) -> str:
    """Start a program of the system; what it wrote."""
    done = subprocess.run(list(arguments), check=True, timeout=_TIMEOUT_S, capture_output=True)  # noqa: S603  # fixed programs
    return done.stdout.decode(errors="replace")


class WirelessInterface:
    """One wireless interface. ``disk`` writes files that only their owner reads; ``directory`` and ``running`` as above."""

    def __init__(
        self, disk: Disk, name: str, directory: Path = DIRECTORY, running: Path = RUNNING, ask: Ask = ask
    ) -> None:
        self.name = name
        self._disk = disk
        self._path = directory / f"wpa_supplicant-{name}.conf"
        self._running = running
        self._ask = ask

    @property
    def unit(self) -> str:
        """The service of the interface, which a start of the machine starts."""
        return f"wpa_supplicant@{self.name}.service"

    def give(self, card: WifiCard) -> bool:
        """Write the file for the next start of the machine; whether it is another one than before. Raises HostError."""
        text = supplicant_file(card)
        try:
            before = self._disk.read(self._path)
            if before == text.encode():
                return False
            # A card that nobody has told anything is as delivered: no network is no change.
            fresh = before is None and not card.network
            if not fresh and self._disk.read(self._running) is None:
                # First: a power cut between the two leaves a note that equals the file, and nothing is pending.
                self._disk.make_directory(self._running.parent)
                self._disk.replace(self._running, before or b"")
            self._disk.make_directory(self._path.parent)
            self._disk.replace(self._path, text.encode())
        except OSError as error:
            raise HostError(f"{self._path} cannot be written: {error.strerror or error}") from error
        return True

    def report(self) -> WifiReport:
        """What the card works by, and how it stands. Raises HostError."""
        works_by, pending = self._works_by()
        state = self._state() if works_by["network"] else WifiState.OFF
        return WifiReport(works_by["network"], works_by["security"], works_by["address"], pending, state)

    def bridge(self) -> tuple[bool, str]:
        """Whether the card works by a network, whatever comes of it, and its own address, empty when it has none.

        Raises HostError.
        """
        works_by, _ = self._works_by()
        return works_by["network"] != "", works_by["address"]

    def _works_by(self) -> tuple[dict[str, str], bool]:
        """What the card works by, and whether the file says something else."""
        try:
            file, running = self._disk.read(self._path), self._disk.read(self._running)
        except OSError as error:
            raise HostError(f"{self._path} cannot be read: {error.strerror or error}") from error
        return _about(file if running is None else running), running is not None and running != file

    def _state(self) -> WifiState:
        """What wpa_supplicant says. It does not say why an access point refuses: a network that it has put aside for a while
        has refused the key, as far as anybody can tell.
        """
        status = dict(line.partition("=")[::2] for line in self._cli("status").splitlines())
        state = status.get("wpa_state", "")
        if state == "COMPLETED":
            return WifiState.CONNECTED
        if "[TEMP-DISABLED]" in self._cli("list_networks"):
            return WifiState.WRONG_KEY
        return WifiState.NO_ACCESS_POINT if state in _ALONE else WifiState.CONNECTING

    def _cli(self, command: str) -> str:
        try:
            return self._ask(("wpa_cli", "-i", self.name, command))
        except (OSError, subprocess.SubprocessError) as error:
            raise HostError(f"wpa_cli -i {self.name} {command} failed: {error}; is {self.unit} running?") from error


def supplicant_file(card: WifiCard) -> str:
    """The file of wpa_supplicant for these settings. Raises HostError for what must not stand in it."""
    about = {"address": card.address, "network": card.network, "security": card.security}
    lines = [
        # Without the key, and in ASCII: no name can become a line of its own.
        f"{_ABOUT}{json.dumps(about, sort_keys=True)}",
        "ctrl_interface=DIR=/run/wpa_supplicant GROUP=root",
        "update_config=0",
    ]
    if card.network:
        lines += ["", "network={", f"\tssid={_name(card.network)}", "\tscan_ssid=1"]
        lines += [f"\t{each}" for each in _SECURITY[card.security]]
        if card.security != OPEN:
            lines.append(f"\t{_secret(card)}")
        lines.append("}")
    return "\n".join(lines) + "\n"


def _name(network: str) -> str:
    name = network.encode()
    if len(name) > _NAME_BYTES:
        raise HostError(
            f"the name of the Wi-Fi network has {len(name)} bytes in UTF-8, at most {_NAME_BYTES} are possible"
        )
    return name.hex()


def _secret(card: WifiCard) -> str:
    """The line with the key. In quotation marks the file's grammar would cut some keys at a ``#``; hexadecimal it has none.

    WPA2 needs what is derived from key and name only (IEEE 802.11, annex J.4), WPA3 the key itself.
    """
    low, high = _KEY_LENGTH
    key = card.key
    if not low <= len(key) <= high or not key.isascii() or not key.isprintable():
        raise HostError(f"the key of the Wi-Fi network is not {low} to {high} printable ASCII characters")
    if card.security == "wpa3":
        return f"sae_password={key.encode().hex()}"
    return f"psk={hashlib.pbkdf2_hmac('sha1', key.encode(), card.network.encode(), 4096, 32).hex()}"


def _about(text: bytes | None) -> dict[str, str]:
    """What a file says of itself; nothing for one that somebody else wrote, or none."""
    first = (text or b"").decode(errors="replace").partition("\n")[0]
    try:
        found: Any = json.loads(first.removeprefix(_ABOUT)) if first.startswith(_ABOUT) else {}
        return {name: str(found.get(name, "")) for name in ("network", "security", "address")}
    except (ValueError, AttributeError):
        return dict.fromkeys(("network", "security", "address"), "")
