from __future__ import annotations

from dataclasses import replace

import pytest

from boards.load import load_profile
from boards.to_core import station_config
from evse.app.station.station_facts import station_facts
from evse.core.config import Access, Location, MeterLink, StationConfig
from evse.core.configure import config_digest
from evse.core.lines import LineFunction
from evse.services.settings.model import StationFacts
from evse.services.settings.registry import Catalogue
from evse.services.settings.to_station import effective_config
from evse.services.settings.validate import check_change

PROFILES = (
    "city",
    "parking",
    "parking-40a",
    "parking-t2-te",
    "smart-wallbox",
    "smart-wallbox-key",
    "thor",
    "thor-free",
)


def effective(profile: str, wanted: dict[str, object], facts: StationFacts | None = None) -> StationConfig:
    loaded = load_profile(profile)
    facts = facts or station_facts(loaded, "S1")
    catalogue = Catalogue(facts)
    values = check_change(catalogue, catalogue.factory, wanted, None).values
    return effective_config(station_config(loaded, "S1"), facts, values, catalogue.factory, 7)


@pytest.mark.parametrize("profile", PROFILES)
def test_with_nothing_changed_the_profile_counts_to_the_last_value(profile: str) -> None:
    base = station_config(load_profile(profile), "S1")
    assert effective(profile, {}) == replace(base, version=7)


@pytest.mark.parametrize("profile", PROFILES)
def test_there_and_back_again_changes_nothing(profile: str) -> None:
    loaded = load_profile(profile)
    facts = station_facts(loaded, "S1")
    catalogue = Catalogue(facts)
    values = check_change(catalogue, catalogue.factory, {"general.location": "Outdoor"}, None).values
    values = check_change(catalogue, values, {"general.location": catalogue.factory["general.location"]}, None).values
    base = station_config(loaded, "S1")
    assert effective_config(base, facts, values, catalogue.factory, 7) == replace(base, version=7)


@pytest.mark.req("CFG-01", "ENE-03", "ENE-04", "ENE-05")
@pytest.mark.parametrize(
    ("profile", "wanted", "station", "outlet"),
    [
        ("parking", {"energy.load_balancing": False}, {"load_balancing": False}, {}),
        ("city", {"energy.load_balancing": False}, {"load_balancing": False}, {}),
        (
            "parking",
            {"energy.load_shedding_priority": "energy_delivered", "energy.external_control": True},
            {"load_shedding_priority": "energy_delivered", "controlled_by_external_system": True},
            {},
        ),
        (
            "parking",
            {
                "outlet.1.in_1_function": "protection_devices_state",
                "outlet.1.in_1_normally_open": False,
                "outlet.1.in_2_function": "conditional_outgoing_line",
            },
            {},
            {
                "in_1_function": "protection_devices_state",
                "in_1_normally_open": False,
                "in_2_function": "conditional_outgoing_line",
            },
        ),
        (
            "city",
            {"outlet.1.in_1_function": "load_shedding", "outlet.1.shedding_set_point_a": 10},
            {},
            {"in_1_function": "load_shedding", "load_shedding_set_point_a": 10},
        ),
        ("smart-wallbox", {"outlet.1.derated_current_a": 25}, {}, {"derated_current_a": 25}),
        (
            "city",
            {
                "energy.shedding_margin_a": 3,
                "energy.shedding_keep_min": 0,
                "energy.shedding_step_wh": 5_500,
                "outlet.1.resume_after_s": 3_600,
            },
            {"shedding_margin_a": 3, "shedding_keep_min": 0, "shedding_energy_step_kwh": 5.5},
            {"resume_after_s": 3_600},
        ),
        *(
            (
                "thor",
                {"energy.continue_after_power_failure": True, "energy.restart_delay_s": delay_s},
                {"continue_after_power_failure": True, "restart_delay_s": delay_s},
                {},
            )
            for delay_s in (0, 1_800)
        ),
    ],
)
def test_a_setting_is_what_the_same_factory_value_of_a_profile_would_be(
    profile: str, wanted: dict[str, object], station: dict[str, object], outlet: dict[str, object]
) -> None:
    loaded = load_profile(profile)
    model = loaded.model
    first = model.outlets[0]
    first = first.model_copy(update={"settings": first.settings.model_copy(update=outlet)})
    changed = model.model_copy(
        update={
            "settings": model.settings.model_copy(update=station),
            "outlets": [first, *model.outlets[1:]],
        }
    )
    by_profile = station_config(replace(loaded, model=changed), "S1")
    assert by_profile != station_config(loaded, "S1")
    assert effective(profile, wanted) == replace(by_profile, version=7)


@pytest.mark.req("CFG-01")
def test_every_setting_of_the_station_reaches_the_core() -> None:
    config = effective(
        "parking",
        {
            "general.location": "Outdoor",
            "energy.station_maximum_a": 40,
            "meter.phase_neutral_voltage_v": 235,
            "general.leave_cable_connected": True,
            "outlet.2.derated_current_a": 20,
        },
    )
    assert (config.location, config.station_maximum_ma, config.nominal_voltage_mv) == (
        Location.OUTDOOR,
        40_000,
        235_000,
    )
    assert [outlet.derated_current_ma for outlet in config.outlets] == [32_000, 20_000]
    assert all(outlet.leave_cable_connected for outlet in config.outlets)
    assert config.digest == config_digest(config)
    assert config.version == 7


@pytest.mark.req("STA-06")
def test_a_wallboxs_inputs_button_and_limit() -> None:
    wanted: dict[str, object] = {
        "outlet.1.delayed_start": "normally_closed",
        "outlet.1.temporary_limit_a": 10,
        "general.push_button": True,
    }
    before, after = effective("smart-wallbox", {}).outlets[0], effective("smart-wallbox", wanted).outlets[0]
    senses = {line.function: line.normally_open for line in after.lines}
    assert senses == {line.function: line.normally_open for line in before.lines} | {LineFunction.DELAYED_START: False}
    assert (after.temporary_limit_ma, after.push_button, before.push_button) == (10_000, True, False)


@pytest.mark.req("AUT-11")
@pytest.mark.parametrize(
    ("profile", "wanted", "access"),
    [
        ("parking", {"access.location": "disable"}, Access.FREE),
        ("parking", {"access.location": "remote"}, Access.REMOTE),
        ("parking", {"general.station_type": "supervised"}, Access.BADGE),
        ("parking", {"general.station_type": "supervised", "access.location": "remote"}, Access.BADGE),
        ("parking", {"general.station_type": "supervised", "access.location_supervised": "disable"}, Access.FREE),
        ("smart-wallbox-key", {"access.remote_command_required": True}, Access.REMOTE),
        ("smart-wallbox-key", {"access.location": "remote"}, Access.REMOTE),
        ("smart-wallbox-key", {"general.station_type": "supervised"}, Access.FREE),
    ],
)
def test_who_may_start_a_charge(profile: str, wanted: dict[str, object], access: Access) -> None:
    assert {outlet.access for outlet in effective(profile, wanted).outlets} == {access}


def test_free_access_by_setting_is_what_the_free_profile_is() -> None:
    by_setting = effective("parking", {"access.location": "disable"})
    by_profile = station_config(load_profile("parking-free"), "S1")
    assert replace(by_setting, profile="", version=1, digest="") == replace(by_profile, profile="", digest="")


@pytest.mark.req("MTR-02")
def test_the_meter_is_what_the_settings_say() -> None:
    one = effective("parking-meters", {"outlet.1.meter_rtu_address": 7})
    assert (one.outlets[0].meter, one.outlets[0].meter_link, one.outlets[0].meter_unit) == ("iem3155", MeterLink.RTU, 7)
    factory = effective("city", {"outlet.2.metering": "iem3x5x"}).outlets
    assert (factory[0].meter, factory[1].meter) == ("", "iem3155")
    assert (factory[1].meter_link, factory[1].meter_unit) == (MeterLink.TCP, 30), "the guide's factory values"
    assert effective("parking-meters", {"outlet.1.metering": "internal_ct"}).outlets[0].meter == ""


@pytest.mark.req("MTR-03")
@pytest.mark.parametrize(
    ("outlet", "meter", "conductors", "terminals"),
    [
        ("L1-L2-L3", "L1-L2-L3", (1, 2, 3), (1, 2, 3)),
        ("L2-L3-L1", "L1-L2-L3", (2, 3, 1), (2, 3, 1)),
        ("L1-L2-L3", "L2-L3-L1", (1, 2, 3), (3, 1, 2)),
        ("L3-L1-L2", "L3-L1-L2", (3, 1, 2), (1, 2, 3)),
        ("L2", "L1-L2-L3", (2,), (2, 1, 3)),
        ("L2", "L2", (2,), (1, 2, 3)),
    ],
)
def test_phase_orders_of_terminals_and_meter_reach_the_core(
    outlet: str, meter: str, conductors: tuple[int, ...], terminals: tuple[int, int, int]
) -> None:
    wanted: dict[str, object] = {
        "outlet.1.terminal_phases": outlet,
        "outlet.1.meter_phases": meter,
        "outlet.1.metering": "iem3x5x",
    }
    config = effective("parking", wanted).outlets[0]
    assert (config.conductors, config.meter_terminals) == (conductors, terminals)
    assert effective("thor", {"outlet.1.terminal_phases": outlet}).outlets[0].conductors == conductors


@pytest.mark.parametrize("profile", ["parking-meters", "parking", "city", "thor"])
def test_the_settings_show_the_meter_of_the_profile(profile: str) -> None:
    catalogue = Catalogue(station_facts(load_profile(profile), "S1"))
    assert catalogue.factory["outlet.1.terminal_phases"] == "L1-L2-L3"
    shown = {
        key: catalogue.factory.get(f"outlet.2.{key}")
        for key in ("metering", "meter_protocol", "meter_rtu_address", "meter_gateway_address", "meter_phases")
    }
    if profile == "parking-meters":
        assert list(shown.values()) == ["iem3x5x", "modbus_tcp", 2, 130, "L3-L1-L2"]
    elif profile != "thor":
        assert list(shown.values()) == ["internal_ct", "modbus_tcp", 30, 130, "L1-L2-L3"]
