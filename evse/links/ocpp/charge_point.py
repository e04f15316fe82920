"""The charge point of OCPP 1.6 JSON, without any input or output: texts, events and Snapshots in; texts, commands, writes out.

Time is an argument. The owner calls ``step`` after every input and when it asked for it, and does what the ``Output`` says:
sends the texts in order, posts the commands, commits the writes together, opens or closes the socket. When a commit that
may have queued messages is durable, it hands them back by ``take_messages``; only then are they sent.

What must not be lost is in the journal, in the same commit as the session's own facts: see :mod:`evse.links.ocpp.transactions`.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from evse.core.commands import Command
from evse.core.events import (
    CommandDone,
    Event,
    SessionClosed,
    SessionOpened,
    TransactionStarted,
)
from evse.core.units import NEVER, SECOND
from evse.exchange.snapshot import StationView
from evse.links.ocpp.authorising import info_of, transaction_judged, transaction_over
from evse.links.ocpp.certificates import CertificateStore
from evse.links.ocpp.context import VIEW_GRACE_US, Context, Outcome, Running
from evse.links.ocpp.file_work import End, Job
from evse.links.ocpp.frame import BadFrame, Call, CallError, CallResult, ErrorCode, encode, parse
from evse.links.ocpp.handlers import HANDLERS, PENDING_REFUSED
from evse.links.ocpp.id_tags import IdCache, LocalList
from evse.links.ocpp.keys import Keys
from evse.links.ocpp.link import Backoff, LinkState, LinkWish
from evse.links.ocpp.outbox import Change, Dropped, Kept, Kind, Outbox, Queued, RetryPolicy
from evse.links.ocpp.profile_core import connection_timeouts
from evse.links.ocpp.profile_lists import expire_reservations, restored_reservations, used_by
from evse.links.ocpp.profile_smart import keep_profiles, limits_due, restored_profiles, transaction_began
from evse.links.ocpp.reporting import MeterReports, heartbeat, statuses_due, take_time
from evse.links.ocpp.requests import Answer
from evse.links.ocpp.schemas import PayloadError, check
from evse.links.ocpp.settings import StationIdentity, SupervisionSettings, station_keys
from evse.links.ocpp.stamps import filled, instants_in, offsets
from evse.links.ocpp.transactions import id_tag, queued
from evse.services.clock import ClockMapping, ClockQuality, Instant
from evse.services.journal import AssignTransaction, DropMessages, MessageKind, QueueMessage, Write
from evse.services.supervision import SupervisionAnswer

_log = logging.getLogger(__name__)
SILENT_REQUESTS: Final = 2
"""So many requests in a row without an answer: the connection is dead."""
BAD_FRAMES: Final = 20
"""So many texts of one connection that are no frames: it is closed."""
RESTART_US: Final = 3 * SECOND
"""After a reset the station connects again so soon."""
ANSWERS_KEPT: Final = 32
_BUCKET: Final = 60
"""Requests of the central system that are served at once; then ten a second."""
_REFILL_US: Final = SECOND // 10


class Output(NamedTuple):
    """What is to be done after a step."""

    texts: tuple[str, ...]
    commands: tuple[Command, ...]
    answers: tuple[tuple[str, SupervisionAnswer], ...]
    """About cards; they count after the commands."""
    writes: tuple[Write, ...]
    jobs: tuple[Job, ...]
    """Files to fetch or bring; their ends are told by ``job_ended``."""
    wish: LinkWish
    restart: str
    """`Soft` or `Hard`: the station is to be restarted now; empty else."""
    wake_us: int


class ChargePoint:
    """State of one charge point. ``share`` gives a random number from 0 to 1 for each wait between attempts."""

    def __init__(
        self, settings: SupervisionSettings, identity: StationIdentity, token: str, share: Callable[[], float]
    ) -> None:
        self.context = Context(settings, identity, token)
        self.last_number = 0
        """Of the messages taken from the journal."""
        self.bad_frames = 0
        self.answers_to_nothing = 0
        self._share = share
        self._meter = MeterReports(tuple(identity.outlets))
        self._users: dict[str, str] = {}
        self._texts: list[str] = []
        self._answered: OrderedDict[str, tuple[Call, str | None]] = OrderedDict()
        self._bucket, self._filled_us = _BUCKET, 0
        self._bad_here = 0
        self._loaded = self._anew = False
        self.context.report_all()

    # --- what outlives a restart --------------------------------------------------------------------------------

    def load(
        self,
        documents: Mapping[str, str],
        messages: Iterable[tuple[int, QueueMessage]],
        transaction_ids: Mapping[str, int],
    ) -> None:
        """Continue with what the journal holds. Only the first call has an effect."""
        if self._loaded:
            return
        self._loaded = True
        context, settings = self.context, self.context.settings
        stored = json.loads(documents.get("keys") or "{}")
        context.keys = Keys(station_keys(settings, context.identity), stored)
        context.cache = IdCache(documents.get("cache", ""))
        context.local_list = LocalList(documents.get("local list", ""))
        context.profiles = restored_profiles(documents.get("profiles", ""), context.profiles)
        context.certificates = CertificateStore(documents.get("certificates", ""))
        context.reservations = restored_reservations(documents.get("reservations", ""))
        for connector in context.identity.outlets:
            running = _running_from(documents.get(_running_name(connector), ""))
            if running is not None:
                context.running[connector] = running
        waiting = [self._queued(number, message) for number, message in messages]
        context.outbox = Outbox(waiting, transaction_ids)
        if context.outbox.stale is not None:
            self._change(context.outbox.stale)

    @property
    def loaded(self) -> bool:
        """Whether the journal's part is known; before that nothing is sent."""
        return self._loaded

    def booted(self, now_us: int, boot_id: str, open_sessions: Mapping[str, str]) -> None:
        """Control began with ``boot_id``; ``open_sessions``: users by session, after the interrupted ones were closed."""
        context = self.context
        again = context.boot_id not in ("", boot_id)
        context.boot_id = boot_id
        self._users.update(open_sessions)
        for connector, running in list(context.running.items()):
            if running.session_id not in open_sessions:
                self._forget_transaction(now_us, connector)
        if again:
            context.marks.told_limits.clear()
            if context.link.state in (LinkState.ACCEPTED, LinkState.PENDING, LinkState.REJECTED):
                context.link.boot_again(now_us)

    def take_messages(self, messages: Iterable[tuple[int, QueueMessage]]) -> None:
        """These messages are durable and may be sent."""
        for number, message in messages:
            if number <= self.last_number:
                continue
            dropped = self.context.outbox.put(self._queued(number, message))
            if dropped is not None:
                self._change(dropped)

    def _queued(self, number: int, message: QueueMessage) -> Queued:
        self.last_number = max(self.last_number, number)
        settings = self.context.settings
        return queued(number, message, settings.default_id_tag, self.context.identity.serial)

    # --- the station --------------------------------------------------------------------------------------------

    def view(self, now_us: int, view: StationView | None) -> None:
        """The newest Snapshot; ``None``: control does not answer. For a short while the last one counts then."""
        context = self.context
        if view is not None:
            context.view, context.view_ends_us = view, NEVER
        elif context.view_ends_us == NEVER:
            context.view_ends_us = now_us + VIEW_GRACE_US

    def writes(self, event: Event, at: Instant) -> list[Write]:
        """What has to be committed together with what the event makes durable."""
        match event:
            case SessionOpened():
                self._users[event.session_id] = event.uid
            case TransactionStarted():
                return self._begin(event, at)
            case SessionClosed():
                return self._end(event, at)
        return []

    def event(self, now_us: int, event: Event) -> None:
        """Control has answered a command."""
        self.context.now_us = now_us
        if isinstance(event, CommandDone):
            self.context.command_done(now_us, event.command_id, Outcome(event.outcome, event.reason))

    def _begin(self, event: TransactionStarted, at: Instant) -> list[Write]:
        context, connector = self.context, event.outlet
        uid = self._users.get(event.session_id, "")
        tag = id_tag(uid, context.settings.default_id_tag, context.identity.serial)
        info = context.known_tag(tag, at.mono_us)
        reservation = used_by(context, connector, tag, info.parent if info is not None else "")
        running = Running(event.session_id, tag, at, event.register_wh, reservation)
        context.running[connector] = running
        self._meter.began(context, at.mono_us, connector, event.register_wh)
        context.keep(_running_name(connector), _running_text(running))
        transaction_began(context, at.mono_us, connector)
        extra = "" if reservation is None else json.dumps({"reservationId": reservation})
        start = QueueMessage(connector, event.session_id, MessageKind.START, at, event.register_wh, tag, values=extra)
        return [start, *self._take_writes()]

    def _end(self, event: SessionClosed, at: Instant) -> list[Write]:
        context, connector = self.context, event.outlet
        self._users.pop(event.session_id, None)
        context.marks.pending_profiles.pop(connector, None)
        transaction_over(context, at.mono_us, connector)
        running = context.running.get(connector)
        if running is None or running.session_id != event.session_id:
            return []
        values = self._meter.ended(context, at.mono_us, connector)
        self._forget_transaction(at.mono_us, connector)
        kind = MessageKind.STOP
        stop = QueueMessage(connector, event.session_id, kind, at, event.register_wh, running.tag, event.reason, values)
        return [stop, *self._take_writes()]

    def _forget_transaction(self, _now_us: int, connector: int) -> None:
        context = self.context
        context.running.pop(connector, None)
        context.keep(_running_name(connector), "")
        if context.profiles.transaction_ended(connector):
            keep_profiles(context)

    def _take_writes(self) -> list[Write]:
        writes, self.context.writes = self.context.writes, []
        return writes

    # --- the socket ---------------------------------------------------------------------------------------------

    def job_ended(self, now_us: int, number: int, end: End) -> None:
        """A job has ended."""
        self.context.now_us = now_us
        self.context.files.ended(now_us, number, end)

    def switch(self, now_us: int, *, on: bool) -> None:
        """Whether the station is supervised."""
        self.context.link.switch(now_us, on=on)

    def opened(self, now_us: int) -> None:
        """The socket is open."""
        context = self.context
        context.connection += 1
        self._answered.clear()
        self._bad_here = 0
        self._texts.clear()
        context.requests.lost()
        context.link.opened(now_us)

    def closed(self, now_us: int) -> None:
        """The socket is closed, or could not be opened."""
        context = self.context
        context.now_us = now_us
        context.connection += 1
        self._texts.clear()
        context.link.closed(now_us, Backoff(context.settings.retry_interval_us, self._share()))
        if self._anew:
            self._anew = False
            context.link.hurry(now_us + RESTART_US)
        context.requests.lost()
        context.outbox.lost()

    def received(self, now_us: int, text: str) -> None:
        """A text of the central system. Whatever it is, it raises nothing."""
        context = self.context
        context.now_us = now_us
        if context.link.state not in (LinkState.BOOTING, LinkState.PENDING, LinkState.REJECTED, LinkState.ACCEPTED):
            return
        try:
            frame = parse(text)
        except BadFrame as error:
            self._bad_frame(error)
            return
        if isinstance(frame, Call):
            self._serve(now_us, frame)
        elif context.requests.take(frame):
            context.link.heard(now_us)
        else:
            self.answers_to_nothing += 1

    def _bad_frame(self, error: BadFrame) -> None:
        self.bad_frames += 1
        self._bad_here += 1
        _log.warning("the central system sent what is no frame: %s", error)
        if error.answer is not None:
            self._texts.append(encode(error.answer))
        if self._bad_here >= BAD_FRAMES:
            self.context.link.drop()

    def _serve(self, now_us: int, call: Call) -> None:
        context = self.context
        known = self._answered.get(call.unique_id)
        if known is not None and known[0] == call:
            # Sent twice: answered twice, done once.
            if known[1] is not None:
                self._texts.append(known[1])
            return
        if not context.link.may_answer:
            if context.link.state is LinkState.BOOTING:
                self._answer(call, CallError(call.unique_id, ErrorCode.GENERIC_ERROR, "the station is not registered"))
            return
        refusal = self._refusal(now_us, call)
        if refusal is not None:
            self._answer(call, refusal)
            return
        connection = context.connection
        self._remember(call, None)

        def reply(payload: Mapping[str, Any]) -> None:
            if context.connection == connection:
                self._answer(call, CallResult(call.unique_id, payload))

        if context.link.state is LinkState.PENDING and call.action in PENDING_REFUSED:
            reply({"status": "Rejected"})
            return
        try:
            HANDLERS[call.action](context, now_us, call.payload, reply)
        except Exception:
            _log.exception("%s could not be handled", call.action)
            self._answer(call, CallError(call.unique_id, ErrorCode.INTERNAL_ERROR, "the station failed to handle this"))

    def _refusal(self, now_us: int, call: Call) -> CallError | None:
        """What keeps a request from being handled at all."""
        self._bucket = min(_BUCKET, self._bucket + (now_us - self._filled_us) // _REFILL_US)
        self._filled_us += (now_us - self._filled_us) // _REFILL_US * _REFILL_US
        if self._bucket <= 0:
            return CallError(call.unique_id, ErrorCode.GENERIC_ERROR, "too many requests: wait a while")
        self._bucket -= 1
        try:
            check(call.action, call.payload)
        except PayloadError as error:
            return CallError(call.unique_id, error.code, str(error))
        if call.action not in HANDLERS:
            return CallError(call.unique_id, ErrorCode.NOT_SUPPORTED, f"{call.action} is not for stations")
        return None

    def _answer(self, call: Call, frame: CallResult | CallError) -> None:
        text = encode(frame)
        self._remember(call, text)
        self._texts.append(text)

    def _remember(self, call: Call, text: str | None) -> None:
        self._answered[call.unique_id] = (call, text)
        self._answered.move_to_end(call.unique_id)
        while len(self._answered) > ANSWERS_KEPT:
            self._answered.popitem(last=False)

    # --- one step -----------------------------------------------------------------------------------------------

    def step(self, now_us: int) -> Output:
        """Do what is due at ``now_us``."""
        context, link = self.context, self.context.link
        context.now_us = now_us
        if now_us >= context.view_ends_us:
            context.view, context.view_ends_us = None, NEVER
        if context.requests.expire(now_us) and context.requests.timeouts >= SILENT_REQUESTS:
            _log.warning("%d requests without an answer: the connection is given up", context.requests.timeouts)
            link.drop()
        context.report_all()
        wake_us = context.pass_time(now_us)
        if self._loaded:
            if link.boot_due(now_us):
                context.requests.ask(
                    "BootNotification", context.identity.boot_payload(), self._boot_answered, first=True
                )
            if link.may_ask:
                context.tell_security_events()
                wake_us = min(wake_us, statuses_due(context, now_us))
            if link.heartbeat_due(now_us):
                heartbeat(context)
            wake_us = min(wake_us, self._meter.due(context, now_us), limits_due(context, now_us))
            wake_us = min(wake_us, expire_reservations(context, now_us), connection_timeouts(context, now_us))
            self._send(now_us)
        return self._output(now_us, wake_us)

    def _wake_us(self, now_us: int) -> int:
        """When connection, answers, outbox and Snapshot need a look."""
        context, link = self.context, self.context.link
        outbox_us = context.outbox.wake_us(now_us) if link.may_ask and context.requests.free else NEVER
        return min(link.wake_us(), context.requests.wake_us(), outbox_us, context.view_ends_us)

    def _output(self, now_us: int, wake_us: int) -> Output:
        context = self.context
        texts, self._texts = tuple(self._texts), []
        commands, context.commands = tuple(context.commands), []
        restart, context.restart = context.restart, ""
        if restart:
            # What waited for the next start counts from now on.
            context.keys = Keys(station_keys(context.settings, context.identity), context.keys.changed)
            context.link.drop()
            self._anew = True
        wish = context.link.wish(now_us)
        wake_us = min(wake_us, self._wake_us(now_us))
        answers, context.card_answers = tuple(context.card_answers), []
        job = context.files.next(now_us)
        if job is not None:
            # What it begins with is told at once.
            wake_us = now_us
        wake_us = min(wake_us, context.files.wake_us())
        jobs = () if job is None else (job,)
        return Output(texts, commands, answers, tuple(self._take_writes()), jobs, wish, restart, wake_us)

    def _send(self, now_us: int) -> None:
        """Send one request, if none is in flight: what waits for this connection, else the next transaction message."""
        context = self.context
        if context.link.state in (LinkState.OFF, LinkState.WAITING, LinkState.CONNECTING):
            return
        timeout_us = context.settings.message_timeout_us
        call = context.requests.next(now_us, timeout_us)
        if call is None and context.requests.free and context.link.may_ask:
            found = context.outbox.next(now_us)
            message = context.outbox.in_flight
            if found is not None and message is not None:
                call = Call(found[0], message.kind.value, self._stamped(now_us, found[1]))
                context.requests.sent(now_us, call, self._message_answered(message), timeout_us)
        if call is not None:
            self._texts.append(encode(call))

    def _stamped(self, now_us: int, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        context = self.context
        instants = [each for message in context.outbox.waiting for each in instants_in(message.payload)]
        began_us = context.view.started_us if context.view is not None else now_us
        began_utc_us = context.utc_us(began_us)
        known = offsets(instants, context.clock, context.utc_us(now_us) or 0 if began_utc_us is None else began_utc_us)
        result: Mapping[str, Any] = filled(payload, known)
        return result

    # --- answers ------------------------------------------------------------------------------------------------

    def _boot_answered(self, answer: Answer) -> None:
        context = self.context
        link = context.link
        if link.state not in (LinkState.BOOTING, LinkState.PENDING, LinkState.REJECTED):
            return
        if answer.payload is None:
            link.boot_failed(context.now_us)
            return
        link.boot_answered(context.now_us, answer.payload["status"], answer.payload["interval"])
        take_time(context, answer)
        if link.may_ask:
            for teller in context.tellers.values():
                teller.forget()

    def _message_answered(self, message: Queued) -> Callable[[Answer], None]:
        def answered(answer: Answer) -> None:
            context = self.context
            if answer.payload is not None:
                self._delivered(message, answer)
            elif answer.refused:
                policy = RetryPolicy(
                    context.keys.integer("TransactionMessageAttempts"),
                    context.keys.integer("TransactionMessageRetryInterval") * SECOND,
                )
                self._changed(context.outbox.failed(context.now_us, policy), message)
            else:
                context.outbox.lost()

        return answered

    def _delivered(self, message: Queued, answer: Answer) -> None:
        context = self.context
        payload = answer.payload or {}
        self._changed(context.outbox.answered(payload), message)
        info = info_of(answer)
        if info is None:
            return
        tag = message.payload.get("idTag", "")
        if message.kind is Kind.START:
            transaction_judged(context, context.now_us, message.session_id, tag, info)
        else:
            context.learn_tag(tag, info)

    def _changed(self, changes: Iterable[Change], message: Queued) -> None:
        for change in changes:
            self._change(change, message.session_id if message.kind is Kind.STOP else "")

    def _change(self, change: Change, ended: str = "") -> None:
        match change:
            case Kept(number, session_id, transaction_id):
                self.context.writes.append(AssignTransaction(number, session_id, transaction_id))
            case Dropped(numbers):
                self.context.writes.append(DropMessages(numbers, ended))

    # --- clock --------------------------------------------------------------------------------------------------

    @property
    def clock(self) -> ClockMapping:
        """What time it is for the station, by its own clock or the central system's."""
        return self.context.clock

    @clock.setter
    def clock(self, mapping: ClockMapping) -> None:
        self.context.clock = mapping


def _running_name(connector: int) -> str:
    return f"transaction {connector}"


def _running_text(running: Running) -> str:
    at = running.began
    return json.dumps(
        [
            *(running.session_id, running.tag, at.boot_id, at.mono_us, at.utc_us, at.quality.value),
            *(running.register_wh, running.reservation_id),
        ]
    )


def _running_from(text: str) -> Running | None:
    if not text:
        return None
    session_id, tag, boot_id, mono_us, utc_us, quality, register_wh, reservation_id = json.loads(text)
    return Running(
        session_id, tag, Instant(boot_id, mono_us, utc_us, ClockQuality(quality)), register_wh, reservation_id
    )
