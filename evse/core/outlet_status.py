"""The outlet procedure: `Outlet Status` and `OutletStatusLastError` of the EVlink commissioning guide DOCA0060.

*Authorisation*: who may charge. *Contract*: what this session may have; the session opens. *Plug procedure*: cable seen,
locked, vehicle seen, residual-current detector tested. *Charge loop*: pilot with PWM, contactor as the vehicle asks,
suspended and resumed, ended by user, vehicle, supervision or a fault. *Unplug procedure*: contactor proven open,
unlocked, cable out, vehicle gone. With plug first the plug procedure's facts are already there and it passes at once.
Where there is a shutter (City), :mod:`evse.core.shutter_plan` says when it opens and closes in between.

Everything that can change the status is a row below; times and conditions live in :mod:`evse.core.procedure`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from evse.core.machine import Row, TransitionTable


class OutletStatus(StrEnum):
    """`Outlet Status`."""

    NOT_INITIALIZED = "Not_Initialized"
    INIT_DONE = "OK_InitDone"
    AUTHORISATION_STARTED = "OK_ChargeAuthorisationStarted"
    AUTHORISATION_DONE = "OK_ChargeAuthorisationDone"
    CONTRACT_STARTED = "OK_ChargeContractStarted"
    CONTRACT_DONE = "OK_ChargeContractDone"
    PLUG_STARTED = "OK_PlugProcedureStarted"
    PLUG_DONE = "OK_PlugProcedureDone"
    CHARGE_LOOP_STARTED = "OK_ChargeLoopStarted"
    CHARGE_LOOP_ENDED = "OK_ChargeLoopEnded"
    UNPLUG_STARTED = "OK_UnplugProcedureStarted"
    UNPLUG_DONE = "OK_UnplugProcedureDone"
    UNAVAILABLE = "OK_Unavailable"
    MAINTENANCE_CITY = "OK_MaintenanceCity"


class ErrorClass(StrEnum):
    """The heading under which an error is shown."""

    NONE = ""
    AUTHORISATION = "ChargeAuthorisation error"
    PLUG = "Plug error"
    CHARGE = "Charge error"
    UNPLUG = "Unplug error"


class OutletErrorName(StrEnum):
    """`OutletStatusLastError`."""

    BADGE_UNKNOWN = "KO_BadgeUnknown"
    BADGE_IS_NOT_THE_BOOKER = "KO_BadgeIsNotTheBooker"
    ABNORMALLY_LOCKED = "KO_PlugOrShutterAbnormallyLocked"
    SHUTTER_NOT_OPENED = "KO_ShutterNotOpened"
    PLUG_NOT_DETECTED = "KO_PlugNotDetected"
    EV_NOT_DETECTED = "KO_EvNotDetected"
    ABNORMALLY_NOT_LOCKED = "KO_PlugOrShutterAbnormallyNotLocked"
    PLUG_PROCEDURE = "KO_PlugProcedureError"
    BADGE_IS_NOT_THE_CURRENT_USER = "KO_BadgeIsNotTheCurrentUser"
    UNLOCK_PLUG_IN_CHARGE = "KO_UnlockPlugInCharge"
    ON_STREET_OPEN_SHUTTER = "KO_OnStreetOpenShutterInCharge"
    SHUTTER_NOT_CLOSED = "KO_ShutterNotClosed"
    PLUG_STILL_DETECTED = "KO_PlugStillDetected"
    EV_STILL_DETECTED = "KO_EVStillDetected"
    UNPLUG_PROCEDURE = "KO_UnplugProcedureError"


_E = OutletErrorName
ERROR_CLASS: Final = {
    _E.BADGE_UNKNOWN: ErrorClass.AUTHORISATION,
    _E.BADGE_IS_NOT_THE_BOOKER: ErrorClass.AUTHORISATION,
    _E.ABNORMALLY_LOCKED: ErrorClass.PLUG,
    _E.SHUTTER_NOT_OPENED: ErrorClass.PLUG,
    _E.PLUG_NOT_DETECTED: ErrorClass.PLUG,
    _E.EV_NOT_DETECTED: ErrorClass.PLUG,
    _E.ABNORMALLY_NOT_LOCKED: ErrorClass.PLUG,
    _E.PLUG_PROCEDURE: ErrorClass.PLUG,
    _E.BADGE_IS_NOT_THE_CURRENT_USER: ErrorClass.CHARGE,
    _E.UNLOCK_PLUG_IN_CHARGE: ErrorClass.CHARGE,
    _E.ON_STREET_OPEN_SHUTTER: ErrorClass.CHARGE,
    _E.SHUTTER_NOT_CLOSED: ErrorClass.UNPLUG,
    _E.PLUG_STILL_DETECTED: ErrorClass.UNPLUG,
    _E.EV_STILL_DETECTED: ErrorClass.UNPLUG,
    _E.UNPLUG_PROCEDURE: ErrorClass.UNPLUG,
}

_S = OutletStatus
_GUIDE: Final = "EVlink commissioning guide DOCA0060, Status sub-tab"
_OURS: Final = "our reading of the guide's order of states"


def _row(trigger: str, sources: tuple[OutletStatus, ...], target: OutletStatus, clause: str) -> Row:
    return Row(trigger, tuple(source.value for source in sources), target.value, clause)


OUTLET_TABLE: Final = TransitionTable(
    "outlet",
    [status.value for status in OutletStatus],
    OutletStatus.NOT_INITIALIZED.value,
    (
        _row("initialised", (_S.NOT_INITIALIZED,), _S.INIT_DONE, _GUIDE),
        _row("authorise", (_S.INIT_DONE, _S.UNPLUG_STARTED), _S.AUTHORISATION_STARTED, _GUIDE),
        _row("authorised", (_S.AUTHORISATION_STARTED,), _S.AUTHORISATION_DONE, _GUIDE),
        _row("refused", (_S.AUTHORISATION_STARTED, _S.CONTRACT_STARTED), _S.INIT_DONE, _OURS),
        _row("refused_plugged", (_S.AUTHORISATION_STARTED, _S.CONTRACT_STARTED), _S.UNPLUG_STARTED, _OURS),
        _row("contract", (_S.AUTHORISATION_DONE,), _S.CONTRACT_STARTED, _GUIDE),
        _row("contracted", (_S.CONTRACT_STARTED,), _S.CONTRACT_DONE, _GUIDE),
        _row("plug", (_S.CONTRACT_DONE,), _S.PLUG_STARTED, _GUIDE),
        _row("plugged", (_S.PLUG_STARTED,), _S.PLUG_DONE, _GUIDE),
        _row("plug_failed", (_S.PLUG_STARTED,), _S.UNPLUG_STARTED, _OURS),
        _row("charge", (_S.PLUG_DONE,), _S.CHARGE_LOOP_STARTED, _GUIDE),
        _row("charge_ended", (_S.CHARGE_LOOP_STARTED,), _S.CHARGE_LOOP_ENDED, _GUIDE),
        _row("unplug", (_S.CHARGE_LOOP_ENDED,), _S.UNPLUG_STARTED, _GUIDE),
        _row("unplugged", (_S.UNPLUG_STARTED,), _S.UNPLUG_DONE, _GUIDE),
        _row("free", (_S.UNPLUG_DONE,), _S.INIT_DONE, _GUIDE),
        _row("taken_out", (_S.INIT_DONE,), _S.UNAVAILABLE, _GUIDE),
        _row("returned", (_S.UNAVAILABLE,), _S.INIT_DONE, _GUIDE),
        _row("maintained", (_S.INIT_DONE, _S.UNPLUG_STARTED), _S.MAINTENANCE_CITY, _GUIDE),
        _row("maintenance_ended", (_S.MAINTENANCE_CITY,), _S.INIT_DONE, _GUIDE),
    ),
)
"""`Outlet Status` machine. `authorise` from the unplug procedure: the same or another user starts again without
unplugging."""
