"""The charge point of OCPP 1.6 JSON, without any input or output: texts, events and Snapshots in; texts, commands, writes out.

Time is an argument. The owner calls ``step`` after every input and when it asked for it, and does what the ``Output`` says:
sends the texts in order, posts the commands, commits the writes together, opens or closes the socket. When a commit that
may have queued messages is durable, it hands them back by ``take_messages``; only then are they sent.

What must not be lost is in the journal, in the same commit as the session's own facts: see :mod:`evse.links.ocpp.transactions`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from evse.core.events import (
    CommandDone,
    Event,
    SessionClosed,
    SessionOpened,
    TransactionStarted,
)
from evse.core.outlet_status import OutletStatus
from evse.core.units import NEVER, SECOND
from evse.exchange.snapshot import StationView
from evse.links.ocpp.authorising import free_offline, renew_bookings
from evse.links.ocpp.certificates import CertificateStore
from evse.links.ocpp.context import SETTLED_US, VIEW_GRACE_US, Context, Outcome
from evse.links.ocpp.delivery import REPEATS, keep_change, next_message
from evse.links.ocpp.dialect import Version, answer_in, request_in, request_out
from evse.links.ocpp.file_work import End
from evse.links.ocpp.frame import BadFrame, Call, CallResult, encode, parse
from evse.links.ocpp.id_tags import IdCache, LocalList
from evse.links.ocpp.keys import Keys
from evse.links.ocpp.link import Backoff, LinkState
from evse.links.ocpp.outbox import Outbox, Queued
from evse.links.ocpp.outlet_rules import rules_due
from evse.links.ocpp.output import Output
from evse.links.ocpp.phase_wish import phases_due
from evse.links.ocpp.profile_core import RESET_US
from evse.links.ocpp.profile_firmware import ORDER_NAME, firmware_due, firmware_ended, order_due, restored_firmware
from evse.links.ocpp.profile_lists import expire_reservations, move_reservations, restored_reservations
from evse.links.ocpp.profile_smart import PENDING, limits_due, restored_pending, restored_profiles
from evse.links.ocpp.registration import DOCUMENT, Registration, register
from evse.links.ocpp.reporting import MeterReports, data_name, heartbeat, statuses_due
from evse.links.ocpp.security_events import SecurityEvents
from evse.links.ocpp.security_telling import keep_security_events, tell_security_events
from evse.links.ocpp.serving import Serving
from evse.links.ocpp.settings import StationIdentity, SupervisionSettings, station_keys
from evse.links.ocpp.transaction_log import ENDED, TransactionLog, running_name
from evse.links.ocpp.transactions import queued
from evse.services.clock import ClockMapping, Instant
from evse.services.journal import MessageKind, QueueMessage, Write

_log = logging.getLogger(__name__)
SILENT_REQUESTS: Final = 2
"""So many requests in a row without an answer: the connection is dead."""
RESTART_US: Final = 3 * SECOND
"""After a reset the station connects again so soon."""


class ChargePoint:
    """State of one charge point. ``share`` gives a random number from 0 to 1 for each wait between attempts."""

    def __init__(
        self, settings: SupervisionSettings, identity: StationIdentity, token: str, share: Callable[[], float]
    ) -> None:
        self.context = Context(settings, identity, token)
        self.last_number = 0
        """Of the messages taken from the journal."""
        self.answers_to_nothing = 0
        self._share = share
        self._meter = MeterReports(tuple(identity.outlets))
        self._log = TransactionLog(self.context, self._meter)
        self._texts: list[str] = []
        self._serving = Serving(self.context, self._texts)
        self._registration = Registration()
        self._loaded = self._anew = False
        self._reset_us = -NEVER
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
        self.context.keeping.load(documents)
        context, settings = self.context, self.context.settings
        stored = json.loads(documents.get("keys") or "{}")
        context.keys = Keys(station_keys(settings, context.identity), stored)
        context.cache = IdCache(documents.get("cache", ""))
        context.local_list = LocalList(documents.get("local list", ""))
        context.certificates = CertificateStore(documents.get("certificates", ""))
        context.reservations = restored_reservations(documents.get("reservations", ""))
        kept_events = SecurityEvents(documents.get("security events", ""))
        kept_events.join(context.security_events)
        context.security_events = kept_events
        restored_firmware(context, documents.get("firmware", ""))
        context.states.order = documents.get(ORDER_NAME, "")
        self._registration = Registration(documents.get(DOCUMENT, ""))
        self._log.restore_ended(documents.get(ENDED, ""))
        for connector in context.identity.outlets:
            self._log.restore(connector, documents.get(running_name(connector), ""))
            running = context.running.get(connector)
            if running is not None:
                self._meter.restore(connector, running.session_id, documents.get(data_name(connector), ""))
        context.marks.pending_profiles = restored_pending(context, documents.get(PENDING, ""))
        context.profiles = restored_profiles(documents.get("profiles", ""), context.profiles, context.running)
        repeats = json.loads(documents.get(REPEATS) or "{}")
        waiting = [
            replace(self._queued(number, message), repeats=repeats.get(str(number), 0)) for number, message in messages
        ]
        context.outbox = Outbox(waiting, transaction_ids)
        if context.outbox.stale is not None:
            keep_change(context, context.outbox.stale)

    @property
    def loaded(self) -> bool:
        """Whether the journal's part is known; before that nothing is sent."""
        return self._loaded

    def booted(self, now_us: int, boot_id: str, open_sessions: Mapping[str, str]) -> None:
        """Control began with ``boot_id``; ``open_sessions``: users by session, after the interrupted ones were closed."""
        context = self.context
        again = context.boot_id not in ("", boot_id)
        context.boot_id, context.now_us = boot_id, now_us
        if again or not self._registration.goes_on(context, boot_id):
            context.security_event("ResetOrReboot" if again else "StartupOfTheDevice", "")
        self._log.booted(dict(open_sessions))
        renew_bookings(context, now_us)
        if again:
            context.marks.told_limits.clear()
            context.marks.told_rules.clear()
            reset_us, self._reset_us = self._reset_us, -NEVER
            # After a reset the new connection says so, or has said so already.
            if now_us >= reset_us + RESET_US:
                context.link.boot_again(now_us)

    def written(self, now_us: int) -> None:
        """The oldest of the commits that steps wanted is durable."""
        self.context.now_us = now_us
        self.context.keeping.written()

    def take_messages(self, messages: Iterable[tuple[int, QueueMessage]]) -> None:
        """These messages are durable and may be sent."""
        for number, message in messages:
            if number <= self.last_number:
                continue
            dropped = self.context.outbox.put(self._queued(number, message))
            if dropped is not None:
                keep_change(self.context, dropped)

    def _queued(self, number: int, message: QueueMessage) -> Queued:
        self.last_number = max(self.last_number, number)
        settings = self.context.settings
        running = self.context.running.get(message.outlet)
        if message.kind is MessageKind.STOP and not message.values and running is not None:
            # A power cut has ended it: its data are what was collected up to then.
            kept = self._meter.of(message.outlet) if running.session_id == message.session_id else ""
            message = replace(message, values=kept)
        return queued(number, message, settings.default_id_tag, self.context.identity.serial)

    # --- the station --------------------------------------------------------------------------------------------

    def view(self, now_us: int, view: StationView | None) -> None:
        """The newest Snapshot; ``None``: control does not answer. For a short while the last one counts then."""
        context = self.context
        if view is not None and (context.view is None or _begun(view, context.view)):
            context.view, context.view_ends_us = view, NEVER
        elif context.view_ends_us == NEVER:
            context.view_ends_us = now_us + VIEW_GRACE_US

    def writes(self, event: Event, at: Instant) -> list[Write]:
        """What has to be committed together with what the event makes durable."""
        match event:
            case SessionOpened():
                self._log.opened(event)
            case TransactionStarted():
                return self._log.began(event, at)
            case SessionClosed():
                return self._log.ended(event, at)
        return []

    def event(self, now_us: int, event: Event) -> None:
        """Control has answered a command."""
        self.context.now_us = now_us
        if isinstance(event, CommandDone):
            self.context.command_done(now_us, event.command_id, Outcome(event.outcome, event.reason))

    # --- the socket ---------------------------------------------------------------------------------------------

    def job_ended(self, now_us: int, number: int, end: End) -> None:
        """A job has ended."""
        self.context.now_us = now_us
        self.context.files.ended(now_us, number, end)

    def firmware_ended(self, now_us: int, *, installed: bool) -> None:
        """What came of the firmware that the station has restarted for."""
        self.context.now_us = now_us
        firmware_ended(self.context, installed=installed)

    def security_event(self, now_us: int, kind: str, info: str, *, stranger: bool = False) -> None:
        """Something at the station concerns security; ``stranger``: somebody without an account can cause it."""
        self.context.now_us = now_us
        self.context.security_event(kind, info, stranger=stranger)

    def switch(self, now_us: int, *, on: bool) -> None:
        """Whether the station is supervised."""
        self.context.link.switch(now_us, on=on)

    def use(self, now_us: int, settings: SupervisionSettings) -> None:
        """Somebody at the station has changed settings: the last word about a key counts, whoever has said it.

        Another central system, identity or security means another connection.
        """
        context = self.context
        before = {key.name: key.default for key in station_keys(context.settings, context.identity)}
        keys = station_keys(settings, context.identity)
        set_anew = {key.name for key in keys if key.default != before[key.name]}
        kept = {name: text for name, text in context.keys.changed.items() if name not in set_anew}
        elsewhere = (settings.url, settings.identity) != (context.settings.url, context.settings.identity)
        context.settings, context.keys = settings, Keys(keys, kept)
        context.marks.told_limits.clear()
        context.keep("keys", json.dumps(kept, separators=(",", ":")) if kept else "")
        if elsewhere:
            context.link.forget()
        if elsewhere or set_anew & {"AuthorizationKey", "SecurityProfile"}:
            context.link.drop()
            context.link.hurry(now_us)
            self._anew = True

    def opened(self, now_us: int) -> None:
        """The socket is open."""
        context = self.context
        context.connection += 1
        self._serving.connected()
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
            self._serving.bad_frame(error)
            return
        if isinstance(frame, Call):
            self._serving.serve(now_us, request_in(frame) if self._old else frame)
            return
        if self._old and isinstance(frame, CallResult):
            frame = CallResult(frame.unique_id, answer_in(context.requests.action, frame.payload))
        if context.requests.take(frame):
            context.link.heard(now_us)
        else:
            self.answers_to_nothing += 1

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
                register(context)
            if link.may_ask:
                tell_security_events(context)
                firmware_due(context)
                wake_us = min(wake_us, statuses_due(context, now_us))
            if link.heartbeat_due(now_us):
                heartbeat(context)
            wake_us = min(
                wake_us, self._meter.due(context, now_us), limits_due(context, now_us), phases_due(context, now_us)
            )
            wake_us = min(wake_us, expire_reservations(context, now_us))
            free_offline(context, now_us)
            rules_due(context, now_us)
            move_reservations(context, now_us)
            order_due(context, now_us)
            keep_security_events(context)
            self._log.keep_ended()
            self._registration.keep(context)
            self._send(now_us)
        return self._output(now_us, wake_us)

    def _wake_us(self, now_us: int) -> int:
        """When connection, answers, outbox and Snapshot need a look."""
        context, link = self.context, self.context.link
        outbox_us = context.outbox.wake_us(now_us) if link.may_ask and context.requests.free else NEVER
        return min(link.wake_us(), context.requests.wake_us(), outbox_us, context.view_ends_us)

    def _output(self, now_us: int, wake_us: int) -> Output:
        context = self.context
        texts = tuple(self._texts)
        self._texts.clear()
        commands, context.commands = tuple(context.commands), []
        restart, context.restart = context.restart, ""
        if restart:
            # What waited for the next start counts from now on.
            context.keys = Keys(station_keys(context.settings, context.identity), context.keys.changed)
            context.link.drop()
            context.link.forget()
            self._anew, self._reset_us = True, now_us
        wish = context.link.wish(now_us)
        wake_us = min(wake_us, self._wake_us(now_us))
        answers, context.card_answers = tuple(context.card_answers), []
        job = context.files.next(now_us)
        if job is not None:
            # What it begins with is told at once.
            wake_us = now_us
        wake_us = min(wake_us, context.files.wake_us())
        jobs = () if job is None else (job,)
        writes = tuple(context.take_writes(now_us))
        wake_us = min(wake_us, context.keeping.wake_us(now_us))
        return Output(texts, commands, answers, writes, jobs, wish, restart, wake_us)

    def _send(self, now_us: int) -> None:
        """Send one request, if none is in flight: what waits for this connection, else the next transaction message."""
        context = self.context
        if context.link.state in (LinkState.OFF, LinkState.WAITING, LinkState.CONNECTING):
            return
        timeout_us = context.settings.message_timeout_us
        call = context.requests.next(now_us, timeout_us)
        if call is None and context.requests.free and context.link.may_ask:
            found = next_message(context, now_us)
            if found is not None:
                call = found[0]
                context.requests.sent(now_us, *found, timeout_us)
        if call is None:
            return
        told = request_out(call) if self._old else call
        if told is None:
            # The older version has no words for it: it counts as said.
            context.requests.take(CallResult(call.unique_id, {}))
            self._send(now_us)
        else:
            self._texts.append(encode(told))

    @property
    def _old(self) -> bool:
        """Whether OCPP 1.5 is spoken."""
        return self.context.settings.version is Version.V15

    # --- clock --------------------------------------------------------------------------------------------------

    @property
    def clock(self) -> ClockMapping:
        """What time it is for the station, by its own clock or the central system's."""
        return self.context.clock

    @clock.setter
    def clock(self, mapping: ClockMapping) -> None:
        self.context.clock = mapping


def _begun(view: StationView, before: StationView) -> bool:
    """Whether control has got over its start: what it shows before that is no news, as a plug that it has not felt yet."""
    initialised = all(outlet.outlet_status != OutletStatus.NOT_INITIALIZED.value for outlet in view.outlets)
    return initialised and (view.boot_id == before.boot_id or view.mono_us >= view.started_us + SETTLED_US)
