"""Loading: inheritance, defaults, names and paths, and the way of every core value from YAML."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from boards.check import check_profile, not_driven
from boards.keys import Strict, info_of
from boards.load import load_profile, load_text
from boards.problems import ProfileError
from boards.schema import Outlet, OutletSettings, StationKeys, StationSettings
from boards.schema_limits import ContactorKeys, DomesticKeys, LockKeys, PilotKeys, ProcedureKeys, ProtectionKeys
from boards.to_core import station_config, wire_plan
from evse.core import config as core
from evse.core.config import Access, Location, OutletConfig, SheddingPriority, SocketType, StationConfig
from evse.core.lines import InputLine, LineFunction

HEAD = "schema: 1\nkind: station\nname: t\nfamily: other\n"
ONE = HEAD + "outlets: [{number: 1}]\n"

PARTS: tuple[tuple[type[Strict], type[Any]], ...] = (
    (PilotKeys, core.PilotTimings),
    (ContactorKeys, core.ContactorTimings),
    (LockKeys, core.LockTimings),
    (ProcedureKeys, core.ProcedureTimings),
    (ProtectionKeys, core.ProtectionLimits),
    (DomesticKeys, core.DomesticLimits),
)


def config_of(text: str) -> StationConfig:
    return station_config(load_text(text), "u")


@pytest.mark.parametrize(("keys", "values"), PARTS, ids=lambda part: part.__name__)
def test_every_number_of_the_core_has_a_key_and_the_same_default(keys: type[Strict], values: type[Any]) -> None:
    mapped = sorted(info_of(field).core for field in keys.model_fields.values())
    assert mapped == sorted(field.name for field in dataclasses.fields(values))
    for name, field in keys.model_fields.items():
        info = info_of(field)
        assert round(field.default * info.scale) == getattr(values(), info.core), name


def test_every_field_of_outlet_and_station_is_reachable() -> None:
    mapped = {
        info_of(field).core
        for part in (Outlet, OutletSettings, StationKeys, StationSettings)
        for field in part.model_fields.values()
    }
    derived = {
        "socket",
        "phases",
        "has_lock",
        "leave_cable_connected",
        "access",
        "location",
        "outlets",
        "profile",
        "lines",
        "push_button",
        "derated_current_ma",
        "temporary_limit_ma",
        "shedding_ma",
        "ze_ready",
        "ze_sources",
        "shedding",
        "external_control",
        "dip_banks",
        "signs",
        "has_display",
        "phase_switch",
        "meter",
        "meter_link",
        "meter_unit",
        "conductors",
        "meter_terminals",
        "voltage_from_setting",
    }
    parts = {"pilot", "contactor", "lock", "shutter", "procedure", "protection", "domestic", "phase_switch_timings"}
    given = {"station_uid", "version", "digest"}
    fields = {field.name for part in (OutletConfig, StationConfig) for field in dataclasses.fields(part)}
    assert fields - mapped - derived - parts - given == set()


@pytest.mark.parametrize(("keys", "values"), PARTS, ids=lambda part: part.__name__)
def test_each_number_arrives_in_the_core(keys: type[Strict], values: type[Any]) -> None:
    group = {
        PilotKeys: "pilot", ContactorKeys: "contactor", LockKeys: "lock", ProcedureKeys: "procedure",
        ProtectionKeys: "protection", DomesticKeys: "domestic",
    }[keys]  # fmt: skip
    for name, field in keys.model_fields.items():
        info, other = info_of(field), _another_value(field)
        # Neighbours that bind each other are moved out of the way; the key under test wins.
        free = {
            "lock": {"confirm_ms": 10_000, "pulse_ms": 50},
            "protection": {"temperature_resume_degc": 20},
            "domestic": {"maximum_current_a": 6, "hard_current_a": 40},
        }
        part = {**free.get(group, {}), name: other}
        outlet: dict[str, Any] = {"number": 1, "rated_current_a": 6}
        if group == "domestic":
            outlet |= {"socket": "T2 - TE", "rated_current_a": 16}
        outlet |= {group: part} if group in ("protection", "domestic") else {"timings": {group: part}}
        text = HEAD + yaml.safe_dump({"outlets": [outlet]})
        got = getattr(config_of(text).outlets[0], group)
        assert isinstance(got, values)
        assert getattr(got, info.core) == round(other * info.scale), name


def _another_value(field: Any) -> float:
    low = next(item.ge for item in field.metadata if hasattr(item, "ge"))
    high = next(item.le for item in field.metadata if hasattr(item, "le"))
    other = high if field.default == low else low
    # The hard limit must stay above the soft one, and a resume temperature below the stop.
    return float(other) if field.annotation is float else int(other)


def test_station_facts_and_settings_arrive_in_the_core() -> None:
    config = config_of(
        HEAD + "station: {phases: 1, checkpoint_s: 30}\n"
        "settings: {location: Outdoor, maximum_current_a: 20.5, phase_neutral_voltage_v: 240,"
        " leave_cable_connected: true, authentication_location: remote}\n"
        "outlets: [{number: 1, socket: attached T1, rated_current_a: 16, wake_up: false}]\n"
    )
    outlet = config.outlets[0]
    assert config.location is Location.OUTDOOR
    assert (config.station_maximum_ma, config.nominal_voltage_mv, config.checkpoint_us) == (20_500, 240_000, 30_000_000)
    assert (outlet.socket, outlet.phases, outlet.rated_current_ma) == (SocketType.ATTACHED_T1, 1, 16_000)
    assert (outlet.has_lock, outlet.wake_up, outlet.leave_cable_connected) == (False, False, True)
    assert outlet.access is Access.REMOTE


def test_access_follows_reader_and_settings() -> None:
    reader = HEAD + "outlets: [{number: 1, reader: {}}]\n"
    assert config_of(reader).outlets[0].access is Access.BADGE
    assert config_of(ONE).outlets[0].access is Access.FREE
    assert config_of(reader + "settings: {authentication_location: disable}\n").outlets[0].access is Access.FREE
    assert config_of(ONE + "settings: {remote_command_required: true}\n").outlets[0].access is Access.REMOTE


def test_outlets_come_in_ascending_order() -> None:
    config = config_of(HEAD + "outlets: [{number: 2, rated_current_a: 16}, {number: 1}]\n")
    assert [(outlet.number, outlet.rated_current_ma) for outlet in config.outlets] == [(1, 32_000), (2, 16_000)]


def test_an_outlets_own_key_wins_over_the_default() -> None:
    config = config_of(
        HEAD + "outlet_defaults: {rated_current_a: 20, timings: {lock: {tries: 5, pulse_ms: 300}}}\n"
        "outlets: [{number: 1}, {number: 2, rated_current_a: 10, timings: {lock: {tries: 2}}}]\n"
    )
    assert [outlet.rated_current_ma for outlet in config.outlets] == [20_000, 10_000]
    assert [(outlet.lock.tries, outlet.lock.pulse_us) for outlet in config.outlets] == [(5, 300_000), (2, 300_000)]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_inheritance_merges_mappings_and_replaces_lists(tmp_path: Path) -> None:
    write(
        tmp_path,
        "base",
        HEAD + "settings: {maximum_current_a: 40, location: Outdoor}\noutlets: [{number: 1}, {number: 2}]\n",
    )
    child = write(
        tmp_path,
        "child",
        "schema: 1\nkind: station\nname: child\ninherits: base\nsettings: {maximum_current_a: 20}\noutlets: [{number: 1}]\n",
    )
    config = station_config(load_profile(child), "u")
    assert (config.profile, len(config.outlets), config.station_maximum_ma) == ("child", 1, 20_000)
    assert config.location is Location.OUTDOOR


def test_a_fault_in_the_inherited_file_is_told_with_that_file_and_line(tmp_path: Path) -> None:
    base = write(tmp_path, "base", ONE + "station:\n  phases: 2\n")
    child = write(tmp_path, "child", "schema: 1\nkind: station\nname: child\ninherits: base\n")
    with pytest.raises(ProfileError) as error:
        load_profile(child)
    assert [str(item).split(": ")[0] for item in error.value.problems] == [f"{base}:7:11"]


def test_only_one_level_of_inheritance(tmp_path: Path) -> None:
    write(tmp_path, "a", ONE)
    write(tmp_path, "b", "schema: 1\nkind: station\nname: b\ninherits: a\n")
    child = write(tmp_path, "c", "schema: 1\nkind: station\nname: c\ninherits: b\n")
    with pytest.raises(ProfileError, match=r"c\.yaml:4:11: inherits: 'b' itself inherits"):
        load_profile(child)


def test_a_profile_cannot_inherit_itself(tmp_path: Path) -> None:
    path = write(tmp_path, "a", "schema: 1\nkind: station\nname: a\ninherits: a\n")
    with pytest.raises(ProfileError, match="cannot inherit itself"):
        load_profile(path)


def test_a_path_wins_over_a_shipped_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "parking").write_text(ONE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load_profile("parking").model.name == "t"
    assert load_profile("parking-1").model.name == "parking-1"


def test_the_digest_tells_configurations_apart_and_nothing_else() -> None:
    first, again = config_of(ONE), config_of("# other words\n" + ONE + "description: same values\n")
    assert first.digest == again.digest
    assert len(first.digest) == 64
    assert first.digest != config_of(ONE + "settings: {maximum_current_a: 63}\n").digest
    assert station_config(load_text(ONE), "u", 7).digest == first.digest
    assert station_config(load_text(ONE), "v").digest != first.digest


@pytest.mark.parametrize(("uid", "version"), [("", 1), ("u" * 65, 1), ("u", 0)])
def test_uid_and_version_have_their_ranges(uid: str, version: int) -> None:
    with pytest.raises(ValueError, match=r"station_uid|version"):
        station_config(load_text(ONE), uid, version)


@pytest.mark.req("STA-03")
def test_every_device_of_the_family_can_be_declared_and_is_listed() -> None:
    profile = load_text(
        ONE + "devices:\n  dip_banks: [{name: DSW1, functions: [unknown]}]\n"
        "  display: true\n  led_bar: true\n  x2: true\n  usb_socket: true\n"
        "  mobile_module: {wire: {kind: gpio, path: /dev/gpiochip0}}\n  ethernet_ports: 2\n  certified_metering: true\n"
        "quirks: [lock_opens_on_power_loss]\n"
    )
    listed = [item.key for item in not_driven(profile)]
    names = ("usb_socket", "mobile_module", "ethernet_ports", "certified_metering")
    assert listed == [
        *(f"devices.{name}" for name in names),
        "quirks[0]",
    ]
    assert wire_plan(profile).quirks == ("lock_opens_on_power_loss",)


def test_the_check_reports_as_text_and_json(tmp_path: Path) -> None:
    good = check_profile(write(tmp_path, "good", ONE))
    assert good.as_json()["effective"]["outlets"][0]["timings"]["procedure"]["plug_timeout_s"] == 60
    assert "outlets[0].rated_current_a: 32" in good.as_text(every=True)
    assert good.as_text().splitlines()[1:] == [
        "  station: other, 3 phases, at most 64 A, Indoor",
        "  outlet 1: T2, 32 A 3 phases, lock, no reader, free access",
        "other than the defaults (--all shows every value):",
    ]
    bad = check_profile(write(tmp_path, "bad", ONE + "colour: blue\n"))
    assert not bad.ok
    assert bad.as_json()["errors"][0] | {"file": "", "allowed": ""} == {
        "file": "", "line": 6, "column": 1, "key": "colour", "what": "unknown key", "allowed": "", "hint": "",
    }  # fmt: skip
    assert bad.as_text().endswith("bad.yaml: refused, 1 error")


def test_the_check_says_what_the_station_is(tmp_path: Path) -> None:
    text = (
        ONE.partition("outlets:")[0]
        + """settings: {maximum_current_a: 40}
outlets:
  - number: 1
    position: left
    input_lines: {in_1: {line: 1}, push_button: {line: 3}}
    settings: {in_1_function: load_shedding, in_1_normally_open: false}
  - {number: 2, position: right, socket: T2 - TE, phases: 1, rated_current_a: 16, conductors: [2], reader: {}, input_lines: {in_2: {line: 2}}}
"""
    )
    report = check_profile(write(tmp_path, "duo", text))
    assert list(report.summary) == [
        "station: other, 3 phases, at most 40 A, Indoor",
        "outlet 1: left, T2, 32 A 3 phases, lock, no reader, free access",
        "  inputs: in_1 (line 1) LoadShedding acts while open; "
        "push_button (line 3) without effect: settings.front_push_button is false",
        "outlet 2: right, T2 - TE, 16 A 1 phase on L2, lock, RFID reader, a charge needs a badge",
        "  inputs: in_2 (line 2) not used",
    ]
    assert ("settings.maximum_current_a", 40) in report.chosen
    assert "settings.location" not in dict(report.chosen)
    assert dict(report.chosen)["outlets[1].conductors"] == [2]


CITY = "schema: 1\nkind: station\nname: mine\nfamily: city\ninherits: city\n"
ONE_OF_CITY = "outlets:\n  - number: 1\n    settings: {%s}\n  - {number: 2}\n"


@pytest.mark.req("STA-04", "INP-01")
@pytest.mark.parametrize("normally_open", [True, False])
@pytest.mark.parametrize(
    ("key", "setting", "number", "function"),
    [
        ("in_1", "in_1_function: load_shedding", 1, LineFunction.LOAD_SHEDDING),
        ("in_2", "in_2_function: conditional_outgoing_line", 2, LineFunction.START_CONDITION),
    ],
)
def test_in_1_and_in_2_have_their_functions_and_senses(
    key: str, setting: str, number: int, function: LineFunction, normally_open: bool
) -> None:
    word = str(normally_open).lower()
    config = config_of(CITY + ONE_OF_CITY % f"{setting}, {key}_normally_open: {word}")
    assert InputLine(number, function, normally_open) in config.outlets[0].lines
    assert all(line.function is LineFunction.BREAKER_TRIPPED for line in config.outlets[1].lines), "factory: not used"


@pytest.mark.req("ENE-02", "ENE-03", "ENE-04", "ENE-05")
def test_energy_settings_of_the_guide_arrive() -> None:
    factory = config_of(CITY)
    assert (factory.balancing, factory.external_control, factory.station_maximum_ma) == (True, False, 64_000)
    assert factory.shedding.priority is SheddingPriority.CHARGE_DURATION
    assert [outlet.ze_ready for outlet in factory.outlets] == [True, True]
    assert [outlet.shedding_ma for outlet in factory.outlets] == [0, 0]
    changed = config_of(
        CITY + "settings: {load_balancing: false, load_shedding_priority: energy_delivered, "
        "controlled_by_external_system: true}\n" + ONE_OF_CITY % "load_shedding_set_point_a: 14.5, resume_after_s: 60"
    )
    assert (changed.balancing, changed.external_control) == (False, True)
    assert changed.shedding.priority is SheddingPriority.ENERGY_DELIVERED
    assert [outlet.ze_ready for outlet in changed.outlets] == [False, False], "only while balancing is on"
    assert (changed.outlets[0].shedding_ma, changed.outlets[0].resume_us) == (14_500, 60_000_000)
    assert config_of("schema: 1\nkind: station\nname: w\nfamily: other\ninherits: thor\n").external_control


@pytest.mark.req("MTR-02")
@pytest.mark.parametrize(
    ("board", "meter", "gateway", "wired"),
    [
        ("simulated", "{map: iem3155}", None, True),
        ("simulated", "{map: iem3155, protocol: modbus_tcp, gateway_address: 162}", ("", 502, 162), True),
        (
            "simulated",
            "{map: iem3155, protocol: modbus_tcp, host: 10.0.0.9, port: 1502}",
            ("10.0.0.9", 1502, 130),
            False,
        ),
        ("serial, path: /dev/ttyS0", "{map: iem3155, protocol: modbus_tcp}", ("", 502, 130), False),
    ],
)
def test_a_meter_is_on_a_line_or_behind_a_gateway(
    board: str, meter: str, gateway: tuple[str, int, int] | None, wired: bool, tmp_path: Path
) -> None:
    text = "schema: 1\nkind: station\nname: w\nfamily: other\noutlets:\n  - number: 1\n"
    file = tmp_path / "w.yaml"
    file.write_text(f"{text}    front_end: {{wire: {{kind: {board}}}}}\n    meter: {meter}\n", encoding="utf-8")
    plan = wire_plan(load_profile(str(file))).outlets[0]
    assert plan.meter is not None
    found = plan.meter.gateway
    assert (None if found is None else (found.host, found.port, found.last_number)) == gateway
    assert (plan.meter.wire is not None) is wired
    assert (plan.gateway_wire() is not None) is (wired and gateway is not None)
    assert len(plan.wires()) == (2 if gateway is None else 1), "control serves no gateway"
