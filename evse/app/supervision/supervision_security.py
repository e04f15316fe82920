"""What of the station's security log a central system is told, and by which type (OCPP 1.6 security whitepaper, its list of events).

Types that are not in that list are the station's own; the list allows that. Who did it is told, secrets and cards are not: the
log holds none of the former, and the latter only masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from evse.services.security.events import SecurityEvent, SecurityKind

_SECURITY: Final = "ReconfigurationOfSecurityParameters"
TYPES: Final[Mapping[SecurityKind, str]] = {
    SecurityKind.LOGIN: "Login",
    SecurityKind.LOGIN_FAILED: "LoginFailed",
    SecurityKind.LOGIN_BLOCKED: "LoginBlocked",
    SecurityKind.LOGOUT: "",
    SecurityKind.SESSION_ENDED: "",
    SecurityKind.PASSWORD_CHANGED: _SECURITY,
    SecurityKind.PASSWORD_RESET: _SECURITY,
    SecurityKind.ACCOUNT_CHANGED: _SECURITY,
    SecurityKind.SETTINGS_CHANGED: "SettingsChanged",
    SecurityKind.SETTINGS_IMPORTED: "SettingsChanged",
    SecurityKind.SETTINGS_EXPORTED: "",
    SecurityKind.IMPORT_REFUSED: "ImportRefused",
    SecurityKind.BADGES_CHANGED: "BadgesChanged",
    SecurityKind.BADGES_IMPORTED: "BadgesChanged",
    SecurityKind.BADGES_EXPORTED: "",
    SecurityKind.RECORDS_EXPORTED: "",
    SecurityKind.REPORT_EXPORTED: "",
    SecurityKind.FIRMWARE_REFUSED: "FirmwareRefused",
    SecurityKind.FIRMWARE_STAGED: "",
    SecurityKind.FIRMWARE_TRIED: "",
    SecurityKind.FIRMWARE_CONFIRMED: "FirmwareUpdated",
    SecurityKind.FIRMWARE_RETURNED: "FirmwareReturned",
    SecurityKind.FIRMWARE_HANDED_ON: "FirmwareHandedOn",
    SecurityKind.FACTORY_RESET: "FactoryReset",
    SecurityKind.RESTARTED: "ResetOrReboot",
    SecurityKind.CLOCK_SET: "SettingSystemTime",
    SecurityKind.NETWORK_CHANGED: "NetworkChanged",
    SecurityKind.NETWORK_RETURNED: "NetworkChanged",
    SecurityKind.CERTIFICATE_CHANGED: _SECURITY,
    SecurityKind.TAMPER: "TamperDetectionActivated",
    SecurityKind.REQUEST_REFUSED: "RequestRefused",
    SecurityKind.LOG_CLEARED: "SecurityLogWasCleared",
    SecurityKind.LOG_DAMAGED: "SecurityLogDamaged",
    SecurityKind.EVENTS_LOST: "MemoryExhaustion",
}
"""Type of each kind; empty for what changes nothing and is not told."""
SECRETS: Final = ("ocpp.security_profile", "ocpp.password", "wifi.key", "wifi.security")
"""Settings whose change is one of security parameters."""


def told_as(event: SecurityEvent) -> tuple[str, str]:
    """Return type and `techInfo` of what the central system is told; an empty type: nothing."""
    kind = TYPES[event.kind]
    if kind == "SettingsChanged" and any(f"{key} " in event.detail for key in SECRETS):
        kind = _SECURITY
    source = f" from {event.source}" if event.source else ""
    info = f"{event.actor}{source}: {event.detail}" if event.detail else f"{event.actor}{source}"
    return kind, info.encode("ascii", "backslashreplace").decode("ascii")
