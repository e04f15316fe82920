"""A master sees its slaves in the network, and nobody else: on the loopback interface, with the real library."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest
from zeroconf import ServiceStateChange

from evse.app.network.browsing import KNOWN_LIMIT, Browser, Place
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


class StrangeInfo:
    """What a stranger announces; ``asked`` counts the questions for it."""

    asked = 0
    properties: ClassVar[dict[str, str | None]] = {"uid": "S1", "family": "thor", "network": "slave"}
    addresses: ClassVar[list[str]] = ["192.0.2.1"]
    port = 80

    def __init__(self, _service_type: str, _name: str) -> None:
        self.decoded_properties = self.properties

    async def async_request(self, _zeroconf: object, _timeout_ms: int) -> bool:
        StrangeInfo.asked += 1
        await asyncio.sleep(0)
        return True

    def parsed_addresses(self) -> list[str]:
        return self.addresses


@pytest.mark.parametrize(
    ("properties", "addresses", "port"),
    [
        ({}, ["192.0.2.1", "169.254.169.254", "::1"], 80),
        ({}, [HERE], 0),
        ({"uid": "S1@127.0.0.1"}, [HERE], 80),
        ({"uid": ""}, [HERE], 80),
        ({"family": "city"}, [HERE], 80),
        ({"network": None}, [HERE], 80),
        ({}, [HERE], 80),
    ],
)
async def test_an_announcement_counts_for_a_neighbour_only_and_a_storm_of_them_costs_little(
    properties: dict[str, str | None], addresses: list[str], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser("thor", asyncio.Event())
    try:
        await browser.search((HERE,))
        monkeypatch.setattr("zeroconf.asyncio.AsyncServiceInfo", StrangeInfo)
        monkeypatch.setattr(StrangeInfo, "properties", {**StrangeInfo.properties, **properties})
        monkeypatch.setattr(StrangeInfo, "addresses", addresses)
        monkeypatch.setattr(StrangeInfo, "port", port)
        monkeypatch.setattr(StrangeInfo, "asked", 0)
        updated, removed = ServiceStateChange.Updated, ServiceStateChange.Removed
        for number in range(2 * KNOWN_LIMIT):
            for _ in range(5):
                browser._changed(None, "s", f"n{number}", updated)  # as the library does
        assert len(asyncio.all_tasks()) < KNOWN_LIMIT + 20
        for _ in range(20):
            await asyncio.sleep(0)
        good = not properties and addresses == [HERE] and port == 80
        assert browser.found == ({"S1": Place(HERE, 80)} if good else {})
        assert StrangeInfo.asked <= KNOWN_LIMIT
        browser._changed(None, "s", "n0", removed)
        assert len(browser.found) == good
    finally:
        await browser.close()
