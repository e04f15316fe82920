"""What the station tells of its own accord: status, heartbeats, meter values (OCPP 1.6, 4.6, 4.7, 4.9)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from evse.core.units import NEVER, SECOND
from evse.links.ocpp.context import Context
from evse.links.ocpp.meter_values import Context as ReadingContext
from evse.links.ocpp.meter_values import Rhythm, sampled_values
from evse.links.ocpp.requests import Answer
from evse.links.ocpp.stamps import utc_us_from
from evse.links.ocpp.transactions import values_from, values_text
from evse.services.journal import Checkpoint, MessageKind, QueueMessage

STOP_VALUES: Final = 300
"""`SampledValue`s of a transaction's data that are kept for its stop; then every second reading goes."""
DATA_KEPT_US: Final = 10 * SECOND
"""What a stop will tell is written again after this at the earliest: all of it each time, however short the interval is."""
LISTS: Final = ("MeterValuesSampledData", "MeterValuesAlignedData", "StopTxnSampledData", "StopTxnAlignedData")
"""Keys with lists of measurands."""
TOLERATED_US: Final = 2 * SECOND
"""A clock that differs less from the central system's is left alone: the way takes time too."""


def report_status(context: Context, now_us: int, connector: int, *, asked_for: bool = False) -> None:
    """Ask to send the status of a connector as it is now; one that is lost with its connection is told by the next.

    ``asked_for``: by the central system. Then it is told as it is when the message leaves, not as it was at the question.
    """

    def answered(answer: Answer) -> None:
        if answer.payload is None and not answer.refused:
            context.tellers[connector].forget()

    now = _status_payload(context, now_us, connector)
    later = lambda: _status_payload(context, context.now_us, connector)  # noqa: E731
    context.requests.ask("StatusNotification", later if asked_for else now, answered)


def _status_payload(context: Context, now_us: int, connector: int) -> dict[str, Any]:
    report = context.reports[connector]
    payload: dict[str, Any] = {
        "connectorId": connector,
        "errorCode": report.error_code,
        "status": report.status.value,
    }
    if context.utc_us(now_us) is not None:
        payload["timestamp"] = context.now_text(now_us)
    if report.vendor_error_code:
        payload["vendorErrorCode"] = report.vendor_error_code[:50]
    return payload


def statuses_due(context: Context, now_us: int) -> int:
    """Tell what has changed and lasts; return when to look again by time alone."""
    minimum_us = context.keys.integer("MinimumStatusDuration") * SECOND
    wake_us = NEVER
    for connector, teller in context.tellers.items():
        tell, again_us = teller.update(now_us, context.reports[connector], minimum_us)
        if tell:
            report_status(context, now_us, connector)
        wake_us = min(wake_us, NEVER if again_us is None else again_us)
    return wake_us


def heartbeat(context: Context) -> None:
    """Ask to send a heartbeat; its answer tells the time."""
    context.requests.ask("Heartbeat", {}, lambda answer: take_time(context, answer))


def take_time(context: Context, answer: Answer) -> None:
    """Take the time that an answer tells."""
    if answer.payload is None:
        return
    utc_us = utc_us_from(answer.payload["currentTime"])
    if utc_us is None:
        context.refuse("currentTime", "it is no time between the years 2000 and 2100")
        return
    own_us = context.utc_us(context.now_us)
    if own_us is None or abs(own_us - utc_us) > TOLERATED_US:
        context.adopt_time(context.now_us, utc_us)


# --- meter values ----------------------------------------------------------------------------------------------------


class MeterReports:
    """Meter values of all connectors: when they are due, and what a stop has to tell of its transaction."""

    def __init__(self, connectors: Sequence[int]) -> None:
        self._rhythms = {number: Rhythm() for number in connectors}
        self._interval_wh: dict[tuple[int, str], int] = {}
        """Register at the last reading by each list of measurands: each has intervals of its own."""
        self._data_kept_us: dict[int, int] = {}
        self._data: dict[int, list[dict[str, Any]]] = {number: [] for number in connectors}

    def restore(self, connector: int, session_id: str, text: str) -> None:
        """Go on with the data of a transaction that were kept, if it is still the same one."""
        kept_for, values = json.loads(text) if text else ("", "")
        if kept_for == session_id:
            self._data[connector] = values_from(values)

    def of(self, connector: int) -> str:
        """What has been collected for the stop of a connector's transaction, for the journal."""
        return values_text(self._data[connector])

    def forget(self, context: Context, connector: int) -> None:
        """The transaction has ended while nobody looked."""
        if self._data[connector]:
            self._data[connector] = []
            context.keep(data_name(connector), "")

    def began(self, context: Context, now_us: int, connector: int, register_wh: int) -> None:
        """A transaction begins: its first values for the stop."""
        self._rhythms[connector].transaction(now_us)
        self._interval_wh.update({(connector, key): register_wh for key in LISTS})
        self._data_kept_us.pop(connector, None)
        self._data[connector] = []
        self._collect(context, now_us, connector, "StopTxnSampledData", ReadingContext.BEGIN)

    def ended(self, context: Context, now_us: int, connector: int) -> str:
        """A transaction ends: return its data for the journal."""
        self._collect(context, now_us, connector, "StopTxnSampledData", ReadingContext.END)
        self._rhythms[connector].transaction(None)
        data, self._data[connector] = self._data[connector], []
        if data:
            context.keep(data_name(connector), "")
        return values_text(data)

    def due(self, context: Context, now_us: int) -> int:
        """Queue what is due; return when to look again by time alone."""
        sample_us = context.keys.integer("MeterValueSampleInterval") * SECOND
        aligned_us = context.keys.integer("ClockAlignedDataInterval") * SECOND
        utc_us = context.utc_us(now_us)
        wake_us = NEVER
        for connector, rhythm in self._rhythms.items():
            running = context.running.get(connector)
            if running is not None and running.began.boot_id == context.boot_id:
                rhythm.transaction(running.began.mono_us)
            if rhythm.periodic_due(now_us, sample_us):
                self._tell(context, now_us, connector, "MeterValuesSampledData", ReadingContext.PERIODIC)
                self._collect(context, now_us, connector, "StopTxnSampledData", ReadingContext.PERIODIC)
            if rhythm.aligned_due(utc_us, aligned_us):
                self._tell(context, now_us, connector, "MeterValuesAlignedData", ReadingContext.CLOCK)
                self._collect(context, now_us, connector, "StopTxnAlignedData", ReadingContext.CLOCK)
            wake_us = min(wake_us, rhythm.wake_us(now_us, utc_us, sample_us, aligned_us))
        return wake_us

    def _tell(self, context: Context, now_us: int, connector: int, key: str, reading: ReadingContext) -> None:
        values = self._read(context, connector, key, reading)
        if not values:
            return
        running = context.running.get(connector)
        meter_value = {"timestamp": context.instant(now_us), "sampledValue": values}
        if running is not None:
            message = QueueMessage(
                connector,
                running.session_id,
                MessageKind.VALUES,
                context.instant(now_us),
                values=values_text([meter_value]),
            )
            at_once = _reading(context, now_us, connector)
            context.writes += [message] if at_once is None else [at_once, message]
        elif context.link.may_ask:
            meter_value["timestamp"] = context.now_text(now_us)
            context.requests.ask("MeterValues", {"connectorId": connector, "meterValue": [meter_value]})

    def _collect(self, context: Context, now_us: int, connector: int, key: str, reading: ReadingContext) -> None:
        """Keep values for the stop of the transaction that runs."""
        if connector not in context.running:
            return
        values = self._read(context, connector, key, reading)
        data = self._data[connector]
        if values:
            data.append({"timestamp": context.instant(now_us), "sampledValue": values})
        if sum(len(each["sampledValue"]) for each in data) > STOP_VALUES and len(data) > 2:
            del data[1:-1:2]
        if values and now_us >= self._data_kept_us.get(connector, -NEVER) + DATA_KEPT_US:
            self._data_kept_us[connector] = now_us
            context.keep(data_name(connector), json.dumps([context.running[connector].session_id, values_text(data)]))
            at_once = _reading(context, now_us, connector)
            context.writes += [] if at_once is None else [at_once]

    def _read(self, context: Context, connector: int, key: str, reading: ReadingContext) -> list[dict[str, Any]]:
        """The values of one list of measurands now, energy of an interval since its last ones."""
        outlet = context.outlet(connector)
        since_wh = self._interval_wh.get((connector, key))
        if outlet is not None:
            self._interval_wh[connector, key] = outlet.register_wh
        return _read(context, connector, context.keys.words(key), reading, since_wh)


def data_name(connector: int) -> str:
    """Name of the document that keeps what a stop will tell of a connector's transaction."""
    return f"transaction data {connector}"


def _reading(context: Context, now_us: int, connector: int) -> Checkpoint | None:
    """The reading of the session in which the connector's transaction runs; ``None`` without one.

    It is durable before, or together with, what is told of it: after a power cut neither the session's end nor the next start
    is below that.
    """
    outlet, running = context.outlet(connector), context.running.get(connector)
    session = None if outlet is None else outlet.session
    if outlet is None or session is None or running is None or session.session_id != running.session_id:
        return None
    at = context.instant(now_us)
    return Checkpoint(connector, session.session_id, at, session.energy_wh, outlet.register_wh, session.charge_type)


def _read(
    context: Context, connector: int, measurands: Sequence[str], reading: ReadingContext, since_wh: int | None
) -> list[dict[str, Any]]:
    outlet = context.outlet(connector)
    if outlet is None:
        return []
    phases = context.identity.outlets[connector].phases
    return sampled_values(outlet, measurands, reading, phases=phases, since_wh=since_wh)


def report_meter(context: Context, now_us: int, connector: int, reading: ReadingContext) -> bool:
    """Ask to send a connector's values as they are now; false when there are none. Connector 0 has no meter of its own.

    Those of a transaction go when they are durable: no later end is below what was told.
    """
    if connector == 0:
        return False
    values = _read(context, connector, context.keys.words("MeterValuesSampledData"), reading, None)
    if not values:
        return False
    payload: dict[str, Any] = {
        "connectorId": connector,
        "meterValue": [{"timestamp": context.now_text(now_us), "sampledValue": values}],
    }
    running = context.running.get(connector)
    transaction_id = None if running is None else context.outbox.transaction_ids.get(running.session_id)
    if transaction_id is not None:
        payload["transactionId"] = transaction_id

    def tell() -> None:
        context.requests.ask("MeterValues", payload)

    durable = _reading(context, now_us, connector)
    if durable is None:
        tell()
        return True
    return context.keep_reading(f"reading {connector}", durable, tell)
