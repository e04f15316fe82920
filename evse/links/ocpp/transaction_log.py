"""What a charge point keeps of its transactions: from the core's events to what is committed, and what that began.

Everything that has to be told is in the same commit as the session's own facts; the transaction itself is kept as a document,
so that services which start anew in its middle go on with it.
"""

from __future__ import annotations

import json
from typing import Final

from evse.core.events import SessionClosed, SessionOpened, TransactionStarted
from evse.links.ocpp.authorising import group_of, take_booking_back, transaction_over
from evse.links.ocpp.context import Context
from evse.links.ocpp.profile_lists import used_by
from evse.links.ocpp.profile_smart import forget_pending, keep_profiles, transaction_began
from evse.links.ocpp.remembered import Running
from evse.links.ocpp.reporting import MeterReports
from evse.links.ocpp.transactions import ID_TAG_LIMIT, id_tag
from evse.services.clock import ClockQuality, Instant
from evse.services.journal import MessageKind, QueueMessage, Write

ENDED: Final = "ended sessions"
"""Name of the document that keeps where a session has ended and its cable is still in."""


class TransactionLog:
    """State: who uses which session."""

    def __init__(self, context: Context, meter: MeterReports) -> None:
        self._context = context
        self._meter = meter
        self._users: dict[str, str] = {}
        self._ended: list[int] = []

    def restore(self, connector: int, text: str) -> None:
        """Go on with a transaction that was kept; an empty text: there was none."""
        running = _running_from(text)
        if running is not None:
            self._context.running[connector] = running

    def restore_ended(self, text: str) -> None:
        """At these connectors a session had ended whose cable was still in."""
        self._ended = [number for number in json.loads(text or "[]") if number in self._context.watches]
        for number in self._ended:
            self._context.watches[number].ended = True

    def keep_ended(self) -> None:
        """Keep at which connectors that is so: it is `Finishing` after a restart too."""
        ended = [number for number, watch in self._context.watches.items() if watch.ended]
        if ended != self._ended:
            self._ended = ended
            self._context.keep_in_turn(ENDED, json.dumps(ended) if ended else "")

    def booted(self, open_sessions: dict[str, str]) -> None:
        """Control began: only transactions of open sessions go on. ``open_sessions``: users by session."""
        self._users.update(open_sessions)
        self._context.marks.users.clear()
        users = {user.lower() for user in open_sessions.values()}
        for connector, pending in list(self._context.marks.pending_profiles.items()):
            if pending.tag.lower() not in users:
                forget_pending(self._context, connector)
        for connector, running in list(self._context.running.items()):
            if running.session_id not in open_sessions:
                self._meter.forget(self._context, connector)
                self._forget(connector)
                self._context.watches[connector].ended = True

    def opened(self, event: SessionOpened) -> None:
        """A session opens; its transaction may follow."""
        self._users[event.session_id] = event.uid
        self._context.marks.users[event.outlet] = event.uid

    def began(self, event: TransactionStarted, at: Instant) -> list[Write]:
        """A transaction begins: return what to commit with that."""
        context, connector = self._context, event.outlet
        uid = self._users.get(event.session_id, "")
        tag = id_tag(uid, context.settings.default_id_tag, context.identity.serial)
        reservation = used_by(context, at.mono_us, connector, tag, group_of(context, tag) or "")
        running = Running(event.session_id, tag, at, event.register_wh, reservation)
        context.running[connector] = running
        self._meter.began(context, at.mono_us, connector, event.register_wh)
        context.keep(running_name(connector), _running_text(running))
        transaction_began(context, at.mono_us, connector)
        extra = "" if reservation is None else json.dumps({"reservationId": reservation})
        start = QueueMessage(connector, event.session_id, MessageKind.START, at, event.register_wh, tag, values=extra)
        return [start, *context.take_along()]

    def ended(self, event: SessionClosed, at: Instant) -> list[Write]:
        """A session ends: return what to commit with that."""
        context, connector = self._context, event.outlet
        user = self._users.pop(event.session_id, "")
        context.marks.users.pop(connector, None)
        pending = context.marks.pending_profiles.get(connector)
        if pending is not None and pending.tag.lower() == user.lower():
            forget_pending(context, connector)
        transaction_over(context, at.mono_us, connector)
        running = context.running.get(connector)
        if running is None or running.session_id != event.session_id:
            # Nobody has plugged in: a reservation ends with a transaction, not with a session (OCPP 1.6, 5.13).
            take_booking_back(context, at.mono_us, connector)
            return []
        values = self._meter.ended(context, at.mono_us, connector)
        self._forget(connector)
        kind = MessageKind.STOP
        # Another card of the group, or a master card, may have ended it: told is whoever did (OCPP 1.6, 6.49).
        tag = event.stopped_by[:ID_TAG_LIMIT] or running.tag
        stop = QueueMessage(connector, event.session_id, kind, at, event.register_wh, tag, event.reason, values)
        return [stop, *context.take_along()]

    def _forget(self, connector: int) -> None:
        context = self._context
        context.running.pop(connector, None)
        context.keep(running_name(connector), "")
        if context.profiles.transaction_ended(connector):
            keep_profiles(context)


def running_name(connector: int) -> str:
    """Name of the document that keeps a connector's transaction."""
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
