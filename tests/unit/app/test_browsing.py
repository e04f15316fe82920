"""A master sees its slaves in the network, and nobody else: on the loopback interface, with the real library."""

from __future__ import annotations

import asyncio

import pytest

from evse.app.network.browsing import Browser, Place
from evse.app.network.discovery import Discovery

pytestmark = [pytest.mark.anyio, pytest.mark.req("MNT-03", "NET-02")]
HERE = "127.0.0.1"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def announced(serial: str, port: int, family: str = "thor", network: str = "slave") -> Discovery:
    about = {"uid": serial, "family": family, "network": network}
    return Discovery(lambda: f"browsed {serial}", HERE, port, lambda: about, loopback=lambda: True)


async def until_found(browser: Browser, news: asyncio.Event, wanted: dict[str, Place]) -> None:
    async with asyncio.timeout(20):
        while browser.found != wanted:
            await news.wait()
            news.clear()


async def test_the_slaves_of_the_family_are_found_where_they_are_and_until_they_go() -> None:
    news = asyncio.Event()
    browser = Browser("thor", news)
    others = [announced("X1", 8062, family="city"), announced("X2", 8063, network="master"), announced("a b", 8064)]
    slave = announced("S1", 8061)
    try:
        for each in (*others, slave):
            await each.look()
        await browser.search((HERE,))
        await until_found(browser, news, {"S1": Place(HERE, 8061)})
        await slave.close()
        await until_found(browser, news, {})
        again = announced("S1", 8099)
        await again.look()
        await until_found(browser, news, {"S1": Place(HERE, 8099)})
        await again.close()
    finally:
        await browser.close()
        for each in (*others, slave):
            await each.close()
    assert browser.found == {}


async def test_who_searches_nowhere_finds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser("thor", asyncio.Event())
    await browser.search(())
    assert browser.found == {}

    def refuse(**_: object) -> None:
        raise OSError(19, "No such device")

    monkeypatch.setattr("zeroconf.asyncio.AsyncZeroconf", refuse)
    with pytest.raises(OSError, match="cannot be searched"):
        await browser.search((HERE,))
    assert browser.found == {}
