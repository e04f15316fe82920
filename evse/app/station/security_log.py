"""The security log of a running station for those who read it: pages of entries, the verdict about its chain, clearing it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from evse.services.disk import Disk
from evse.services.security.chain import Entry, Verdict
from evse.services.security.events import SecurityEvent
from evse.services.security.log_file import entries_in, verify_directory
from evse.services.security.writer import SecurityWriter


class StationSecurityLog:
    """A ``SecurityLogPort``. ``writer`` owns the files in ``directory``; reading goes on beside it."""

    def __init__(self, directory: Path, disk: Disk, writer: SecurityWriter) -> None:
        self._directory = directory
        self._disk = disk
        self._writer = writer

    def record(self, event: SecurityEvent) -> None:
        self._writer.record(event)

    async def newest(self, limit: int, before: int | None = None) -> tuple[Entry, ...]:
        entries = await asyncio.to_thread(entries_in, self._directory, self._disk)
        wanted = [entry for entry in entries if before is None or entry.n < before]
        return tuple(reversed(wanted[-limit:]))

    async def verify(self) -> Verdict:
        return await asyncio.to_thread(verify_directory, self._directory, self._disk)

    async def clear(self, actor: str, source: str) -> None:
        await asyncio.to_thread(self._writer.clear, actor, source)
