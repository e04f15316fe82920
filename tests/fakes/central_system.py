"""A central system for tests, in virtual time: texts in, texts out, a ledger of what it was told.

Built on the message classes and schemas of the ``ocpp`` package, which the station's own frames do not use. It can be late,
silent, double, wrong and hostile; every request it gets is checked against its schema, strictly.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ocpp.messages import Call, CallError, CallResult, MessageType, get_validator, unpack

SECOND = 1_000_000
EPOCH_UTC_US = 1_767_225_600 * SECOND


@dataclass
class LedgerEntry:
    """One transaction as the central system knows it."""

    transaction_id: int
    start: Mapping[str, Any]
    values: list[Mapping[str, Any]] = field(default_factory=list)
    stops: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass
class Behaviour:
    """How it behaves from now on."""

    registration: str = "Accepted"
    interval_s: int = 300
    id_status: dict[str, str] = field(default_factory=dict)
    """By id tag; what is not there is ``Accepted``."""
    parents: dict[str, str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    """Actions that are never answered; ``*`` for all."""
    late_us: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    """Actions that are answered with an error, so many times."""
    double: bool = False
    wrong: set[str] = field(default_factory=set)
    """Actions that are answered with nonsense."""
    remembers_ids: bool = True
    """A message id that comes again gets the same answer and has no second effect."""


class CentralSystem:
    """One central system with one station. ``check``: whether each request is checked against its schema."""

    def __init__(self, *, check: bool = True, utc_us: int = EPOCH_UTC_US) -> None:
        self.behaviour = Behaviour()
        self.ledger: dict[int, LedgerEntry] = {}
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {}
        """By id of its own requests: payload, or the error's code."""
        self.answered: dict[str, int] = {}
        """How often each of its own requests was answered."""
        self.statuses: dict[int, str] = {}
        self.outgoing: deque[tuple[int, str]] = deque()
        """Texts and when they leave."""
        self.error_code = "InternalError"
        self._check = check
        self._utc_us = utc_us
        self._seen: dict[str, str] = {}
        self._count = 0
        self._next_transaction = 1

    # --- its own requests ---------------------------------------------------------------------------------------

    def call(self, now_us: int, action: str, payload: Mapping[str, Any], unique_id: str = "") -> str:
        """Send a request; return its id."""
        self._count += 1
        unique_id = unique_id or f"cs-{self._count}"
        self.outgoing.append((now_us, Call(unique_id, action, dict(payload)).to_json()))
        return unique_id

    def raw(self, now_us: int, text: str) -> None:
        """Send any text."""
        self.outgoing.append((now_us, text))

    # --- what comes in ------------------------------------------------------------------------------------------

    def receive(self, now_us: int, text: str) -> None:
        """Take a text of the station."""
        message = unpack(text)
        if isinstance(message, CallResult | CallError):
            self.answered[message.unique_id] = self.answered.get(message.unique_id, 0) + 1
        if isinstance(message, CallResult):
            self.answers[message.unique_id] = message.payload
        elif isinstance(message, CallError):
            self.answers[message.unique_id] = message.error_code
        else:
            self._serve(now_us, message)

    def _serve(self, now_us: int, call: Any) -> None:
        action, behaviour = call.action, self.behaviour
        if self._check:
            validator = get_validator(MessageType.Call, action, "1.6", parse_float=Decimal)
            validator.validate(json.loads(json.dumps(call.payload), parse_float=Decimal))
        if call.unique_id in self._seen and behaviour.remembers_ids:
            self._send(now_us, action, self._seen[call.unique_id])
            return
        if {action, "*"} & behaviour.silent:
            return
        self.requests.append((action, call.payload))
        if behaviour.errors.get(action, 0):
            behaviour.errors[action] -= 1
            self._send(now_us, action, json.dumps([4, call.unique_id, self.error_code, "it hurts", {}]))
            return
        if action in behaviour.wrong:
            self._send(now_us, action, json.dumps([3, call.unique_id, {"nonsense": [1, None]}]))
            return
        handler: Callable[[int, Mapping[str, Any]], dict[str, Any]] = getattr(self, f"on_{action}", lambda _n, _p: {})
        answer = CallResult(call.unique_id, handler(now_us, call.payload)).to_json()
        self._seen[call.unique_id] = answer
        self._send(now_us, action, answer)

    def _send(self, now_us: int, action: str, text: str) -> None:
        at_us = now_us + self.behaviour.late_us.get(action, 0)
        for _ in range(2 if self.behaviour.double else 1):
            self.outgoing.append((at_us, text))

    def time_text(self, now_us: int) -> str:
        """Its own clock."""
        from evse.links.ocpp.stamps import stamp

        return stamp(self._utc_us + now_us)

    def id_info(self, tag: str) -> dict[str, Any]:
        """What it says of an id."""
        info: dict[str, Any] = {"status": self.behaviour.id_status.get(tag, "Accepted")}
        if tag in self.behaviour.parents:
            info["parentIdTag"] = self.behaviour.parents[tag]
        return info

    def on_BootNotification(self, now_us: int, _payload: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "status": self.behaviour.registration,
            "interval": self.behaviour.interval_s,
            "currentTime": self.time_text(now_us),
        }

    def on_Heartbeat(self, now_us: int, _payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"currentTime": self.time_text(now_us)}

    def on_Authorize(self, _now_us: int, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"idTagInfo": self.id_info(payload["idTag"])}

    def on_StatusNotification(self, _now_us: int, payload: Mapping[str, Any]) -> dict[str, Any]:
        self.statuses[payload["connectorId"]] = payload["status"]
        return {}

    def on_StartTransaction(self, _now_us: int, payload: Mapping[str, Any]) -> dict[str, Any]:
        number = self._next_transaction
        self._next_transaction += 1
        self.ledger[number] = LedgerEntry(number, payload)
        return {"transactionId": number, "idTagInfo": self.id_info(payload["idTag"])}

    def on_MeterValues(self, _now_us: int, payload: Mapping[str, Any]) -> dict[str, Any]:
        if "transactionId" in payload:
            self.ledger[payload["transactionId"]].values.append(payload)
        return {}

    def on_StopTransaction(self, _now_us: int, payload: Mapping[str, Any]) -> dict[str, Any]:
        self.ledger[payload["transactionId"]].stops.append(payload)
        return {"idTagInfo": self.id_info(payload["idTag"])} if "idTag" in payload else {}

    def on_DataTransfer(self, _now_us: int, _payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"status": "Accepted"}

    # --- looking back -------------------------------------------------------------------------------------------

    def actions(self) -> list[str]:
        """Actions of all requests so far, in order."""
        return [action for action, _ in self.requests]

    def payloads(self, action: str) -> list[dict[str, Any]]:
        """Payloads of all requests of one action."""
        return [payload for each, payload in self.requests if each == action]
