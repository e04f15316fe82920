"""Names that a scenario may compare with: a misspelt one would make a ``never`` that cannot fail.

Each text field of the snapshot, of records and of events is either in ``FIELD_NAMES``, with every value it can take, or in
``FREE_FIELDS``: texts that somebody makes up (identities, digests). ``tests/unit/sim/test_names.py`` compares both
with the program, so that a new field or reason cannot be forgotten.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from evse.core.config import Access, SocketType
from evse.core.dip import DipFunction
from evse.core.fault_places import PLACES
from evse.core.faults import CATALOGUE, Latch, Reaction
from evse.core.led_bar import DISPLAY_TEXTS
from evse.core.limits import OnExpiry
from evse.core.lines import LineFunction
from evse.core.orders import OrderKind
from evse.core.outlet_status import OUTLET_TABLE, ErrorClass, OutletErrorName, OutletStatus
from evse.core.procedure_users import FREE_ACCESS
from evse.core.session import DOMESTIC, NORMAL_MODE_3, SIMPLIFIED_MODE_3
from evse.core.values import Beep, CableState, Light, LockFeedback, PilotLevel, PilotMode, PilotState, ShutterFeedback
from evse.records import dataclass

FAULTS: Final = tuple(kind.name for kind in CATALOGUE)
EVSE_STATUS: Final = (
    SIMPLIFIED_MODE_3,
    NORMAL_MODE_3,
    "Ventilation required",
    "Single-Phase",
    "Three-Phase",
    "Domestic cable detected",
    "VIP badge mode",
    "Unavailable_OCPP_Cmd_Received",
    "not_Enough_Energy_To_Start_Charge",
    "Charge_Postpone",
    "Maintenance_Plc_Cmd_Received",
    "Booked_Plc_Cmd_Received",
    "Suspend_Plc_Cmd_Received",
    "Unavailable_Plc_Cmd_Received",
)
LIMIT_SOURCES: Final = (
    *("rated", "derated", "domestic socket", "cable", "simplified mode 3", "temporary limit", "load shedding"),
    *("temperature", "DIP switches", "station maximum", "balancing share"),
)
"""Those of the station itself; ``set_limit`` brings others."""
WAITING_REASONS: Final = (
    "StateNotRestored",
    "NotAuthorised",
    "RecordNotDurable",
    "SelfTestNotPassed",
    "LockNotConfirmed",
    "ShutterNotConfirmed",
    "NoVehicle",
    "OtherSocketInUse",
    "Suspended",
    "Postponed",
    "OutOfService",
    "DipSwitchesUnknown",
    "X1Open",
    "Restarting",
    "PhasesChange",
    "KeyLocked",
    "ConditionalStart",
    "DelayedStart",
    "StoppedByButton",
    "NotEnoughCurrent",
    "WaitAfterFault",
    "ContactorMustRest",
    "RestartDelay",
)
"""Why no PWM is offered, beside faults."""
CONTACTOR_REASONS: Final = (
    "FrontEndNotFresh",
    "VehicleNotReady",
    "NoVentilation",
    "DiodeNotProven",
    "PwmOff",
    "PlugNotDetected",
    "OtherContactNotOpen",
)
"""Why the contactor may not be held, beside the reasons for no offer."""
NO_OFFER_REASONS: Final = tuple(dict.fromkeys((*WAITING_REASONS, *FAULTS)))
OPEN_REASONS: Final = tuple(dict.fromkeys((*CONTACTOR_REASONS, *NO_OFFER_REASONS)))
CHARGE_TYPES: Final = (NORMAL_MODE_3, SIMPLIFIED_MODE_3, DOMESTIC)
END_REASONS: Final = (
    "Local",
    "Remote",
    "EVDisconnected",
    "Unavailable",
    "DeAuthorized",
    "PlugTimeout",
    "VehicleTimeout",
    "LockStuck",
    "ShutterStuck",
    "OtherSocketInUse",
    "Reboot",
    "SoftReset",
    "HardReset",
    "UnlockCommand",
    "PowerLoss",
    "Other",
    *(f"Fault {name}" for name in FAULTS),
)
"""Why a session ended; ``stop_session`` may bring others."""
RESTART_CAUSES: Final = ("ServiceButton", "ServiceButtonErase")
UNKNOWN_SWITCHES: Final = tuple(f"DSW{bank}.{switch}" for bank in (1, 2) for switch in range(1, 9))
"""Undocumented switches of the shipped boards bear such names."""
UID_PATTERN: Final = re.compile(r"([0-9A-F]{8}|[0-9A-F]{14}|[0-9A-F]{16}|[0-9A-F]{20})\Z")
UID_ALLOWED: Final = "4, 7, 8 or 10 bytes in upper-case hexadecimal"


@dataclass(frozen=True, slots=True)
class Brought:
    """Names that the scenario itself brings: limit sources of ``set_limit``, reasons of ``stop_session``."""

    limit_sources: tuple[str, ...] = ()
    end_reasons: tuple[str, ...] = ()


def _words(*kinds: type[StrEnum]) -> tuple[str, ...]:
    return tuple(member.value for kind in kinds for member in kind)


_STATUS, _PILOT = _words(OutletStatus), _words(PilotState)
_SOCKETS = ("", *_words(SocketType))
_ERRORS, _CLASSES = ("", *_words(OutletErrorName)), _words(ErrorClass)
FIELD_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "OutletView.outlet_status": _STATUS,
    "OutletView.last_error": _ERRORS,
    "OutletView.last_error_class": _CLASSES,
    "OutletView.ev_state": _PILOT,
    "OutletView.cable_state": _words(CableState),
    "OutletView.evse_status": EVSE_STATUS,
    "OutletView.limits": LIMIT_SOURCES,
    "OutletView.open_reasons": OPEN_REASONS,
    "OutletView.no_offer_reasons": NO_OFFER_REASONS,
    "OutletView.lock": ("", *_words(LockFeedback)),
    "OutletView.light": _words(Light),
    "OutletView.faults": FAULTS,
    "OutletView.access": _words(Access),
    "OutletView.shutter": ("", *_words(ShutterFeedback)),
    "OutletView.connector": _SOCKETS,
    "DomesticView.open_reasons": OPEN_REASONS,
    "OutletView.active_inputs": _words(LineFunction),
    "OutletView.sound": ("", *_words(Beep)),
    "OutletView.display": ("", *DISPLAY_TEXTS),
    "DipView.on": (*_words(DipFunction), *UNKNOWN_SWITCHES),
    "PilotView.driven_mode": _words(PilotMode),
    "LimitView.source": LIMIT_SOURCES,
    "LimitView.on_expiry": _words(OnExpiry),
    "FaultView.name": FAULTS,
    "FaultView.reaction": _words(Reaction),
    "FaultView.latch": _words(Latch),
    "FaultView.where": PLACES,
    "SessionView.charge_type": CHARGE_TYPES,
    "ClosedSession.reason": END_REASONS,
    "ClosedSession.charge_type": CHARGE_TYPES,
    "ClosedSession.socket": _SOCKETS,
    "OutletTruth.pilot_level": _words(PilotLevel),
    "OutletTruth.light": _words(Light),
    "OutletTruth.beep": tuple(beep for beep in _words(Beep) if beep != Beep.TONE.value),
    "OutletTruth.display": ("", *DISPLAY_TEXTS),
    "EvStateChanged.previous": _PILOT,
    "EvStateChanged.state": _PILOT,
    "CableChanged.state": _words(CableState),
    "OutletStatusChanged.previous": _STATUS,
    "OutletStatusChanged.status": _STATUS,
    "OutletStatusChanged.trigger": tuple(row.trigger for row in OUTLET_TABLE.rows),
    "OutletError.error": _ERRORS,
    "OutletError.error_class": _CLASSES,
    "PilotDriven.mode": _words(PilotMode),
    "ContactorPermitted.reasons": OPEN_REASONS,
    "DomesticPermitted.reasons": OPEN_REASONS,
    "LockMoved.feedback": _words(LockFeedback),
    "ShutterMoved.feedback": _words(ShutterFeedback),
    "RestartRequested.cause": RESTART_CAUSES,
    "InputChanged.function": _words(LineFunction),
    "FaultRaised.fault": FAULTS,
    "FaultRaised.reaction": _words(Reaction),
    "FaultRaised.where": PLACES,
    "FaultCleared.fault": FAULTS,
    "OrdersChanged.orders": _words(OrderKind),
    "AuthorisationRequested.purpose": ("start", "stop"),
    "SessionOpened.authorised_by": ("badge", FREE_ACCESS, "remote"),
    "EnergyCheckpoint.charge_type": CHARGE_TYPES,
    "SessionClosed.reason": END_REASONS,
    "SessionClosed.charge_type": CHARGE_TYPES,
    "CommandDone.outcome": ("done", "refused", "expired"),
}
"""``Type.field`` to every value it can take (of a list: its members)."""
FREE_FIELDS: Final = (
    "StationView.station_uid",
    "StationView.profile",
    "StationView.boot_id",
    "StationView.config_digest",
    "OutletView.link_problem",
    "OutletView.reader_problem",
    "OutletView.front_end_version",
    "OutletView.reader_version",
    "OutletView.metered_by",
    "MeterView.name",
    "MeterView.problem",
    "LimitView.note",
    "DipView.at_start",
    "DipView.now",
    "DipView.address",
    "DipSwitchesRead.positions",
    "SessionView.session_id",
    "ClosedSession.session_id",
    "SessionOpened.session_id",
    "TransactionStarted.session_id",
    "EnergyCheckpoint.session_id",
    "SessionClosed.session_id",
    "CommandDone.command_id",
    "CommandDone.reason",
    "ConfigurationActive.digest",
)
UID_FIELDS: Final = (
    "SessionView.uid",
    "ClosedSession.uid",
    "AuthorisationRequested.uid",
    "SessionOpened.uid",
    "SessionClosed.stopped_by",
    "MasterCardTaught.uid",
)
"""Fields that hold a badge's identifier, or nothing."""


def names_of(field: str, brought: Brought) -> tuple[str, ...]:
    """Every value that ``field`` (``Type.field``) can take in this scenario; empty when it is free."""
    names = FIELD_NAMES.get(field, ())
    if names is LIMIT_SOURCES:
        return (*names, *brought.limit_sources)
    return (*names, *brought.end_reasons) if names is END_REASONS else names


def nearest_first(wrong: object, names: Iterable[str]) -> str:
    """``names`` for a message, those that look most like ``wrong`` in front."""
    known, text = list(names), str(wrong)[:100]
    holding = [name for name in known if text and text.lower() in name.lower()]
    close = difflib.get_close_matches(text, known, n=3)
    return ", ".join(name if name else "''" for name in dict.fromkeys([*close, *holding, *known]))
