"""What the web interface of a slave needs for its master, and that of a master for its people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from evse.services.firmware.manifest import Manifest
    from evse.services.firmware.neighbours import SlaveFinding, Told


class Alone(Exception):
    """The station takes no part in a charging network at the moment; the text says why and what to do."""


class SlavePort(Protocol):
    """A slave, for its master. Everything raises ``Alone`` and ``OSError``."""

    async def about(self) -> Told:
        """How its firmware stands."""

    async def take(self, pieces: AsyncIterator[bytes], source: str) -> Manifest:
        """Take a package from ``source`` (an address) and restart into it. Raises ``PackageError``, ``Wait``, ``TimeoutError``."""


class MasterPort(Protocol):
    """A master, for people."""

    def slaves(self) -> tuple[SlaveFinding, ...]:
        """How the firmware of each slave stands; none while the station is no master."""

    @property
    def problem(self) -> str:
        """What keeps the master from its slaves; empty when nothing does."""
