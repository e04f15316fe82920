"""What is set for the supervision, and what the station tells of itself.

The parameters are those of the Supervision sub-tab (EVlink commissioning guide DOCA0060) and of the OCPP page (THØR/KEBA P30
configuration manual 120501). Those that have a configuration key are the key's default: a central system may change them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum

from evse.core.units import SECOND
from evse.links.ocpp.dialect import Version
from evse.links.ocpp.keys import Key
from evse.links.ocpp.standard_keys import REFERENCE, SINGLE, StationFacts, standard_keys
from evse.links.ocpp.transactions import UNDEFINED
from evse.records import dataclass


class LossStrategy(StrEnum):
    """Who may begin while the central system cannot be asked."""

    ALLOW_ALL = "allow all"
    CACHED_ONLY = "reject all except cached"


class OnlineMode(StrEnum):
    """Where a card is looked for while the central system can be asked (THØR/KEBA P30 configuration manual 120501)."""

    FIRST_LOCAL = "FirstLocal"
    """Who is known here is judged here; the others are asked for."""
    FIRST_ONLINE = "FirstOnline"
    """Everybody is asked for."""
    ONLY_LOCAL = "OnlyLocal"
    """Nobody is asked for."""


class OfflineMode(StrEnum):
    """Who may begin while the central system cannot be asked (THØR/KEBA P30 configuration manual 120501)."""

    LOCAL_UNKNOWN = "OfflineLocalUnknownAuthorization"
    """All but those who are known here and not accepted."""
    LOCAL = "OfflineLocalAuthorization"
    """Those who are known here and accepted."""
    NO_AUTHORIZATION = "OfflineNoAuthorization"
    """Everybody with a card, for the time being: once there is a connection the charge of an invalid card ends."""
    NO_CHARGING = "OfflineNoCharging"
    """Nobody."""
    FREE_CHARGING = "OfflineFreeCharging"
    """Everybody, also without a card."""


@dataclass(frozen=True, slots=True)
class SupervisionSettings:
    """Settings of one station. Times in seconds; ranges are checked where settings are read."""

    url: str
    """Of the central system, without the identity."""
    identity: str
    password: str = field(default="", repr=False)
    """HTTP basic authentication, security profiles 1 and 2."""
    security_profile: int = 0
    retry_interval_s: int = 30
    """Between attempts to connect (`Modem Connection Retry Interval`, 1 to 999)."""
    message_timeout_s: int = 30
    """For an answer to each message (`Supervision Connection Timeout`)."""
    authentication_timeout_s: int = 10
    """For an answer about a card; then ``loss`` decides. 0 to 999."""
    loss: LossStrategy = LossStrategy.ALLOW_ALL
    online_mode: OnlineMode | None = None
    """``None``: the configuration keys decide (`LocalPreAuthorize`)."""
    offline_mode: OfflineMode | None = None
    """``None``: the configuration keys decide (`LocalAuthorizeOffline`, `AllowOfflineTxForUnknownId`)."""
    default_id_tag: str = UNDEFINED
    sample_interval_s: int = 60
    clock_aligned_interval_s: int = 0
    cache_enabled: bool = True
    connection_timeout_s: int = 60
    """How long an authorised user has to plug in, as the outlets are configured."""
    version: Version = Version.V16
    voltage_mv: int = 230_000
    """Between phase and neutral: what turns the watts of charging profiles into amperes."""
    external_limits: bool = False
    """`Controlled by external system`: without it charging profiles are refused."""
    own_certificate: bool = False
    """Whether the profile names a certificate of the station's own, for security profile 3."""

    @property
    def message_timeout_us(self) -> int:
        """For an answer to each message."""
        return self.message_timeout_s * SECOND

    @property
    def retry_interval_us(self) -> int:
        """Between attempts to connect."""
        return self.retry_interval_s * SECOND

    @property
    def authentication_timeout_us(self) -> int:
        """For an answer about a card."""
        return self.authentication_timeout_s * SECOND


@dataclass(frozen=True, slots=True)
class OutletFacts:
    """What the protocol needs to know of an outlet, which is a connector with the same number."""

    phases: int = 3
    rated_ma: int = 32_000
    has_lock: bool = True
    phase_switch: bool = False
    rotation: str = REFERENCE
    """Order of the phases behind its meter, without one behind the supply, as `ConnectorPhaseRotation` has it."""


@dataclass(frozen=True, slots=True)
class StationIdentity:
    """What a `BootNotification` tells, each cut to what the schema takes."""

    vendor: str
    model: str
    serial: str
    firmware: str = ""
    meter_type: str = ""
    meter_serial: str = ""
    iccid: str = ""
    imsi: str = ""
    on_trial: bool = False
    """Whether this firmware is new and may still be given back."""
    outlets: Mapping[int, OutletFacts] = field(default_factory=lambda: {1: OutletFacts()})

    def boot_payload(self) -> dict[str, str]:
        """Return the payload of a `BootNotification`; what is not known is left out."""
        fields = {
            "chargePointVendor": self.vendor[:20],
            "chargePointModel": self.model[:20],
            "chargePointSerialNumber": self.serial[:25],
            "chargeBoxSerialNumber": self.serial[:25],
            "firmwareVersion": self.firmware[:50],
            "iccid": self.iccid[:20],
            "imsi": self.imsi[:20],
            "meterType": self.meter_type[:25],
            "meterSerialNumber": self.meter_serial[:25],
        }
        return {name: value for name, value in fields.items() if value}


def station_keys(settings: SupervisionSettings, identity: StationIdentity) -> tuple[Key, ...]:
    """Return the standard keys with this station's defaults."""
    defaults = {
        "AllowOfflineTxForUnknownId": _flag(settings.loss is LossStrategy.ALLOW_ALL),
        "AuthorizationCacheEnabled": _flag(settings.cache_enabled),
        "ConnectionTimeOut": str(settings.connection_timeout_s),
        "ClockAlignedDataInterval": str(settings.clock_aligned_interval_s),
        "MeterValueSampleInterval": str(settings.sample_interval_s),
        "AuthorizationKey": settings.password,
        "SecurityProfile": str(settings.security_profile),
    }
    keys = []
    for key in standard_keys(_facts(identity)):
        made = replace(key, default=defaults.get(key.name, key.default))
        if key.name == "ConnectionTimeOut":
            made = replace(made, least=1)
        keys.append(made)
    return tuple(keys)


def _facts(identity: StationIdentity) -> StationFacts:
    switches = any(outlet.phase_switch for outlet in identity.outlets.values())
    rotations = {number: outlet.rotation for number, outlet in identity.outlets.items()}
    supply = SINGLE if all(each == SINGLE for each in rotations.values()) else REFERENCE
    return StationFacts(len(identity.outlets), phase_switch=switches, rotations={0: supply, **rotations})


def _flag(value: bool) -> str:
    return "true" if value else "false"
