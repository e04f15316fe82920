"""Looking again: at news, and now and then by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

LOOK_S: Final = 60.0


async def look_again(look: Callable[[], Awaitable[None]], news: asyncio.Event) -> None:
    """``look`` now, whenever there is ``news``, and every ``LOOK_S`` seconds; for ever."""
    while True:
        await look()
        await heard(news, LOOK_S)


async def heard(news: asyncio.Event, pause_s: float) -> None:
    """Return at the next ``news`` or after ``pause_s`` seconds. A cancellation at the same moment as news is never lost, as
    ``asyncio.wait_for`` may lose it.
    """
    try:
        async with asyncio.timeout(pause_s):
            await news.wait()
    except TimeoutError:
        pass
    news.clear()
