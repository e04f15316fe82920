"""The station's name in the network: seen by another program on the loopback interface, changed, taken back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from evse.app.network.discovery import SERVICE, Discovery, instance_of

pytestmark = pytest.mark.anyio
HERE = "127.0.0.1"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def seen(name: str, timeout_ms: int = 3_000) -> AsyncServiceInfo | None:
    """What somebody else in the network finds under a name."""
    other = AsyncZeroconf(interfaces=[HERE])
    try:
        info = AsyncServiceInfo(SERVICE, f"{name}.{SERVICE}")
        return info if await info.async_request(other.zeroconf, timeout_ms) else None
    finally:
        await other.async_close()


@pytest.mark.req("NET-02")
async def test_others_find_the_station_under_its_name_and_open_its_page() -> None:
    names, uids = ["Hall A"], ["P1"]
    discovery = Discovery(lambda: names[0], HERE, 8061, lambda: {"uid": uids[0]}, loopback=lambda: True)
    try:
        await discovery.look()
        found = await seen("Hall A")
        assert found is not None
        assert (found.parsed_addresses(), found.port, found.server) == ([HERE], 8061, "hall-a.local.")
        assert found.properties == {b"path": b"/", b"uid": b"P1"}
        assert (discovery.announced, discovery.problem) == ("Hall A", "")
        uids[0] = "P2"
        await discovery.look()
        # An announcement of before may still be on its way.
        for _ in range(5):
            again = await seen("Hall A")
            assert again is not None
            if again.properties != found.properties:
                break
        assert again is not None and again.properties == {b"path": b"/", b"uid": b"P2"}
        names[0] = "Hall B"
        await discovery.look()
        assert discovery.announced == "Hall B"
        assert await seen("Hall A", 200) is None
    finally:
        await discovery.close()
    assert discovery.announced == ""


async def test_a_page_for_this_machine_alone_is_announced_to_nobody() -> None:
    discovery = Discovery(lambda: "Hall A", HERE, 8061, dict)
    await discovery.look()
    assert discovery.announced == ""


async def test_a_network_that_refuses_is_said_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = 0

    def refuse(**_: object) -> None:
        nonlocal tries
        tries += 1
        raise OSError(19, "No such device")

    monkeypatch.setattr("zeroconf.asyncio.AsyncZeroconf", refuse)
    discovery = Discovery(lambda: "Hall A", "203.0.113.9", 8061, dict)
    for _ in range(2):
        await discovery.look()
    assert (discovery.announced, tries) == ("", 2)
    assert "No such device" in discovery.problem


@given(st.text(max_size=80))
def test_an_instance_name_is_always_one(name: str) -> None:
    made = instance_of(name)
    assert 1 <= len(made.encode()) <= 63
    assert "." not in made
