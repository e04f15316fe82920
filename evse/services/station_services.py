"""The services of one station, without any input or output: events in, commands and acknowledgements out.

Rules:
- A connection begins with control's ``Hello``, given to ``start``. Sessions that another boot left open are closed
  with their last reading and the reason ``PowerLoss``; sessions of the announced boot run on, whether it is control
  that is new to us or we that are new to control. Only when that is durable, ``RestoreState`` goes to every outlet,
  so that what control works with includes all that came before.
- A configuration that control is to work by instead of its own (``adopt``) goes out before ``RestoreState``.
- What those sessions were goes with ``RestoreState``: by the settings they go on, after a delay (:mod:`evse.services.interrupted`).
- ``RestoreState`` may come again, with a new id when it says more than before; control takes from it only what it lacks.
- Standing orders are kept as told, each time all of an outlet (:mod:`evse.services.standing_orders`).
- An event's writes and its sequence number are one commit. A session's start is confirmed when its commit is durable.
- An event is acknowledged when its commit, and that of every event before it, is durable. The acknowledgement is
  handed out after the commands that belong to it, so that a break between the two loses neither.
- An event that comes again changes nothing; its answer is repeated under the same command id, on which control acts
  once.
- Events of a boot that did not say ``Hello`` are not taken and not acknowledged.
- What a back-end (:mod:`evse.services.back_end`) has to be told of a transaction is in the same commit as the event.

Nothing here raises for what events say or what the disk does; ``problem`` says what is wrong.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from evse.core.commands import Command, Configure, ConfirmRecord, RestoreState
from evse.core.config import OutletConfig, StationConfig
from evse.core.events import (
    AuthorisationRequested,
    CardsErased,
    CommandDone,
    EnergyCheckpoint,
    Event,
    FaultCleared,
    FaultRaised,
    MasterCardTaught,
    OrdersChanged,
    SessionClosed,
    SessionOpened,
    TransactionStarted,
)
from evse.core.orders import OrderKind, StandingOrder
from evse.core.panel import MASTER_CARD_MISSING
from evse.core.power_return import Interrupted
from evse.core.units import NEVER, SECOND
from evse.exchange.envelope import Acknowledge, Envelope
from evse.exchange.snapshot import StationView
from evse.services.authorisation import Policy
from evse.services.back_end import BackEnd
from evse.services.back_end_desk import BackEndDesk
from evse.services.badges.badge_list import BadgeList
from evse.services.badges.writes import FactoryBadges
from evse.services.card_desk import CardDesk
from evse.services.clock import ClockMapping, Instant
from evse.services.interrupted import interrupted_sessions
from evse.services.journal import (
    Checkpoint,
    ClearLatch,
    CloseInterrupted,
    Journal,
    JournalError,
    LatchFault,
    OpenSession,
    Sequence,
    SessionEnd,
    SessionStart,
    Transaction,
    Write,
)
from evse.services.standing_orders import StandingOrders
from evse.services.supervision import SupervisionAnswer, SupervisionPort

LATE_US: Final = 2 * SECOND
"""A back-end's answer about a card that takes longer is late: the user may begin meanwhile."""
RETRY_US: Final = 1 * SECOND
"""How long to wait before a journal that could not be read is asked again."""


def _nothing() -> None:
    return None


class StationServices:
    """What services do for one station.

    ``wake`` is called when there is something new to take. ``publish`` says whether new records are meant for
    publication. ``factory_badges``: the badge list of a station that has never had one. ``supervision``: who is asked
    about cards, where the policy says so. ``back_end``: who is told of transactions and gives orders.
    """

    def __init__(
        self,
        journal: Journal,
        policy: Policy,
        clock: ClockMapping,
        config: StationConfig,
        *,
        wake: Callable[[], None] = _nothing,
        publish: bool = False,
        factory_badges: BadgeList | None = None,
        supervision: SupervisionPort | None = None,
        back_end: BackEnd | None = None,
    ) -> None:
        self.back_end = BackEndDesk(journal, back_end, self._send, self.supervision_answer, wake)
        self.cards = CardDesk(journal, policy, [each.number for each in config.outlets], self._send, supervision)
        self.cards.late_us = LATE_US if back_end is not None else 0
        self.clock = clock
        self.foreign_events = 0
        self.repeated_events = 0
        self._journal = journal
        self._outlets: dict[int, OutletConfig] = {outlet.number: outlet for outlet in config.outlets}
        self._config = config
        self._interrupted_at: dict[int, Interrupted] = {}
        self.wanted: StationConfig | None = None
        """What control is to work by instead of the configuration it starts with."""
        self._wake = wake
        self.publish = publish
        self._factory = FactoryBadges(factory_badges.badges if factory_badges is not None else ())
        self._read_problem = ""
        self._boot_id = ""
        self._generation = 0
        self._handled = 0
        self._acknowledged = 0
        self._pending: deque[int] = deque()
        self._pending_orders: deque[int] = deque()
        self._orders = StandingOrders()
        self._clock_seen = clock
        self._commands: list[Command] = []
        self._opened: dict[tuple[int, str], Instant] = {}
        self._latched: set[tuple[int, str]] = set()
        self._waiting: list[tuple[Envelope, int]] = []
        self._ready = False
        self._closed_interrupted = False
        self._retry_us = NEVER
        self._started_us = 0

    @property
    def problem(self) -> str:
        """What keeps the services from doing their work at the moment; empty when nothing does."""
        return self._read_problem or self._journal.problem

    @property
    def ready(self) -> bool:
        """Whether the interrupted sessions are closed and the outlets have got their state."""
        return self._ready

    def start(self, now_us: int, boot_id: str) -> list[Command]:
        """Control said ``Hello`` with ``boot_id``. Returns the commands that can go out at once, often none yet."""
        self._waiting.clear()
        configured = [] if self.wanted is None else [self._configuration(boot_id, self.wanted)]
        if boot_id == self._boot_id and self._closed_interrupted:
            # The connection broke and came back, both sides lived on: say everything again that may be lost.
            self._acknowledged = 0
            self._commands += configured
            if self._ready:
                self._restore(now_us)
            self.cards.reconnected()
            return self.take_commands()
        self._boot_id = boot_id
        self._generation += 1
        self.cards.start(boot_id)
        self.back_end.start()
        self._started_us = now_us
        self._handled = 0
        self._acknowledged = 0
        self._pending.clear()
        self._pending_orders.clear()
        self._commands[:] = configured
        self._opened.clear()
        self._latched.clear()
        self._ready = False
        self._closed_interrupted = False
        self._retry_us = NEVER
        generation = self._generation
        self._interrupted_at = self._find_interrupted(boot_id)
        close = CloseInterrupted(boot_id, publish=self.publish, supervised=self.back_end.present)
        writes: list[Write] = [self._factory, close]
        self._journal.commit(writes, lambda: self._interrupted(generation))
        return self.take_commands()

    def _find_interrupted(self, boot_id: str) -> dict[int, Interrupted]:
        """Looked up before they are closed. While the journal cannot be read nothing goes on by itself."""
        try:
            return interrupted_sessions(self.wanted or self._config, boot_id, self._journal.open_sessions())
        except JournalError:
            return {}

    def adopt(self, config: StationConfig) -> Configure:
        """Have control work by ``config`` from now on: the command to send now.

        It is sent again at every start of control, before the state is restored: nothing charges by an older one.
        """
        self.wanted = config
        return self._configuration(self._boot_id, config)

    @staticmethod
    def _configuration(boot_id: str, config: StationConfig) -> Configure:
        return Configure(f"configure-{boot_id}-{config.version}-{config.digest[:16]}", config=config)

    def step(self, now_us: int) -> int:
        """Try again what could not be read; returns when to be called next, ``NEVER`` when nothing waits."""
        if self._ready and self.clock is not self._clock_seen:
            self._follow_clock(now_us)
        if self._closed_interrupted and now_us >= self._retry_us:
            self._restore(now_us)
        wish_us = NEVER
        if self._ready:
            wish_us = self.cards.step(now_us, self._utc_us(now_us))
            wish_us = min(wish_us, self.back_end.step(now_us, self.clock, self.orders_durable))
        return min(wish_us, self._retry_us) if self._closed_interrupted else NEVER

    def view(self, now_us: int, view: StationView | None) -> None:
        """The newest Snapshot, ``None`` while control does not answer."""
        self.back_end.view(now_us, view)

    def _follow_clock(self, now_us: int) -> None:
        """Somebody has said what time it is: the ends of standing orders may be known better."""
        undated = self._orders.undated(self._clock_seen)
        self._clock_seen = self.clock
        for write in self._orders.redated(self.clock):
            self._journal.commit([write], _nothing)
        if undated and not self._orders.undated(self.clock):
            self._restore(now_us)

    def handle(self, envelope: Envelope, now_us: int) -> None:
        """Take one event. Before the state is restored events wait inside, in order, unacknowledged."""
        if envelope.boot_id != self._boot_id:
            self.foreign_events += 1
        elif not self._ready:
            if envelope.event.durable:
                self._waiting.append((envelope, now_us))
        elif envelope.seq <= self._handled:
            self._repeat(envelope, now_us)
        else:
            self._handled = envelope.seq
            self._take(envelope, now_us)

    def orders_durable(self, before_seq: int) -> bool:
        """Whether every change of standing orders that control told before the event ``before_seq`` is durable."""
        waiting = any(isinstance(each.event, OrdersChanged) and each.seq < before_seq for each, _ in self._waiting)
        return not waiting and (not self._pending_orders or self._pending_orders[0] > before_seq)

    def take_commands(self) -> list[Command]:
        """The commands to send now, in order; each is handed out once."""
        commands, self._commands = self._commands, []
        return commands

    def _send(self, command: Command) -> None:
        self._commands.append(command)
        self._wake()

    def take_acknowledgement(self) -> Acknowledge | None:
        """The acknowledgement to send now, after the commands; ``None`` when there is nothing new to say."""
        if self._commands or not self._ready:
            return None
        held = [seq for seq in (self.cards.held_seq, self._pending[0] if self._pending else None) if seq is not None]
        up_to_seq = min(held) - 1 if held else self._handled
        if up_to_seq <= self._acknowledged:
            return None
        self._acknowledged = up_to_seq
        return Acknowledge(self._boot_id, up_to_seq)

    def _interrupted(self, generation: int) -> None:
        """The interrupted sessions are closed, and so is every commit from before."""
        if generation == self._generation:
            self._closed_interrupted = True
            self._restore(None)

    def _restore(self, now_us: int | None) -> None:
        """Read what outlives a restart and tell every outlet."""
        try:
            if not self._ready:
                self.cards.load()
                self._orders.load(self._journal, (0, *self._outlets))
                self._clock_seen = self.clock
            state = "undated" if self._orders.undated(self.clock) else "restore"
            commands = [
                RestoreState(
                    command_id=f"{state}-{self._boot_id}-{number}",
                    outlet=number,
                    latched=self._journal.latched_faults(number),
                    register_wh=self._journal.register_wh(number),
                    orders=self._orders.resumed(number, self.clock),
                    station_orders=self._orders.resumed(0, self.clock),
                    interrupted=self._interrupted_at.get(number),
                )
                for number in self._outlets
            ]
            sessions = self._journal.open_sessions()
            last_sequence = self._journal.last_sequence(self._boot_id)
            if not self._ready:
                users = {session.session_id: session.uid for session in sessions}
                self.back_end.load(self._started_us if now_us is None else now_us, self._boot_id, users)
        except JournalError as error:
            self._read_problem = str(error)
            self._retry_us = 0 if now_us is None else now_us + RETRY_US
            self._wake()
            return
        self._read_problem = ""
        self._retry_us = NEVER
        self._commands += commands
        self._remember(commands, sessions)
        self._handled = max(self._handled, last_sequence)
        self._ready = True
        waiting, self._waiting = self._waiting, []
        for envelope, at_us in waiting:
            self.handle(envelope, at_us)
        self._wake()

    def _remember(self, commands: list[RestoreState], sessions: tuple[OpenSession, ...]) -> None:
        self._latched |= {(command.outlet, fault) for command in commands for fault in command.latched}
        self._note_erased()
        for command in commands:
            self._note_booking(command.outlet, command.orders)
        for session in sessions:
            self._opened.setdefault((session.outlet, session.session_id), session.opened)
            self.cards.users[session.outlet] = session.uid

    def _take(self, envelope: Envelope, now_us: int) -> None:
        """A new event: store what it makes durable, answer what it asks."""
        event = envelope.event
        at = self._instant(envelope)
        writes = [*self._writes(event, at), *self.back_end.writes(event, at)]
        if writes or isinstance(event, CardsErased | MasterCardTaught):
            self._pending.append(envelope.seq)
            if isinstance(event, OrdersChanged):
                self._pending_orders.append(envelope.seq)
            generation = self._generation
            self._journal.commit(
                [*writes, Sequence(self._boot_id, envelope.seq)], lambda: self._durable(generation, event)
            )
        elif isinstance(event, AuthorisationRequested):
            self._authorise(event, envelope, now_us)
        elif isinstance(event, CommandDone):
            self.back_end.answer(envelope.seq, event)
        self._wake()

    def _repeat(self, envelope: Envelope, now_us: int) -> None:
        """An event that is known: its effect is there or under way, its answer may be lost."""
        self.repeated_events += 1
        event = envelope.event
        if isinstance(event, AuthorisationRequested):
            self._authorise(event, envelope, now_us)
        elif isinstance(event, SessionOpened) and envelope.seq not in self._pending:
            self._confirm(event)
        self._wake()

    def _durable(self, generation: int, event: Event) -> None:
        """The oldest pending commit is durable; commits of an earlier boot concern nobody any more."""
        if isinstance(event, CardsErased | MasterCardTaught):
            self.cards.book.settle()
        if generation != self._generation:
            return
        seq = self._pending.popleft()
        if self._pending_orders and self._pending_orders[0] == seq:
            self._pending_orders.popleft()
        if isinstance(event, SessionOpened):
            self._confirm(event)
        self.back_end.durable()
        self._wake()

    def _writes(self, event: Event, at: Instant) -> list[Write]:
        """What an event makes durable."""
        match event:
            case SessionOpened():
                return [self._session_start(event, at)]
            case TransactionStarted():
                return [Transaction(event.outlet, event.session_id, at, event.register_wh)]
            case EnergyCheckpoint():
                return [
                    Checkpoint(
                        event.outlet, event.session_id, at, event.energy_wh, event.register_wh, event.charge_type
                    )
                ]
            case SessionClosed():
                return [self._session_end(event, at)]
            case OrdersChanged():
                self._note_booking(event.outlet, event.orders)
                return [self._orders.keep(event.outlet, event.orders, self.clock)]
            case CardsErased():
                return [*self.cards.book.plan(lambda _all: BadgeList())]
            case MasterCardTaught(uid=uid):
                return [*self.cards.book.plan(lambda badges: badges.with_admin(uid))]
            case FaultRaised(latched=True):
                keys = [(number, event.fault) for number in self._numbers(event.outlet)]
                self._latched.update(keys)
                self._note_erased()
                return [LatchFault(number, fault, event.reaction, at) for number, fault in keys]
            case FaultCleared():
                keys = [(number, event.fault) for number in self._numbers(event.outlet)]
                known = [key for key in keys if key in self._latched]
                self._latched.difference_update(known)
                self._note_erased()
                return [ClearLatch(number, fault) for number, fault in known]
            case _:
                return []

    def _note_erased(self) -> None:
        self.cards.erased = any(fault == MASTER_CARD_MISSING for _outlet, fault in self._latched)

    def _note_booking(self, outlet: int, orders: tuple[StandingOrder, ...]) -> None:
        self.cards.booked[outlet] = next((order.uid for order in orders if order.kind is OrderKind.BOOKED), "")

    def _numbers(self, outlet: int) -> tuple[int, ...]:
        """The outlets that an event is for: outlet 0 is the station, hence all of them."""
        return (outlet,) if outlet else tuple(self._outlets)

    def _session_start(self, event: SessionOpened, at: Instant) -> SessionStart:
        self._opened[event.outlet, event.session_id] = at
        self.cards.users[event.outlet] = event.uid
        return SessionStart(
            outlet=event.outlet,
            session_id=event.session_id,
            uid=event.uid,
            authorised_by=event.authorised_by,
            opened=at,
            socket=self._socket(event.outlet),
            comment=self.cards.comment(event.uid),
        )

    def _session_end(self, event: SessionClosed, at: Instant) -> SessionEnd:
        opened = self._opened.pop((event.outlet, event.session_id), None)
        if opened is not None and opened.utc_us is None:
            # The clock was set during the session: the same mapping now tells when it began.
            opened = self.clock.instant(opened.boot_id, opened.mono_us)
        return SessionEnd(
            outlet=event.outlet,
            session_id=event.session_id,
            at=at,
            reason=event.reason,
            energy_wh=event.energy_wh,
            register_wh=event.register_wh,
            charge_type=event.charge_type,
            duration_us=event.duration_us,
            opened=opened,
            socket=self._socket(event.outlet),
            publish=self.publish,
        )

    def _confirm(self, event: SessionOpened) -> None:
        self._commands.append(
            ConfirmRecord(
                command_id=f"confirm-{event.outlet}-{event.session_id}",
                outlet=event.outlet,
                session_id=event.session_id,
            )
        )

    def _authorise(self, event: AuthorisationRequested, envelope: Envelope, now_us: int) -> None:
        self.cards.request(event, envelope.seq, envelope.mono_us, now_us, self._utc_us(now_us))

    def supervision_answer(self, ask_id: str, answer: SupervisionAnswer) -> None:
        """The supervision has answered a question; late, double and unknown answers are allowed."""
        self.cards.answered(ask_id, answer)
        self._wake()

    def _utc_us(self, now_us: int) -> int | None:
        return self.clock.instant(self._boot_id, now_us).utc_us

    def _instant(self, envelope: Envelope) -> Instant:
        return self.clock.instant(envelope.boot_id, envelope.mono_us)

    def _socket(self, outlet: int) -> str:
        config = self._outlets.get(outlet)
        return config.socket.value if config is not None else ""
