from __future__ import annotations

from dataclasses import replace

import pytest

from boards.load import load_profile
from evse.app.station.station_facts import station_facts
from evse.services.settings.addresses import addresses_of
from evse.services.settings.finding import Circumstances, Proposal
from evse.services.settings.model import OutletFacts, Role, StationFacts
from evse.services.settings.problems import HIDDEN, Refused
from evse.services.settings.registry import Catalogue
from evse.services.settings.rules import broken_rules, missing_for_publication
from evse.services.settings.validate import Change, check_change, sound

LINES = ("in_1", "in_2", "delayed_start", "current_limit")
PARKING = StationFacts("parking", "P1", (OutletFacts(1, lines=LINES), OutletFacts(2, lines=LINES)))
WALLBOX = StationFacts("smart-wallbox", "W1", (OutletFacts(1, lines=LINES),), wifi_card=True)
Wanted = dict[str, object]
SMTP = {
    "publication.frequency": "daily",
    "smtp.server": "mail.example.com",
    "smtp.sender": "a@example.com",
    "smtp.receiver": "b@example.com;c@example.com",
}


def change(
    wanted: Wanted,
    facts: StationFacts = PARKING,
    role: Role | None = Role.ADMIN,
    before: Wanted | None = None,
    circumstances: Circumstances | None = None,
) -> Change:
    catalogue = Catalogue(facts)
    old = catalogue.factory
    if before:
        old = check_change(catalogue, old, before, None).values
    return check_change(catalogue, old, wanted, role, circumstances or Circumstances())


def refused(wanted: Wanted, facts: StationFacts = PARKING, **more: object) -> dict[str, str]:
    with pytest.raises(Refused) as caught:
        change(wanted, facts, **more)  # type: ignore[arg-type]
    return {problem.key: problem.text() for problem in caught.value.problems}


@pytest.mark.req("CFG-01")
def test_a_problem_names_field_value_range_and_what_to_do() -> None:
    problems = refused({"outlet.1.shedding_set_point_a": 20, "outlet.1.derated_current_a": 16})
    text = problems["outlet.1.shedding_set_point_a"]
    assert "outlet.1.shedding_set_point_a = 20" in text
    assert "0…16 A" in text
    assert "lower it, or raise outlet.1.derated_current_a" in text
    assert "0…999 s" in refused({"access.timeout_s": 1000})["access.timeout_s"]


@pytest.mark.req("CFG-01")
def test_everything_that_is_wrong_is_told_and_nothing_of_it_is_taken() -> None:
    wanted: Wanted = {"general.location": "Outdoor", "access.timeout_s": -1, "time.source": 7, "no.such": 1}
    assert set(refused(wanted)) == {"access.timeout_s", "time.source", "no.such"}


def test_an_unknown_key_names_those_that_look_like_it() -> None:
    assert "outlet.1.derated_current_a" in refused({"outlet.1.derated_current": 3})["outlet.1.derated_current"]


def test_a_change_of_both_at_once_is_judged_together() -> None:
    before: Wanted = {"outlet.1.shedding_set_point_a": 16}
    assert "outlet.1.shedding_set_point_a" in refused({"outlet.1.derated_current_a": 10}, before=before)
    both: Wanted = {"outlet.1.derated_current_a": 10, "outlet.1.shedding_set_point_a": 8}
    assert change(both, before=before).keys == frozenset(both)


@pytest.mark.parametrize(
    ("key", "value", "role"),
    [
        ("general.station_type", "supervised", Role.USER),
        ("general.name", "mine", Role.USER),
        ("access.timeout_s", 5, Role.USER),
        ("network.dhcp", False, Role.USER),
        ("ocpp.url", "ws://a", Role.USER),
        ("outlet.1.derated_current_a", 10, Role.USER),
        ("outlet.1.metering", "iem3x5x", Role.USER),
        ("outlet.1.rated_current_a", 40, Role.ADMIN),
        ("network.mac", "00:11:22:33:44:55", Role.ADMIN),
        ("ocpp.clock_aligned_interval_s", 60, Role.ADMIN),
    ],
)
@pytest.mark.req("CFG-01")
def test_who_may_not_write_is_refused(key: str, value: object, role: Role) -> None:
    assert "may not change it" in refused({key: value}, role=role)[key]


def test_a_user_writes_what_is_his_and_the_supervision_what_the_tool_only_shows() -> None:
    assert change({"access.location": "disable", "time.zone": "Europe/Paris"}, role=Role.USER).keys
    assert change({"ocpp.clock_aligned_interval_s": 60}, role=None).keys == {"ocpp.clock_aligned_interval_s"}


@pytest.mark.req("CDR-02")
def test_sending_needs_a_server_and_what_goes_with_it() -> None:
    assert set(refused({"publication.frequency": "daily"})) == {"smtp.server", "smtp.sender", "smtp.receiver"}
    assert change({**SMTP}).keys == set(SMTP)
    assert set(refused({**SMTP, "smtp.authentication": True})) == {"smtp.username", "smtp.password"}
    http = refused({"publication.frequency": "weekly", "publication.protocol": "http"})
    assert set(http) == {"http.server", "http.path", "http.field_name"}
    assert set(refused({"publication.frequency": "weekly", "publication.protocol": "ftp"})) == {"ftp.server"}


def test_what_is_missing_for_a_test_mail_is_told_while_sending_is_off() -> None:
    catalogue = Catalogue(PARKING)
    assert next(each.key for each in missing_for_publication(catalogue, catalogue.factory)) == "smtp.server"


@pytest.mark.req("OCP-02")
@pytest.mark.parametrize(
    ("wanted", "key"),
    [
        ({"ocpp.url": "http://csms.example/ocpp"}, "ocpp.url"),
        ({"ocpp.url": "ws://csms.example", "ocpp.version": "1.5-soap"}, "ocpp.url"),
        ({"ocpp.url": "ws://a", "ocpp.security_profile": "2", "ocpp.password": "x" * 16}, "ocpp.url"),
        ({"ocpp.url": "wss://a", "ocpp.security_profile": "2"}, "ocpp.password"),
        ({"ocpp.password": "short"}, "ocpp.password"),
    ],
)
def test_supervision_urls_go_with_version_and_security(wanted: Wanted, key: str) -> None:
    assert set(refused(wanted)) == {key}


def test_supervision_that_fits() -> None:
    assert change({"ocpp.url": "wss://a/b", "ocpp.security_profile": "2", "ocpp.password": "x" * 16}).keys
    assert change({"ocpp.url": "http://a/b", "ocpp.version": "1.5-soap"}).keys


def test_a_time_server_and_a_zone_must_be_there() -> None:
    assert set(refused({"time.source": "ntp", "time.ntp_server": ""})) == {"time.ntp_server"}
    assert set(refused({"time.zone": "Europe/Atlantis"})) == {"time.zone"}


def test_without_a_reader_the_station_cannot_judge_badges() -> None:
    bare = replace(PARKING, reader=False)
    assert set(refused({"access.location": "charging_station"}, bare)) == {"access.location"}
    assert change({"access.location": "remote"}, bare).keys == {"access.location"}


@pytest.mark.req("NET-01")
@pytest.mark.parametrize(
    ("wanted", "key"),
    [
        ({"network.mask": "255.0.255.0"}, "network.mask"),
        ({"network.mask": "0.0.0.255"}, "network.mask"),
        ({"network.mask": "255.255.255.255"}, "network.mask"),
        ({"network.address": "192.168.0.0"}, "network.address"),
        ({"network.address": "192.168.0.255"}, "network.address"),
        ({"network.address": "127.0.0.1"}, "network.address"),
        ({"network.address": "224.0.0.5"}, "network.address"),
        ({"network.address": "192.168.0.254", "network.second_outlet_visible": True}, "network.address"),
        ({"network.second_outlet_visible": True, "network.address_2": "192.168.0.110"}, "network.address_2"),
        ({"network.dhcp": False, "network.gateway": "10.0.0.1"}, "network.gateway"),
        ({"network.dhcp": False, "network.gateway": "192.168.0.102"}, "network.gateway"),
        ({"network.dhcp": False, "network.gateway": "192.168.0.1", "ocpp.modem": True}, "network.gateway"),
        ({"network.dns_1": "224.0.0.1"}, "network.dns_1"),
        ({"network.dns_1": "127.0.0.1"}, "network.dns_1"),
        ({"network.dns_2": "255.255.255.255"}, "network.dns_2"),
        ({"network.address": "0.0.0.7"}, "network.address"),
        ({"ocpp.modem": True, "network.address": "192.168.0.254"}, "network.address"),
        (
            {"ocpp.modem": True, "network.address": "192.168.0.253", "network.second_outlet_visible": True},
            "network.address",
        ),
        ({"ocpp.modem": True, "network.mask": "255.255.255.128"}, "network.mask"),
    ],
)
def test_addresses_that_cannot_be(wanted: Wanted, key: str) -> None:
    assert set(refused(wanted)) == {key}


@pytest.mark.req("NET-01")
@pytest.mark.parametrize("address", ["0.0.0.0", "127.1.2.3", "169.254.1.1", "224.0.0.1", "250.1.1.1"])
def test_what_no_device_can_have_is_not_told_to_be_allowed(address: str) -> None:
    text = refused({"network.address": address})["network.address"]
    assert "allowed: an address outside of" in text
    assert "192.168.0.1 … 192.168.0.254" in refused({"network.address": "192.168.0.255"})["network.address"]


@pytest.mark.req("NET-01")
def test_the_second_outlet_is_one_above_the_first_and_follows_it() -> None:
    done = change({"network.address": "10.1.2.3", "network.second_outlet_visible": True, "network.dhcp": False})
    assert done.values["network.address_2"] == "10.1.2.4"
    found = addresses_of(done.values)
    assert (found.address, found.second, found.mask, found.gateway, found.dns) == (
        "10.1.2.3",
        "10.1.2.4",
        "255.255.255.0",
        "",
        (),
    )
    assert done.needs_reboot
    assert addresses_of(Catalogue(PARKING).factory).second == ""


@pytest.mark.req("NET-01")
def test_the_modem_is_the_gateway() -> None:
    assert addresses_of(change({"ocpp.modem": True}).values).gateway == "192.168.0.254"
    assert addresses_of(change({"ocpp.modem": True, "network.address": "10.1.2.3"}).values).gateway == "10.1.2.254"
    wide: Wanted = {"ocpp.modem": True, "network.address": "10.1.2.3", "network.mask": "255.255.0.0"}
    assert addresses_of(change(wide).values).gateway == "10.1.2.254"
    upper: Wanted = {"ocpp.modem": True, "network.address": "10.1.2.200", "network.mask": "255.255.255.128"}
    assert addresses_of(change(upper).values).gateway == "10.1.2.254"


@pytest.mark.req("NET-01")
def test_dhcp_and_hiding_are_refused_with_the_wrong_cable() -> None:
    wrong = Circumstances(second_port_cable=False)
    before: Wanted = {"network.dhcp": False, "network.second_outlet_visible": True}
    for key, value in (("network.dhcp", True), ("network.second_outlet_visible", False)):
        text = refused({key: value}, before=before, circumstances=wrong)[key]
        assert "second Ethernet port from the left" in text
        assert change({key: value}, before=before).keys == {key}
    assert change({"general.location": "Outdoor"}, circumstances=wrong).keys
    assert change({"network.dhcp": True}, WALLBOX, before={"network.dhcp": False}, circumstances=wrong).keys


@pytest.mark.req("NET-01", "NET-04")
def test_the_wifi_cards_address_is_one_below_and_changes_first() -> None:
    card: Wanted = {"wifi.address": "192.168.0.50"}
    assert "Wi-Fi card first" in refused({"network.address": "192.168.0.51"}, WALLBOX)["network.address"]
    assert change(card, WALLBOX).keys == {"wifi.address"}
    assert change({"network.address": "192.168.0.51"}, WALLBOX, before=card).keys == {"network.address"}
    assert set(refused({"wifi.address": "192.168.0.102"}, WALLBOX)) == {"wifi.address"}


@pytest.mark.req("NET-04")
def test_a_protected_wifi_network_needs_a_key() -> None:
    assert set(refused({"wifi.network": "home"}, WALLBOX)) == {"wifi.key"}
    assert set(refused({"wifi.network": "home", "wifi.key": "é" * 10}, WALLBOX)) == {"wifi.key"}
    assert change({"wifi.network": "home", "wifi.key": "12345678"}, WALLBOX).keys
    assert change({"wifi.network": "home", "wifi.security": "open"}, WALLBOX).keys


@pytest.mark.req("NET-04")
def test_a_network_name_has_at_most_32_bytes() -> None:
    name: Wanted = {"wifi.security": "open", "wifi.network": "é" * 16}
    assert change(name, WALLBOX).needs_power_cycle
    problems = refused({**name, "wifi.network": "é" * 16 + "a"}, WALLBOX)
    assert "33 bytes in UTF-8" in problems["wifi.network"]


@pytest.mark.parametrize("profile", ["city", "parking-te", "smart-wallbox-key-t1", "thor-c", "parking-40a", "example"])
def test_no_factory_value_of_a_profile_breaks_a_rule(profile: str) -> None:
    catalogue = Catalogue(station_facts(load_profile(profile), "S1"))
    assert broken_rules(Proposal(catalogue, catalogue.factory)) == ()


def test_differences_show_no_secret_and_mark_what_raises_a_limit() -> None:
    done = change(
        {"smtp.password": "hunter2", "outlet.1.derated_current_a": 20}, before={"outlet.1.derated_current_a": 10}
    )
    shown = {each.key: (each.old, each.new, each.raises_limit) for each in done.differences}
    assert shown == {
        "outlet.1.derated_current_a": ("10", "20", True),
        "smtp.password": ("(empty)", HIDDEN, False),
    }
    assert "stars" in refused({"smtp.password": HIDDEN})["smtp.password"]


def test_a_refused_secret_is_not_told() -> None:
    assert "hunter" not in refused({"smtp.password": "hunter\n2"})["smtp.password"]


def test_a_kept_configuration_is_used_as_far_as_it_fits_the_board() -> None:
    catalogue = Catalogue(replace(WALLBOX, outlets=(OutletFacts(1, rated_a=16, lines=LINES),)))
    kept = {"outlet.1.derated_current_a": 20, "outlet.2.derated_current_a": 10, "general.location": "Outdoor", "x": 1}
    good, left = sound(catalogue, kept)
    assert dict(good) == {"general.location": "Outdoor"}
    assert left == ("outlet.1.derated_current_a", "outlet.2.derated_current_a", "x")


@pytest.mark.req("MTR-03")
@pytest.mark.parametrize(
    ("outlet", "meter", "dark"),
    [
        ("L1-L2-L3", "L1", "L2, L3"),
        ("L2", "L1", "L2"),
        ("L2", "L2", ""),
        ("L3", "L1-L2-L3", ""),
        ("L2-L3-L1", "L3-L1-L2", ""),
    ],
)
def test_a_meter_must_see_every_conductor_of_its_outlet(outlet: str, meter: str, dark: str) -> None:
    wanted: Wanted = {
        "outlet.1.metering": "iem3x5x",
        "outlet.1.terminal_phases": outlet,
        "outlet.1.meter_phases": meter,
    }
    if not dark:
        assert change(wanted).values["outlet.1.meter_phases"] == meter
        return
    with pytest.raises(Refused) as refused:
        change(wanted)
    assert f"the meter does not see {dark} of the outlet" in str(refused.value)


@pytest.mark.req("MTR-02")
@pytest.mark.parametrize("profile", ["city", "parking", "smart-wallbox"])
def test_a_meter_by_rtu_needs_a_serial_line(profile: str) -> None:
    facts = station_facts(load_profile(profile), "S1")
    wanted: Wanted = {"outlet.1.metering": "iem3x5x", "outlet.1.meter_protocol": "modbus_rtu"}
    text = refused(wanted, facts)["outlet.1.meter_protocol"]
    assert "no serial line" in text
    assert "allowed: modbus_tcp" in text
    assert change({**wanted, "outlet.1.meter_protocol": "modbus_tcp"}, facts).keys == {"outlet.1.metering"}
    assert change({"outlet.1.meter_protocol": "modbus_rtu"}, facts).keys, "without a meter it does not count"


@pytest.mark.req("MTR-02")
def test_a_board_with_a_serial_line_has_its_meter_by_rtu() -> None:
    facts = station_facts(load_profile("parking-meters"), "S1")
    before: Wanted = {"outlet.1.metering": "internal_ct"}
    assert (
        change({"outlet.1.metering": "iem3x5x"}, facts, before=before).values["outlet.1.meter_protocol"] == "modbus_rtu"
    )
    second: Wanted = {"outlet.2.meter_protocol": "modbus_rtu"}
    assert set(refused(second, facts)) == {"outlet.2.meter_protocol"}, "the line of outlet 1 is no line of outlet 2"


THOR = station_facts(load_profile("thor"), "S1")
HOUSE: Wanted = {
    "house.monitoring": True,
    "house.meter": "abb-m4m",
    "house.host": "192.168.0.40",
    "house.maximum_current_a": 25,
}


@pytest.mark.req("ENE-10", "MTR-04")
@pytest.mark.parametrize(
    ("wrong", "key", "told"),
    [
        ({"house.meter": "not_chosen"}, "house.meter", "allowed: abb-m2m, abb-m4m, "),
        ({"house.meter": "herholdt-ecsem113"}, "house.meter", "its registers are not public"),
        ({"house.meter": "em-340"}, "house.meter", "abb-m2m"),
        ({"house.host": ""}, "house.host", "IPv4 address"),
        ({"house.host": "meter.local"}, "house.host", "IPv4 address"),
        ({"house.maximum_current_a": 0}, "house.maximum_current_a", "6…400 A"),
        ({"house.maximum_current_a": 5}, "house.maximum_current_a", "6…400 A"),
        ({"house.maximum_current_a": 401}, "house.maximum_current_a", "0…400 A"),
        ({"house.maximum_power_w": -1}, "house.maximum_power_w", "0…300000 W"),
        ({"house.fallback_power_w": "1 kW"}, "house.fallback_power_w", "0…110400 W"),
        ({"house.port": 0}, "house.port", "1…65535"),
        ({"house.unit": 256}, "house.unit", "0…255"),
        ({"house.phases": "L2"}, "house.phases", "L2-L3-L1"),
    ],
)
def test_a_house_meter_is_refused_with_what_is_allowed(wrong: Wanted, key: str, told: str) -> None:
    assert told in refused({**HOUSE, **wrong}, THOR)[key]
    assert change(HOUSE, THOR).keys == frozenset(HOUSE)


@pytest.mark.req("ENE-10")
def test_without_monitoring_nothing_of_the_house_meter_counts() -> None:
    assert change({"house.meter": "herholdt-ecsem113", "house.maximum_current_a": 0}, THOR).keys


@pytest.mark.req("ENE-10")
def test_a_simulated_house_meter_needs_no_address() -> None:
    simulated = station_facts(load_profile("thor-house"), "S1")
    assert change({"house.maximum_current_a": 32}, simulated).keys == {"house.maximum_current_a"}


@pytest.mark.req("ENE-10", "CFG-01")
@pytest.mark.parametrize(
    ("before", "wanted", "raises"),
    [
        ({}, {"house.monitoring": False}, True),
        ({"house.monitoring": False}, {"house.monitoring": True}, False),
        ({}, {"house.maximum_current_a": 26}, True),
        ({}, {"house.maximum_power_w": 5_000}, False),
        ({"house.maximum_power_w": 5_000}, {"house.maximum_power_w": 6_000}, True),
        ({"house.maximum_power_w": 5_000}, {"house.maximum_power_w": 0}, True),
        ({}, {"house.fallback_power_w": 1}, True),
    ],
)
def test_what_lets_the_station_take_more_of_the_house_is_marked(before: Wanted, wanted: Wanted, raises: bool) -> None:
    done = change(wanted, THOR, before={**HOUSE, **before})
    assert [each.raises_limit for each in done.differences] == [raises]


@pytest.mark.req("CDR-02")
@pytest.mark.parametrize("role", [Role.ADMIN, Role.USER, None])
@pytest.mark.parametrize("protocol", ["smtp", "ftp", "http"])
def test_a_kept_password_goes_to_no_other_server_and_not_unprotected(protocol: str, role: Role | None) -> None:
    server, security, password = (f"{protocol}.{name}" for name in ("server", "security", "password"))
    before: Wanted = {server: "mail.example.com", security: "tls", password: "hunter2"}
    elsewhere: Wanted = {server: "evil.example.com"}
    unprotected: Wanted = {security: "none", f"{protocol}.port": 77}
    for theft in (elsewhere, unprotected, {**elsewhere, **unprotected}):
        problems = refused(theft, role=role, before=before)
        assert set(problems) == {password}
        assert "hunter2" not in problems[password]
    for honest in ("hunter2", "another", ""):
        assert change({**elsewhere, password: honest}, role=role, before=before).values[password] == honest
    same: tuple[Wanted, ...] = (
        {f"{protocol}.port": 99},
        {server: "mail.example.com"},
        {f"{protocol}.username": "anna"},
    )
    for harmless in same:
        change(harmless, role=role, before=before)
    change({server: "first.example.com"}, role=role, before={password: "entered before"})
