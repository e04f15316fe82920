"""OCPP 1.5 over JSON: the same charge point in the older version's words (OCPP 1.5 specification, chapters 5 to 7).

Inside everything is 1.6. What goes out and comes in is translated here: names and values that 1.5 has otherwise, fields and
messages that it has not. A message that 1.5 does not have is not sent, and one that it does not have is not served.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

from evse.links.ocpp.frame import Call


class Version(StrEnum):
    """Versions that the station speaks, as its settings name them."""

    V16 = "1.6-json"
    V15 = "1.5-json"

    @property
    def subprotocol(self) -> str:
        """The WebSocket's subprotocol."""
        return "ocpp1.6" if self is Version.V16 else "ocpp1.5"


SERVED: Final = frozenset(
    (
        *("CancelReservation", "ChangeAvailability", "ChangeConfiguration", "ClearCache", "DataTransfer"),
        *("GetConfiguration", "GetDiagnostics", "GetLocalListVersion", "RemoteStartTransaction"),
        *("RemoteStopTransaction", "ReserveNow", "Reset", "SendLocalList", "UnlockConnector", "UpdateFirmware"),
    )
)
"""Requests of a central system that 1.5 has."""
_STATUSES: Final = {
    "Preparing": "Occupied",
    "Charging": "Occupied",
    "SuspendedEV": "Occupied",
    "SuspendedEVSE": "Occupied",
    "Finishing": "Occupied",
}
_ERRORS: Final = {"EVCommunicationError": "Mode3Error", "InternalError": "OtherError"}
_FIRMWARE: Final = ("Downloaded", "DownloadFailed", "InstallationFailed", "Installed")
_DIAGNOSTICS: Final = ("Uploaded", "UploadFailed")
_SENT: Final = frozenset(
    (
        *("Authorize", "BootNotification", "DataTransfer", "DiagnosticsStatusNotification"),
        *("FirmwareStatusNotification", "Heartbeat", "MeterValues", "StartTransaction", "StatusNotification"),
        "StopTransaction",
    )
)
_ENERGY: Final = "Energy.Active.Import.Register"
_MEASURANDS: Final = frozenset(
    (
        *("Energy.Active.Export.Register", _ENERGY, "Energy.Reactive.Export.Register"),
        *("Energy.Reactive.Import.Register", "Energy.Active.Export.Interval", "Energy.Active.Import.Interval"),
        *("Power.Active.Export", "Power.Active.Import", "Current.Export", "Current.Import", "Voltage", "Temperature"),
    )
)


def request_out(call: Call) -> Call | None:
    """Return a request of the station in the words of 1.5; ``None`` when 1.5 cannot say it."""
    payload = dict(call.payload)
    if call.action not in _SENT:
        return None
    match call.action:
        case "StatusNotification":
            payload["status"] = _STATUSES.get(payload["status"], payload["status"])
            payload["errorCode"] = _ERRORS.get(payload["errorCode"], payload["errorCode"])
        case "FirmwareStatusNotification" if payload["status"] not in _FIRMWARE:
            return None
        case "DiagnosticsStatusNotification" if payload["status"] not in _DIAGNOSTICS:
            return None
        case "MeterValues":
            payload["values"] = _values(payload.pop("meterValue"))
        case "StopTransaction":
            payload.pop("reason", None)
            if "transactionData" in payload:
                payload["transactionData"] = [{"values": _values(payload["transactionData"])}]
    return replace(call, payload=payload)


def _values(meter_values: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """`MeterValue`s of 1.6 as 1.5 has them: no phases; of the values of each phase the first is told."""
    found = []
    for meter_value in meter_values:
        told: dict[str, dict[str, Any]] = {}
        for sampled in meter_value["sampledValue"]:
            measurand = sampled.get("measurand", _ENERGY)
            if measurand in _MEASURANDS:
                told.setdefault(measurand, {name: value for name, value in sampled.items() if name != "phase"})
        found.append({"timestamp": meter_value["timestamp"], "values": list(told.values())})
    return found


def answer_in(action: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a 1.5 answer to a request of the station in the words of 1.6."""
    if action == "BootNotification" and "heartbeatInterval" in payload:
        rest = {name: value for name, value in payload.items() if name != "heartbeatInterval"}
        return {**rest, "interval": payload["heartbeatInterval"]}
    return payload


def request_in(call: Call) -> Call:
    """Return a 1.5 request of the central system in the words of 1.6."""
    if call.action != "SendLocalList":
        return call
    payload = {name: value for name, value in call.payload.items() if name != "hash"}
    if "localAuthorisationList" in payload:
        payload["localAuthorizationList"] = payload.pop("localAuthorisationList")
    return replace(call, payload=payload)


def answer_out(action: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the station's answer in the words of 1.5."""
    status = payload.get("status")
    if action == "UnlockConnector":
        return {"status": "Accepted" if status == "Unlocked" else "Rejected"}
    if action == "ChangeConfiguration" and status == "RebootRequired":
        return {"status": "Accepted"}
    return payload
