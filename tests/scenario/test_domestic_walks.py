"""Random users, appliances, vehicles and faults at an outlet with a Type 2 and a domestic socket, every invariant watching.

Half of the walks have a dumb front end: there nothing but the core keeps the two contacts apart.
"""

from __future__ import annotations

import random

import pytest

from boards.load import load_profile
from boards.to_core import station_config, wire_plan
from evse.app.virtual.virtual_station import VirtualStation
from evse.core.commands import ClearFault, StopSession, Suspend
from evse.sim.invariants import InvariantChecker
from evse.sim.station import ParamValue
from hal.units import MS, SECOND

MOVES = 60
Move = tuple[str, dict[str, ParamValue]]
CARDS: tuple[Move, ...] = (
    ("present_card", {"uid": "04A1B2C3", "hold": "1 s"}),
    ("present_card", {"uid": "04A1B2C3", "hold": "1 s"}),
    ("present_card", {"uid": "11223344", "hold": "1 s"}),
)
APPLIANCE: tuple[Move, ...] = (
    ("plug_in_domestic", {"current": "8 A"}),
    ("plug_in_domestic", {"current": "10 A"}),
    ("unplug_domestic", {"pull_under_load": True}),
    ("set_domestic_load", {"current": "0 A"}),
    ("set_domestic_load", {"current": "9 A"}),
)
VEHICLE: tuple[Move, ...] = (
    ("plug_in", {"ramp_up": 100}),
    ("plug_in", {"ramp_up": 100}),
    ("plug_in", {"end": "station"}),
    ("unplug", {"pull_under_load": True}),
    ("vehicle_stop", {}),
    ("vehicle_ready", {}),
    ("vehicle_ready", {}),
)
FAULTS: tuple[Move, ...] = (
    ("weld_domestic", {}),
    ("domestic_fails_to_close", {}),
    ("domestic_mirror_fault", {"kind": "stuck_open"}),
    ("domestic_mirror_fault", {"kind": "stuck_closed"}),
    ("plug_switch_fault", {"kind": "stuck_out"}),
    ("overdraw_domestic", {"current": "5 A"}),
    ("overdraw_domestic", {"current": "13 A"}),
    ("weld_contactor", {}),
    ("contactor_fails_to_close", {}),
    ("trip_residual", {"kind": "ac"}),
    ("short_pilot", {}),
    ("jam_lock", {}),
    ("cut_front_end", {}),
    ("freeze_front_end", {}),
    ("trip_breaker", {}),
    ("cut_power", {"duration": "20 s"}),
    ("kill_control", {}),
)
HEALED_BY = {"trip_breaker": "reset_breaker", "trip_residual": "", "cut_power": "", "kill_control": ""}


class Walk:
    """One walk by its number."""

    def __init__(self, number: int) -> None:
        self.stream = random.Random(number)
        profile = load_profile("parking-t2-te")
        self.station = VirtualStation(
            station_config(profile, "S1"), wire_plan(profile), local_interlock=bool(number % 2)
        )
        self.checker = InvariantChecker(self.station)
        self.station.scheduler.observers.append(self.checker.observe)
        self.log: list[str] = []
        self.ids = 0

    def run(self) -> None:
        for move in range(MOVES):
            self.station.scheduler.run_for(
                self.stream.choice((20 * MS, 300 * MS, 3 * SECOND, 12 * SECOND, 25 * SECOND))
            )
            if move % 10 == 0:
                # For a while it is mostly the same socket that somebody wants.
                wanted, other = self.stream.sample((APPLIANCE, VEHICLE), 2)
            kind = self.stream.random()
            if kind < 0.8:
                self.do(*self.stream.choice((*wanted, *wanted, *CARDS, *CARDS, *other[: self.stream.randrange(3)])))
            elif kind < 0.93:
                name, params = self.stream.choice(FAULTS)
                self.do(name, params)
                self.station.scheduler.run_for(self.stream.choice((50 * MS, SECOND, 10 * SECOND)))
                healer = HEALED_BY.get(name, name)
                if healer:
                    self.do(healer, {"heal": True} if healer == name else {})
            else:
                self.command()
        self.station.scheduler.run_for(60 * SECOND)
        self.checker.finish(self.station.scheduler.now_us)

    def do(self, name: str, params: dict[str, ParamValue]) -> None:
        now_us = self.station.scheduler.now_us
        try:
            self.station.apply_verb(name, params, now_us)
        except ValueError:
            return
        self.checker.note_verb(name, params, now_us)
        self.log.append(f"{now_us / SECOND:.3f} {name} {params}")

    def command(self) -> None:
        self.ids += 1
        kinds = (
            StopSession(f"walk-{self.ids}", 1),
            Suspend(f"walk-{self.ids}", 1),
            Suspend(f"walk-{self.ids}", 1, active=False),
            ClearFault(f"walk-{self.ids}", 1, fault="ContactorWelded"),
        )
        command = self.stream.choice(kinds)
        self.station.post(command)
        self.checker.note_command(command, self.station.scheduler.now_us)
        self.log.append(f"{self.station.scheduler.now_us / SECOND:.3f} {type(command).__name__}")


@pytest.mark.req("STA-07")
@pytest.mark.parametrize("number", range(1, 13))
def test_no_invariant_is_broken(number: int) -> None:
    walk = Walk(number)
    walk.run()
    assert not walk.checker.violations, "\n".join([*walk.log[-12:], *map(str, walk.checker.violations)])
