"""Between the settings of the sub-tab Supervision and what the OCPP link is given."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from evse.services.settings.kinds import Value
from evse.services.settings.model import Values

_log = logging.getLogger(__name__)
_SPOKEN: Final = ("1.6-json", "1.5-json")
_DIRECT: Final = {
    "ocpp.version": "version",
    "ocpp.url": "url",
    "ocpp.identity": "identity",
    "ocpp.password": "password",
    "ocpp.default_id_tag": "default_id_tag",
    "ocpp.sample_interval_s": "sample_interval_s",
    "ocpp.clock_aligned_interval_s": "clock_aligned_interval_s",
    "ocpp.cache_enabled": "cache",
    "ocpp.connection_timeout_s": "message_timeout_s",
    "access.timeout_s": "authentication_timeout_s",
}
"""Settings and the link's values of the same meaning and type."""
_WITHOUT: Final = {
    **{"roots_file": "", "certificate_file": "", "key_file": "", "retry_interval_s": 30},
    **{"online_mode": None, "offline_mode": None},
}
"""What is no setting, as a profile has it that says nothing."""
_MAINS_V: Final = 230
_LOSS: Final = {"allow_all_badges": "allow_all", "reject_all_badges": "reject_all_except_cached"}


def supervised_factory(supervision: Mapping[str, Any]) -> dict[str, Value]:
    """The factory values of a station that is delivered for this central system."""
    loss = {theirs: ours for ours, theirs in _LOSS.items()}
    return {
        "general.station_type": "supervised",
        **{key: supervision[name] for key, name in _DIRECT.items()},
        "ocpp.security_profile": str(supervision["security_profile"]),
        "access.loss_strategy": loss[supervision["loss"]],
    }


def supervision_from(values: Values, delivered: Mapping[str, Any]) -> dict[str, Any]:
    """What the link is given by every value of a board; empty for a station without supervision.

    ``delivered``: of the profile, for what is no setting (certificates).
    """
    if values["general.station_type"] != "supervised" or not values["ocpp.url"]:
        return {}
    if values["ocpp.version"] not in _SPOKEN:
        _log.warning("OCPP %s is not spoken by this version: no supervision", values["ocpp.version"])
        return {}
    modem = {"retry_interval_s": values["ocpp.modem_retry_s"]} if values["ocpp.modem"] is True else {}
    return {
        **_WITHOUT,
        **delivered,
        **{name: values[key] for key, name in _DIRECT.items()},
        **modem,
        "security_profile": int(values["ocpp.security_profile"]),
        "loss": _LOSS[str(values["access.loss_strategy"])],
        "voltage_v": values.get("meter.phase_neutral_voltage_v", delivered.get("voltage_v", _MAINS_V)),
        "external_limits": values.get("energy.external_control") is True,
    }
