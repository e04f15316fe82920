"""Waiting for news."""

from __future__ import annotations

import asyncio

import pytest

from evse.services.news import arrives, heard

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_news_ends_the_pause_and_is_used_up() -> None:
    news = asyncio.Event()
    asyncio.get_running_loop().call_soon(news.set)
    async with asyncio.timeout(5):
        await heard(news, 60)
    assert not news.is_set()


async def test_without_news_the_pause_ends_by_itself() -> None:
    assert not await arrives(asyncio.Event(), 0.001)


async def test_a_cancellation_together_with_the_news_is_not_lost() -> None:
    news = asyncio.Event()
    waiting = asyncio.create_task(heard(news, 60))
    await asyncio.sleep(0)
    news.set()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
