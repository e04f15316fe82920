"""Every kind of bad profile is refused with file, line, key, reason; all faults at once; never anything but ProfileError."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards.check import check_profile
from boards.load import load_profile, load_text, shipped_profiles
from boards.problems import Problem, ProfileError
from boards.yaml_source import MAX_BYTES, MAX_DEPTH

HEAD = "schema: 1\nkind: station\nname: t\nfamily: other\n"
ONE = HEAD + "outlets: [{number: 1}]\n"
PARKING = (Path(__file__).parents[3] / "profiles" / "parking.yaml").read_text(encoding="utf-8")

pytestmark = pytest.mark.req("STA-02")


def faults(text: str) -> list[str]:
    with pytest.raises(ProfileError) as error:
        load_text(text, "p.yaml")
    return [str(problem) for problem in error.value.problems]


def one_fault(path: Path) -> str:
    with pytest.raises(ProfileError) as error:
        load_profile(path)
    assert len(error.value.problems) == 1
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("line", "place", "words"),
    [
        ("colour: blue", "6:1: colour", ["unknown key", "allowed: badges, description, devices"]),
        ("station: {fases: 3}", "6:11: station.fases", ["did you mean 'phases'?"]),
        ("station: {phases: 2}", "6:19: station.phases", ["2 is not allowed", "allowed: 1, 3"]),
        ("station: {phases: '3'}", "6:19: station.phases", ["'3' is not allowed", "allowed: 1, 3"]),
        ("station: {checkpoint_s: 61}", "6:25: station.checkpoint_s", ["61 is not allowed", "from 1 to 60 s"]),
        ("station: {checkpoint_s: 60 s}", "6:25: station.checkpoint_s", ["'60 s'", "bare number; the key is in s"]),
        ("station: {checkpoint_s: true}", "6:25: station.checkpoint_s", ["true is of the wrong type"]),
        ("station: {checkpoint_s: .inf}", "6:25: station.checkpoint_s", ["'.inf' is of the wrong type"]),
        ("station: {checkpoint_s: 010}", "6:25: station.checkpoint_s", ["'010' is of the wrong type"]),
        ("station: {checkpoint_s: 1:30}", "6:25: station.checkpoint_s", ["'1:30' is of the wrong type"]),
        ("station: {checkpoint_ms: 60}", "6:11: station.checkpoint_ms", ["'checkpoint_s'", "The unit is part"]),
        ("station: 3", "6:10: station", ["3 is of the wrong type", "a mapping of keys"]),
        ("settings: {location: indoors}", "6:22: settings.location", ["did you mean 'Indoor'?", "Indoor, Outdoor"]),
        ("settings: {leave_cable_connected: on}", "6:35: settings.leave_cable_connected", ["'on'", "write true"]),
        ("quirks: [foo]", "6:10: quirks[0]", ["no quirk 'foo'", "lock_opens_on_power_loss"]),
        ("hidden_settings: [foo]", "6:19: hidden_settings[0]", ["no setting 'foo'"]),
        ("inherits: nowhere", "6:11: inherits", ["no profile 'nowhere'", "parking"]),
        ("inherits: ../parking", "6:11: inherits", ["without folder"]),
        ("outlet_defaults: {number: 1}", "6:19: outlet_defaults.number", ["default number"]),
        ("outlet_defaults: 3", "6:18: outlet_defaults", ["wrong type"]),
        ("outlet_defaults: {lock: 1}", "6:25: outlet_defaults.lock", ["1 is of the wrong type", "true, false or null"]),
        ("description: x\ndescription: y", "7:1: description", ["a second time; first on line 6"]),
        ("house_meter:", "6:13: house_meter", ["nothing stands here", "{} means one with its defaults, null means none"]),
        ("badges: [04A1B2C3]", "6:10: badges[0]", ["allowed: a mapping of keys; write {uid: …}; keys: uid, type, comment"]),
        ("badges: [{uid: 10112233}]", "6:16: badges[0].uid", ["allowed: text; write it between quotation marks"]),
        ("outlet_defaults: {reader: true}", "6:27: outlet_defaults.reader", ["write {} for its defaults; keys: wire"]),
        ("outlet_defaults: {input_lines: {in_1: 1}}", "6:39: outlet_defaults.input_lines.in_1", ["write {line: …}; keys: line, debounce_ms"]),
        ("outlet_defaults: {load_shedding_set_point_a: 8}", "6:19: outlet_defaults.load_shedding_set_point_a", ["unknown key", "this key is outlets[].settings.load_shedding_set_point_a"]),
        ("outlet_defaults: {input_lines: {in_1: {line: 1, normally_open: false}}}", "6:49: outlet_defaults.input_lines.in_1.normally_open", ["this key is outlets[].settings.in_1_normally_open"]),
        ("outlet_defaults: {rated_current_a: '16'}", "6:36: outlet_defaults.rated_current_a", ["write the bare number, without quotation marks; the key is in A"]),
        ("inherits: parkin", "6:11: inherits", ["did you mean 'parking'?"]),
        ("? [a, b]\n: 3", "6:3", ["a key must be a word"]),
    ],
)  # fmt: skip
def test_a_wrong_key_is_told_with_place_reason_and_what_is_allowed(line: str, place: str, words: list[str]) -> None:
    [fault] = faults(ONE + line + "\n")
    assert fault.startswith(f"p.yaml:{place}: ")
    assert [word for word in words if word not in fault] == []


@pytest.mark.req("MTR-02", "MTR-04", "ENE-10")
@pytest.mark.parametrize(
    ("line", "place", "words"),
    [
        ("house_meter: {map: em-340, maximum_current_a: 25}", "house_meter.map", ["no such register map", "abb-m2m, "]),
        (
            "house_meter: {map: siemens-7kt1260, maximum_current_a: 25}",
            "house_meter.map",
            ["cannot be read", "tq-em420"],
        ),
        ("house_meter: {map: em24, maximum_current_a: 5}", "house_meter.maximum_current_a", ["from 6 to 400 A"]),
        (
            "house_meter: {map: em24, maximum_current_a: 25, terminals: [1, 1, 2]}",
            "house_meter.terminals",
            ["any order"],
        ),
        ("house_meter: {map: em24, maximum_current_a: 25, host: 1.2.3}", "house_meter.host", ["is no IP address"]),
        ("outlet_defaults: {meter: {map: em24}}", "meter.map", ["cannot be an outlet's meter", "iem3155, sdm630"]),
        ("outlet_defaults: {meter: {map: iem3156}}", "meter.map", ["no such register map", "iem3155, sdm630"]),
        ("outlet_defaults: {meter: {address: 256}}", "meter.address", ["from 1 to 255"]),
        ("outlet_defaults: {meter: {gateway_address: 129}}", "meter.gateway_address", ["from 130 to 162"]),
    ],
)
def test_a_meter_that_cannot_be_is_refused_with_what_is_allowed(line: str, place: str, words: list[str]) -> None:
    [fault] = faults(ONE + line + "\n")
    assert place in fault
    assert [word for word in words if word not in fault] == []


OUTLET_RULES = [
    ("socket: TE, phases: 1, rated_current_a: 20, lock: false", "rated_current_a", "6 to 16 A"),
    ("socket: T2, rated_current_a: 70", "rated_current_a", "6 to 63 A"),
    ("socket: attached T1", "socket", "has one phase only"),
    ("socket: attached T2, lock: true", "lock", "an attached cable has no plug lock"),
    ("socket: attached T2, shutter: true", "shutter", "an attached cable has no shutter"),
    ("shutter: {}", "shutter", "of the wrong type"),
    ("timings: {shutter: {pulse_ms: 3000}}", "timings.shutter.confirm_ms", "shorter than the motor pulse"),
    ("input_lines: {extra_breaker: {line: 3, debounce_ms: 100}}", "input_lines.extra_breaker.debounce_ms", "from 1 to 50 ms"),
    ("input_lines: {delayed_start: {line: 9}}", "input_lines.delayed_start.line", "from 1 to 8"),
    ("input_lines: {in_1: {line: 1}, push_button: {line: 1}}", "input_lines.push_button.line", "already the one of in_1"),
    ("input_lines: {key: {line: 1}}", "input_lines.key", "unknown key"),
    ("settings: {derated_current_a: 33}", "settings.derated_current_a", "0 to 32 A"),
    ("settings: {derated_current_a: 16, temporary_limit_a: 20}", "settings.temporary_limit_a", "0 to 16 A"),
    ("settings: {load_shedding_set_point_a: 33}", "settings.load_shedding_set_point_a", "0 to 32 A"),
    ("lock: false", "lock", "drawn under load"),
    ("number: 2", "number", "the first outlet has the number 1"),
    ("number: 3", "number", "from 1 to 2"),
    ("position: middle", "position", "right, left or null"),
    ("rated_current_a: 5", "rated_current_a", "from 6 to 80 A"),
    ("timings: {pilot: {leave_energised_ms: 31}}", "timings.pilot.leave_energised_ms", "from 5 to 30 ms"),
    ("timings: {pilot: {stop_force_s: 5.9}}", "timings.pilot.stop_force_s", "from 6 to 10 s"),
    ("timings: {lock: {tries: 2.5}}", "timings.lock.tries", "a whole number from 1 to 10"),
    ("timings: {lock: {pulse_ms: 2000}}", "timings.lock.confirm_ms", "shorter than the motor pulse"),
    ("protection: {soft_time_s: 5}", "protection.soft_time_s", "from 6 to 60 s"),
    ("protection: {temperature_resume_degc: 80}", "protection.temperature_resume_degc", "below temperature_stop"),
    ("protection: {hard_current_a: 35}", "protection.hard_current_a", "above the soft limit"),
    ("front_end: {wire: {kind: serial}}", "front_end.wire", "needs the full path"),
    ("front_end: {wire: {path: /dev/ttyS0}}", "front_end.wire.path", "a simulated wire has no path"),
    ("front_end: {wire: {kind: gpio, path: /dev/gpiochip0}}", "front_end.wire.kind", "over a serial line only"),
    ("front_end: {wire: {baud: 115201}}", "front_end.wire.baud", "9600, 19200"),
    ("front_end: null", "front_end", "null is of the wrong type"),
]  # fmt: skip


@pytest.mark.parametrize(("outlet", "key", "words"), OUTLET_RULES)
def test_rules_of_an_outlet(outlet: str, key: str, words: str) -> None:
    number = "" if outlet.startswith("number") else "number: 1, "
    found = faults(f"{HEAD}outlets: [{{{number}{outlet}}}]\n")
    mine = [fault for fault in found if words in fault]
    assert len(mine) == 1, found
    assert mine[0].startswith("p.yaml:5:")
    assert f": outlets[0].{key}" in mine[0]


@pytest.mark.req("STA-04")
def test_an_extra_breaker_input_takes_the_choice_from_in_1() -> None:
    found = faults(
        f"{HEAD}outlets: [{{number: 1, input_lines: {{extra_breaker: {{line: 3}}}}, settings: {{in_1_function: protection_devices_state}}}}]\n"
    )
    assert [fault for fault in found if "watches the breaker whatever In-1 does" in fault]


@pytest.mark.req("STA-04")
def test_city_never_leaves_the_cable_connected() -> None:
    text = HEAD.replace("family: parking", "family: city").replace("family: other", "family: city")
    assert "family: city" in text
    found = faults(f"{text}settings: {{leave_cable_connected: true}}\noutlets: [{{number: 1}}]\n")
    assert [fault for fault in found if "settings.leave_cable_connected: is off and not shown" in fault]


@pytest.mark.req("STA-07")
@pytest.mark.parametrize(
    ("outlet", "words"),
    [
        ("socket: TE, phases: 1, rated_current_a: 16, lock: true", "a domestic socket has no plug lock"),
        ("socket: TE, phases: 3, rated_current_a: 16", "has one phase only"),
        ("socket: TE, phases: 1, rated_current_a: 32", "above the rating of 'TE'"),
        ("socket: T2 - TE, rated_current_a: 8", "domestic.maximum_current_a: 10 A is above the outlet's rated current"),
        ("domestic: {maximum_current_a: 10}", "domestic: there is no domestic socket that it could rule"),
        ("socket: T2 - TE, lock: false", "would let the plug be drawn under load"),
        (
            "socket: T2 - TE, domestic: {maximum_current_a: 16, hard_current_a: 18}",
            "domestic.hard_current_a: must be above the soft limit at the domestic maximum (18.15 A)",
        ),
    ],
)
def test_a_domestic_socket_has_rules_of_its_own(outlet: str, words: str) -> None:
    found = faults(f"{HEAD}outlets: [{{number: 1, {outlet}}}]\n")
    assert [fault for fault in found if words in fault], found


@pytest.mark.req("STA-06")
def test_rules_of_the_smart_wallbox_family() -> None:
    text = HEAD.replace("other", "smart-wallbox")
    found = faults(
        text + "settings: {maximum_current_a: 65, front_push_button: true}\noutlets: [{number: 1}, {number: 2}]\n"
    )
    assert [fault.partition(": ")[2] for fault in found] == [
        "settings.leave_cable_connected: is on and not shown on this family; allowed: true",
        "settings.maximum_current_a: 65 A is above the maximum of this family; allowed: 0 to 64 A",
        "settings.front_push_button: no outlet has a push button (input_lines: {push_button: {line: 3}}); allowed: false",
        "outlets: this family has one outlet; allowed: one entry",
    ]


@pytest.mark.req("STA-03")
@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("outlets: [{number: 1, socket: T2 - TE, shutter: true}]", "outlets[0].shutter"),
    ],
)  # fmt: skip
def test_what_would_be_dangerous_to_ignore_is_refused(text: str, key: str) -> None:
    [fault] = faults(HEAD + text + "\n")
    assert f": {key}: this version does not drive" in fault


@pytest.mark.req("STA-04", "INP-01")
@pytest.mark.parametrize(
    ("outlet", "words"),
    [
        ("settings: {in_1_function: load_shedding}", "settings.in_1_function: this outlet has no input in_1"),
        (
            "settings: {in_2_function: conditional_outgoing_line}",
            "settings.in_2_function: this outlet has no input in_2",
        ),
        (
            "settings: {in_1_function: protection_devices_state}, input_lines: {in_1: {line: 1, debounce_ms: 51}}",
            "input_lines.in_1.debounce_ms: 51 ms is too long for a tripped device",
        ),
        (
            "protection: {temperature_derate_degc: 65, temperature_resume_degc: 65}",
            "protection.temperature_derate_degc: derating must begin above",
        ),
    ],
)
def test_an_input_needs_its_line_and_its_time(outlet: str, words: str) -> None:
    [fault] = faults(HEAD + f"outlets: [{{number: 1, {outlet}}}]\n")
    assert f": outlets[0].{words}" in fault


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("outlets: [{number: 1}, {number: 1}]", "outlets[1].number: outlet 1 exists already"),
        ("outlets: []", "outlets: has too few entries, the limit is 1"),
        ("outlets: [{number: 1}, {number: 2}, {number: 1}]", "outlets: has too many entries, the limit is 2"),
        ("outlets: [3]", "outlets[0]: 3 is of the wrong type"),
        ("outlets: [{}]", "outlets[0].number: this key is required"),
        ("description: x", "outlets: this key is required"),
        ("station: {phases: 1}\noutlets: [{number: 1, phases: 3}]", "outlets[0].phases: the station has 1 phase"),
        ("outlets: [{number: 1}]\nsettings: {authentication_location: charging_station}", "outlet 1 has no RFID reader"),
        ("outlets: [{number: 1, reader: {}}]\nsettings: {remote_command_required: true}", "stations without RFID reader"),
    ],
)  # fmt: skip
def test_rules_of_the_station(text: str, words: str) -> None:
    [fault] = faults(HEAD + text + "\n")
    assert words in fault


def test_a_profile_that_inherits_nothing_is_not_told_what_it_would_inherit() -> None:
    text = "schema: 1\nkind: station\nname: t\ninherits: nowhere\ndescription: x\n"
    [fault] = faults(text)
    assert fault.startswith("p.yaml:4:11: inherits: there is no profile 'nowhere'")


def test_two_outlets_do_not_stand_in_one_place() -> None:
    outlets = "outlets: [{number: 1, position: left}, {number: 2, position: %s}]\n"
    [fault] = faults(HEAD + outlets % "left")
    assert "outlets[1].position: outlet 1 is on the left already; allowed: right" in fault
    load_text(HEAD + outlets % "right", "p.yaml")


@pytest.mark.req("STA-06")
def test_one_outlet_of_two_may_have_the_push_button() -> None:
    button = "{number: 1, input_lines: {push_button: {line: 3}}}"
    load_text(f"{HEAD}settings: {{front_push_button: true}}\noutlets: [{button}, {{number: 2}}]\n", "p.yaml")


def test_of_very_many_names_a_line_shows_the_nearest_and_their_number() -> None:
    names = ", ".join(f"n{number}" for number in range(31))
    assert str(Problem("p", 1, 1, "k", "wrong", names)).endswith(
        "allowed: n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, … (31 in all)"
    )
    few = names.rpartition(", ")[0]
    assert str(Problem("p", 1, 1, "k", "wrong", few)).endswith(few)


def test_rules_of_the_parking_family() -> None:
    text = HEAD.replace("other", "parking")
    found = faults(text + "settings: {maximum_current_a: 65}\noutlets: [{number: 1, position: left}]\n")
    assert found == [
        "p.yaml:5:31: settings.maximum_current_a: 65 A is above the maximum of this family; allowed: 0 to 64 A",
        "p.yaml:6:33: outlets[0].position: outlet 1 of this family is on the right; allowed: right",
    ]


def test_a_serial_path_is_used_once() -> None:
    wire = "{wire: {kind: serial, path: /dev/ttyS0}}"
    [fault] = faults(f"{HEAD}outlets: [{{number: 1, front_end: {wire}, reader: {wire}}}]\n")
    assert "outlets[0].reader.wire.path: /dev/ttyS0 is already used by outlets[0].front_end.wire.path" in fault


def test_all_faults_at_once_in_the_order_of_the_lines() -> None:
    found = faults(
        "schema: 1\nkind: station\nname: Bad Name\nfamily: parkin\nstation:\n  fases: 3\n"
        "outlet_defaults:\n  rated_current_a: 32 A\n  lock: on\n"
        "outlets:\n  - {number: 1, number: 2}\n  - {number: 2, socket: attached T2, lock: true}\nquirks: [foo]\n"
    )
    assert [fault.split(": ")[:2] for fault in found] == [
        ["p.yaml:3:7", "name"],
        ["p.yaml:4:9", "family"],
        ["p.yaml:6:3", "station.fases"],
        ["p.yaml:8:20", "outlet_defaults.rated_current_a"],
        ["p.yaml:9:9", "outlet_defaults.lock"],
        ["p.yaml:11:17", "outlets[0].number"],
        ["p.yaml:12:44", "outlets[1].lock"],
        ["p.yaml:13:10", "quirks[0]"],
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("- a\n- b\n", "1:1: a profile is a mapping of keys"),
        ("hello\n", "1:1: a profile is a mapping of keys"),
        (ONE.replace("schema: 1", "schema: 2"), "1:9: schema: this version reads schema 1 only, the file says 2"),
        (ONE.replace("schema: 1", "schema: true"), "1:9: schema: this version reads schema 1 only"),
        (ONE.replace("schema: 1\n", ""), "schema: this key is required; write 'schema: 1'"),
        (ONE.replace("station", "vehicle"), "2:7: kind: this version reads kind 'station' only"),
        (ONE + "station:\n\tphases: 3\n", "7:1: a tab stands here"),
        (ONE + "a: [1, 2\n", "not YAML: while parsing a flow sequence"),
        (ONE + "a: [1, 2\n", "a bracket or brace is not closed"),
        (ONE + "description: Car: park\n", "6:17: not YAML: mapping values are not allowed here; a text with ': ' in it needs"),
        (ONE + "station:\n  phases: 3\n checkpoint_s: 60\n", "does not begin in the column of the keys"),
        (ONE + "description: @home\n", "a text that begins with this character needs quotation marks"),
        (ONE + "a: &x [1]\nb: *x\n", "6:4: anchors (&) and aliases (*) are not allowed"),
        (ONE + "b: *x\n", "6:4: anchors (&) and aliases (*) are not allowed"),
        (ONE + "b: !!python/object:os.system {}\n", "6:4: the tag tag:yaml.org,2002:python/object:os.system"),
        (ONE + "---\na: 1\n", "but found another document"),
        (ONE + "a: " + "[" * 5000, f"nested deeper than {MAX_DEPTH} levels"),
        (ONE + "a: \x01\n", "not YAML: "),
        ("%YAML 3.0\n---\n" + ONE, "1:1: not YAML: found incompatible YAML document"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_profile_gives_one_readable_fault(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    fault = one_fault(path)
    assert fault.startswith(str(path))
    assert words in fault


def test_what_cannot_be_read_gives_one_readable_fault(tmp_path: Path) -> None:
    assert one_fault(tmp_path) == f"{tmp_path}: is a directory, not a profile file"
    assert one_fault(tmp_path / "gone.yaml").endswith("gone.yaml: no such file")
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(ONE.encode() + b"description: Stra\xdfe\n")
    assert one_fault(latin) == f"{latin}:6:18: is not UTF-8 text (byte 0xdf); save the file as UTF-8"
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    assert "is larger than 256 KiB" in one_fault(large)
    assert "no such file" in one_fault(Path("nul\0byte"))
    assert "cannot be read" in one_fault(tmp_path / ("x" * 300 + ".yaml"))


def test_an_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(ProfileError, match="did you mean 'parking'") as error:
        load_profile("parkin")
    assert all(name in str(error.value) for name in shipped_profiles())


def test_the_check_never_raises(tmp_path: Path) -> None:
    report = check_profile(tmp_path)
    assert not report.ok
    assert len(report.errors) == 1


@pytest.mark.req("STA-02")
@pytest.mark.parametrize(
    ("devices", "where"),
    [
        ("dip_banks: [{name: A, functions: [current, current]}]", "devices.dip_banks: 2 switches limit the current"),
        ("dip_banks: [{name: A, functions: [x1_enable]}]", "devices.dip_banks: x1_enable: there is no X1 input"),
        ("dip_banks: [{name: A, functions: [unknown]}, {name: A, functions: [unknown]}]", "devices.dip_banks[1].name"),
        (
            'dip_banks: [{name: A, functions: [unknown], simulated: "11"}]',
            "devices.dip_banks[0].simulated: 2 positions",
        ),
        ('dip_banks: [{name: A, functions: [unknown], simulated: "x"}]', "devices.dip_banks[0].simulated"),
        ("dip_banks: [{name: A, functions: [nothing]}]", "devices.dip_banks[0].functions"),
        ("dip_banks: [{name: A, functions: []}]", "devices.dip_banks[0].functions"),
        ("dip_banks: [{name: A}]", "devices.dip_banks[0].functions"),
    ],
)
def test_dip_switches_that_cannot_be(devices: str, where: str) -> None:
    [found] = faults(HEAD + f"outlets: [{{number: 1}}]\ndevices: {{{devices}}}\n")
    assert where in found


@pytest.mark.req("STA-02")
@pytest.mark.parametrize("device", ["display: true", "dip_banks: [{name: A, functions: [unknown]}]"])
def test_devices_behind_one_front_end_need_one_outlet(device: str) -> None:
    [found] = faults(HEAD + f"outlets: [{{number: 1}}, {{number: 2}}]\ndevices: {{{device}}}\n")
    assert f"devices.{device.partition(':')[0]}: exists on stations with one outlet only" in found


@pytest.mark.req("STA-02")
@pytest.mark.parametrize(
    ("rest", "where"),
    [
        ("outlets: [{number: 1}]\ndevices: {phase_switch: true}\n", "devices.phase_switch: there is no X2"),
        (
            "outlets: [{number: 1, phases: 1}]\ndevices: {x2: true, phase_switch: true}\n",
            "devices.phase_switch: the outlet has one phase",
        ),
        (
            "outlets: [{number: 1}, {number: 2}]\ndevices: {x2: true, phase_switch: true}\n",
            "devices.phase_switch: exists on stations with one outlet only",
        ),
    ],
)
def test_a_phase_switch_that_cannot_be(rest: str, where: str) -> None:
    [found] = faults(HEAD + rest)
    assert where in found


TOKENS = (
    "\t",
    "&a ",
    "*a",
    "!!x ",
    "null",
    "[",
    "}",
    ": ",
    "- ",
    "\n",
    "-1",
    "1e9",
    "'",
    '"',
    "0x1",
    "\x00",
    "é",
    "|",
    "---\n",
)
ALPHABET = st.one_of(st.sampled_from(TOKENS), st.text(max_size=4))
CUTS = st.tuples(st.integers(0, len(PARKING)), st.integers(0, 12), ALPHABET)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.lists(CUTS, min_size=1, max_size=4))
def test_a_mutated_profile_raises_nothing_but_profile_error(cuts: list[tuple[int, int, str]]) -> None:
    text = PARKING
    for at, removed, put in cuts:
        text = text[:at] + put + text[at + removed :]
    try:
        load_text(text, "p.yaml")
    except ProfileError as error:
        assert error.problems
        assert all("\n" not in str(problem) and problem.file == "p.yaml" for problem in error.problems)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    st.integers(0, 60),
    st.sampled_from(["null", "-1", "99999999999", "true", "[]", "{}", "x", "'3'", "[{}]", "0.5", "[[1]]"]),
)
def test_a_mutated_value_raises_nothing_but_profile_error(line: int, value: str) -> None:
    lines = PARKING.splitlines()
    index = line % len(lines)
    key, colon, _ = lines[index].partition(":")
    lines[index] = f"{key}{colon} {value}"
    try:
        load_text("\n".join(lines), "p.yaml")
    except ProfileError as error:
        assert error.problems


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_profile_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "random.yaml"
    path.write_bytes(data)
    with pytest.raises(ProfileError):
        load_profile(path)


@pytest.mark.req("STA-02")
@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("settings: {authentication_strategy: reject_unknown_badges}", "settings.authentication_strategy: nobody could charge"),
        ('badges: [{uid: "04A1B2C3"}, {uid: "04a1b2c3"}]', "badges[1].uid: the same badge as badges[0]"),
        ('badges: [{uid: "04A1B2"}]', "badges[0].uid"),
        ('badges: [{uid: "04A1B2C3", type: Guest}]', "badges[0].type"),
    ],
)  # fmt: skip
def test_badges_that_cannot_be(text: str, fault: str) -> None:
    [found] = faults(HEAD + "outlets: [{number: 1}]\n" + text + "\n")
    assert fault in found


def test_control_characters_of_a_file_do_not_reach_the_terminal() -> None:
    hostile = faults(ONE + '"a\\e]0;x\\a\\nb\\u202e": 1\n')
    assert all(problem.isprintable() for problem in hostile)
    assert r"a\x1b]0;x\x07\nb\u202e" in hostile[0]
