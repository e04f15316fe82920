"""A security log in memory for the web interface: what was recorded, in order."""

from __future__ import annotations

from evse.services.security.chain import Entry, Verdict
from evse.services.security.events import SecurityMemory


class MemoryLog(SecurityMemory):
    """A ``SecurityLogPort`` that is not read."""

    async def newest(self, limit: int, before: int | None = None) -> tuple[Entry, ...]:
        return ()

    async def verify(self) -> Verdict:
        return Verdict(0, ())

    async def clear(self, actor: str, source: str) -> None:
        self.events.clear()

    def told(self) -> list[tuple[str, str, str]]:
        """Kind, detail and badge of each event."""
        return [(event.kind.value, event.detail, event.uid) for event in self.events]
