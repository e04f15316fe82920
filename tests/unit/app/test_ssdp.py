"""UPnP discovery: who searches finds the station and its page; nothing else is answered, and never too often."""

from __future__ import annotations

import asyncio
import socket
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.app.network.ssdp import RATE, Ssdp, SsdpResponder
from evse.app.network.ssdp_text import (
    DEVICE_TYPE,
    GROUP,
    ROOT_DEVICE,
    Device,
    advertisements,
    answers,
    description,
    searched,
)

DEVICE = Device("Hall A", "parking", "P1", 8061)
HERE = "127.0.0.1"


def search(target: str = ROOT_DEVICE, man: str = '"ssdp:discover"') -> bytes:
    return f"M-SEARCH * HTTP/1.1\r\nHOST: {GROUP}:1900\r\nMAN: {man}\r\nMX: 1\r\nST: {target}\r\n\r\n".encode()


def headers(message: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in message.decode().split("\r\n")[1:] if line)
    return {name: value.strip() for name, _, value in pairs}


@pytest.mark.req("NET-02")
@pytest.mark.parametrize("target", [ROOT_DEVICE, DEVICE_TYPE, DEVICE.udn])
def test_a_search_for_the_station_is_answered_with_where_its_description_is(target: str) -> None:
    (answer,) = answers(DEVICE, searched(search(target)), "10.0.0.7")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n")
    found = headers(answer)
    assert (found["ST"], found["LOCATION"]) == (target, "http://10.0.0.7:8061/upnp/description.xml")
    assert found["USN"].startswith(DEVICE.udn)
    assert len(answers(DEVICE, "ssdp:all", "10.0.0.7")) == 3


@pytest.mark.parametrize(
    "data",
    [
        search("urn:schemas-upnp-org:device:MediaServer:1"),
        search(man="ssdp:discover"),
        search().replace(b"M-SEARCH", b"NOTIFY"),
        search() + b"x" * 3_000,
        b"",
    ],
)
def test_nothing_else_is_answered(data: bytes) -> None:
    assert answers(DEVICE, searched(data), HERE) == ()


@given(st.binary(max_size=300))
def test_no_datagram_raises(data: bytes) -> None:
    searched(data)
    searched(b"M-SEARCH * HTTP/1.1\r\n" + data)


def test_it_comes_and_goes_with_a_word_and_keeps_its_identity() -> None:
    alive, gone = (advertisements(DEVICE, HERE, alive=value) for value in (True, False))
    assert [headers(each)["NTS"] for each in (*alive, *gone)] == ["ssdp:alive"] * 3 + ["ssdp:byebye"] * 3
    assert [headers(each)["USN"] for each in alive] == [headers(each)["USN"] for each in gone]
    assert Device("Other", "city", "P1", 1).udn == DEVICE.udn
    assert Device("Hall A", "parking", "P2", 8061).udn != DEVICE.udn


@given(st.text(max_size=90))
def test_the_description_is_xml_whatever_the_name(name: str) -> None:
    root = ElementTree.fromstring(description(Device(name, "parking", "P1", 8061)))  # noqa: S314  # our own text
    space = "{urn:schemas-upnp-org:device-1-0}"
    device = root.find(f"{space}device")
    assert device is not None
    shown = device.findtext(f"{space}friendlyName")
    assert shown == "".join(each for each in name[:64] if each.isprintable())
    assert device.findtext(f"{space}presentationURL") == "/"


@pytest.mark.req("NET-02")
def test_a_search_over_the_network_finds_it() -> None:
    async def story() -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("", 0))
            port = int(probe.getsockname()[1])
        ssdp = Ssdp(lambda: DEVICE, lambda: (HERE,), port)
        await ssdp.look()
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as searcher:
                searcher.setblocking(False)
                searcher.bind((HERE, 0))
                searcher.sendto(search(), (HERE, port))
                loop = asyncio.get_running_loop()
                return await asyncio.wait_for(loop.sock_recv(searcher, 2_048), 10)
        finally:
            ssdp.close()

    assert headers(asyncio.run(story()))["LOCATION"] == "http://127.0.0.1:8061/upnp/description.xml"


def test_a_flood_of_searches_gets_so_many_answers_a_second() -> None:
    class Transport(asyncio.DatagramTransport):
        sent = 0

        def sendto(self, data: object, addr: object = None) -> None:
            self.sent += 1

    seconds = [0.0]
    transport = Transport()
    responder = SsdpResponder(lambda: DEVICE, lambda: seconds[0])
    responder.connection_made(transport)
    for _ in range(100):
        responder.datagram_received(search(), (HERE, 9))
    assert transport.sent == RATE
    seconds[0] = 1.0
    responder.datagram_received(search(), (HERE, 9))
    assert transport.sent == RATE + 1
