"""The exchange over a real socket pair of datagrams, without processes and without waiting."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.core.commands import Command, StopSession
from evse.core.events import Event, EvStateChanged, SessionOpened
from evse.core.units import MS, NEVER, SECOND
from evse.exchange.channel import (
    RECONNECT_US,
    SEND_AGAIN_US,
    TAKE_AT_ONCE,
    VIEW_INTERVAL_US,
    WIRES_INTERVAL_US,
    ControlChannel,
    connect_to,
)
from evse.exchange.envelope import (
    Acknowledge,
    Envelope,
    FromControl,
    Hello,
    decode_from_control,
    encode_from_services,
)
from evse.exchange.listening import listen_at
from evse.exchange.services_end import ServicesEnd, is_sibling
from evse.exchange.snapshot import ExchangeView, LatencyView, StationView
from evse.exchange.wires import WatchWires, WireFrame, WireFrames

VIEW = StationView("S1", "parking", "boot", 0, 1, "d", True, (), LatencyView())
OPENED = SessionOpened(1, "boot-1-1", "04A1B2C3", "badge")
MOVED = EvStateChanged(1, "A", "B")


class Peer:
    """Services' side as a plain socket; one per connection."""

    def __init__(self) -> None:
        self.refuse = False
        self.sockets: list[socket.socket] = []

    def connect(self) -> socket.socket:
        if self.refuse:
            raise ConnectionRefusedError
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        theirs.setblocking(False)
        self.sockets.append(theirs)
        return ours

    def read(self) -> list[FromControl]:
        found: list[FromControl] = []
        while True:
            try:
                data = self.sockets[-1].recv(70_000)
            except BlockingIOError:
                return found
            if not data:
                return found
            found.append(decode_from_control(data))

    def events(self) -> list[Event]:
        return [message.event for message in self.read() if isinstance(message, Envelope)]


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    for each in peer.sockets:
        each.close()


@pytest.fixture
def channel(peer: Peer) -> Iterator[ControlChannel]:
    channel = ControlChannel("boot", peer.connect)
    yield channel
    channel.close()


def test_hello_comes_first_then_what_waited(channel: ControlChannel, peer: Peer) -> None:
    channel.report([OPENED, MOVED], 5)
    channel.service(10)
    first, *rest = peer.read()
    assert first == Hello("boot", 10)
    assert [(message.seq, message.event) for message in rest if isinstance(message, Envelope)] == [
        (1, OPENED),
        (2, MOVED),
    ]


def test_without_services_it_tries_again_and_keeps_what_is_durable(channel: ControlChannel, peer: Peer) -> None:
    peer.refuse = True
    channel.report([OPENED], 0)
    assert channel.service(0) == RECONNECT_US
    peer.refuse = False
    assert channel.service(RECONNECT_US - 1) == RECONNECT_US
    assert channel.fileno() == -1
    channel.service(RECONNECT_US)
    assert peer.events() == [OPENED]


def test_durable_events_are_sent_again_on_the_next_connection_until_acknowledged(
    channel: ControlChannel, peer: Peer
) -> None:
    channel.report([OPENED, MOVED], 0)
    channel.service(0)
    assert peer.events() == [OPENED, MOVED]
    peer.sockets[-1].close()
    channel.take_commands(1 * MS)
    channel.service(RECONNECT_US)
    assert peer.events() == [OPENED]
    peer.sockets[-1].send(encode_from_services(Acknowledge("boot", 2)))
    assert channel.take_commands(RECONNECT_US) == []
    peer.sockets[-1].close()
    channel.take_commands(RECONNECT_US)
    channel.service(3 * RECONNECT_US)
    assert peer.events() == []
    assert channel.outbox.durable_waiting == 0


def test_commands_arrive_in_order_and_bad_messages_are_counted(channel: ControlChannel, peer: Peer) -> None:
    channel.service(0)
    stop = StopSession("c1", outlet=1)
    for data in (b"{", b'{"type":"Nothing","data":{}}', encode_from_services(stop), b"x" * 65_537):
        peer.sockets[-1].send(data)
    assert channel.take_commands(0) == [stop]
    assert channel.counters.bad_messages == 3
    assert channel.connected


def test_a_flood_of_commands_is_taken_in_bounded_portions(channel: ControlChannel, peer: Peer) -> None:
    channel.service(0)
    sent = [StopSession(f"c{number}", outlet=1) for number in range(TAKE_AT_ONCE + 3)]
    for command in sent:
        peer.sockets[-1].send(encode_from_services(command))
    first = channel.take_commands(0)
    assert first == sent[:TAKE_AT_ONCE]
    assert channel.take_commands(0) == sent[TAKE_AT_ONCE:]


@given(data=st.binary(min_size=1, max_size=300))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    peer = Peer()
    channel = ControlChannel("boot", peer.connect)
    channel.service(0)
    peer.sockets[-1].send(data)
    channel.take_commands(0)
    assert channel.connected
    channel.close()
    peer.sockets[-1].close()


def test_views_are_at_most_twenty_a_second_and_only_when_changed(channel: ControlChannel, peer: Peer) -> None:
    views = [VIEW]
    made = 0

    def make() -> StationView:
        nonlocal made
        made += 1
        return views[-1]

    sent: list[StationView] = []
    for now_us in range(0, SECOND, MS):
        views.append(replace(VIEW, mono_us=now_us, config_version=now_us))
        channel.offer_view(make, now_us)
        channel.service(now_us)
        sent += [message for message in peer.read() if isinstance(message, StationView)]
    assert len(sent) == SECOND // VIEW_INTERVAL_US
    assert made == len(sent)
    # Now only time and lateness change: refreshed once a second.
    still = views[-1]
    views.append(still)
    count = 0
    for now_us in range(SECOND, 3 * SECOND, MS):
        views[-1] = replace(still, mono_us=now_us, latency=LatencyView(now_us))
        channel.offer_view(make, now_us)
        channel.service(now_us)
        count += len(peer.read())
    assert 2 <= count <= 3


def test_a_reader_that_stalls_finds_one_view_and_every_event(channel: ControlChannel, peer: Peer) -> None:
    channel.service(0)
    peer.read()
    for number in range(100):
        now_us = number * VIEW_INTERVAL_US
        channel.offer_view(lambda now_us=now_us: replace(VIEW, config_version=now_us), now_us)  # type: ignore[misc]
        channel.service(now_us)
    channel.report([OPENED] * 20, 6 * SECOND)
    channel.service(6 * SECOND)
    found = peer.read()
    assert sum(isinstance(message, StationView) for message in found) == 1
    assert sum(isinstance(message, Envelope) for message in found) == 20
    # Read at last: the newest view comes.
    channel.service(7 * SECOND)
    newest = peer.read()
    assert [message.config_version for message in newest if isinstance(message, StationView)] == [99 * VIEW_INTERVAL_US]


def test_a_full_socket_loses_no_durable_event(channel: ControlChannel, peer: Peer) -> None:
    sent = [replace(OPENED, session_id=f"boot-1-{number}") for number in range(2_000)]
    channel.report(sent, 0)
    found: list[Event] = []
    for now_us in range(0, 60 * SECOND, 100 * MS):
        assert channel.service(now_us) > now_us
        if now_us % SECOND == 0:
            found += peer.events()
    assert channel.counters.blocked_sends > 0
    assert found == sent


def test_an_event_that_cannot_be_sent_is_counted_and_forgotten(channel: ControlChannel, peer: Peer) -> None:
    channel.report([replace(OPENED, session_id="\ud800"), MOVED], 0)
    channel.service(0)
    assert peer.events() == [MOVED]
    assert channel.counters.unsendable_events == 1


def test_quiet_channel_asks_for_nothing(channel: ControlChannel) -> None:
    channel.service(0)
    assert channel.service(MS) == NEVER


# --- services' end -----------------------------------------------------------------------------------------------


class Handler:
    def __init__(self) -> None:
        self.said: list[object] = []

    def hello(self, hello: Hello) -> None:
        self.said.append(hello)

    def envelope(self, envelope: Envelope) -> None:
        self.said.append(envelope.event)

    def view(self, view: StationView) -> None:
        self.said.append(view)

    def wires(self, frames: WireFrames) -> None:
        self.said.append(frames)

    def disconnected(self) -> None:
        self.said.append("gone")


Story = Callable[[ServicesEnd, Handler, Callable[[], ControlChannel]], Awaitable[None]]


def _play(path: Path, story: Story, allowed: Callable[[int], bool] = lambda pid: pid == os.getpid()) -> None:
    async def run() -> None:
        listener = listen_at(str(path / "x"))
        handler = Handler()
        end = ServicesEnd(listener, handler, allowed=allowed)
        channels: list[ControlChannel] = []

        def control() -> ControlChannel:
            channels.append(ControlChannel(f"boot{len(channels)}", connect_to(str(path / "x"))))
            channels[-1].service(0)
            return channels[-1]

        try:
            await story(end, handler, control)
        finally:
            end.close()
            listener.close()
            for each in channels:
                each.close()

    asyncio.run(run())


async def _settle(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # the story has no event to wait for
            await asyncio.sleep(0)


def test_both_ends_speak_and_a_new_control_replaces_the_old(tmp_path: Path) -> None:
    async def story(end: ServicesEnd, handler: Handler, control: Callable[[], ControlChannel]) -> None:
        first = control()
        first.report([OPENED], 0)
        first.offer_view(lambda: VIEW, 0)
        first.service(1)
        await _settle(lambda: len(handler.said) == 2)
        first.service(VIEW_INTERVAL_US)
        await _settle(lambda: len(handler.said) == 3)
        stamped = replace(VIEW, exchange=ExchangeView(connections=1))
        assert handler.said == [Hello("boot0", 0), OPENED, stamped]
        command: Command = StopSession("c1", outlet=1)
        assert end.send([command, Acknowledge("boot0", 1)])
        assert first.take_commands(0) == [command]
        assert first.outbox.durable_waiting == 0
        control()
        await _settle(lambda: len(handler.said) == 5)
        assert handler.said[3:] == ["gone", Hello("boot1", 0)]

    _play(tmp_path, story)


def test_a_stranger_is_turned_away_and_control_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    own = [True]

    async def story(end: ServicesEnd, handler: Handler, control: Callable[[], ControlChannel]) -> None:
        control()
        await _settle(lambda: end.connected)
        own[0] = False
        control()
        control()
        await _settle(lambda: end.strangers == 2)
        assert end.connected
        assert end.connections == 1
        assert handler.said == [Hello("boot0", 0)]
        assert caplog.text.count("is not control") == 1

    _play(tmp_path, story, lambda pid: own[0] and pid == os.getpid())


def test_only_children_of_our_parent_are_taken() -> None:
    # A name that looks like the end of the name's field, with another parent behind it.
    name = ") S 1 (x"
    program = f"open('/proc/self/comm','w').write({name!r}); print('ready', flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        assert is_sibling(os.getpid())
        assert not is_sibling(child.pid)
        assert not is_sibling(0)
        child.kill()
    assert not is_sibling(child.pid)


def test_without_control_nothing_is_sent_and_the_end_of_control_is_told(tmp_path: Path) -> None:
    async def story(end: ServicesEnd, handler: Handler, control: Callable[[], ControlChannel]) -> None:
        assert not end.send([Acknowledge("boot0", 1)])
        control().close()
        await _settle(lambda: handler.said == [Hello("boot0", 0), "gone"])
        assert not end.connected

    _play(tmp_path, story)


def test_what_comes_before_hello_or_is_nonsense_is_ignored_and_counted(tmp_path: Path) -> None:
    async def story(end: ServicesEnd, handler: Handler, control: Callable[[], ControlChannel]) -> None:
        stranger = connect_to(str(tmp_path / "x"))()
        for data in (b"nonsense", b'{"type":"StationView","data":{}}', b"\x00"):
            stranger.send(data)
        await _settle(lambda: end.bad_messages == 3)
        assert handler.said == []
        stranger.close()

    _play(tmp_path, story)


def test_a_control_that_takes_nothing_is_let_go_of(tmp_path: Path) -> None:
    async def story(end: ServicesEnd, handler: Handler, control: Callable[[], ControlChannel]) -> None:
        control()
        await _settle(lambda: end.connected)
        for number in range(5_000):
            if not end.send([StopSession(f"c{number}", outlet=1, reason="x" * 500)]):
                break
        assert not end.connected
        assert handler.said[-1] == "gone"

    _play(tmp_path, story)


# --- frames of the wires -----------------------------------------------------------------------------------------


class Wires:
    """A source with ``count`` frames waiting."""

    def __init__(self, count: int) -> None:
        self.frames = [WireFrame(at_us, "outlet-1/front-end", "sent", "a511") for at_us in range(count)]
        self.until_us = -1

    def watch(self, duration_us: int, now_us: int) -> None:
        self.until_us = now_us + duration_us

    def watching(self, now_us: int) -> bool:
        return now_us < self.until_us

    def take(self, now_us: int) -> WireFrames | None:
        taken, self.frames = tuple(self.frames[:2]), self.frames[2:]
        return WireFrames(taken, 3) if taken else None


def test_frames_are_sent_only_while_services_watch(peer: Peer) -> None:
    wires = Wires(5)
    channel = ControlChannel("boot", peer.connect, wires)
    assert channel.service(0) == NEVER
    peer.sockets[-1].send(encode_from_services(WatchWires(1_000)))
    assert channel.take_commands(10) == []
    assert wires.until_us == 10 + SECOND
    peer.read()
    assert channel.service(20) == 20 + WIRES_INTERVAL_US
    assert channel.service(30) == 20 + WIRES_INTERVAL_US
    assert [len(each.frames) for each in peer.read() if isinstance(each, WireFrames)] == [2]
    assert channel.service(2 * SECOND) == NEVER
    assert peer.read() == []
    channel.close()


def test_frames_wait_for_a_reader_that_stalls_and_come_after_events(peer: Peer) -> None:
    wires = Wires(1)
    channel = ControlChannel("boot", peer.connect, wires)
    wires.watch(SECOND, 0)
    channel.report([MOVED], 0)
    assert channel.service(0) == SEND_AGAIN_US
    assert len(wires.frames) == 1
    assert [type(each).__name__ for each in peer.read()] == ["Hello", "Envelope"]
    channel.service(SEND_AGAIN_US)
    assert [type(each).__name__ for each in peer.read()] == ["WireFrames"]
    channel.close()


def test_a_control_without_wires_ignores_the_wish(channel: ControlChannel, peer: Peer) -> None:
    channel.service(0)
    peer.sockets[-1].send(encode_from_services(WatchWires(1_000)))
    assert channel.take_commands(10) == []
    assert channel.counters.bad_messages == 0
