"""Threads for files that a central system wants carried, apart from those of the rest of the services.

The other side decides how long it lets a transfer wait. So each has a thread of its own that nobody waits for at the end, few
may be under way, and one that takes too long counts as failed whatever its thread does: names are still resolved, records
still read and restarts still made while a hostile server holds every transfer.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Final

from evse.links.ocpp.file_work import End

MOST_THREADS: Final = 4
LONGEST_S: Final = 4_000.0


class FileThreads:
    """State: how many threads are under way. To be used inside one running event loop."""

    def __init__(self, most: int = MOST_THREADS, longest_s: float = LONGEST_S) -> None:
        self._most, self._longest_s = most, longest_s
        self._under_way = 0

    async def do(self, work: Callable[[], End]) -> End:
        """Do ``work``, which blocks, and return its end: ``FAILED`` when too many are under way or it takes too long."""
        if self._under_way >= self._most:
            return End.FAILED
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[End] = loop.create_future()

        def settle(end: End) -> None:
            self._under_way -= 1
            if not ended.done():
                ended.set_result(end)

        def run() -> None:
            end = End.FAILED
            try:
                end = work()
            finally:
                # The services may have ended before it.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(settle, end)

        self._under_way += 1
        threading.Thread(target=run, name="file", daemon=True).start()
        try:
            return await asyncio.wait_for(ended, self._longest_s)
        except TimeoutError:
            return End.FAILED
