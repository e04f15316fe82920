"""`BootNotification` (OCPP 1.6, 4.2), and what was answered to the last one, kept over a restart of the services alone.

A `BootNotification` belongs to a start of the station (OCPP 1.6, 4.2). Services that start anew while control runs on are no
such start: an accepted station goes on as after a cut of the line, one that was told to wait waits on. That holds for the same
boot of control, whose monotonic clock runs on too, and the same central system.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from evse.core.units import SECOND
from evse.links.ocpp.context import Context
from evse.links.ocpp.link import LinkState
from evse.links.ocpp.reporting import take_time
from evse.links.ocpp.requests import Answer

DOCUMENT = "registration"


class _Kept(NamedTuple):
    boot_id: str = ""
    url: str = ""
    identity: str = ""
    state: str = LinkState.BOOTING.value
    heartbeat_us: int = 0
    due_us: int = 0


class Registration:
    """State: what is on the disk."""

    def __init__(self, text: str = "") -> None:
        self._kept = _Kept(*json.loads(text)) if text else _Kept()

    def goes_on(self, context: Context, boot_id: str) -> bool:
        """Control runs with ``boot_id``: whether it did so before these services, and then what was answered counts on."""
        kept = self._kept
        if kept.boot_id != boot_id:
            return False
        if (kept.url, kept.identity) == (context.settings.url, context.settings.identity):
            context.link.resume(LinkState(kept.state), kept.heartbeat_us, kept.due_us)
            if kept.state == LinkState.ACCEPTED:
                context.keys.change("HeartbeatInterval", str(kept.heartbeat_us // SECOND))
        return True

    def keep(self, context: Context) -> None:
        """Make durable what has changed."""
        settings = context.settings
        now = _Kept(context.boot_id, settings.url, settings.identity, *context.link.registration)
        if now != self._kept:
            self._kept = now
            context.keep_in_turn(DOCUMENT, json.dumps(now, separators=(",", ":")))


def register(context: Context) -> None:
    """Ask to register the station."""
    context.requests.ask(
        "BootNotification", context.identity.boot_payload(), lambda answer: _answered(context, answer), first=True
    )


def _answered(context: Context, answer: Answer) -> None:
    link = context.link
    if link.state not in (LinkState.BOOTING, LinkState.PENDING, LinkState.REJECTED):
        return
    if answer.payload is None:
        link.boot_failed(context.now_us)
        return
    kept_us, interval_s = link.heartbeat_us, answer.payload["interval"]
    same = context.marks.boot_asked_for and interval_s == context.marks.registered_s
    context.marks.boot_asked_for, context.marks.registered_s = False, interval_s
    link.boot_answered(context.now_us, answer.payload["status"], interval_s)
    take_time(context, answer)
    if link.may_ask and same:
        # It was asked for and says what it said before: a `ChangeConfiguration` since then counts.
        link.set_heartbeat(context.now_us, kept_us)
    if link.may_ask:
        # The interval of the answer is the key's value from now on (OCPP 1.6, 4.2).
        context.keys.change("HeartbeatInterval", str(link.heartbeat_us // SECOND))
        for teller in context.tellers.values():
            teller.forget()
