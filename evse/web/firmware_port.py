"""What the web interface needs from whoever keeps the station's firmware."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from evse.services.firmware.manifest import Manifest
    from evse.services.firmware.service import FirmwareState
    from evse.services.settings.service import Actor


class FirmwarePort(Protocol):
    """Firmware of the station. Everything raises ``OSError`` when the disk does not take it, and what changes something
    ``PackageError`` when it is refused.
    """

    async def state(self) -> FirmwareState:
        """How firmware stands."""

    async def upload(self, pieces: AsyncIterator[bytes], who: Actor) -> Manifest:
        """Check the package that comes in ``pieces`` and keep it for its trial."""

    async def install(self, who: Actor) -> str:
        """Restart into the staged version; returns it."""

    async def confirm(self, who: Actor) -> str:
        """The version on trial works; returns it."""

    async def give_back(self, who: Actor) -> str:
        """Forget the staged version, or restart into the one before; returns what was given up."""
