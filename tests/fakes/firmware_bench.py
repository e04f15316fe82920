"""Firmware packages of a maker whom the tests know, and a service that takes them into a disk in memory."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evse.services.firmware.package import write_package
from evse.services.firmware.service import FirmwareEvent, FirmwareService
from evse.services.firmware.slots import Slots
from evse.services.security.events import SecurityMemory
from tests.fakes.crash_disk import CrashDisk

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ROOT = Path("/firmware")


def package_bytes(
    version: str, rollback: int = 1, product: str = "thor", key: Ed25519PrivateKey = KEY, content: bytes = b"program"
) -> bytes:
    """A package with one file."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "package.keb"
        write_package(path, product, version, rollback, {"app": content}, key)
        return path.read_bytes()


class FirmwareBench:
    """A THØR with firmware slots. ``plugged``: whether a vehicle is there; ``restarts``: how often one was asked for."""

    def __init__(self, *, trusted: bool = True) -> None:
        self.disk = CrashDisk(Random(1))
        self.log = SecurityMemory()
        self.plugged = False
        self.restarts = 0
        self.events: list[FirmwareEvent] = []
        self._keys = (KEY.public_key(),) if trusted else ()
        self.service = self.started()

    def started(self) -> FirmwareService:
        """The service of services that have just started."""
        self.service = FirmwareService(
            self.slots(), self._keys, self.log, built_in="0.1.0", restart=self._restart, plugged=lambda: self.plugged
        )
        self.service.listen(self.events.append)
        self.service.begin()
        return self.service

    def slots(self) -> Slots:
        """The slots as the supervisor sees them."""
        return Slots(ROOT, self.disk, "thor", self._keys)

    def restart(self) -> FirmwareService:
        """The station starts again; the supervisor chooses what runs."""
        self.slots().start()
        return self.started()

    def told(self) -> list[tuple[str, str]]:
        """Status and version of each event so far."""
        return [(event.status.value, event.version) for event in self.events]

    def _restart(self) -> None:
        self.restarts += 1
