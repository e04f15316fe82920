"""Walks every shipped profile: adding a YAML file adds its checks."""

from __future__ import annotations

import re
import textwrap
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from boards.assemble import assemble
from boards.board import Board
from boards.check import check_profile
from boards.compiled import WireSpec, decode_config, encode_config
from boards.load import load_profile, load_text, shipped_profiles
from boards.meter_reference import with_table as with_meters
from boards.reference import key_rows, with_table
from boards.to_core import station_config, wire_plan
from evse.core.config import Access, Location, MeterLink, SignStyle, SocketType
from evse.core.dip import DipFunction, decode
from evse.core.lines import InputLine, LineFunction

NAMES = shipped_profiles()
FOLDER = Path(str(resources.files("profiles")))
every_profile = pytest.mark.parametrize("name", NAMES)


class Line:
    """An in-memory wire: keeps what is written, gives nothing."""

    def __init__(self) -> None:
        self.written = b""

    def read(self, now_us: int) -> bytes:
        return b""

    def write(self, data: bytes, now_us: int) -> None:
        self.written += data


def board_of(name: str) -> tuple[Board, dict[str, Line]]:
    lines: dict[str, Line] = {}

    def open_wire(wire: WireSpec) -> Line:
        assert wire.name not in lines
        lines[wire.name] = Line()
        return lines[wire.name]

    return assemble(wire_plan(load_profile(name)), open_wire), lines


def test_every_yaml_of_the_folder_is_walked() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.y*ml")) == sorted(NAMES)
    assert {"parking", "parking-1", "example"} <= set(NAMES)


def test_the_list_of_meters_in_the_documentation_is_that_of_the_maps() -> None:
    text = (FOLDER.parent / "docs" / "meters.md").read_text(encoding="utf-8")
    assert with_meters(text) == text, "run: python -m boards.meter_reference docs/meters.md"


@every_profile
@pytest.mark.req("STA-02", "STA-08")
def test_it_loads_under_its_own_name_and_describes_itself(name: str) -> None:
    model = load_profile(name).model
    assert model.name == name
    assert model.description


@every_profile
def test_it_survives_the_way_to_control(name: str) -> None:
    profile = load_profile(name)
    config, wires = station_config(profile, "station-1", 3), wire_plan(profile)
    compiled = decode_config(encode_config(config, wires))
    assert compiled.config == config
    assert compiled.wires == wires
    assert compiled.config.version == 3


@every_profile
def test_it_assembles_with_every_port(name: str) -> None:
    board, lines = board_of(name)
    config = station_config(load_profile(name), "station-1")
    assert [outlet.number for outlet in board.outlets] == [outlet.number for outlet in config.outlets]
    for outlet, of_core in zip(board.outlets, config.outlets, strict=True):
        assert (outlet.lock is not None) == of_core.has_lock
        assert (outlet.shutter is not None) == of_core.has_shutter
        assert (outlet.domestic is not None) == of_core.has_domestic
        assert (outlet.dip is not None) == bool(of_core.dip_banks)
        assert (outlet.display is not None) == of_core.has_display
        assert (outlet.reader is not None) == (of_core.access is Access.BADGE)
        assert (outlet.meter is not None) == bool(of_core.meter and of_core.meter_link is MeterLink.RTU)
        assert len(outlet.polled) == 1 + (outlet.reader is not None) + (outlet.meter is not None)
        for driver in outlet.polled:
            driver.poll(0)
    assert all(line.written for line in lines.values()), "a driver is not polled or not on its own wire"


@every_profile
def test_no_wire_is_used_twice(name: str) -> None:
    wires = wire_plan(load_profile(name)).wires()
    assert len({wire.name for wire in wires}) == len(wires)
    paths = [wire.path for wire in wires if wire.path]
    assert len(set(paths)) == len(paths)


@every_profile
def test_its_check_is_green_and_names_what_is_not_driven(name: str) -> None:
    report = check_profile(name)
    assert report.ok, report.as_text()
    assert report.effective["name"] == name
    assert all(item.what for item in report.not_driven)


@pytest.mark.req("STA-01", "STA-05")
def test_parking_has_the_vendors_facts() -> None:
    profile = load_profile("parking")
    config = station_config(profile, "station-1")
    assert [outlet.number for outlet in config.outlets] == [1, 2]
    assert [outlet.position for outlet in profile.model.outlets] == ["right", "left"]
    assert {outlet.socket for outlet in config.outlets} == {SocketType.T2}
    assert {outlet.rated_current_ma for outlet in config.outlets} == {32_000}
    assert {outlet.phases for outlet in config.outlets} == {3}
    assert {outlet.access for outlet in config.outlets} == {Access.BADGE}
    assert not any(outlet.leave_cable_connected for outlet in config.outlets)
    assert all(outlet.has_lock for outlet in config.outlets)
    assert config.location is Location.INDOOR
    assert config.station_maximum_ma == 64_000
    assert config.nominal_voltage_mv == 230_000
    settings = [outlet.settings for outlet in profile.model.outlets]
    assert {(item.in_1_function, item.in_2_function) for item in settings} == {("not_used", "not_used")}
    assert all(item.in_1_normally_open and item.in_2_normally_open for item in settings)


@pytest.mark.req("STA-05")
def test_parking_with_one_outlet_differs_in_nothing_else() -> None:
    one = station_config(load_profile("parking-1"), "station-1")
    two = station_config(load_profile("parking"), "station-1")
    assert one.outlets == two.outlets[:1]
    assert (one.location, one.station_maximum_ma) == (two.location, two.station_maximum_ma)


@pytest.mark.req("STA-01", "STA-04")
def test_city_has_the_vendors_facts() -> None:
    profile = load_profile("city")
    config = station_config(profile, "station-1")
    assert [(outlet.number, outlet.position) for outlet in profile.model.outlets] == [(1, "right"), (2, "left")]
    for outlet in config.outlets:
        assert outlet.has_shutter
        assert outlet.has_lock
        assert outlet.lines == (InputLine(3, LineFunction.BREAKER_TRIPPED, True, 20_000),)
        assert not outlet.leave_cable_connected
        assert outlet.access is Access.BADGE
    assert "leave_cable_connected" in profile.model.hidden_settings
    assert config.location is Location.INDOOR
    assert {outlet.access for outlet in station_config(load_profile("city-free"), "s").outlets} == {Access.FREE}
    parking = station_config(load_profile("parking"), "station-1").outlets[0]
    assert not parking.has_shutter
    assert not parking.lines


WALLBOXES = {
    "smart-wallbox": (SocketType.T2, 3, False),
    "smart-wallbox-key": (SocketType.T2, 3, True),
    "smart-wallbox-wifi": (SocketType.T2, 3, False),
    "smart-wallbox-t2": (SocketType.ATTACHED_T2, 3, False),
    "smart-wallbox-t1": (SocketType.ATTACHED_T1, 1, False),
    "smart-wallbox-key-t2": (SocketType.ATTACHED_T2, 3, True),
    "smart-wallbox-key-t1": (SocketType.ATTACHED_T1, 1, True),
}


@pytest.mark.req("STA-01", "STA-02", "STA-03", "STA-06", "ENE-01")
@pytest.mark.parametrize("name", WALLBOXES)
def test_a_smart_wallbox_has_the_vendors_facts(name: str) -> None:
    socket, phases, key = WALLBOXES[name]
    profile = load_profile(name)
    config = station_config(profile, "station-1")
    [outlet] = config.outlets
    assert wire_plan(profile).wifi_card is (name == "smart-wallbox-wifi")
    assert (outlet.socket, outlet.phases, outlet.rated_current_ma) == (socket, phases, 32_000)
    assert (outlet.derated_current_ma, outlet.temporary_limit_ma, outlet.ze_ready) == (16_000, 0, True)
    assert outlet.has_lock is (socket is SocketType.T2)
    assert outlet.leave_cable_connected
    assert profile.model.hidden_settings == ["leave_cable_connected"]
    assert config.location is Location.INDOOR
    functions = {line.function: line.normally_open for line in outlet.lines}
    wired = {LineFunction.DELAYED_START: True, LineFunction.CURRENT_LIMIT: True, LineFunction.PUSH_BUTTON: True}
    assert functions == (wired | {LineFunction.KEY_LOCKED: False} if key else wired)
    # Factory: the button works on a station with key, not on one with a reader.
    assert outlet.push_button is key
    assert outlet.access is (Access.FREE if key else Access.BADGE)
    assert profile.model.settings.authentication_location == ("disable" if key else "charging_station")


@pytest.mark.req("STA-02", "STA-03", "INP-02")
def test_thor_has_the_vendors_facts() -> None:
    profile = load_profile("thor")
    config = station_config(profile, "station-1")
    [outlet] = config.outlets
    assert (outlet.socket, outlet.rated_current_ma, outlet.phases) == (SocketType.T2, 32_000, 3)
    assert (outlet.signs, outlet.has_display, outlet.access) == (SignStyle.THOR, True, Access.BADGE)
    assert [(line.number, line.function) for line in outlet.lines] == [
        (7, LineFunction.X1_ENABLE),
        (8, LineFunction.SERVICE_BUTTON),
    ]
    assert [bank.name for bank in outlet.dip_banks] == ["DSW1", "DSW2"]
    assert outlet.dip_banks[1].functions[4] is DipFunction.COMMUNICATION
    wires = wire_plan(profile).outlets[0]
    assert wires.display
    assert decode(outlet.dip_banks, wires.dip).current_ma == 10_000, "as delivered"
    devices = profile.model.devices
    assert (devices.ethernet_ports, devices.usb_socket, devices.x2) == (2, True, True)


@pytest.mark.req("STA-02")
def test_the_other_thor_boards_differ_in_their_own_points_only() -> None:
    thor = station_config(load_profile("thor"), "s").outlets[0]
    assert station_config(load_profile("thor-c"), "s").outlets[0] == thor
    assert not load_profile("thor-c").model.devices.usb_socket
    free = station_config(load_profile("thor-free"), "s").outlets[0]
    assert free == replace(thor, access=Access.FREE, phase_switch=True)
    cable = station_config(load_profile("thor-cable"), "s").outlets[0]
    assert cable == replace(thor, socket=SocketType.ATTACHED_T2, has_lock=False)


@pytest.mark.req("STA-01", "STA-07")
def test_parking_with_a_domestic_socket_has_the_vendors_socket_types() -> None:
    both = station_config(load_profile("parking-t2-te"), "station-1")
    alone = station_config(load_profile("parking-te"), "station-1")
    (outlet,), (domestic,) = both.outlets, alone.outlets
    assert (outlet.socket, domestic.socket) == (SocketType.T2_TE, SocketType.TE)
    assert (outlet.has_mode3, outlet.has_domestic, outlet.has_lock) == (True, True, True)
    assert (domestic.has_mode3, domestic.has_domestic, domestic.has_lock) == (False, True, False)
    assert (domestic.phases, domestic.rated_current_ma) == (1, 16_000)
    assert outlet.domestic.maximum_ma == domestic.domestic.maximum_ma == 10_000


def test_parking_without_readers_is_free() -> None:
    config = station_config(load_profile("parking-free"), "station-1")
    assert {outlet.access for outlet in config.outlets} == {Access.FREE}
    assert all(outlet.reader is None for outlet in wire_plan(load_profile("parking-free")).outlets)


@pytest.mark.req("STA-08")
def test_the_readme_documents_every_key_as_the_schema_has_it() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert with_table(text) == text, "run: python -m boards.reference profiles/README.md"
    for path, field in key_rows():
        assert field.description, path
        assert f"| `{path.rpartition('.')[2]}` |" in text


@pytest.mark.req("STA-08")
def test_the_readme_names_every_profile() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"| `{name}` |" not in text] == []


def test_the_profile_in_the_readme_is_one() -> None:
    block = re.search(r"```yaml\n(.*?)```", (FOLDER / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    text = textwrap.dedent(block.group(1))
    outlet = load_text(text).model.outlets[0]
    assert (outlet.socket, outlet.shutter, outlet.input_lines.push_button is not None) == ("T2", True, True)
    assert outlet.front_end.wire.kind == "simulated"
    assert outlet.reader is None
    assert load_text(text.replace("#reader: {}", "reader: {}")).model.outlets[0].reader is not None
