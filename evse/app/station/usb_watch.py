"""The USB port of a running station: sees a stick come and go, has it served once, and keeps the display true."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from evse.core.commands import Notice, ShowNotice
from evse.services.disk import RealDisk
from evse.services.settings.service import Settings
from evse.services.usb.service import Firmware, UsbStick

_log = logging.getLogger(__name__)
LOOK_S: Final = 1.0


class UsbWatch:
    """See the module. ``port``: where the system mounts a stick; ``send`` gives a command to control."""

    def __init__(
        self,
        port: Path,
        settings: Settings,
        firmware: Firmware,
        send: Callable[[ShowNotice], object],
        clock: Callable[[], int],
    ) -> None:
        self._port = port
        self._send, self._clock = send, clock
        # FAT knows no rights of owners.
        self._stick = UsbStick(settings, firmware, RealDisk(0o644), self._show)
        self._there = False
        self._notice = Notice.NONE

    async def run(self) -> None:
        """Look for a stick, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Serve a stick that was plugged in since the last look; clear the display when it was taken out."""
        there = await asyncio.to_thread(_mounted, self._port)
        came, self._there = there and not self._there, there
        if came:
            self._show(await self._stick.serve(self._port))
            _log.warning("USB stick: %s", self._stick.outcome)
        elif not there and self._notice is not Notice.NONE:
            self._show(Notice.NONE)

    def _show(self, notice: Notice) -> None:
        self._notice = notice
        self._send(ShowNotice(command_id=f"usb-{self._clock()}-{notice}", notice=notice))


def _mounted(port: Path) -> bool:
    """Whether a stick is there: a mounted file system, or (simulation) a link to the directory that stands for it.

    One that cannot even be looked at any more, as when it was pulled out without a word, is none.
    """
    try:
        return (os.path.ismount(port) or port.is_symlink()) and port.is_dir()
    except OSError:
        return False
