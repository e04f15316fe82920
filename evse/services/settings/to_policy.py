"""From settings to who may charge: the authentication settings of the guide as the policy that cards are judged by."""

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


def policy_of_settings(values: Values, *, cluster: bool = False) -> Policy:
    """The policy that ``values`` mean; settings that a board does not have count as their factory values do.

    ``cluster``: the station is part of a cluster, where VIP badges have a meaning.
    """
    supervised = values.get("general.station_type", "standalone") == "supervised"
    key, otherwise = ("access.location_supervised", "supervision") if supervised else ("access.location", "disable")
    return Policy(
        location=_LOCATIONS[str(values.get(key, otherwise))],
        strategy=_STRATEGIES[str(values.get("access.strategy", "allow_all_badges"))],
        supervised=supervised,
        on_loss=_ON_LOSS[str(values.get("access.loss_strategy", "allow_all_badges"))],
        timeout_us=int(values.get("access.timeout_s", 10)) * SECOND,
        cluster=cluster,
    )
