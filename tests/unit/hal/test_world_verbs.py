"""Every verb does what it says, can be undone, and refuses what cannot be without doing half of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hal.ports import LockPosition, LockPulse, PilotDriveMode, SelfTest
from hal.units import MS, NEVER, SECOND
from hal.world.attachments import Attachments
from hal.world.outlet import OutletSetup, OutletWorld
from hal.world.station import StationWorld
from hal.world.verb_actions import ACTIONS, STATION_ACTIONS
from hal.world.verb_docs import with_table
from hal.world.verb_domestic import DOMESTIC_ACTIONS
from hal.world.verb_faults import FAULT_ACTIONS
from hal.world.verb_meter import HOUSE_ACTIONS, METER_ACTIONS
from hal.world.verb_phases import PHASE_ACTIONS
from hal.world.verb_spec import UNITS, Verb, VerbParam, check_value
from hal.world.verb_table import SHUTTER_VERBS
from hal.world.verb_wifi import WIFI_ACTIONS
from hal.world.verbs import VERBS, VerbError, apply, verbs_of

DOCUMENT = Path(__file__).parents[3] / "docs" / "world.md"


@dataclass
class Device:
    """Plays reader, front end and line; remembers what was done to it."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def present(self, uid: bytes, now_us: int = 0) -> None:
        self.calls.append(("present", uid.hex(), now_us))

    def remove(self, uid: bytes | None = None, now_us: int = 0) -> None:
        self.calls.append(("remove", uid.hex() if uid else None, now_us))

    def reset(self, now_us: int) -> None:
        self.calls.append(("reset", now_us))

    def freeze(self, on: bool, now_us: int) -> None:
        self.calls.append(("freeze", on, now_us))

    def power(self, on: bool, now_us: int) -> None:
        self.calls.append(("power", on, now_us))

    def set_power(self, on: bool, now_us: int) -> None:
        self.calls.append(("set_power", on, now_us))

    def cut(self) -> None:
        self.calls.append(("cut",))

    def restore(self) -> None:
        self.calls.append(("restore",))


def device(outlet: OutletWorld) -> Device:
    found = outlet.attached.reader
    assert isinstance(found, Device)
    return found


def station(outlets: int = 2, setup: OutletSetup | None = None) -> StationWorld:
    """A station at 0 s: X1 everywhere, nothing plugged, every device attached."""
    world = StationWorld([setup or OutletSetup()] * outlets)
    for outlet in world.outlets:
        one = Device()
        outlet.attached = Attachments(one, one, one, one, one)
        outlet.drive_pilot(PilotDriveMode.X1, 0, 0)
    return world


def charging() -> StationWorld:
    """A station whose first outlet charges with 16 A at 20 s, locked."""
    world = station()
    outlet = world.outlet(1)
    apply(world, "plug_in", {}, SECOND)
    outlet.drive_lock(LockPulse.LOCK, 600 * MS, SECOND)
    outlet.drive_pilot(PilotDriveMode.PWM, 2_667, 2 * SECOND)
    outlet.drive_coil(True, 3 * SECOND)
    world.step(20 * SECOND)
    assert max(outlet.currents_ma()) == 16_002
    return world


See = Callable[[OutletWorld], object]
"""What a verb is expected to change, as seen from outside."""


@dataclass(frozen=True)
class Effect:
    """At ``charging()`` + 1 s the verb changes what ``see`` returns to ``becomes`` after ``after_us``."""

    verb: str
    params: dict[str, Any]
    see: See
    becomes: object
    after_us: int = 0
    heals: bool = True


def level(outlet: OutletWorld) -> object:
    return outlet.truth().pilot_level


def plateaus(outlet: OutletWorld) -> object:
    return outlet.pilot_line()[:2]


EFFECTS = [
    Effect("overdraw", {"current": "5 A"}, lambda o: max(o.currents_ma()), 21_002, 5 * SECOND),
    Effect("change_proximity", {}, lambda o: o.proximity_ohm(), None),
    Effect("change_proximity", {"to": "short"}, lambda o: o.proximity_ohm(), 0),
    Effect("change_proximity", {"to": "resistance", "resistance": "1.5 kohm"}, lambda o: o.proximity_ohm(), 1_500),
    Effect("dim_supply", {"voltage": 9}, lambda o: o.supply_mv(), 9_000),
    Effect("cut_front_end", {}, lambda o: (o.supply_mv(), o.voltages_mv()[0]), (0, 230_000)),
    Effect("brown_out", {"voltage": 150, "phase": "L2"}, lambda o: o.voltages_mv(), (230_000, 150_000, 230_000)),
    Effect("brown_out", {"voltage": "190.5 V"}, lambda o: o.voltages_mv(), (190_500, 190_500, 190_500)),
    Effect("short_pilot", {}, level, "E"),
    Effect("short_pilot", {"resistance": 0, "where": "behind_diode"}, plateaus, (700, -12_000)),
    Effect("feed_pilot", {}, plateaus, (20_833, 18_855)),
    Effect("feed_pilot", {"voltage": -24, "resistance": 500}, lambda o: o.pilot_line()[0], -12_000),
    Effect("open_pilot", {}, level, "A"),
    Effect("open_earth", {}, lambda o: (level(o), o.truth().earth_ok), ("A", False)),
    Effect("short_diode", {}, lambda o: (plateaus(o), o.truth().diode_ok), ((5_623, -5_623), False)),
    Effect("break_diode", {}, lambda o: (level(o), o.truth().diode_ok), ("A", False)),
    Effect("drift_pilot", {"positive": 10, "negative": "-9500 mV"}, lambda o: o.pilot_line()[1], -9_500),
    Effect("detune_pilot", {"frequency": 970, "duty_error": -0.6}, lambda o: o.pilot_line()[2:], (2_607, 9_700)),
    Effect("set_pilot_load", {"r2": 4610, "r3": 1723}, lambda o: o.pilot_line()[0], 6_987),
    Effect("lock_feedback_fault", {"kind": "contradictory"}, lambda o: o.lock_position(), LockPosition.CONTRADICTORY),
    Effect("mirror_fault", {}, lambda o: (o.mirror_closed(), o.truth().contact_closed), (False, True)),
    Effect("break_coil", {}, lambda o: (o.coil_open_load(), o.truth().contact_closed), (True, False), 15 * MS),
    Effect("break_temperature_sensor", {}, lambda o: (o.temperature_sensor_ok(), o.temperature_dc()), (False, 250)),
    Effect("leak", {"current": 6}, lambda o: o.residual_trip(), (False, True), 200 * MS, heals=False),
    Effect("leak", {"current": 30, "kind": "ac"}, lambda o: o.residual_trip(), (True, False), 40 * MS, heals=False),
    Effect("trip_residual", {"kind": "ac"}, lambda o: o.residual_trip(), (True, False), heals=False),
    Effect("trip_residual", {"kind": "dc"}, lambda o: o.residual_trip(), (False, True), heals=False),
    Effect("trip_breaker", {}, lambda o: (o.voltages_mv(), o.currents_ma()), ((0, 0, 0), (0, 0, 0)), heals=False),
    Effect("force_lock_open", {}, lambda o: o.truth().bolt, LockPosition.UNLOCKED, heals=False),
    Effect("cut_power", {}, lambda o: (o.supply_mv(), o.voltages_mv()), (0, (0, 0, 0)), heals=False),
    Effect("vehicle_stop", {}, lambda o: (level(o), o.currents_ma()), ("B", (0, 0, 0)), 3 * SECOND, heals=False),
    Effect("set_input", {"line": 3}, lambda o: o.inputs(), (False, False, True, False), heals=False),
    Effect("heat", {"temperature": "72.5 °C"}, lambda o: o.temperature_dc(), 725, heals=False),
    Effect("heat", {"temperature": 30, "over": 60}, lambda o: o.temperature_dc(), 275, 30 * SECOND, heals=False),
    Effect("set_vehicle", {"setting": "max_current", "value": "10 A"}, lambda o: max(o.currents_ma()), 10_000, 9 * SECOND, False),
    Effect("bounce_pilot", {"period": 20, "duration": 300}, level, "A", 10 * MS, heals=True),
    Effect("bounce_pilot", {"period": 20, "duration": 300}, level, "C", 30 * MS, heals=False),
]  # fmt: skip


@pytest.mark.req("SIM-01")
@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: f"{effect.verb}-{effect.params}")
def test_verb_changes_what_it_says_and_heals(effect: Effect) -> None:
    world = charging()
    outlet, bystander = world.outlet(1), world.outlet(2)
    before, untouched = effect.see(outlet), bystander.truth()
    apply(world, effect.verb, effect.params, 21 * SECOND)
    world.step(21 * SECOND + effect.after_us)
    assert effect.see(outlet) == effect.becomes
    if effect.verb not in ("brown_out", "cut_power"):
        assert bystander.truth()._replace(at_us=0) == untouched._replace(at_us=0)
    if effect.heals:
        apply(world, effect.verb, {"heal": True}, 22 * SECOND + effect.after_us)
        if effect.verb == "cut_front_end":
            outlet.drive_pilot(PilotDriveMode.PWM, 2_667, 23 * SECOND + effect.after_us)
        world.step(40 * SECOND + effect.after_us)
        assert effect.see(outlet) == before


# Verbs whose effect shows only in what happens next.


@pytest.mark.req("SIM-01")
def test_plug_in_shows_proximity_first_then_pilot_and_unplug_the_other_way() -> None:
    world = station()
    outlet = world.outlet(1)
    seen: list[tuple[int | None, object]] = []
    outlet.on_change(lambda now_us: seen.append((outlet.proximity_ohm(), level(outlet))))
    apply(world, "plug_in", {"cable": "20 A", "ventilation": True, "charge": 80}, SECOND)
    apply(world, "unplug", {}, 2 * SECOND)
    assert seen == [(680, "A"), (680, "B"), (680, "A"), (None, "A")]
    assert (outlet.vehicle.settings.ventilation, outlet.vehicle.battery.charge_bp) == (True, 8_000)


@pytest.mark.req("SIM-01")
def test_ends_one_by_one_and_the_same_vehicle_again() -> None:
    world = charging()
    outlet = world.outlet(1)
    charge_pj = outlet.vehicle.battery.stored_pj
    apply(world, "vehicle_stop", {}, 20 * SECOND)
    apply(world, "unplug", {"end": "vehicle"}, 30 * SECOND)
    truth = outlet.truth()
    assert (truth.plug_at_station, truth.plug_at_vehicle, truth.pilot_level) == (True, False, "A")
    apply(world, "plug_in", {"end": "vehicle", "vehicle": "same"}, 31 * SECOND)
    assert outlet.vehicle.battery.stored_pj > charge_pj
    apply(world, "unplug", {"end": "vehicle"}, 32 * SECOND)
    apply(world, "plug_in", {"end": "vehicle"}, 33 * SECOND)
    assert outlet.vehicle.battery.charge_bp == 4_000


@pytest.mark.req("SIM-01")
def test_lock_holds_the_plug_and_force_frees_it() -> None:
    world = charging()
    with pytest.raises(VerbError, match="the lock holds the plug"):
        apply(world, "unplug", {"pull_under_load": True}, 21 * SECOND)
    assert world.outlet(1).truth().connected
    apply(world, "force_lock_open", {}, 22 * SECOND)
    with pytest.raises(VerbError, match="current flows"):
        apply(world, "unplug", {}, 23 * SECOND)
    apply(world, "unplug", {"pull_under_load": True}, 24 * SECOND)
    truth = world.outlet(1).truth()
    assert (truth.connected, truth.currents_ma, truth.unplugs_under_load) == (False, (0, 0, 0), 1)


@pytest.mark.req("SIM-01")
def test_cards() -> None:
    world = station()
    calls = device(world.outlet(1)).calls
    apply(world, "present_card", {"uid": "04a1b2c3"}, SECOND)
    apply(world, "present_card", {"uid": "0011223344556677", "hold": 2}, SECOND)
    with pytest.raises(VerbError, match="in the field already"):
        apply(world, "present_card", {"uid": "04A1B2C3"}, 2 * SECOND)
    world.step(5 * SECOND)
    apply(world, "remove_card", {}, 6 * SECOND)
    assert calls == [
        ("present", "04a1b2c3", SECOND),
        ("present", "0011223344556677", SECOND),
        ("remove", "0011223344556677", 3 * SECOND),
        ("remove", "04a1b2c3", 6 * SECOND),
    ]
    with pytest.raises(VerbError, match="no such card"):
        apply(world, "remove_card", {"uid": "04A1B2C3"}, 7 * SECOND)


@pytest.mark.parametrize("uid", ["04a1b2c", "04A1B2C3D4", "04 A1 B2 C3", "zzzzzzzz", ""])
def test_what_is_no_card_is_refused(uid: str) -> None:
    world = station()
    with pytest.raises(VerbError) as error:
        apply(world, "present_card", {"uid": uid}, SECOND)
    assert error.value.param == "uid"
    assert device(world.outlet(1)).calls == []


@pytest.mark.req("SIM-01")
def test_devices_and_lines() -> None:
    world = station()
    calls = device(world.outlet(1)).calls
    apply(world, "reset_front_end", {}, 1)
    apply(world, "freeze_front_end", {}, 2)
    apply(world, "freeze_front_end", {"heal": True}, 3)
    apply(world, "freeze_reader", {}, 4)
    apply(world, "cut_line", {}, 5)
    apply(world, "cut_line", {"to": "reader", "heal": True}, 6)
    apply(world, "cut_power", {}, 7)
    apply(world, "restore_power", {}, 8)
    apply(world, "cut_front_end", {}, 9)
    assert calls == [
        ("reset", 1),
        ("freeze", True, 2),
        ("freeze", False, 3),
        ("freeze", True, 4),
        ("cut",),
        ("restore",),
        ("restore",),
        ("set_power", False, 7),
        ("power", False, 7),
        ("set_power", True, 8),
        ("power", True, 8),
        ("set_power", False, 9),
        ("power", False, 9),
    ]


@pytest.mark.req("SIM-01")
def test_vehicle_ready_begins_a_charge_again() -> None:
    world = station()
    apply(world, "plug_in", {"wants_charge": False}, 0)
    world.outlet(1).drive_pilot(PilotDriveMode.PWM, 2_667, SECOND)
    assert world.step(10 * SECOND) == NEVER
    apply(world, "vehicle_ready", {}, 10 * SECOND)
    world.step(11 * SECOND)
    assert level(world.outlet(1)) == "C"


@pytest.mark.req("SIM-01")
def test_pulse_s2() -> None:
    world = station()
    apply(world, "plug_in", {}, 0)
    apply(world, "pulse_s2", {"count": 1, "width": 300}, SECOND)
    assert level(world.outlet(1)) == "C"
    world.step(1_300 * MS)
    assert level(world.outlet(1)) == "B"


@pytest.mark.req("SIM-01")
def test_stuck_generator() -> None:
    world = charging()
    apply(world, "stick_generator", {}, 21 * SECOND)
    world.outlet(1).drive_pilot(PilotDriveMode.X1, 0, 22 * SECOND)
    assert world.outlet(1).truth().pwm_on
    apply(world, "stick_generator", {"heal": True}, 23 * SECOND)
    world.outlet(1).drive_pilot(PilotDriveMode.X1, 0, 24 * SECOND)
    assert not world.outlet(1).truth().pwm_on


@pytest.mark.req("SIM-01")
def test_contactor_faults() -> None:
    world = charging()
    outlet = world.outlet(1)
    apply(world, "weld_contactor", {}, 21 * SECOND)
    outlet.drive_coil(False, 22 * SECOND)
    world.step(23 * SECOND)
    assert (outlet.truth().contact_closed, outlet.truth().contact_welded) == (True, True)
    apply(world, "weld_contactor", {"heal": True}, 24 * SECOND)
    world.step(25 * SECOND)
    assert not outlet.truth().contact_closed
    apply(world, "contactor_fails_to_close", {}, 26 * SECOND)
    outlet.drive_coil(True, 27 * SECOND)
    world.step(28 * SECOND)
    assert not outlet.truth().contact_closed
    apply(world, "contactor_fails_to_close", {"heal": True}, 29 * SECOND)
    world.step(30 * SECOND)
    assert outlet.truth().contact_closed
    apply(world, "delay_contactor", {"opening": "300 ms"}, 31 * SECOND)
    outlet.drive_coil(False, 32 * SECOND)
    world.step(32 * SECOND + 299 * MS)
    assert outlet.truth().contact_closed
    world.step(32 * SECOND + 300 * MS)
    assert not outlet.truth().contact_closed
    apply(world, "chatter_contactor", {"count": 4}, 33 * SECOND)
    closings = outlet.truth().closings
    outlet.drive_coil(True, 34 * SECOND)
    world.step(35 * SECOND)
    assert (outlet.truth().contact_closed, outlet.truth().closings - closings) == (True, 5)


@pytest.mark.req("SIM-01")
def test_jam_and_reserve() -> None:
    world = charging()
    outlet = world.outlet(1)
    apply(world, "jam_lock", {"where": "locked"}, 21 * SECOND)
    outlet.drive_lock(LockPulse.UNLOCK, 600 * MS, 22 * SECOND)
    world.step(23 * SECOND)
    assert outlet.truth().bolt is LockPosition.LOCKED
    apply(world, "jam_lock", {"heal": True}, 24 * SECOND)
    apply(world, "drain_lock_reserve", {}, 25 * SECOND)
    apply(world, "cut_power", {}, 26 * SECOND)
    world.step(30 * SECOND)
    assert outlet.truth().bolt is LockPosition.LOCKED


@pytest.mark.req("SIM-01")
def test_self_test_and_reset_of_the_detector() -> None:
    world = station()
    outlet = world.outlet(1)
    apply(world, "fail_self_test", {}, 0)
    outlet.start_self_test(0)
    world.step(SECOND)
    assert outlet.self_test() is SelfTest.FAILED
    apply(world, "fail_self_test", {"heal": True}, SECOND)
    outlet.start_self_test(SECOND)
    world.step(2 * SECOND)
    assert outlet.self_test() is SelfTest.PASSED
    apply(world, "trip_residual", {"kind": "dc"}, 3 * SECOND)
    apply(world, "reset_residual", {}, 4 * SECOND)
    assert outlet.residual_trip() == (False, False)


@pytest.mark.req("SIM-01")
def test_breaker_and_power_come_back() -> None:
    world = charging()
    for off, on in (("trip_breaker", "reset_breaker"), ("cut_power", "restore_power")):
        apply(world, off, {}, 21 * SECOND)
        assert world.outlet(1).voltages_mv() == (0, 0, 0)
        apply(world, on, {}, 22 * SECOND)
        assert world.outlet(1).voltages_mv() == (230_000, 230_000, 230_000)


# Refusals.

IMPOSSIBLE = [
    ("plug_in", {}, "the station's end is plugged in already"),
    ("plug_in", {"end": "vehicle"}, "the vehicle's end is plugged in already"),
    ("plug_in", {"outlet": 2, "min_current": 20, "max_current": 10}, "minimum current is above"),
    ("unplug", {"outlet": 2}, "nothing is plugged in"),
    ("unplug", {"outlet": 2, "end": "station"}, "the station's end is not plugged in"),
    ("unplug", {"outlet": 2, "end": "vehicle"}, "the vehicle's end is not plugged in"),
    ("unplug", {"end": "vehicle"}, "current flows"),
    ("remove_card", {}, "no such card"),
    ("vehicle_ready", {"outlet": 2}, "no vehicle"),
    ("vehicle_stop", {"outlet": 2}, "no vehicle"),
    ("set_vehicle", {"outlet": 2, "setting": "charge", "value": "50"}, "no vehicle"),
    ("set_vehicle", {"setting": "min_current", "value": "40 A"}, "minimum current is above"),
    ("overdraw", {"outlet": 2}, "no vehicle"),
    ("pulse_s2", {"outlet": 2}, "no vehicle"),
    ("pulse_s2", {}, "S2 is closed"),
    ("reset_breaker", {}, "on already"),
    ("restore_power", {}, "on already"),
    ("force_lock_open", {"outlet": 2}, "withdrawn already"),
]


@pytest.mark.parametrize(("verb", "params", "reason"), IMPOSSIBLE)
def test_impossible_now(verb: str, params: dict[str, Any], reason: str) -> None:
    world = charging()
    before = world.truths()
    with pytest.raises(VerbError, match=f"{verb}: impossible now: .*{reason}"):
        apply(world, verb, params, 20 * SECOND)
    assert world.truths() == before


def test_tripping_twice_and_cutting_twice_is_impossible() -> None:
    world = station()
    for verb in ("trip_breaker", "cut_power"):
        apply(world, verb, {}, SECOND)
        with pytest.raises(VerbError, match="already"):
            apply(world, verb, {}, SECOND)


@pytest.mark.parametrize(
    ("verb", "setup"),
    [
        ("present_card", OutletSetup()),
        ("reset_front_end", OutletSetup()),
        ("freeze_front_end", OutletSetup()),
        ("freeze_reader", OutletSetup()),
        ("cut_line", OutletSetup()),
        ("jam_lock", OutletSetup(has_lock=False)),
        ("lock_feedback_fault", OutletSetup(has_lock=False)),
        ("drain_lock_reserve", OutletSetup(has_lock=False)),
        ("force_lock_open", OutletSetup(has_lock=False)),
        ("change_proximity", OutletSetup(attached_cable=True)),
    ],
)
def test_what_is_not_there_cannot_be_used(verb: str, setup: OutletSetup) -> None:
    with pytest.raises(VerbError, match="impossible now"):
        apply(StationWorld([setup]), verb, {}, 0)


def test_attached_cable_is_plugged_only_into_vehicles() -> None:
    world = station(setup=OutletSetup(attached_cable=True))
    for verb in ("plug_in", "unplug"):
        with pytest.raises(VerbError, match="attached"):
            apply(world, verb, {"end": "station"}, 0)
    apply(world, "plug_in", {}, SECOND)
    assert level(world.outlet(1)) == "B"
    apply(world, "unplug", {}, 2 * SECOND)
    assert (level(world.outlet(1)), world.outlet(1).truth().plug_at_station) == ("A", True)


def test_bolt_in_the_way_keeps_plugs_out() -> None:
    world = station()
    world.outlet(1).drive_lock(LockPulse.LOCK, 600 * MS, 0)
    with pytest.raises(VerbError, match="bolt is in the way"):
        apply(world, "plug_in", {}, SECOND)


@pytest.mark.parametrize(
    ("verb", "params", "where", "allowed"),
    [
        ("explode", {}, "explode", "plug_in, unplug"),
        ("plug_in", {"colour": "red"}, "plug_in.colour", "outlet, end"),
        ("plug_in", {"outlet": 3}, "plug_in.outlet", "whole number from 1 to 2"),
        ("plug_in", {"outlet": 0}, "plug_in.outlet", "1 to 2"),
        ("plug_in", {"outlet": 1.5}, "plug_in.outlet", "whole number"),
        ("plug_in", {"end": "middle"}, "plug_in.end", "both, station, vehicle"),
        ("plug_in", {"cable": "16 A"}, "plug_in.cable", "13 A, 20 A, 32 A, 63 A"),
        ("plug_in", {"charge": 101}, "plug_in.charge", "0 to 100 %"),
        ("plug_in", {"charge": "50 A"}, "plug_in.charge", "%"),
        ("plug_in", {"charge": "fifty"}, "plug_in.charge", "number"),
        ("plug_in", {"charge": True}, "plug_in.charge", "number"),
        ("plug_in", {"charge": None}, "plug_in.charge", "number"),
        ("plug_in", {"charge": float("nan")}, "plug_in.charge", "number"),
        ("plug_in", {"charge": 0.001}, "plug_in.charge", "number"),
        ("plug_in", {"charge": [1]}, "plug_in.charge", "number"),
        ("plug_in", {"ventilation": 1}, "plug_in.ventilation", "true, false"),
        ("plug_in", {"close_delay": "3 V"}, "plug_in.close_delay", "ms"),
        ("present_card", {"uid": 4}, "present_card.uid", "text"),
        ("set_input", {"line": 5}, "set_input.line", "1 to 4"),
        ("set_vehicle", {"setting": "charge"}, "set_vehicle.value", "text"),
        ("set_vehicle", {"value": "1"}, "set_vehicle.setting", "capacity"),
        ("trip_residual", {"kind": True}, "trip_residual.kind", "ac, dc"),
    ],
)
def test_wrong_calls_say_what_where_and_what_is_allowed(
    verb: str, params: dict[str, Any], where: str, allowed: str
) -> None:
    world = station()
    before = world.truths()
    with pytest.raises(VerbError) as error:
        apply(world, verb, params, 0)
    assert str(error.value).startswith(f"{where}: ")
    assert allowed in error.value.allowed
    assert world.truths() == before


def test_wrong_setting_of_a_vehicle_is_refused_whole() -> None:
    world = charging()
    settings = world.outlet(1).vehicle.settings
    for setting, value in (("charge", "200 %"), ("sleep", "snoring"), ("ventilation", "maybe"), ("phases", "0")):
        with pytest.raises(VerbError, match=r"set_vehicle\.value: "):
            apply(world, "set_vehicle", {"setting": setting, "value": value}, 20 * SECOND)
    assert world.outlet(1).vehicle.settings == settings
    apply(world, "set_vehicle", {"setting": "ventilation", "value": "true"}, 20 * SECOND)
    assert level(world.outlet(1)) == "D"


# The table.


def sample(param: VerbParam) -> object:
    """A right value for a parameter without default."""
    return {"setting": "ventilation", "value": "true", "switch": 1}[param.name]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_is_whole(verb: Verb) -> None:
    assert verb.name in {
        **ACTIONS,
        **STATION_ACTIONS,
        **FAULT_ACTIONS,
        **DOMESTIC_ACTIONS,
        **METER_ACTIONS,
        **HOUSE_ACTIONS,
        **PHASE_ACTIONS,
        **WIFI_ACTIONS,
    }
    assert verb.group in ("user", "vehicle", "cable", "station", "grid", "fault", "meter", "wifi")
    assert verb.help
    names = [param.name for param in verb.params]
    assert len(names) == len(set(names))
    assert (verb.healed_by == "heal") == ("heal" in names)
    for param in verb.params:
        assert param.help
        assert param.unit in UNITS
        if param.default is not None:
            check_value(verb.name, param, param.default)
        if param.type in ("int", "number"):
            assert param.minimum is not None
            assert param.maximum is not None


def test_table_and_actions_have_the_same_verbs() -> None:
    actions = {**ACTIONS, **STATION_ACTIONS, **FAULT_ACTIONS, **DOMESTIC_ACTIONS, **METER_ACTIONS, **HOUSE_ACTIONS}
    actions |= PHASE_ACTIONS | WIFI_ACTIONS
    assert sorted(verb.name for verb in VERBS) == sorted(actions)


ABSENT = (*SHUTTER_VERBS, *DOMESTIC_ACTIONS, *METER_ACTIONS, *PHASE_ACTIONS, *WIFI_ACTIONS)
"""Not even healing is possible at an outlet that has no such part."""


def test_every_verb_works_or_refuses_cleanly_with_its_defaults() -> None:
    for verb in VERBS:
        world = charging()
        params = {param.name: sample(param) for param in verb.params if param.default is None}
        try:
            apply(world, verb.name, params, 21 * SECOND)
        except VerbError as error:
            assert "impossible now" in str(error)
        world.step(60 * SECOND)
        if verb.healed_by == "heal" and verb.name not in ABSENT:
            apply(world, verb.name, {"heal": True}, 61 * SECOND)
            world.step(70 * SECOND)


def test_table_is_plain_data_and_knows_the_stations_outlets() -> None:
    verbs = verbs_of(station(outlets=1))
    text = json.dumps([asdict(verb) for verb in verbs])
    assert json.loads(text)[0]["params"][0] == asdict(verbs[0].params[0]) | {"choices": []}
    assert {param.maximum for verb in verbs for param in verb.params if param.name == "outlet"} == {1}


def test_document_has_the_present_table() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert with_table(text) == text, "run: python -m hal.world.verb_docs docs/world.md"


def test_document_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks"):
        with_table("nothing here")


@pytest.mark.req("SIM-01")
def test_the_cable_between_two_boards_can_be_moved_and_put_back() -> None:
    world = station()
    assert world.board_cable_in_second_port
    apply(world, "move_board_cable", {}, SECOND)
    assert not world.board_cable_in_second_port
    apply(world, "move_board_cable", {"heal": True}, 2 * SECOND)
    assert world.board_cable_in_second_port
    with pytest.raises(VerbError, match="a single outlet has no such cable"):
        apply(station(outlets=1), "move_board_cable", {}, SECOND)
    assert "move_board_cable" not in [verb.name for verb in verbs_of(station(outlets=1))]


def test_a_power_cut_with_a_duration_ends_by_itself() -> None:
    station = StationWorld([OutletSetup()])
    apply(station, "cut_power", {"duration": 10}, 1_000)
    assert not station.grid.on
    assert station.step(1_000) == 1_000 + 10_000_000
    station.step(1_000 + 10_000_000)
    assert station.grid.on
    assert station.outlet(1).voltages_mv() == (230_000, 230_000, 230_000)
