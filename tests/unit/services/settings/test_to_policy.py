from __future__ import annotations

import pytest

from evse.core.units import SECOND
from evse.services.authorisation import Location, LossStrategy, Policy, Strategy
from evse.services.settings.model import StationFacts
from evse.services.settings.registry import Catalogue
from evse.services.settings.to_policy import card_policy
from evse.services.settings.validate import check_change

CATALOGUE = Catalogue(StationFacts("parking", "P1"))
SUPERVISED: dict[str, object] = {"general.station_type": "supervised"}


@pytest.mark.req("AUT-01", "CFG-04")
@pytest.mark.parametrize(
    ("wanted", "policy"),
    [
        ({}, Policy()),
        ({"access.strategy": "reject_unknown_badges"}, Policy(strategy=Strategy.REJECT_UNKNOWN)),
        ({"access.location": "disable"}, Policy(location=Location.DISABLED)),
        ({"access.location": "remote"}, Policy(location=Location.REMOTE)),
        (SUPERVISED, Policy(location=Location.SUPERVISION, supervised=True)),
        ({**SUPERVISED, "access.location": "remote"}, Policy(location=Location.SUPERVISION, supervised=True)),
        ({**SUPERVISED, "access.location_supervised": "charging_station"}, Policy(supervised=True)),
        (
            {**SUPERVISED, "access.loss_strategy": "reject_all_badges", "access.timeout_s": 0},
            Policy(Location.SUPERVISION, supervised=True, on_loss=LossStrategy.REJECT_ALL, timeout_us=0),
        ),
        ({"access.timeout_s": 999}, Policy(timeout_us=999 * SECOND)),
    ],
)
def test_how_cards_are_judged(wanted: dict[str, object], policy: Policy) -> None:
    assert card_policy(check_change(CATALOGUE, CATALOGUE.factory, wanted, None).values) == policy
