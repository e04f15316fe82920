"""Requests of the central system: what is wrong with them is told, the rest is handled once and answered.

A request that comes twice with the same id and content is done once and answered twice. Of many at once the first are served
and then so many a second; texts that are no frames are borne for a while.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from evse.core.units import SECOND
from evse.links.ocpp.bucket import Bucket
from evse.links.ocpp.context import Context
from evse.links.ocpp.dialect import SERVED, Version, answer_out
from evse.links.ocpp.frame import BadFrame, Call, CallError, CallResult, ErrorCode, encode
from evse.links.ocpp.handlers import HANDLERS, PENDING_REFUSED
from evse.links.ocpp.link import LinkState
from evse.links.ocpp.schemas import PayloadError, check

_log = logging.getLogger(__name__)
BAD_FRAMES: Final = 20
"""So many texts of one connection that are no frames: it is closed."""
ANSWERS_KEPT: Final = 32
_ORDERS: Final = ("ReserveNow", "CancelReservation", "ChangeAvailability")
"""Each is an order to control, which keeps it on the disk: 60 at once, then one in two seconds. Of all requests 60 and ten a second."""


class Serving:
    """State: what was answered on this connection. Answers are appended to ``texts``."""

    def __init__(self, context: Context, texts: list[str]) -> None:
        self.context = context
        self.bad_frames = 0
        self._texts = texts
        self._answered: OrderedDict[str, tuple[Call, str | None]] = OrderedDict()
        self._requests, self._orders = Bucket(60, SECOND // 10), Bucket(60, 2 * SECOND)
        self._bad_here = 0

    def connected(self) -> None:
        """Another connection: its ids are its own."""
        self._answered.clear()
        self._bad_here = 0

    def bad_frame(self, error: BadFrame) -> None:
        """A text is no frame."""
        self.bad_frames += 1
        self._bad_here += 1
        _log.warning("the central system sent what is no frame: %s", error)
        if error.answer is not None:
            self._texts.append(encode(error.answer))
        if self._bad_here >= BAD_FRAMES:
            self.context.security_event("InvalidMessages", f"{self._bad_here} texts that are no frames")
            self.context.link.drop()

    def serve(self, now_us: int, call: Call) -> None:
        """Handle a request."""
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
        if not self._requests.take(now_us) or (call.action in _ORDERS and not self._orders.take(now_us)):
            return CallError(call.unique_id, ErrorCode.GENERIC_ERROR, "too many requests: wait a while")
        try:
            check(call.action, call.payload)
        except PayloadError as error:
            return CallError(call.unique_id, error.code, str(error))
        if call.action not in HANDLERS or (self._old and call.action not in SERVED):
            return CallError(call.unique_id, ErrorCode.NOT_SUPPORTED, f"{call.action} is not for stations")
        return None

    def _answer(self, call: Call, frame: CallResult | CallError) -> None:
        if self._old and isinstance(frame, CallResult):
            frame = CallResult(frame.unique_id, answer_out(call.action, frame.payload))
        text = encode(frame)
        self._remember(call, text)
        self._texts.append(text)

    def _remember(self, call: Call, text: str | None) -> None:
        self._answered[call.unique_id] = (call, text)
        self._answered.move_to_end(call.unique_id)
        while len(self._answered) > ANSWERS_KEPT:
            self._answered.popitem(last=False)

    @property
    def _old(self) -> bool:
        return self.context.settings.version is Version.V15
