"""The standard configuration keys of OCPP 1.6 (edition 2, chapter 9) and its security extension, as this station has them.

Ranges that the specification leaves open are ours. Defaults of values that the EVlink commissioning guide DOCA0060 or the
THØR/KEBA P30 configuration manual 120501 sets come with the station's settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from types import MappingProxyType
from typing import Final, NamedTuple

from evse.links.ocpp.keys import VALUE_LIMIT, Access, Key, KeyKind
from evse.links.ocpp.profile_stack import FACTORY_LIMITS, ProfileLimits

DAY_S: Final = 86_400
SAMPLED: Final = 12
"""Measurands in one list at most."""
LOCAL_LIST_LENGTH: Final = 1_000
SEND_LIST_LENGTH: Final = 250
"""Entries in one `SendLocalList`: what fits into one frame."""
MAX_ASKED: Final = 100

FEATURE_PROFILES: Final = (
    "Core",
    "FirmwareManagement",
    "LocalAuthListManagement",
    "Reservation",
    "SmartCharging",
    "RemoteTrigger",
)
_PHASED: Final = ("Current.Import", "Voltage", "Power.Active.Import")
MEASURANDS: Final = (
    "Energy.Active.Import.Register",
    "Energy.Active.Import.Interval",
    *_PHASED,
    *(f"{measurand}.{phase}" for measurand, phase in product(_PHASED, ("L1", "L2", "L3"))),
    "Current.Offered",
    "Power.Offered",
    "Temperature",
)
"""What the station measures; a phase alone is asked for by its name after the measurand."""
REFERENCE: Final = "RST"
"""Phases in the order of the supply."""
SINGLE: Final = "NotApplicable"
"""One phase has no order."""


class StationFacts(NamedTuple):
    """What the keys tell of the station."""

    connectors: int = 1
    profiles: ProfileLimits = FACTORY_LIMITS
    phase_switch: bool = False
    rotations: Mapping[int, str] = MappingProxyType({})
    """By connector, 0 for the station's own connection: ``REFERENCE``, another order of its letters, or ``SINGLE``."""
    file_protocols: tuple[str, ...] = ("FTP", "FTPS", "HTTP", "HTTPS")


def standard_keys(facts: StationFacts) -> tuple[Key, ...]:
    """Return every standard key, by feature profile."""
    return (*_core(facts), *_lists(facts), *_smart_charging(facts), *_security())


def _integer(name: str, default: int, least: int, most: int) -> Key:
    return Key(name, KeyKind.INTEGER, str(default), least, most)


def _flag(name: str, *, default: bool) -> Key:
    return Key(name, KeyKind.BOOLEAN, "true" if default else "false")


def _fixed(name: str, value: str | int, kind: KeyKind = KeyKind.INTEGER) -> Key:
    most = value if isinstance(value, int) else VALUE_LIMIT
    return Key(name, kind, str(value), most=most, access=Access.READ_ONLY)


def _measurands(name: str, default: str) -> tuple[Key, Key]:
    values = Key(name, KeyKind.LIST, default, most=SAMPLED, choices=MEASURANDS)
    return values, _fixed(f"{name}MaxLength", SAMPLED)


def _core(facts: StationFacts) -> tuple[Key, ...]:
    connectors = range(facts.connectors + 1)
    rotations = tuple(f"{number}.{facts.rotations.get(number, REFERENCE)}" for number in connectors)
    register = "Energy.Active.Import.Register"
    return (
        _flag("AllowOfflineTxForUnknownId", default=False),
        _flag("AuthorizationCacheEnabled", default=True),
        _flag("AuthorizeRemoteTxRequests", default=False),
        _integer("ClockAlignedDataInterval", 0, 0, DAY_S),
        _integer("ConnectionTimeOut", 60, 0, 3_600),
        Key(
            "ConnectorPhaseRotation",
            KeyKind.LIST,
            ",".join(rotations),
            most=len(connectors),
            choices=rotations,
            settled=True,
        ),
        _fixed("ConnectorPhaseRotationMaxLength", len(connectors)),
        _fixed("GetConfigurationMaxKeys", MAX_ASKED),
        _integer("HeartbeatInterval", 300, 0, DAY_S),
        _flag("LocalAuthorizeOffline", default=True),
        _flag("LocalPreAuthorize", default=False),
        _integer("MaxEnergyOnInvalidId", 0, 0, 100_000),
        *_measurands("MeterValuesAlignedData", register),
        *_measurands("MeterValuesSampledData", register),
        _integer("MeterValueSampleInterval", 60, 0, DAY_S),
        _integer("MinimumStatusDuration", 0, 0, 600),
        _fixed("NumberOfConnectors", facts.connectors),
        _integer("ResetRetries", 3, 0, 10),
        _flag("StopTransactionOnEVSideDisconnect", default=True),
        _flag("StopTransactionOnInvalidId", default=True),
        *_measurands("StopTxnAlignedData", ""),
        *_measurands("StopTxnSampledData", ""),
        _fixed("SupportedFeatureProfiles", ",".join(FEATURE_PROFILES), KeyKind.TEXT),
        _fixed("SupportedFeatureProfilesMaxLength", len(FEATURE_PROFILES)),
        _integer("TransactionMessageAttempts", 10, 1, 100),
        _integer("TransactionMessageRetryInterval", 60, 0, 3_600),
        _flag("UnlockConnectorOnEVSideDisconnect", default=True),
        _integer("WebSocketPingInterval", 60, 0, 3_600),
        _fixed("SupportedFileTransferProtocols", ",".join(facts.file_protocols), KeyKind.TEXT),
    )


def _lists(_facts: StationFacts) -> tuple[Key, ...]:
    return (
        _flag("LocalAuthListEnabled", default=True),
        _fixed("LocalAuthListMaxLength", LOCAL_LIST_LENGTH),
        _fixed("SendLocalListMaxLength", SEND_LIST_LENGTH),
        _fixed("ReserveConnectorZeroSupported", "true", KeyKind.BOOLEAN),
    )


def _smart_charging(facts: StationFacts) -> tuple[Key, ...]:
    limits = facts.profiles
    return (
        _fixed("ChargeProfileMaxStackLevel", limits.max_stack_level),
        _fixed("ChargingScheduleAllowedChargingRateUnit", "Current,Power", KeyKind.TEXT),
        _fixed("ChargingScheduleMaxPeriods", limits.max_periods),
        _fixed("MaxChargingProfilesInstalled", limits.max_installed),
        _fixed("ConnectorSwitch3to1PhaseSupported", "true" if facts.phase_switch else "false", KeyKind.BOOLEAN),
    )


def _security() -> tuple[Key, ...]:
    return (
        Key("AuthorizationKey", KeyKind.TEXT, "", 16, 40, access=Access.WRITE_ONLY),
        _integer("SecurityProfile", 0, 0, 3),
        Key("CpoName", KeyKind.TEXT, "", 0, 100),
        _fixed("AdditionalRootCertificateCheck", "false", KeyKind.BOOLEAN),
        _fixed("CertificateSignedMaxChainSize", 10_000),
        _fixed("CertificateStoreMaxLength", 20),
    )
