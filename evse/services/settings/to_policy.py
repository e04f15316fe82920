"""From settings to how cards are judged."""

from __future__ import annotations

from typing import Final

from evse.core.units import SECOND
from evse.services.authorisation import Location, LossStrategy, Policy, Strategy
from evse.services.settings.model import Values

_LOCATIONS: Final = {
    "charging_station": Location.CHARGING_STATION,
    "supervision": Location.SUPERVISION,
    "remote": Location.REMOTE,
    "disable": Location.DISABLED,
}
_STRATEGIES: Final = {"allow_all_badges": Strategy.ALLOW_ALL, "reject_unknown_badges": Strategy.REJECT_UNKNOWN}
_ON_LOSS: Final = {"allow_all_badges": LossStrategy.ALLOW_ALL, "reject_all_badges": LossStrategy.REJECT_ALL}


def card_policy(values: Values) -> Policy:
    """The policy that every value of a board comes to."""
    supervised = values["general.station_type"] == "supervised"
    where = values["access.location_supervised" if supervised else "access.location"]
    timeout_s = values["access.timeout_s"]
    return Policy(
        location=_LOCATIONS[str(where)],
        strategy=_STRATEGIES[str(values["access.strategy"])],
        supervised=supervised,
        on_loss=_ON_LOSS[str(values["access.loss_strategy"])],
        timeout_us=int(timeout_s) * SECOND,
        cluster=values.get("energy.external_control") is True,
    )
