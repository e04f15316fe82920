"""The station's exact names in plain words, for people who do not know them yet. The names always stand beside them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from evse.core.faults import CATALOGUE

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "StateNotRestored": "After a start nothing may charge until the latched state has been read",
        "FrontEndNotFresh": "The front end's readings are missing or too old",
        "VehicleNotReady": "The vehicle does not ask for energy",
        "NoVentilation": "The vehicle wants ventilation and this place has none",
        "DiodeNotProven": "No vehicle's diode has been seen on the pilot",
        "LockNotConfirmed": "The plug is not locked",
        "ShutterNotConfirmed": "The shutter is not closed over the plug",
        "PlugNotDetected": "No plug is in the domestic socket",
        "OtherContactNotOpen": "The contactor of the outlet's other socket is not surely open",
        "OtherSocketInUse": "The outlet's other socket is in use; one at a time",
        "NotAuthorised": "Nobody has started a charge",
        "RecordNotDurable": "The start of the charge is not safe on the disk yet",
        "SelfTestNotPassed": "The residual-current detector has not passed its self test",
        "PwmOff": "No current is offered to the vehicle",
        "ContactorMustRest": "The contactor rests between two closings",
        "WaitAfterFault": "A fault has just ended; the station waits a moment",
        "RestartDelay": "The power was away; this charge waits its turn to begin again",
        "NoVehicle": "No vehicle is connected",
        "Suspended": "The charge has been suspended by a command",
        "Postponed": "The start of the charge has been postponed",
        "OutOfService": "The outlet is out of service",
        "NotEnoughCurrent": "Less current is left for this outlet than a charge needs",
        "KeyLocked": "The key lock blocks the station",
        "ConditionalStart": "The input In-2 holds the start of the charge back",
        "DelayedStart": "The input for delayed start holds the charge back",
        "StoppedByButton": "The push button has stopped the charge; the next press lets it go on",
        "X1Open": "The enable input X1 is open",
        "DipSwitchesUnknown": "The DIP switches have not been read since the start",
        "Restarting": "The station is about to restart",
        "PhasesChange": "The station is switching between one phase and three",
    }
)
"""Reasons of the interlock and of the offer."""

LIMITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "rated": "the outlet's rating",
        "derated": "what the installation allows at this outlet",
        "cable": "what the plugged cable may carry",
        "domestic socket": "what an appliance at a domestic socket may draw",
        "simplified mode 3": "a vehicle without diode signalling may draw no more",
        "temporary limit": "the input for temporary current limitation acts",
        "DIP switches": "what the DIP switches were set to at the start",
        "load shedding": "the input for load shedding acts",
        "temperature": "the front end is hot",
        "station maximum": "what the station's supply stands",
        "balancing share": "this outlet's share of what the station may have",
        "house meter": "what the house leaves",
        "modbus": "the building's control system",
        "udp": "the UDP interface",
        "ocpp": "a charging profile of the central system",
        "master": "the master of the charging network",
        "schedule": "the timetable",
    }
)
"""Where a limit of the current comes from; other sources bear the name that a command gave them."""


def fault_words() -> dict[str, str]:
    """Every fault of the catalogue with its meaning, as a sentence begins."""
    return {kind.name: kind.meaning[:1].upper() + kind.meaning[1:] for kind in CATALOGUE}


def reason_words(name: str) -> str:
    """A reason in plain words; a fault by its meaning; a name that nobody knows stays itself."""
    return REASONS.get(name) or fault_words().get(name) or name
