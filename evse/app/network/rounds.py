"""Looking again: at news, and now and then by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from evse.services.news import heard

LOOK_S: Final = 60.0


async def look_again(look: Callable[[], Awaitable[None]], news: asyncio.Event) -> None:
    """``look`` now, whenever there is ``news``, and every ``LOOK_S`` seconds; for ever."""
    while True:
        await look()
        await heard(news, LOOK_S)
