"""Every choice of the authentication settings gives a policy, and the right one."""

from __future__ import annotations

from itertools import product

import pytest

from boards.load import load_profile
from evse.app.station.station_facts import station_facts
from evse.core.units import SECOND
from evse.services.authorisation import Location, LossStrategy, Policy, Strategy
from evse.services.settings.kinds import Choice
from evse.services.settings.registry import Catalogue
from evse.services.settings.to_policy import policy_of_settings

CATALOGUE = Catalogue(station_facts(load_profile("parking"), "S1"))


@pytest.mark.req("AUT-01", "CFG-01")
def test_the_factory_settings_give_the_factory_policy() -> None:
    assert policy_of_settings(CATALOGUE.factory) == Policy()
    supervised = policy_of_settings({**CATALOGUE.factory, "general.station_type": "supervised"})
    assert supervised == Policy(Location.SUPERVISION, supervised=True)


@pytest.mark.req("AUT-01")
def test_settings_mean_what_they_say() -> None:
    careful = {
        **CATALOGUE.factory,
        "general.station_type": "supervised",
        "access.loss_strategy": "reject_all_badges",
        "access.timeout_s": 30,
    }
    assert policy_of_settings(careful, cluster=True) == Policy(
        Location.SUPERVISION,
        supervised=True,
        on_loss=LossStrategy.REJECT_ALL,
        timeout_us=30 * SECOND,
        cluster=True,
    )
    strict = {**CATALOGUE.factory, "access.strategy": "reject_unknown_badges"}
    assert policy_of_settings(strict) == Policy(strategy=Strategy.REJECT_UNKNOWN)
    assert policy_of_settings({**strict, "access.location": "remote"}).location is Location.REMOTE


def test_every_choice_that_can_be_made_gives_a_policy() -> None:
    choices = {}
    for key in ("general.station_type", "access.location", "access.location_supervised", "access.strategy",
                "access.loss_strategy"):  # fmt: skip
        entry = CATALOGUE.get(key)
        assert entry is not None and isinstance(entry.setting.kind, Choice)
        choices[key] = entry.setting.kind.values
    for values in product(*choices.values()):
        policy_of_settings({**CATALOGUE.factory, **dict(zip(choices, values, strict=True))})


def test_a_station_without_reader_is_free() -> None:
    facts = station_facts(load_profile("smart-wallbox-key"), "S1")
    assert policy_of_settings(Catalogue(facts).factory).location is Location.DISABLED
