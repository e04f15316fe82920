"""The station inside the services process: what control says comes in here, what services and people want goes out.

Joins three parties: control (``evse.exchange.services_end``), the station's services (journal, authorisation) and the
web interface, whose ``StationSource`` this is. Everything runs on one event loop; nothing here waits.

- Latest Snapshot, ``None`` while control is not connected or has been silent for 3 s.
- A ring of the newest events; subscribers have bounded queues, a slow one loses events, never the newest Snapshot.
- A posted command is known by its id: posted twice it acts once, and both callers get the answer.
- ``done`` to a standing order is passed on when what control told before is durable. If that takes longer than the
  command is valid the answer is ``expired`` and says that the order is in force but not stored. Other answers never wait.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Final, Literal, Protocol

from evse.app.page.wire_log import WireLog
from evse.core.commands import STANDING_ORDERS, Command
from evse.core.config import StationConfig
from evse.core.events import CommandDone, Event
from evse.core.units import NEVER, SECOND
from evse.exchange.envelope import Envelope, FromServices, Hello
from evse.exchange.snapshot import StationView
from evse.exchange.wires import WireFrames
from evse.services.clock import ClockMapping
from evse.services.history import History
from evse.services.station_services import StationServices
from evse.web.ports import Condition, EventRecord, HistoryView, NotConnected, Outcome, Update

_log = logging.getLogger(__name__)
SILENCE_US: Final = 3 * SECOND
RING: Final = 2_000
QUEUE: Final = 500
POST_LIMIT: Final = 256
CLOCK_REFRESH_US: Final = 60 * SECOND
CONFIGURE_US: Final = 5 * SECOND
"""How long control may take to answer to a configuration."""
ANSWER_MARGIN_US: Final = SECOND // 2
NOT_STORED: Final = "obeyed, but not stored in time: a restart may forget it"


class Sender(Protocol):
    """The way to control."""

    def send(self, messages: Sequence[FromServices]) -> bool:
        """Send in order; false without connection."""
        ...


class _Subscriber:
    """What one subscription has not been given yet."""

    def __init__(self) -> None:
        self.events: deque[EventRecord] = deque(maxlen=QUEUE)
        self.news = asyncio.Event()


def monotonic_us() -> int:
    """The system's monotonic clock, which is control's too."""
    return time.monotonic_ns() // 1_000


class StationHub:
    """An ``ExchangeHandler``, a ``StationSource`` and a ``HistoryPort``. ``sender`` is set once the exchange exists;
    ``observer`` sees each event once; ``remembering``: what is wrong with settings, accounts and security log.
    """

    def __init__(
        self,
        services: StationServices,
        mapping: Callable[[str], ClockMapping],
        clock: Callable[[], int] = monotonic_us,
        observer: Callable[[Event], None] = lambda _event: None,
        remembering: Callable[[], str] = lambda: "",
    ) -> None:
        self.sender: Sender | None = None
        self._services = services
        self._mapping = mapping
        self._observer = observer
        self._remembering = remembering
        self._clock = clock
        self._view: StationView | None = None
        self._connected = False
        self._viewed_us = -NEVER
        self._heard_us = -NEVER
        self._boot_id = ""
        self._mapped_us = -NEVER
        self._ring: deque[EventRecord] = deque(maxlen=RING)
        self._last_seq = 0
        self._subscribers: list[_Subscriber] = []
        self._posted: dict[str, asyncio.Future[Outcome]] = {}
        self._standing: set[str] = set()
        self._held: deque[tuple[int, CommandDone]] = deque()
        self._history = History()
        self.wire_log = WireLog(self._send, clock)

    # --- from control --------------------------------------------------------------------------------------------

    def hello(self, hello: Hello) -> None:
        """A connection of control begins."""
        _log.info("control is here, boot %s", hello.boot_id)
        if hello.boot_id != self._boot_id:
            self._boot_id = hello.boot_id
            self._last_seq = 0
        self._connected, self._viewed_us = True, self._clock()
        self._refresh_clock(self._clock())
        self._send(self._services.start(self._clock(), hello.boot_id))
        self.flush()

    def envelope(self, envelope: Envelope) -> None:
        """One event: for the services, and for everybody who looks on."""
        self._heard_us = self._clock()
        self._services.handle(envelope, self._heard_us)
        self.flush()
        if envelope.seq <= self._last_seq:
            return
        self._last_seq = envelope.seq
        event = envelope.event
        self._observer(event)
        if isinstance(event, CommandDone):
            self._take_answer(envelope.seq, event)
        self._publish(EventRecord(envelope.seq, envelope.mono_us, event))

    def view(self, view: StationView) -> None:
        """The newest Snapshot."""
        self._heard_us = self._viewed_us = self._clock()
        self._view = view
        self._services.view(self._viewed_us, view)
        self._history.put(view)
        self._publish(None)

    def wires(self, frames: WireFrames) -> None:
        """Frames of the wires, while somebody watches."""
        self.wire_log.take(frames)

    def disconnected(self) -> None:
        """Control is gone."""
        _log.info("control is gone")
        self._connected = False
        self._view = None
        self._services.view(self._clock(), None)
        self._held.clear()
        self._publish(None)
        for future in self._posted.values():
            if not future.done():
                future.set_exception(NotConnected())

    # --- to control ----------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Send what the services have to say: commands first, then the acknowledgement that covers them."""
        self._send(self._services.take_commands())
        acknowledge = self._services.take_acknowledgement()
        if acknowledge is not None:
            self._send((acknowledge,))
        self._answer_held()

    def tick(self) -> float:
        """Do what is due by time alone; return seconds until the next call."""
        now_us = self._clock()
        wish_us = self._services.step(now_us)
        self.flush()
        self.wire_log.renew(now_us)
        if now_us >= self._mapped_us + CLOCK_REFRESH_US:
            self._refresh_clock(now_us)
        if self._view is not None and now_us > self._heard_us + SILENCE_US:
            self._view = None
            self._services.view(now_us, None)
            self._publish(None)
        return min(max(wish_us - now_us, 0) / SECOND, 0.5)

    def _send(self, messages: Sequence[FromServices]) -> bool:
        if not messages:
            return True
        return self.sender is not None and self.sender.send(messages)

    def clock_set(self) -> None:
        """The wall clock was set: map to it anew."""
        self._refresh_clock(self._clock())

    def _refresh_clock(self, now_us: int) -> None:
        self._mapped_us = now_us
        self._services.clock = self._mapping(self._boot_id)

    # --- StationSource -------------------------------------------------------------------------------------------

    def latest(self) -> StationView | None:
        """Newest view, ``None`` while control is not connected or silent."""
        return self._view

    def condition(self) -> Condition:
        """Whether control is here, how old its newest Snapshot is, and whether the journal works."""
        age_us = self._clock() - self._viewed_us if self._connected else None
        supervision = self._services.back_end.problem
        return Condition(self._connected, age_us, self._services.problem, supervision, self._remembering())

    async def subscribe(self) -> AsyncIterator[Update]:
        """Updates from now on."""
        subscriber = _Subscriber()
        self._subscribers.append(subscriber)
        try:
            while True:
                await subscriber.news.wait()
                subscriber.news.clear()
                events = tuple(subscriber.events)
                subscriber.events.clear()
                yield Update(self._view, events)
        finally:
            self._subscribers.remove(subscriber)

    def recent_events(self, limit: int, outlet: int | None = None) -> Sequence[EventRecord]:
        """The newest events, oldest first."""
        found = [record for record in self._ring if outlet is None or record.event.outlet == outlet]
        return found[-limit:] if limit > 0 else []

    def recent(self, minutes: int) -> HistoryView | None:
        """The last minutes, reduced to changes; ``None`` before the first Snapshot."""
        history = self._history
        if not history.boot_id:
            return None
        now_us = self._view.mono_us if self._view is not None else self._heard_us
        from_us = now_us - minutes * 60 * SECOND
        rows = {number: history.rows(number, from_us) for number in history.outlets()}
        return HistoryView(history.boot_id, history.since_us, now_us, rows)

    async def post(self, command: Command) -> Outcome:
        """Hand a command to control and wait for its acknowledgement. Raises NotConnected."""
        if self._view is None:
            raise NotConnected
        future = self._posted.get(command.command_id)
        if future is None:
            if len(self._posted) >= POST_LIMIT:
                return Outcome("refused", "too many commands wait for an answer")
            future = asyncio.get_running_loop().create_future()
            self._posted[command.command_id] = future
            if isinstance(command, STANDING_ORDERS):
                self._standing.add(command.command_id)
            if not self._send((command,)):
                del self._posted[command.command_id]
                self._standing.discard(command.command_id)
                raise NotConnected
        wait_us = min(max(command.expires_us - self._clock(), 0), 60 * SECOND) + ANSWER_MARGIN_US
        try:
            return await asyncio.wait_for(asyncio.shield(future), wait_us / SECOND)
        except TimeoutError:
            others = deque(each for each in self._held if each[1].command_id != command.command_id)
            obeyed, self._held = len(others) < len(self._held), others
            return Outcome("expired", NOT_STORED if obeyed else "control did not answer in time")
        finally:
            if future.done() or self._posted.get(command.command_id) is future:
                self._posted.pop(command.command_id, None)
                self._standing.discard(command.command_id)

    async def configure(self, config: StationConfig) -> Outcome:
        """Have control work by ``config``: wait for its answer. Raises NotConnected.

        After NotConnected it is sent as soon as control is there. After a refusal the one before is what control gets
        when it starts again.
        """
        before = self._services.wanted
        command = replace(self._services.adopt(config), expires_us=self._clock() + CONFIGURE_US)
        outcome = await self.post(command)
        if outcome.outcome == "refused" and self._services.wanted is config:
            self._services.wanted = before
        return outcome

    def _take_answer(self, seq: int, event: CommandDone) -> None:
        if event.outcome == "done" and event.command_id in self._standing:
            self._held.append((seq, event))
            self._answer_held()
        else:
            self._answer(event)

    def _answer_held(self) -> None:
        while self._held and self._services.orders_durable(self._held[0][0]):
            self._answer(self._held.popleft()[1])

    def _answer(self, event: CommandDone) -> None:
        future = self._posted.get(event.command_id)
        if future is not None and not future.done():
            future.set_result(Outcome(_outcome(event.outcome), event.reason))

    def _publish(self, record: EventRecord | None) -> None:
        if record is not None:
            self._ring.append(record)
        for subscriber in self._subscribers:
            if record is not None:
                subscriber.events.append(record)
            subscriber.news.set()


def _outcome(text: str) -> Literal["done", "refused", "expired"]:
    match text:
        case "done" | "refused" | "expired":
            return text
        case _:
            return "refused"
