"""Restart and factory reset of a running station: what the page asks for, carried out by the supervisor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from evse.app.station.station_memory import StationMemory
from evse.services.factory_reset import ResetOrder
from evse.services.security.events import SecurityEvent, SecurityKind

SOON_S = 0.3
"""So that the answer reaches whoever asked."""


class StationControl:
    """A ``ControlPort``. ``tell`` gives a message to the supervisor."""

    def __init__(self, memory: StationMemory, tell: Callable[[dict[str, Any]], None]) -> None:
        self._memory = memory
        self._tell = tell

    async def restart(self, account: str, source: str) -> None:
        """Restart the station soon after this returns."""
        self._memory.log.record(SecurityEvent(SecurityKind.RESTARTED, account, source))
        self.restart_soon()

    async def factory_reset(self, account: str, source: str, *, keep_badges: bool) -> None:
        """Write down that it shall be reset, then restart it. Raises OSError; then nothing happens."""
        await asyncio.to_thread(self._memory.resets.write, ResetOrder(keep_badges, account, source))
        badges = "badges kept" if keep_badges else "badges removed"
        self._memory.log.record(SecurityEvent(SecurityKind.FACTORY_RESET, account, source, badges))
        self._memory.accounts.end_all("factory reset")
        self.restart_soon()

    def restart_soon(self) -> None:
        """Ask the supervisor for a restart, soon. To be called on the event loop."""
        asyncio.get_running_loop().call_later(SOON_S, self._tell, {"restart": True})
