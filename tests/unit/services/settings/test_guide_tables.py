"""The registry against the parameter tables of the EVlink commissioning guide DOCA0060, written down here again.

A row: key, Admin, User, what is accepted (limits of a number or of a text's length, choices, or a kind), factory value.
"""

from __future__ import annotations

from typing import Any

import pytest

from boards.load import load_profile
from evse.app.station.station_facts import station_facts
from evse.services.settings.kinds import Choice, Switch, Text, Whole
from evse.services.settings.model import Effect, OutletFacts, Right, Role, StationFacts
from evse.services.settings.registry import SETTINGS, Catalogue

pytestmark = pytest.mark.req("CFG-01")

BOOL = "switch"
WALLBOX_LINES = ("delayed_start", "current_limit", "push_button")
CITY = StationFacts("city", "C1", (OutletFacts(1, lines=("in_1", "in_2")), OutletFacts(2, lines=("in_1", "in_2"))))
PARKING = StationFacts("parking", "P1", CITY.outlets)
WALLBOX = StationFacts("smart-wallbox", "W1", (OutletFacts(1, lines=WALLBOX_LINES),), wifi_card=True)
WALLBOX_KEY = StationFacts("smart-wallbox", "W2", WALLBOX.outlets, reader=False, key_lock=True)
EVERY = {"city": CITY, "parking": PARKING, "wallbox": WALLBOX, "wallbox-key": WALLBOX_KEY}

Row = tuple[str, str, str, Any, Any]
ALL_BOARDS: tuple[Row, ...] = (
    ("general.station_type", "R/W", "R", {"standalone", "supervised"}, "standalone"),
    ("access.location_supervised", "R/W", "R/W", {"supervision", "charging_station", "disable"}, "supervision"),
    ("access.strategy", "R/W", "R/W", {"reject_unknown_badges", "allow_all_badges"}, "allow_all_badges"),
    ("access.loss_strategy", "R/W", "R/W", {"reject_all_badges", "allow_all_badges"}, "allow_all_badges"),
    ("access.timeout_s", "R/W", "R", (0, 999), 10),
    ("general.location", "R/W", "R", {"Indoor", "Outdoor"}, "Indoor"),
    ("time.source", "R/W", "R/W", {"manual", "ntp"}, "manual"),
    ("time.ntp_server", "R/W", "R/W", (0, 200), "pool.ntp.org"),
    # Network is hidden from User as a whole.
    ("network.dhcp", "R/W", "N", BOOL, True),
    ("network.mac", "R", "N", (0, 17), ""),
    ("network.address", "R/W", "N", (7, 15), "192.168.0.102"),
    ("network.mask", "R/W", "N", (7, 15), "255.255.255.0"),
    ("network.gateway", "R/W", "N", (7, 15), "0.0.0.0"),
    ("network.dns_1", "R/W", "N", (7, 15), "0.0.0.0"),
    ("network.dns_2", "R/W", "N", (7, 15), "0.0.0.0"),
    ("energy.load_shedding_priority", "R/W", "N", {"charge_duration", "energy_delivered"}, "charge_duration"),
    ("energy.external_control", "R/W", "N", BOOL, False),
    ("energy.station_maximum_a", "R/W", "N", (0, 64), 64),
    ("outlet.1.socket", "R", "N", {"T2", "T3", "TE", "T2 - TE", "T1"}, "T2"),
    ("outlet.1.rated_current_a", "R", "N", (6, 80), 32),
    ("meter.phase_neutral_voltage_v", "R/W", "N", (175, 276), 230),
    ("outlet.1.metering", "R/W", "N", {"iem3x5x", "internal_ct"}, "internal_ct"),
    ("outlet.1.meter_protocol", "R/W", "N", {"modbus_tcp", "modbus_rtu"}, "modbus_tcp"),
    ("outlet.1.meter_rtu_address", "R/W", "N", (1, 255), 30),
    ("outlet.1.meter_gateway_address", "R/W", "N", (130, 162), 130),
    ("publication.frequency", "R/W", "R/W", {"disabled", "daily", "weekly", "monthly"}, "disabled"),
    ("publication.protocol", "R/W", "R/W", {"smtp", "ftp", "http"}, "smtp"),
    ("publication.field_separator", "R/W", "R/W", {"semicolon", "comma", "tab"}, "semicolon"),
    ("publication.decimal_separator", "R/W", "R/W", {"comma", "dot"}, "comma"),
    ("smtp.port", "R/W", "R/W", (25, 587), 25),
    ("smtp.authentication", "R/W", "R/W", BOOL, False),
    ("smtp.sender", "R/W", "R/W", (0, 254), ""),
    ("smtp.receiver", "R/W", "R/W", (0, 254), ""),
    ("ftp.authentication", "R/W", "R/W", BOOL, False),
    ("ftp.port", "R/W", "R/W", (1, 9999), 21),
    ("ftp.passive", "R/W", "R/W", BOOL, False),
    ("http.authentication", "R/W", "R/W", BOOL, False),
    ("http.port", "R/W", "R/W", (1, 9999), 80),
    ("http.path", "R/W", "R/W", (0, 99), ""),
    ("http.field_name", "R/W", "R/W", (0, 49), ""),
    ("ocpp.modem_retry_s", "R/W", "N", (1, 999), 60),
    ("ocpp.clock_aligned_interval_s", "R", "N", (0, 86_400), 0),
    ("ocpp.socket_identifier", "R", "N", BOOL, False),
    ("ocpp.default_id_tag", "R/W", "N", (1, 20), "UNDEFINED"),
)
TWO_SOCKETS: tuple[Row, ...] = (
    ("energy.load_balancing", "R/W", "N", BOOL, True),
    ("outlet.2.position", "R", "N", {"1", "2"}, "2"),
    ("outlet.1.derated_current_a", "R/W", "N", (0, 80), 32),
    ("outlet.1.in_1_normally_open", "R/W", "N", BOOL, True),
    ("outlet.1.in_2_function", "R/W", "N", {"not_used", "conditional_outgoing_line"}, "not_used"),
    ("outlet.2.in_2_normally_open", "R/W", "N", BOOL, True),
    ("outlet.2.shedding_set_point_a", "R/W", "N", (0, 80), 0),
    ("network.second_outlet_visible", "R/W", "N", BOOL, False),
    ("network.address_2", "R/W", "N", (7, 15), "192.168.0.103"),
)
ONLY: dict[str, tuple[Row, ...]] = {
    "city": (
        ("general.name", "R/W", "N", (1, 30), "C1"),
        ("access.location", "R/W", "R/W", {"charging_station", "disable", "remote"}, "charging_station"),
        ("outlet.1.in_1_function", "R/W", "N", {"not_used", "load_shedding"}, "not_used"),
    ),
    "parking": (
        ("general.leave_cable_connected", "R/W", "R/W", BOOL, False),
        (
            "outlet.1.in_1_function",
            "R/W",
            "N",
            {"not_used", "protection_devices_state", "load_shedding"},
            "not_used",
        ),
    ),
    "wallbox": (
        ("access.location", "R/W", "R/W", {"charging_station", "disable", "remote"}, "charging_station"),
        ("general.push_button", "R/W", "R", BOOL, False),
        ("outlet.1.derated_current_a", "R/W", "N", (0, 80), 16),
        ("outlet.1.delayed_start", "R/W", "N", {"normally_open", "normally_closed"}, "normally_open"),
        ("outlet.1.current_limit", "R/W", "N", {"normally_open", "normally_closed"}, "normally_open"),
        ("outlet.1.temporary_limit_a", "R/W", "N", (0, 80), 0),
        ("wifi.address", "R/W", "R/W", (7, 15), "192.168.0.101"),
    ),
    "wallbox-key": (
        ("access.location", "R/W", "R/W", {"charging_station", "disable", "remote"}, "disable"),
        ("access.remote_command_required", "R/W", "R/W", BOOL, False),
        ("general.push_button", "R/W", "R", BOOL, True),
    ),
}
ABSENT = {
    "city": ("general.leave_cable_connected", "general.push_button", "access.remote_command_required", "wifi.network"),
    "parking": ("general.push_button", "access.remote_command_required", "outlet.1.delayed_start"),
    "wallbox": (
        "energy.load_balancing",
        "general.leave_cable_connected",
        "outlet.1.position",
        "outlet.1.in_1_function",
        "outlet.1.shedding_set_point_a",
        "network.second_outlet_visible",
        "access.remote_command_required",
    ),
    "wallbox-key": ("wifi.network", "general.leave_cable_connected"),
}


def rows() -> list[tuple[str, Row]]:
    found = [(board, row) for board in EVERY for row in ALL_BOARDS]
    found += [(board, row) for board in ("city", "parking") for row in TWO_SOCKETS]
    return found + [(board, row) for board, only in ONLY.items() for row in only]


@pytest.mark.parametrize(("board", "row"), rows(), ids=lambda each: each if isinstance(each, str) else each[0])
def test_a_row_of_the_guide(board: str, row: Row) -> None:
    key, admin, user, accepted, factory = row
    entry = Catalogue(EVERY[board]).get(key)
    assert entry is not None
    assert (entry.setting.right(Role.ADMIN).value, entry.setting.right(Role.USER).value) == (admin, user)
    assert entry.factory == factory
    assert type(entry.factory) is type(factory)
    match entry.kind:
        case Choice(options=options):
            assert {option.value for option in options} == accepted
        case Switch():
            assert accepted == BOOL
        case Whole(minimum=low, maximum=high):
            assert (low, high) == accepted
        case Text(minimum=low, limit=high):
            assert (low, high) == accepted


@pytest.mark.parametrize("board", EVERY)
def test_what_a_board_has_not(board: str) -> None:
    catalogue = Catalogue(EVERY[board])
    assert [key for key in ABSENT[board] if catalogue.get(key) is not None] == []


def test_a_derated_current_is_at_most_the_rated_one_and_a_set_point_at_most_the_derated() -> None:
    limits = {setting.key: setting.kind.maximum_key for setting in SETTINGS if isinstance(setting.kind, Whole)}
    assert limits["outlet.derated_current_a"] == "outlet.rated_current_a"
    assert limits["outlet.shedding_set_point_a"] == limits["outlet.temporary_limit_a"] == "outlet.derated_current_a"


@pytest.mark.req("NET-01")
def test_network_settings_need_a_reboot_and_so_does_the_supervision() -> None:
    reboot = {setting.key.split(".")[0] for setting in SETTINGS if setting.effect is Effect.REBOOT}
    assert reboot == {"network", "ocpp", "general"}
    assert {s.key for s in SETTINGS if s.effect is Effect.REBOOT and s.key.startswith("gen")} == {
        "general.station_type"
    }
    assert all(s.read_only or s.effect is Effect.REBOOT for s in SETTINGS if s.key.startswith("network."))


@pytest.mark.req("NET-04")
def test_settings_of_the_wifi_card_and_no_others_need_a_power_cycle() -> None:
    keys = {setting.key for setting in SETTINGS if setting.effect is Effect.POWER_CYCLE}
    assert keys == {"wifi.network", "wifi.security", "wifi.key", "wifi.address"}


@pytest.mark.parametrize("profile", ["city", "parking", "smart-wallbox", "smart-wallbox-key", "thor", "parking-40a"])
def test_factory_values_are_those_of_the_profile_and_every_one_is_accepted(profile: str) -> None:
    loaded = load_profile(profile)
    catalogue = Catalogue(station_facts(loaded, "SERIAL-1"))
    refused = [entry.key for entry in catalogue if entry.kind.refusal(entry.factory) is not None]
    assert refused == []
    assert catalogue.factory["general.name"] == "SERIAL-1"
    outlet = loaded.model.outlets[0]
    derated = outlet.settings.derated_current_a
    assert catalogue.factory["outlet.1.derated_current_a"] == (outlet.rated_current_a if derated is None else derated)


def test_keys_are_unique_and_every_setting_speaks_two_languages() -> None:
    assert len({setting.key for setting in SETTINGS}) == len(SETTINGS)
    for setting in SETTINGS:
        assert all(setting.label), setting.key
        assert bool(setting.help.en) == bool(setting.help.fr), setting.key
        options = setting.kind.options if isinstance(setting.kind, Choice) else ()
        assert all(all(option.label) for option in options), setting.key


def test_no_secret_has_a_factory_value() -> None:
    assert {setting.factory for setting in SETTINGS if setting.secret} == {""}


def shown(changed: dict[str, bool | int | str], role: Role = Role.ADMIN, facts: StationFacts = PARKING) -> set[str]:
    catalogue = Catalogue(facts)
    return {entry.key for entry in catalogue.visible(role, catalogue.whole(changed))}


@pytest.mark.req("CFG-04")
def test_the_station_type_selects_the_authentication_settings_and_the_supervision() -> None:
    alone, supervised = shown({}), shown({"general.station_type": "supervised"})
    assert {"access.location", "access.strategy"} <= alone
    assert not {"access.location_supervised", "access.loss_strategy", "ocpp.url"} & alone
    assert {"access.location_supervised", "access.loss_strategy", "access.timeout_s", "ocpp.url"} <= supervised
    assert not {"access.location", "access.strategy"} & supervised


def test_a_strategy_is_shown_only_when_the_station_itself_decides() -> None:
    assert "access.strategy" not in shown({"access.location": "disable"})
    away = {"general.station_type": "supervised", "access.location_supervised": "charging_station"}
    assert not {"access.loss_strategy", "access.timeout_s"} & shown({**away})


def test_username_and_password_only_where_they_are_asked_for() -> None:
    assert not {"smtp.username", "ftp.server"} & shown({})
    assert {"smtp.username", "smtp.password"} <= shown({"smtp.authentication": True})
    assert {"http.server", "http.path"} <= shown({"publication.protocol": "http"})


def test_a_condition_of_an_outlet_looks_at_the_same_outlet() -> None:
    found = shown({"outlet.2.metering": "iem3x5x"})
    assert "outlet.2.meter_protocol" in found
    assert "outlet.1.meter_protocol" not in found


def test_a_user_sees_nothing_of_hidden_sub_tabs() -> None:
    found = shown({"general.station_type": "supervised", "outlet.1.metering": "iem3x5x"}, Role.USER)
    assert {key.split(".")[0] for key in found} <= {"general", "access", "time", "publication", "smtp"}
    assert {"general.station_type", "time.zone"} <= found
    assert "general.name" not in found
    assert Catalogue(PARKING).get("network.dhcp").setting.user is Right.READ  # type: ignore[union-attr]
