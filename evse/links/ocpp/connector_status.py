"""The status of a connector as OCPP 1.6 names it (4.9, 7.7, 7.6), derived from the Snapshot by one table.

============== ============================================================================================================
status         when (the first row that holds)
============== ============================================================================================================
Faulted        a fault forbids to charge; its error code is that of the first fault in force
Unavailable    control does not answer, out of service, maintenance, or not yet started
Finishing      the session is being ended, or has ended (by a power cut or a reset too) and the cable is still in
Charging       in a session, the contact is closed and the vehicle asks for energy (state C or D; domestic: closed)
SuspendedEVSE  in the charge loop, the station offers nothing to the vehicle that is there
SuspendedEV    in the charge loop, the station offers and the vehicle does not ask, or was unplugged and may come back
Preparing      a session without a charge loop yet, or a cable without a session where nobody has booked
Reserved       booked, also while somebody has plugged in who has not shown that it is his (4.9: H2 needs the booker's id)
Available      else
============== ============================================================================================================

A notice (a fault that stops nothing) is told by its error code beside the status. Connector 0 is `Faulted` or `Unavailable`
when every connector is, else `Available`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from evse.core.faults import Reaction
from evse.core.outlet_status import OutletStatus
from evse.exchange.snapshot import OutletView


class ConnectorStatus(StrEnum):
    """`ChargePointStatus`."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EVSE = "SuspendedEVSE"
    SUSPENDED_EV = "SuspendedEV"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


NO_ERROR: Final = "NoError"
OTHER_ERROR: Final = "OtherError"
RESET_FAILURE: Final = "ResetFailure"
"""Of connector 0: the station did not obey a reset, until its next start."""
ERROR_CODES: Final[Mapping[str, str]] = {
    "ContactorWelded": "PowerSwitchFailure",
    "ContactorFailedToClose": "PowerSwitchFailure",
    "DiodeFault": "EVCommunicationError",
    "PilotShort": "EVCommunicationError",
    "PilotInvalid": "EVCommunicationError",
    "PilotGeneratorStuck": "InternalError",
    "PilotGeneratorDefective": "InternalError",
    "FrontEndLost": "InternalError",
    "FrontEndFault": "InternalError",
    "RecordNotDurable": "InternalError",
    "ResidualCurrentAC": "GroundFailure",
    "ResidualCurrentDC": "GroundFailure",
    "ResidualSelfTestFailed": "GroundFailure",
    "DI PowerMeter Comm": "PowerMeterFailure",
    "OverCurrentSoft": "OverCurrentFailure",
    "OverCurrentHard": "OverCurrentFailure",
    "OverTemperature": "HighTemperature",
    "LockFailedToLock": "ConnectorLockFailure",
    "LockFailedToUnlock": "ConnectorLockFailure",
    "LockOpenedInCharge": "ConnectorLockFailure",
    "LockSensor": "ConnectorLockFailure",
    "SupplyLost": "UnderVoltage",
    "BrownOut": "UnderVoltage",
    "CardReaderLost": "ReaderFailure",
}
"""`ChargePointErrorCode` of each fault; one that is not here is an `OtherError`, told by its name as vendor error code."""

_LOOP: Final = OutletStatus.CHARGE_LOOP_STARTED.value
_ENDING: Final = (OutletStatus.CHARGE_LOOP_ENDED.value, OutletStatus.UNPLUG_STARTED.value)
_OUT_OF_SERVICE: Final = (
    OutletStatus.NOT_INITIALIZED.value,
    OutletStatus.UNAVAILABLE.value,
    OutletStatus.MAINTENANCE_CITY.value,
)
_MAINTENANCE: Final = "Maintenance_Plc_Cmd_Received"
_BOOKED: Final = "Booked_Plc_Cmd_Received"
_UNPLUGGED: Final = ("Not_Plugged", "Short", "Invalid")
_NO_VEHICLE: Final = "NoVehicle"
_ASKING: Final = ("C_", "D_")
_VEHICLE: Final = ("B_", *_ASKING)


class StatusReport(NamedTuple):
    """What a `StatusNotification` says of a connector."""

    status: ConnectorStatus
    error_code: str = NO_ERROR
    vendor_error_code: str = ""


class ConnectorWatch:
    """One connector; remembers that a session has ended while its cable stays in."""

    def __init__(self) -> None:
        self.ended = False
        """Whether a session has ended whose cable is still in, before a restart too."""
        self._had_session = False

    def report(self, outlet: OutletView | None, *, settled: bool = True) -> StatusReport:
        """Return the status that the Snapshot of the outlet means; ``None``: control does not answer.

        ``settled``: control has begun so long ago that it knows what is plugged in.
        """
        if outlet is None:
            return StatusReport(ConnectorStatus.UNAVAILABLE)
        self._follow(outlet, settled=settled)
        code, vendor_code = error_code(outlet)
        return StatusReport(self._status(outlet), code, vendor_code)

    def _follow(self, outlet: OutletView, *, settled: bool) -> None:
        has_session = outlet.session is not None
        if has_session or (settled and not plugged(outlet)):
            self.ended = False
        elif self._had_session:
            self.ended = True
        self._had_session = has_session

    def _status(self, outlet: OutletView) -> ConnectorStatus:
        if any(fault.reaction != Reaction.NOTICE.value for fault in outlet.faults):
            return ConnectorStatus.FAULTED
        if outlet.outlet_status in _OUT_OF_SERVICE or (_MAINTENANCE in outlet.evse_status and outlet.session is None):
            return ConnectorStatus.UNAVAILABLE
        if outlet.outlet_status in _ENDING or self.ended:
            return ConnectorStatus.FINISHING
        if outlet.session is not None:
            return _in_session(outlet)
        if _BOOKED in outlet.evse_status:
            return ConnectorStatus.RESERVED
        return ConnectorStatus.PREPARING if plugged(outlet) else ConnectorStatus.AVAILABLE


def _in_session(outlet: OutletView) -> ConnectorStatus:
    if outlet.outlet_status != _LOOP:
        return ConnectorStatus.PREPARING
    if outlet.domestic is not None and outlet.domestic.contactor_closed:
        return ConnectorStatus.CHARGING
    if outlet.contactor_closed and outlet.ev_state.startswith(_ASKING):
        return ConnectorStatus.CHARGING
    if _NO_VEHICLE in outlet.no_offer_reasons:
        return ConnectorStatus.SUSPENDED_EV
    return ConnectorStatus.SUSPENDED_EVSE if outlet.no_offer_reasons else ConnectorStatus.SUSPENDED_EV


def plugged(outlet: OutletView) -> bool:
    """Whether a cable, a vehicle or a domestic plug is there."""
    if outlet.domestic is not None and outlet.domestic.plugged:
        return True
    return outlet.cable_state not in _UNPLUGGED or outlet.ev_state.startswith(_VEHICLE)


def error_code(outlet: OutletView) -> tuple[str, str]:
    """Return `errorCode` and `vendorErrorCode` of the fault that matters most: the first that stops, else the first notice."""
    faults = sorted(outlet.faults, key=lambda fault: fault.reaction == Reaction.NOTICE.value)
    if not faults:
        return NO_ERROR, ""
    name = faults[0].name
    return ERROR_CODES.get(name, OTHER_ERROR), name


def station_report(connectors: Sequence[StatusReport]) -> StatusReport:
    """Return the status of connector 0."""
    for status in (ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE):
        if connectors and all(each.status is status for each in connectors):
            return StatusReport(status, connectors[0].error_code, connectors[0].vendor_error_code)
    return StatusReport(ConnectorStatus.AVAILABLE)


class StatusTeller:
    """Decides when a connector's status is told: changes at once, or after `MinimumStatusDuration` for one that lasts.

    ``shown`` is what the central system was last told, ``None`` when it must be told whatever the status is.
    """

    def __init__(self) -> None:
        self.shown: StatusReport | None = None
        self._candidate: StatusReport | None = None
        self._since_us = 0

    def forget(self) -> None:
        """The central system may have missed or lost what it was told: a status without an answer, or a new boot."""
        self.shown = None

    def update(self, now_us: int, report: StatusReport, minimum_us: int) -> tuple[bool, int | None]:
        """Take the status of now; return whether to tell it, and when to look again if nothing changes."""
        if report != self._candidate:
            self._candidate, self._since_us = report, now_us
        if report == self.shown:
            return False, None
        due_us = self._since_us + minimum_us
        if self.shown is not None and now_us < due_us:
            return False, due_us
        self.shown = report
        return True, None
