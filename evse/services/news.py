"""Waiting for news, but not for ever."""

from __future__ import annotations

import asyncio


async def arrives(news: asyncio.Event, within_s: float) -> bool:
    """Whether ``news`` is there within so many seconds, or already.

    A cancellation at the same moment as the news is never lost, as ``asyncio.wait_for`` may lose it before Python 3.12.
    """
    try:
        async with asyncio.timeout(within_s):
            await news.wait()
    except TimeoutError:
        return False
    return True


async def heard(news: asyncio.Event, pause_s: float) -> None:
    """Return at the next ``news``, which is used up then, or after ``pause_s`` seconds."""
    await arrives(news, pause_s)
    news.clear()
