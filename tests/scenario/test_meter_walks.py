"""Random users and random meters: lying, slow, silent, replaced, with power cuts and kills; every invariant watches.

T3 holds each record against what has really flowed; beside it the register never falls while control lives, and what the
meters do never takes energy from a vehicle.
"""

from __future__ import annotations

import random

import pytest

from boards.load import load_profile
from boards.to_core import station_config, wire_plan
from evse.app.virtual.virtual_station import VirtualStation
from evse.sim.invariants import InvariantChecker
from evse.sim.station import ParamValue
from hal.units import SECOND

MOVES = 25
Move = tuple[str, dict[str, ParamValue]]
METER: tuple[Move, ...] = (
    ("silence_meter", {}),
    ("slow_meter", {"delay": "2 s"}),
    ("slow_meter", {"delay": "5 s"}),
    ("garble_meter", {}),
    ("refuse_by_meter", {"code": 6}),
    ("meter_lies", {"kind": "nan"}),
    ("meter_lies", {"kind": "negative"}),
    ("meter_lies", {"kind": "jump"}),
    ("meter_lies", {"kind": "leap"}),
    ("meter_lies", {"kind": "frozen"}),
    ("cut_line", {"to": "meter"}),
)
LASTING: tuple[Move, ...] = (
    ("replace_meter", {"register": "0 kWh", "away": "15 s"}),
    ("replace_meter", {"register": "70000 kWh", "away": "0 s"}),
    ("set_meter_address", {"address": 9}),
    ("set_meter_address", {"address": 2}),
    ("near_meter_wrap", {"left": "0.1 kWh"}),
)
USERS: tuple[Move, ...] = (
    ("present_card", {"uid": "04A1B2C3", "hold": "1 s"}),
    ("plug_in", {"ramp_up": 100}),
    ("vehicle_stop", {}),
    ("vehicle_ready", {}),
    ("unplug", {}),
)
PROCESSES: tuple[Move, ...] = (("kill_control", {}), ("kill_services", {}), ("cut_power", {"duration": "10 s"}))


class Walk:
    """One walk by its number, at outlet 1."""

    def __init__(self, number: int) -> None:
        self.stream = random.Random(number)
        profile = load_profile("parking-meters")
        self.station = VirtualStation(station_config(profile, "S1"), wire_plan(profile))
        self.checker = InvariantChecker(self.station)
        self.station.scheduler.observers.append(self.checker.observe)
        self.log: list[str] = []
        self.metered_by: set[str] = set()

    def run(self) -> None:
        self.pause(20)
        for name, params in USERS[:2]:
            self.do(name, params)
        for _ in range(MOVES):
            self.pause(self.stream.choice((1, 3, 12, 25)))
            kind = self.stream.random()
            if kind < 0.55:
                name, params = self.stream.choice(METER)
                self.do(name, params)
                self.pause(self.stream.choice((2, 10, 25)))
                self.do(name, {"heal": True})
            elif kind < 0.7:
                self.do(*self.stream.choice(LASTING))
            elif kind < 0.95:
                self.do(*self.stream.choice(USERS))
            else:
                self.do(*self.stream.choice(PROCESSES))
        self.do("set_meter_address", {"address": 2})
        self.pause(60)
        self.checker.finish(self.station.scheduler.now_us)

    def pause(self, seconds: int) -> None:
        for _ in range(seconds):
            before = self.station.view()
            self.station.scheduler.run_for(SECOND)
            after = self.station.view()
            if before is not None and after is not None:
                assert before.boot_id != after.boot_id or after.outlets[0].register_wh >= before.outlets[0].register_wh
                self.metered_by.add(after.outlets[0].metered_by)

    def do(self, name: str, params: dict[str, ParamValue]) -> None:
        now_us = self.station.scheduler.now_us
        try:
            self.station.apply_verb(name, params, now_us)
        except ValueError:
            return
        self.checker.note_verb(name, params, now_us)
        self.log.append(f"{now_us / SECOND:.3f} {name} {params}")


@pytest.mark.req("MTR-02", "MTR-05")
@pytest.mark.parametrize("number", range(1, 7))
def test_no_invariant_is_broken(number: int) -> None:
    walk = Walk(number)
    walk.run()
    assert not walk.checker.violations, "\n".join([*walk.log[-25:], *map(str, walk.checker.violations)])
    view = walk.station.view()
    assert view is not None
    assert view.outlets[0].metered_by == "iem3155"
    assert walk.metered_by == {"iem3155", "internal CT"}
