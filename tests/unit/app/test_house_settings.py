"""The settings of the house meter: what they come to, and that they are the meters of ``profiles/meters``."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from boards.compiled import HouseMeter
from boards.load import Profile, load_profile
from boards.meter_load import load_meter, shipped_meters
from boards.to_core import station_config, wire_plan
from evse.app.station.house_settings import wanted_house
from evse.app.station.station_facts import station_facts
from evse.core.house_limit import HouseSettings
from evse.services.settings.house import HOUSE_SETTINGS, READABLE, WITHOUT_MAP
from evse.services.settings.kinds import Choice
from evse.services.settings.model import StationFacts
from evse.services.settings.registry import Catalogue
from evse.services.settings.to_station import effective_config
from evse.services.settings.validate import check_change, sound

Wanted = dict[str, object]
ON: Wanted = {
    "house.monitoring": True,
    "house.meter": "abb-m4m",
    "house.host": "192.168.0.40",
    "house.maximum_current_a": 25,
}


@cache
def loaded(profile: str) -> tuple[Profile, StationFacts, Catalogue]:
    found = load_profile(profile)
    facts = station_facts(found, "S1")
    return found, facts, Catalogue(facts)


def house(profile: str, wanted: Wanted) -> HouseMeter | None:
    found, facts, catalogue = loaded(profile)
    values = check_change(catalogue, catalogue.factory, wanted, None).values
    config = effective_config(station_config(found, "S1"), facts, values, catalogue.factory, 2)
    return wanted_house(wire_plan(found).house, values, catalogue.factory, config)


@pytest.mark.req("MTR-04")
def test_the_choices_are_the_meters_that_there_are() -> None:
    [kind] = [each.kind for each in HOUSE_SETTINGS if each.key == "house.meter"]
    assert isinstance(kind, Choice)
    labels = {option.value: option.label.en for option in kind.options}
    for name in shipped_meters():
        model = load_meter(name).model
        if model.thor_list == "no" and "house" not in model.use:
            assert name not in labels
            continue
        assert (name in READABLE) is ("house" in model.use), name
        assert (name in WITHOUT_MAP) is (model.map == "none"), name
        assert ("behind a ProData 2" in labels[name]) is (model.thor_list == "data_logger"), name
        assert ("not in the manual's list" in labels[name]) is (model.thor_list == "no"), name
        assert model.manufacturer.split()[0] in labels[name], name
    assert set(labels) - {"not_chosen"} <= set(shipped_meters())


@pytest.mark.req("ENE-10")
def test_off_from_the_factory_and_what_is_entered_counts() -> None:
    assert house("thor", {}) is None
    more: Wanted = {
        "house.port": 1502,
        "house.unit": 7,
        "house.phases": "L2-L3-L1",
        "house.maximum_power_w": 17_250,
        "house.fallback_power_w": 6_900,
    }
    found = house("thor", {**ON, **more})
    assert found is not None
    assert (found.map.name, found.host, found.port, found.unit, found.wire) == (
        "abb-m4m",
        "192.168.0.40",
        1502,
        7,
        None,
    )
    assert found.settings == HouseSettings(25_000, 17_250_000, 10_000, (3, 1, 2))


@pytest.mark.req("ENE-10")
@pytest.mark.parametrize(
    ("wanted", "fallback_ma"),
    [
        ({}, 0),
        ({"house.fallback_power_w": 4_140}, 6_000),
        ({"house.fallback_power_w": 1_380, "outlet.1.terminal_phases": "L2"}, 6_000),
        ({"house.fallback_power_w": 4_140, "meter.phase_neutral_voltage_v": 276}, 5_000),
        ({"house.fallback_power_w": 110_400}, 160_000),
    ],
)
def test_the_power_without_the_meter_is_shared_by_the_phases(wanted: Wanted, fallback_ma: int) -> None:
    found = house("thor", {**ON, **wanted})
    assert found is not None
    assert found.settings.fallback_ma == fallback_ma


@pytest.mark.req("ENE-10")
def test_what_nobody_changes_is_as_the_profile_says() -> None:
    base = wire_plan(loaded("thor-house")[0]).house
    assert base is not None
    assert house("thor-house", {}) == base
    more = house("thor-house", {"house.maximum_current_a": 20})
    assert more == replace(base, settings=replace(base.settings, maximum_ma=20_000)), "simulated, on the same wire"
    assert house("thor-house", {"house.monitoring": False}) is None
    moved = house("thor-house", {"house.host": "192.168.0.41"})
    assert moved is not None
    assert (moved.host, moved.wire, moved.map) == ("192.168.0.41", None, base.map)


def test_fractions_of_a_profile_stay_while_nobody_enters_something_else() -> None:
    found, facts, _ = loaded("thor-house")
    meter = found.model.house_meter
    assert meter is not None
    keys = {"maximum_current_a": 25.5, "maximum_power_kw": 17.25, "fallback_current_a": 6.5, "terminals": [2, 3, 1]}
    profile = replace(found, model=found.model.model_copy(update={"house_meter": meter.model_copy(update=keys)}))
    facts = station_facts(profile, "S1")
    catalogue, base = Catalogue(facts), wire_plan(profile).house
    assert base is not None
    shown = {key: value for key, value in catalogue.factory.items() if key.startswith("house.")}
    assert [
        shown[f"house.{name}"] for name in ("maximum_current_a", "maximum_power_w", "fallback_power_w", "phases")
    ] == [
        *(25, 17_250, 4_485),
        "L3-L1-L2",
    ]
    values = check_change(catalogue, catalogue.factory, {"house.unit": 9}, None).values
    config = effective_config(station_config(profile, "S1"), facts, values, catalogue.factory, 2)
    assert wanted_house(base, values, catalogue.factory, config) == replace(base, unit=9)


@pytest.mark.req("ENE-10")
def test_a_kept_configuration_without_a_meter_leaves_the_fallback_and_asks_nobody() -> None:
    found, facts, catalogue = loaded("thor")
    for gone in ("house.meter", "house.host"):
        kept = {key: value for key, value in ON.items() if key != gone}
        values = catalogue.whole(sound(catalogue, kept)[0])
        config = effective_config(station_config(found, "S1"), facts, values, catalogue.factory, 2)
        house = wanted_house(None, values, catalogue.factory, config)
        assert house is not None
        assert (house.host, house.wire, house.settings.fallback_ma) == ("", None, 0)


def test_a_board_without_these_settings_has_the_house_meter_of_its_profile() -> None:
    base = wire_plan(loaded("thor-house")[0]).house
    found, _, catalogue = loaded("city")
    config = station_config(found, "S1")
    assert wanted_house(base, catalogue.factory, catalogue.factory, config) is base
    assert wanted_house(None, catalogue.factory, catalogue.factory, config) is None
