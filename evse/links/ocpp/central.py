"""A central system for simulations: it knows one station, answers, keeps a ledger, and does what verbs tell it.

Pure: texts in, texts out, time as an argument. It is no product; it behaves as most central systems do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from evse.links.ocpp.frame import Call, CallResult, encode, parse
from evse.links.ocpp.stamps import stamp
from evse.records import dataclass

INTERVAL_S: Final = 300


@dataclass(slots=True)
class Delivered:
    """A transaction as it was told. ``stop_wh`` is ``None`` while it runs."""

    connector: int
    tag: str
    start_wh: int
    started: str
    stop_wh: int | None = None
    stopped: str = ""
    reason: str = ""
    stops: int = 0


class Central:
    """State. ``utc_us``: UTC at time 0."""

    def __init__(self, utc_us: int) -> None:
        self.refused: set[str] = set()
        """Cards that may not charge."""
        self.silent = False
        """Nothing is answered."""
        self.ledger: dict[int, Delivered] = {}
        self.statuses: dict[int, str] = {}
        self.answers: list[tuple[str, Mapping[str, Any]]] = []
        """Answers to its own requests, by action, oldest first."""
        self._utc_us = utc_us
        self._asked: dict[str, str] = {}
        self._seen: dict[str, str] = {}
        self._count = 0

    def call(self, action: str, payload: Mapping[str, Any]) -> str:
        """Return the text of a request of its own."""
        self._count += 1
        unique_id = f"central-{self._count}"
        self._asked[unique_id] = action
        return encode(Call(unique_id, action, payload))

    def receive(self, now_us: int, text: str) -> str | None:
        """Take a text of the station; return the answer."""
        frame = parse(text)
        if isinstance(frame, CallResult):
            self.answers.append((self._asked.pop(frame.unique_id, ""), frame.payload))
        if not isinstance(frame, Call) or self.silent:
            return None
        known = self._seen.get(frame.unique_id)
        if known is None:
            known = encode(CallResult(frame.unique_id, self._answer(now_us, frame)))
            self._seen[frame.unique_id] = known
        return known

    def running(self, connector: int) -> int | None:
        """Id of the transaction that runs at a connector."""
        found = [number for number, each in self.ledger.items() if each.connector == connector and not each.stops]
        return found[-1] if found else None

    def _info(self, tag: str) -> dict[str, Any]:
        return {"idTagInfo": {"status": "Blocked" if tag in self.refused else "Accepted"}}

    def _answer(self, now_us: int, call: Call) -> dict[str, Any]:
        payload = call.payload
        match call.action:
            case "BootNotification":
                time = stamp(self._utc_us + now_us)
                return {"status": "Accepted", "currentTime": time, "interval": INTERVAL_S}
            case "Heartbeat":
                return {"currentTime": stamp(self._utc_us + now_us)}
            case "Authorize":
                return self._info(payload["idTag"])
            case "StatusNotification":
                self.statuses[payload["connectorId"]] = payload["status"]
            case "StartTransaction":
                number = len(self.ledger) + 1
                begin = (payload["connectorId"], payload["idTag"], payload["meterStart"], payload["timestamp"])
                self.ledger[number] = Delivered(*begin)
                return {"transactionId": number, **self._info(payload["idTag"])}
            case "StopTransaction":
                entry = self.ledger[payload["transactionId"]]
                entry.stop_wh, entry.stopped = payload["meterStop"], payload["timestamp"]
                entry.reason, entry.stops = payload.get("reason", "Local"), entry.stops + 1
        return {}
