"""UPnP discovery on the network: listens for searches, answers those who reach us, tells everybody that we come and go.

At most ``RATE`` answers a second go out, whoever asks: the station is no amplifier.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import time
from collections.abc import Callable
from typing import Final, cast

from evse.app.network.rounds import look_again
from evse.app.network.ssdp_text import GROUP, MAX_AGE_S, PORT, Device, advertisements, answers, searched

RATE: Final = 20
_log = logging.getLogger(__name__)


class SsdpResponder(asyncio.DatagramProtocol):
    """Answers searches. ``device`` tells what the station is now; ``clock`` is monotonic, in seconds."""

    def __init__(self, device: Callable[[], Device], clock: Callable[[], float] = time.monotonic) -> None:
        self._device = device
        self._clock = clock
        self._transport: asyncio.DatagramTransport | None = None
        self._second, self._sent = 0, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """A datagram has come."""
        target = searched(data)
        if not target or self._transport is None:
            return
        for answer in answers(self._device(), target, own_address(addr)):
            if self._may_send():
                self._transport.sendto(answer, addr)

    def _may_send(self) -> bool:
        second = int(self._clock())
        if second != self._second:
            self._second, self._sent = second, 0
        self._sent += 1
        return self._sent <= RATE


def own_address(peer: tuple[str, int]) -> str:
    """By which of our addresses ``peer`` reaches us; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(peer[:2])
        except OSError:
            return "0.0.0.0"  # noqa: S104  # says that there is no way; nobody can use it
        return str(probe.getsockname()[0])


class Ssdp:
    """Keeps the station visible at ``addresses()``; while there is none it is silent.

    ``port`` is another one in tests only.
    """

    def __init__(
        self, device: Callable[[], Device], addresses: Callable[[], tuple[str, ...]], port: int = PORT
    ) -> None:
        self.problem = ""
        self.news = asyncio.Event()
        self._device = device
        self._addresses = addresses
        self._port = port
        self._told: tuple[Device, tuple[str, ...]] | None = None
        self._told_s = 0.0
        self._transport: asyncio.DatagramTransport | None = None

    async def run(self) -> None:
        """Keep it so, for ever; says goodbye when it is cancelled."""
        try:
            await look_again(self.look, self.news)
        finally:
            self.close()

    async def look(self) -> None:
        """Listen where we are reached, and tell what is new, or what others forget after a while."""
        # Asking every adapter of the machine may take a while.
        wanted = (self._device(), await asyncio.to_thread(self._addresses))
        if wanted != self._told:
            self.close()
            if not wanted[1]:
                return
            try:
                await self._open(wanted[1])
            except OSError as error:
                self._fail(error.strerror or str(error))
                return
        elif time.monotonic() < self._told_s + MAX_AGE_S / 2:
            return
        self.problem = ""
        self._told, self._told_s = wanted, time.monotonic()
        self._tell(*wanted, alive=True)

    def close(self) -> None:
        """Say goodbye and listen no more."""
        if self._told is not None:
            self._tell(*self._told, alive=False)
        self._told = None
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    async def _open(self, addresses: tuple[str, ...]) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("", self._port))
            for address in addresses:
                member = struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton(address))
                listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: SsdpResponder(self._device), sock=listener
        )
        self._transport = transport

    def _tell(self, device: Device, addresses: tuple[str, ...], *, alive: bool) -> None:
        if self._transport is None:
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for address in addresses:
                try:
                    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
                    for message in advertisements(device, address, alive=alive):
                        sender.sendto(message, (GROUP, self._port))
                except OSError as error:
                    self._fail(error.strerror or str(error))

    def _fail(self, problem: str) -> None:
        if problem != self.problem:
            _log.warning("the station cannot be announced by UPnP: %s", problem)
        self.problem = problem
