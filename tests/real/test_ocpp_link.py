"""The link to a central system over real sockets at the loopback address: handshake, TLS, what ends it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import trustme

from evse.links.ocpp.target import Trust, target_of
from evse.links.ocpp.websocket import WebSocketLink
from tests.fakes.central_server import CentralServer
from tests.fakes.hostile_server import hostile_server

pytestmark = [pytest.mark.real, pytest.mark.timeout(60)]
PASSWORD = "correct-horse-battery"
NO_TRUST = Trust()


class Heard:
    """Notes what the link tells."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.distrust: list[str] = []

    def opened(self, _now_us: int) -> None:
        self.told.append("opened")

    def closed(self, _now_us: int) -> None:
        self.told.append("closed")

    def received(self, _now_us: int, text: str) -> None:
        self.told.append(text)

    def security_event(self, _now_us: int, kind: str, _info: str) -> None:
        self.distrust.append(kind)


@contextlib.asynccontextmanager
async def link_to(
    url: str, profile: int = 0, trust: Trust = NO_TRUST, ping_s: float = 0, wait_s: float = 3
) -> AsyncIterator[tuple[WebSocketLink, Heard]]:
    heard = Heard()
    link = WebSocketLink(
        lambda: (target_of(url, "CP1", profile, PASSWORD), profile, trust),
        lambda: time.monotonic_ns() // 1_000,
        wait_s,
        wait_s,
    )
    link.listener = heard
    link.ping_every(ping_s)
    link.open()
    try:
        yield link, heard
    finally:
        await link.end()


async def until(condition: Callable[[], object], timeout_s: float = 10) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what happens here has no event
            await asyncio.sleep(0.01)


@pytest.fixture
def server() -> Iterator[CentralServer]:
    made = CentralServer()
    yield made
    made.close()


BOOT = '[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]'


@pytest.mark.req("OCP-01")
def test_texts_go_both_ways_and_the_path_ends_with_the_identity(server: CentralServer) -> None:
    async def story() -> None:
        async with link_to(server.url) as (link, heard):
            await until(lambda: heard.told == ["opened"])
            link.send(BOOT)
            await until(lambda: len(heard.told) == 2)
            assert '"Accepted"' in heard.told[1]
        assert heard.told[-1] == "closed"

    asyncio.run(story())
    assert server.paths == ["/ocpp/CP1"]
    names = {name.lower() for name in server.handshakes[0]}
    assert "authorization" not in names
    assert "sec-websocket-extensions" not in names


@pytest.mark.req("OCP-05")
def test_profile_1_sends_the_password(server: CentralServer) -> None:
    async def story() -> None:
        async with link_to(server.url, 1) as (_, heard):
            await until(lambda: heard.told == ["opened"])

    asyncio.run(story())
    headers = {name.lower(): value for name, value in server.handshakes[0].items()}
    assert headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_refused_handshake_is_a_failed_attempt(server: CentralServer, status: int) -> None:
    server.status = status

    async def story() -> None:
        async with link_to(server.url) as (link, heard):
            await until(lambda: heard.told == ["closed"])
            assert str(status) in link.problem
            assert bool(heard.distrust) is (status in (401, 403))
            assert set(heard.distrust) <= {"FailedToAuthenticateAtCentralSystem"}

    asyncio.run(story())


def test_a_redirection_is_not_followed(server: CentralServer) -> None:
    other = CentralServer()
    server.status, server.location = 302, other.url

    async def story() -> None:
        async with link_to(server.url) as (_, heard):
            await until(lambda: heard.told == ["closed"])

    asyncio.run(story())
    assert other.paths == []
    other.close()


def test_a_server_that_does_not_speak_the_protocol_is_left() -> None:
    server = CentralServer(subprotocols=False)

    async def story() -> None:
        async with link_to(server.url) as (link, heard):
            await until(lambda: heard.told == ["closed"])
            assert "ocpp1.6" in link.problem

    asyncio.run(story())
    server.close()


@pytest.mark.parametrize(("message", "code"), [(b"\x00binary", 1003), ("x" * 300_000, 1009)])
def test_binary_and_huge_messages_end_the_connection(server: CentralServer, message: str | bytes, code: int) -> None:
    async def story() -> None:
        async with link_to(server.url) as (_, heard):
            await until(lambda: heard.told == ["opened"])
            await asyncio.to_thread(server.send, message)
            await until(lambda: heard.told == ["opened", "closed"])
            await until(lambda: server.close_codes == [code])

    asyncio.run(story())


def test_nobody_there_and_a_cut_line_are_told_once_each(server: CentralServer) -> None:
    async def story() -> None:
        async with link_to("ws://127.0.0.1:9/") as (link, heard):
            await until(lambda: heard.told == ["closed"])
            assert link.problem
        async with link_to(server.url) as (link, heard):
            await until(lambda: heard.told == ["opened"])
            await until(lambda: server.connected)
            server.drop()
            await until(lambda: heard.told == ["opened", "closed"])

    asyncio.run(story())


def handshake(connection: socket.socket) -> None:
    """Open a WebSocket as its server, by hand."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(4096)
    key = re.findall(rb"(?i)sec-websocket-key: (\S+)", request)[0]
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())  # noqa: S324
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Protocol: ocpp1.6\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


@pytest.mark.req("OCP-01")
@pytest.mark.parametrize("before_s", [0.1, 3_600, 0])
def test_the_interval_of_pings_counts_for_the_connection_that_is_there(before_s: float) -> None:
    seen: list[int] = []

    def play(connection: socket.socket) -> None:
        handshake(connection)
        while data := connection.recv(4096):
            seen.append(data[0] & 0x0F)

    async def story(port: int) -> None:
        async with link_to(f"ws://127.0.0.1:{port}/", ping_s=before_s, wait_s=0.2) as (link, heard):
            await until(lambda: heard.told[:1] == ["opened"])
            link.ping_every(0.1)
            await until(lambda: heard.told == ["opened", "closed"])
            assert "ping" in link.problem

    with hostile_server(play) as port:
        asyncio.run(story(port))
    assert seen[0] == 9, "nobody has answered the first ping, so the connection is dead"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff" * 100,
        b"\x81\x7f" + b"\xff" * 8,
        b"\x01\x05hello" * 1_000,
        b"\x81\x83abc",
        b"\x81\x02\xff\xfe",
        b"\x88\x01x",
    ],
    ids=["reserved bits", "an endless frame", "fragments without an end", "masked", "not UTF-8", "a bad close"],
)
def test_what_is_no_websocket_frame_ends_the_connection(garbage: bytes) -> None:
    def play(connection: socket.socket) -> None:
        handshake(connection)
        connection.sendall(garbage)
        while connection.recv(4096):
            pass

    async def story(port: int) -> None:
        async with link_to(f"ws://127.0.0.1:{port}/", wait_s=0.1) as (_, heard):
            await until(lambda: heard.told == ["opened", "closed"])

    with hostile_server(play) as port:
        asyncio.run(story(port))


def test_a_flood_of_texts_does_not_starve_the_rest_of_the_services(server: CentralServer) -> None:
    """Twenty thousand texts on a real socket: everything else on the loop still gets its turn, memory does not pile up."""
    late: list[float] = []

    async def beat(over: asyncio.Event) -> None:
        while not over.is_set():
            begin = time.monotonic()
            await asyncio.sleep(0.005)
            late.append(time.monotonic() - begin)

    async def story() -> None:
        async with link_to(server.url) as (_, heard):
            await until(lambda: heard.told == ["opened"])
            over = asyncio.Event()
            beats = asyncio.create_task(beat(over))
            await asyncio.to_thread(server.flood, '[2,"x","GetConfiguration",{}]', 20_000)
            await until(lambda: len(heard.told) >= 20_001)
            over.set()
            await beats

    asyncio.run(story())
    assert len(late) > 10 and max(late) < 1


def test_what_the_network_does_not_take_is_bounded(server: CentralServer) -> None:
    async def story() -> None:
        async with link_to(server.url, wait_s=0.3) as (link, heard):
            await until(lambda: heard.told == ["opened"])
            for _ in range(1_000):
                link.send("x" * 1_000)
            await until(lambda: "closed" in heard.told)

    asyncio.run(story())


# --- TLS ------------------------------------------------------------------------------------------------------------


def server_tls(authority: trustme.CA, name: str = "127.0.0.1", maximum: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if maximum is not None:
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = maximum
        context.set_ciphers("ALL:@SECLEVEL=0")
    authority.issue_cert(name).configure_cert(context)
    return context


def roots(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode("ascii")


@pytest.mark.req("OCP-05")
def test_with_a_trusted_certificate_the_connection_opens() -> None:
    authority = trustme.CA()
    server = CentralServer(tls=server_tls(authority))

    async def story() -> None:
        async with link_to(server.url, 2, Trust(roots=roots(authority))) as (_, heard):
            await until(lambda: heard.told == ["opened"])

    asyncio.run(story())
    server.close()


@pytest.mark.req("OCP-05")
@pytest.mark.parametrize(
    ("what", "event"),
    [
        ("unknown authority", "InvalidCentralSystemCertificate"),
        ("other name", "InvalidCentralSystemCertificate"),
        ("old TLS", "InvalidTLSVersion"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_server_that_cannot_be_trusted_gets_nothing(what: str, event: str) -> None:
    authority = trustme.CA()
    made = server_tls(
        authority,
        "elsewhere.example" if what == "other name" else "127.0.0.1",
        ssl.TLSVersion.TLSv1_1 if what == "old TLS" else None,
    )
    server = CentralServer(tls=made)
    trusted = trustme.CA() if what == "unknown authority" else authority

    async def story() -> None:
        async with link_to(server.url, 2, Trust(roots=roots(trusted))) as (link, heard):
            await until(lambda: heard.told == ["closed"])
            assert link.problem
            # A server may cut the line instead of saying what is wrong with it.
            assert heard.distrust == ([] if what == "old TLS" and "Reset" in link.problem else [event])

    asyncio.run(story())
    assert server.handshakes == [], "not even the password"
    server.close()


@pytest.mark.req("OCP-05")
@pytest.mark.parametrize("known", [True, False])
def test_profile_3_shows_the_stations_own_certificate(known: bool, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = server_tls(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    server = CentralServer(tls=context)
    own = (authority if known else trustme.CA()).issue_cert("CP1.example")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(b"".join(blob.bytes() for blob in own.cert_chain_pems))
    key.write_bytes(own.private_key_pem.bytes())
    trust = Trust(roots(authority), str(certificate), str(key))

    async def story() -> None:
        async with link_to(server.url, 3, trust) as (link, heard):
            if known:
                await until(lambda: heard.told == ["opened"])
                link.send(BOOT)
                await until(lambda: len(heard.told) == 2)
            else:
                await until(lambda: "closed" in heard.told)

    asyncio.run(story())
    assert bool(server.system.actions()) is known
    server.close()
