"""Control's end of the exchange over a Unix socket that keeps datagrams apart (SOCK_SEQPACKET).

Services listen (in the station: on a socket that the supervisor holds, so that it outlives them), control connects.

| what happens                         | what control's end does                                                       |
|--------------------------------------|-------------------------------------------------------------------------------|
| nobody listens, backlog full         | tries again every 250 ms; durable events wait, others are bounded              |
| connected                            | ``Hello`` first, then every unacknowledged durable event again, then the news   |
| services slow, socket full           | keeps what the socket did not take; events before Snapshots                     |
| Snapshot offered                     | at most every 50 ms, only when something changed (or 1 s passed), and only when |
|                                      | nothing lies unread at the other side: a stalled reader finds one, not hundreds |
| services watch the wires             | frames at most every 100 ms, under the same condition; none wait for them      |
| message that cannot be understood    | counted, ignored                                                                |
| services gone                        | forgets the connection, tries again                                             |

Nothing here waits or raises: whatever the other side does, control goes on.
"""

from __future__ import annotations

import fcntl
import logging
import socket
import termios
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from evse.core.commands import Command
from evse.core.events import Event
from evse.core.units import MS, NEVER, SECOND
from evse.exchange.envelope import (
    MESSAGE_LIMIT_BYTES,
    Acknowledge,
    ExchangeError,
    FromControl,
    Hello,
    decode_from_services,
    encode_from_control,
)
from evse.exchange.outbox import Outbox
from evse.exchange.snapshot import ExchangeView, StationView
from evse.exchange.wires import WatchWires, WireSource
from evse.records import dataclass

_log = logging.getLogger(__name__)
RECONNECT_US: Final = 250 * MS
VIEW_INTERVAL_US: Final = 50 * MS
VIEW_REFRESH_US: Final = 1 * SECOND
WIRES_INTERVAL_US: Final = 100 * MS
SEND_AGAIN_US: Final = 20 * MS
TAKE_AT_ONCE: Final = 32
"""Messages taken per call; the rest waits in the socket, which is what holds services back."""
SEND_AT_ONCE: Final = 64

Connect = Callable[[], socket.socket]


@dataclass(slots=True)
class ChannelCounters:
    """What happened on the channel since control started."""

    connections: int = 0
    bad_messages: int = 0
    unsendable_events: int = 0
    views_sent: int = 0
    blocked_sends: int = 0


def connect_to(path: str) -> Connect:
    """A function that connects to the listening socket at ``path`` without waiting. It raises OSError."""

    def connect() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            connection.connect(path)
        except OSError:
            connection.close()
            raise
        return connection

    return connect


class ControlChannel:
    """A ``ControlEnd`` on a socket. ``service`` runs it: to be called after every step."""

    def __init__(self, boot_id: str, connect: Connect, wires: WireSource | None = None) -> None:
        """``wires``: shows frames to whoever watches; ``None``: there is nothing to watch."""
        self.outbox = Outbox(boot_id)
        self.counters = ChannelCounters()
        self._boot_id = boot_id
        self._connect = connect
        self._socket: socket.socket | None = None
        self._retry_us = -NEVER
        self._make: Callable[[], StationView] | None = None
        self._offered = False
        self._view_at_us = -NEVER
        self._last_view: StationView | None = None
        self._wires = wires
        self._wires_us = -NEVER

    @property
    def connected(self) -> bool:
        """Whether there is a connection (services may not have accepted it yet)."""
        return self._socket is not None

    def traffic(self) -> ExchangeView:
        """What the Snapshot says of this channel."""
        counters = self.counters
        return ExchangeView(
            events_dropped=self.outbox.volatile_dropped,
            unsendable_events=counters.unsendable_events,
            bad_messages=counters.bad_messages,
            connections=counters.connections,
        )

    def fileno(self) -> int:
        """File descriptor to wait on, -1 while not connected."""
        return -1 if self._socket is None else self._socket.fileno()

    # --- what the control cycle calls ----------------------------------------------------------------------------

    def take_commands(self, now_us: int) -> Sequence[Command]:
        """Commands that have arrived, validated, at most ``TAKE_AT_ONCE`` messages' worth."""
        commands: list[Command] = []
        for _ in range(TAKE_AT_ONCE):
            data = self._receive(now_us)
            if data is None:
                break
            try:
                message = decode_from_services(data)
            except ExchangeError as error:
                self.counters.bad_messages += 1
                _log.warning("exchange: message from services ignored: %s", error)
                continue
            if isinstance(message, Acknowledge):
                self.outbox.acknowledge(message)
            elif isinstance(message, WatchWires):
                if self._wires is not None:
                    self._wires.watch(message.duration_ms * MS, now_us)
            else:
                commands.append(message)
        return commands

    def report(self, events: Sequence[Event], now_us: int) -> None:
        """Queue events; ``service`` sends them."""
        for event in events:
            try:
                self.outbox.put(event, now_us)
            except ExchangeError as error:
                self.counters.unsendable_events += 1
                _log.error("exchange: event cannot be sent: %s", error)

    def offer_view(self, make: Callable[[], StationView], now_us: int) -> None:
        """Remember that there may be news; ``service`` calls ``make`` when the time for a Snapshot has come."""
        self._make = make
        self._offered = True

    # --- what the loop calls -------------------------------------------------------------------------------------

    def service(self, now_us: int) -> int:
        """Connect if need be and send what is due; return when to be called again at the latest."""
        if self._socket is None:
            if now_us < self._retry_us:
                return self._retry_us
            if not self._open(now_us):
                return self._retry_us
        events_us = self._send_events(now_us)
        if events_us != NEVER:
            return events_us
        return min(self._send_view(now_us), self._send_wires(now_us))

    def close(self) -> None:
        """Give the connection up; the next ``service`` makes a new one."""
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()

    # --- inside --------------------------------------------------------------------------------------------------

    def _open(self, now_us: int) -> bool:
        self._retry_us = now_us + RECONNECT_US
        try:
            self._socket = self._connect()
        except OSError:
            return False
        self.counters.connections += 1
        self.outbox.reconnected()
        self._last_view = None
        self._view_at_us = -NEVER
        if not self._send(Hello(self._boot_id, now_us), now_us):
            self._lose(now_us)
        return self._socket is not None

    def _send_events(self, now_us: int) -> int:
        for sent, envelope in enumerate(self.outbox.unsent()):
            if sent >= SEND_AT_ONCE:
                return now_us + MS
            if not self._send(envelope, now_us):
                return now_us + SEND_AGAIN_US if self._socket is not None else self._retry_us
            self.outbox.mark_sent(envelope)
        return NEVER

    def _send_view(self, now_us: int) -> int:
        if self._socket is None:
            return self._retry_us
        if self._make is None:
            return NEVER
        refresh_us = self._view_at_us + VIEW_REFRESH_US
        due_us = self._view_at_us + VIEW_INTERVAL_US if self._offered else refresh_us
        if now_us < due_us:
            return due_us
        if self._unread():
            return now_us + VIEW_INTERVAL_US
        view = replace(self._make(), exchange=self.traffic())
        self._offered = False
        if now_us < refresh_us and not self._differs(view):
            return refresh_us
        if not self._send(view, now_us):
            self._offered = True
            return now_us + VIEW_INTERVAL_US
        self.counters.views_sent += 1
        self._view_at_us, self._last_view = now_us, view
        return now_us + VIEW_REFRESH_US

    def _send_wires(self, now_us: int) -> int:
        """Frames for whoever watches. A message that the socket does not take is lost: nobody waits for frames."""
        if self._wires is None or not self._wires.watching(now_us):
            return NEVER
        due_us = self._wires_us + WIRES_INTERVAL_US
        if now_us < due_us:
            return due_us
        if self._unread():
            return now_us + SEND_AGAIN_US
        self._wires_us = now_us
        frames = self._wires.take(now_us)
        if frames is not None:
            self._send(frames, now_us)
        return now_us + WIRES_INTERVAL_US

    def _differs(self, view: StationView) -> bool:
        last = self._last_view
        return last is None or replace(last, mono_us=view.mono_us, latency=view.latency) != view

    def _unread(self) -> bool:
        """Whether something we sent lies unread at the other side."""
        if self._socket is None:
            return True
        answer = bytearray(4)
        try:
            fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, answer)
        except OSError:
            return False
        return any(answer)

    def _send(self, message: FromControl, now_us: int) -> bool:
        """Send one datagram; false when it was not taken."""
        if self._socket is None:
            return False
        try:
            data = encode_from_control(message)
        except ExchangeError as error:
            # Events were checked before they were queued; a Snapshot is replaced by the next one.
            self.counters.unsendable_events += 1
            _log.error("exchange: message cannot be sent: %s", error)
            return True
        try:
            self._socket.send(data)
        except BlockingIOError:
            self.counters.blocked_sends += 1
            return False
        except OSError:
            self._lose(now_us)
            return False
        return True

    def _receive(self, now_us: int) -> bytes | None:
        if self._socket is None:
            return None
        try:
            data = self._socket.recv(MESSAGE_LIMIT_BYTES + 1)
        except BlockingIOError:
            return None
        except OSError:
            data = b""
        if not data:
            self._lose(now_us)
            return None
        return data

    def _lose(self, now_us: int) -> None:
        self.close()
        self._retry_us = now_us + MS
