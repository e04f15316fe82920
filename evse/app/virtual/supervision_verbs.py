"""Verbs of the simulation that concern the central system and the way to it, and the requests they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from hal.world.verb_spec import Checked, Verb, VerbParam

if TYPE_CHECKING:
    from evse.links.ocpp.central import Central

_OUTLET: Final = VerbParam("outlet", "int", "number of the outlet", "", 1, 1, 2)
_CARD: Final = VerbParam("uid", "text", "identifier of the card", "", None, 1, 20)

SUPERVISION_VERBS: Final = (
    Verb("network_down", "supervision", "the way to the central system is cut", healed_by="network_up"),
    Verb("network_up", "supervision", "the way to the central system is there again"),
    Verb("csms_silent", "supervision", "the central system answers nothing any more", healed_by="csms_answers"),
    Verb("csms_answers", "supervision", "the central system answers again"),
    Verb("csms_refuses", "supervision", "the central system refuses this card from now on", (_CARD,)),
    Verb("csms_accepts", "supervision", "the central system accepts this card again", (_CARD,)),
    Verb("csms_remote_start", "supervision", "the central system starts a charge", (_OUTLET, _CARD)),
    Verb("csms_remote_stop", "supervision", "the central system stops the charge", (_OUTLET,)),
    Verb("csms_unlock", "supervision", "the central system unlocks the connector", (_OUTLET,)),
    Verb(
        "csms_limit",
        "supervision",
        "the central system limits the outlet by a charging profile",
        (_OUTLET, VerbParam("current", "number", "on each phase", "A", None, 0, 80)),
    ),
    Verb(
        "csms_configure",
        "supervision",
        "the central system changes a configuration key",
        (
            VerbParam("key", "text", "name of the key", "", None, 1, 50),
            VerbParam("value", "text", "its new value", "", None, 0, 500),
        ),
    ),
    Verb("csms_unlimit", "supervision", "the central system clears its charging profiles"),
    Verb(
        "csms_reset",
        "supervision",
        "the central system resets the station",
        (VerbParam("type", "choice", "kind of the reset", "", "Soft", choices=("Soft", "Hard")),),
    ),
    Verb(
        "csms_availability",
        "supervision",
        "the central system takes the outlet out of service, or returns it",
        (_OUTLET, VerbParam("operative", "bool", "whether it may be used", "", True)),
    ),
)
"""Same shape as the world's verbs. They exist on stations with supervision only."""


def request_of(central: Central, name: str, params: Mapping[str, Checked]) -> tuple[str, dict[str, Any]] | None:
    """The request that a verb means, ``None`` for a verb that is none. Raises ValueError when it is impossible now."""
    outlet = int(params.get("outlet", 0))
    match name:
        case "csms_remote_start":
            return "RemoteStartTransaction", {"connectorId": outlet, "idTag": str(params["uid"])}
        case "csms_remote_stop":
            number = central.running(outlet)
            if number is None:
                raise ValueError(f"the central system knows of no transaction at outlet {outlet}")
            return "RemoteStopTransaction", {"transactionId": number}
        case "csms_unlock":
            return "UnlockConnector", {"connectorId": outlet}
        case "csms_limit":
            return "SetChargingProfile", {
                "connectorId": outlet,
                "csChargingProfiles": _profile(outlet, int(params["current"])),
            }
        case "csms_configure":
            return "ChangeConfiguration", {"key": str(params["key"]), "value": str(params["value"])}
        case "csms_unlimit":
            return "ClearChargingProfile", {}
        case "csms_reset":
            return "Reset", {"type": str(params["type"])}
        case "csms_availability":
            kind = "Operative" if params["operative"] else "Inoperative"
            return "ChangeAvailability", {"connectorId": outlet, "type": kind}
    return None


def _profile(outlet: int, current_ma: int) -> dict[str, Any]:
    schedule = {
        "chargingRateUnit": "A",
        "startSchedule": "2026-01-01T00:00:00Z",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": current_ma // 100 / 10}],
    }
    return {
        "chargingProfileId": outlet,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule,
    }
