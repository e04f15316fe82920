"""From the station's settings to those of the supervision (EVlink commissioning guide DOCA0060, Supervision sub-tab)."""

from __future__ import annotations

from evse.links.ocpp.dialect import Version
from evse.links.ocpp.settings import LossStrategy, SupervisionSettings
from evse.links.ocpp.target import TargetError, target_of
from evse.links.ocpp.transactions import UNDEFINED
from evse.services.settings.model import Values


def supervision_of_settings(values: Values, serial: str, connection_timeout_s: int = 60) -> SupervisionSettings | None:
    """Return the settings of a supervised station, ``None`` for one that is not supervised.

    Settings that a board does not have count as their factory values do. ``connection_timeout_s``: how long the outlets
    wait for a plug. Raises TargetError for a central system that cannot be reached like this.
    """
    if values.get("general.station_type", "standalone") != "supervised":
        return None
    version = str(values.get("ocpp.version", Version.V16.value))
    if version not in tuple(Version):
        raise TargetError(f"OCPP {version} is not spoken by this version: choose 1.6 or 1.5 JSON")
    modem = bool(values.get("ocpp.modem", False))
    made = SupervisionSettings(
        url=str(values.get("ocpp.url", "")),
        identity=str(values.get("ocpp.identity", "")) or serial,
        password=str(values.get("ocpp.password", "")),
        security_profile=int(values.get("ocpp.security_profile", 0)),
        retry_interval_s=int(values.get("ocpp.modem_retry_s", 60)) if modem else 30,
        message_timeout_s=int(values.get("ocpp.connection_timeout_s", 30)),
        authentication_timeout_s=int(values.get("access.timeout_s", 10)),
        loss=(
            LossStrategy.ALLOW_ALL
            if values.get("access.loss_strategy", "allow_all_badges") == "allow_all_badges"
            else LossStrategy.CACHED_ONLY
        ),
        default_id_tag=str(values.get("ocpp.default_id_tag", UNDEFINED)),
        sample_interval_s=int(values.get("ocpp.sample_interval_s", 60)),
        cache_enabled=bool(values.get("ocpp.cache_enabled", True)),
        connection_timeout_s=connection_timeout_s,
        version=Version(version),
        external_limits=bool(values.get("energy.external_control", False)),
    )
    target_of(made.url, made.identity, made.security_profile, made.password)
    return made
