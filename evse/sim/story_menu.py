"""What a story may contain: every kind of disturbance with the way to draw its parameters and to undo it.

Specification. ``FAULTS`` has one entry per verb that disturbs the world or the station's own computer, ``HABITS`` one
per thing that users and vehicles do differently from each other, ``ORDERS`` one per command. A story is made from a
random half of each. Parameters are drawn near the borders at which a station changes its mind (a contactor that opens in
20 ms or in 400 ms, a current just above the limit), and written with units, as in scenario files.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Final

from evse.core.commands import (
    AvailabilitySource,
    Book,
    ClearFault,
    Command,
    Maintain,
    PlugWithin,
    Postpone,
    ReleaseCable,
    SetLimit,
    SetPhases,
    SetUnavailable,
    StartSession,
    StopSession,
    Suspend,
    WhenVehicleLeaves,
)
from evse.core.faults import CATALOGUE, Latch
from evse.core.units import MINUTE, SECOND
from evse.records import dataclass
from evse.sim.scenario import Do, Post
from evse.sim.station import ParamValue
from evse.sim.story_boards import Feature, StoryBoard

Params = Mapping[str, ParamValue]
HEAL: Final[Params] = {"heal": True}
CARDS: Final = ("04A1B2C3", "04A1B2C3D4E5F6", "11223344")
SERVICE_FAULTS: Final = tuple(kind.name for kind in CATALOGUE if kind.latch is Latch.SERVICE and kind.ends_session)


def log_uniform(stream: random.Random, low: int, high: int) -> int:
    """A whole number between ``low`` and ``high``, each order of magnitude equally likely."""
    share: float = (high / low) ** stream.random()
    return round(low * share)


@dataclass(frozen=True, slots=True)
class FaultEntry:
    """One disturbance. ``heal`` undoes it: verb and parameters, ``None`` for what passes by itself.

    ``needs``: what an outlet must have for it. ``station_wide``: it has no outlet. ``longest_us``: healed no later than this while the story runs, because a line
    that is dead costs the simulation as much as a busy one.
    """

    draw: Callable[[random.Random], Params]
    heal: tuple[str, Params] | None
    station_wide: bool = False
    longest_us: int = 30 * MINUTE
    needs: Feature | None = None

    def healing(self, verb: str, outlet: int) -> Do | None:
        """The step that undoes ``verb``."""
        if self.heal is None:
            return None
        name, params = self.heal
        where: Params = {} if self.station_wide else {"outlet": outlet}
        return Do(name or verb, {**where, **params}, if_possible=True)


def _plain(stream: random.Random) -> Params:
    return {}


def _of(**choices: tuple[ParamValue, ...]) -> Callable[[random.Random], Params]:
    """Draw each parameter from its own list."""
    return lambda stream: {name: stream.choice(values) for name, values in choices.items()}


def _fault(
    draw: Callable[[random.Random], Params] = _plain, longest_us: int = 30 * MINUTE, needs: Feature | None = None
) -> FaultEntry:
    return FaultEntry(draw, ("", HEAL), longest_us=longest_us, needs=needs)


_DEAD_LINE_US: Final = 2 * MINUTE
_F = Feature

FAULTS: Final[Mapping[str, FaultEntry]] = {
    # vehicle and cable
    "overdraw": _fault(_of(current=("400 mA", "2 A", "5 A", "60 A")), needs=_F.MODE3),
    "change_proximity": _fault(
        _of(to=("open", "short", "resistance"), resistance=(100, 180, 330, 680, 1_500, 4_700)), needs=_F.SOCKET
    ),
    # station
    "heat": FaultEntry(
        _of(temperature=("64 °C", "79 °C", "81 °C", "95 °C"), over=("0 s", "30 s", "10 min")),
        ("heat", {"temperature": "25 °C"}),
    ),
    "break_temperature_sensor": _fault(),
    "reset_front_end": FaultEntry(_plain, None),
    "freeze_front_end": _fault(longest_us=_DEAD_LINE_US),
    "cut_front_end": _fault(longest_us=_DEAD_LINE_US),
    "freeze_reader": _fault(longest_us=_DEAD_LINE_US, needs=_F.READER),
    "cut_line": _fault(_of(to=("front_end", "reader")), longest_us=_DEAD_LINE_US),
    # grid
    "trip_breaker": FaultEntry(_plain, ("reset_breaker", {})),
    "cut_power": FaultEntry(_plain, ("restore_power", {}), station_wide=True),
    "brown_out": FaultEntry(
        _of(voltage=("60 V", "84 V", "120 V", "149 V", "160 V", "253 V"), phase=("all", "L1", "L2", "L3")),
        ("", HEAL),
        station_wide=True,
    ),
    "dim_supply": _fault(_of(voltage=("10.4 V", "9 V", "7 V", "4 V", "0 V"))),
    # pilot
    "short_pilot": _fault(_of(resistance=(0, 80, 270, 1_000), where=("line", "behind_diode")), needs=_F.MODE3),
    "feed_pilot": _fault(_of(voltage=("-24 V", "5 V", "24 V"), resistance=(100, 1_000, 20_000)), needs=_F.MODE3),
    "open_pilot": _fault(needs=_F.MODE3),
    "open_earth": _fault(needs=_F.MODE3),
    "short_diode": _fault(needs=_F.MODE3),
    "break_diode": _fault(needs=_F.MODE3),
    "bounce_pilot": _fault(
        _of(period=("3 ms", "20 ms", "150 ms"), duration=("50 ms", "300 ms", "4 s", "20 s")), needs=_F.MODE3
    ),
    "drift_pilot": _fault(
        _of(positive=("12 V", "11.4 V", "10.5 V", "13.5 V"), negative=("-12 V", "-11 V", "-8 V")), needs=_F.MODE3
    ),
    "detune_pilot": _fault(
        _of(frequency=("1000 Hz", "995 Hz", "900 Hz"), duty_error=("0 %", "1 %", "-2 %", "10 %")), needs=_F.MODE3
    ),
    "set_pilot_load": _fault(_of(r2=(2_740, 2_600, 2_000), r3=(1_300, 1_200, 900)), needs=_F.MODE3),
    "stick_generator": _fault(needs=_F.MODE3),
    # contactor
    "weld_contactor": _fault(needs=_F.MODE3),
    "contactor_fails_to_close": _fault(needs=_F.MODE3),
    "break_coil": _fault(needs=_F.MODE3),
    "delay_contactor": _fault(
        _of(closing=("60 ms", "190 ms", "400 ms"), opening=("40 ms", "150 ms", "400 ms")), needs=_F.MODE3
    ),
    "chatter_contactor": _fault(_of(count=(1, 3, 10), period=("4 ms", "10 ms", "60 ms")), needs=_F.MODE3),
    "mirror_fault": _fault(_of(kind=("stuck_open", "stuck_closed")), needs=_F.MODE3),
    # lock
    "jam_lock": _fault(_of(where=("locked", "unlocked", "half_way")), needs=_F.LOCK),
    "lock_feedback_fault": _fault(_of(kind=("lost", "contradictory", "stuck_locked", "stuck_unlocked")), needs=_F.LOCK),
    "drain_lock_reserve": _fault(needs=_F.LOCK),
    "force_lock_open": FaultEntry(_plain, None, needs=_F.LOCK),
    # shutter
    "jam_shutter": _fault(_of(where=("open", "closed", "between")), needs=_F.SHUTTER),
    "shutter_feedback_fault": _fault(
        _of(kind=("lost", "contradictory", "stuck_open", "stuck_closed")), needs=_F.SHUTTER
    ),
    "force_shutter_open": FaultEntry(_plain, None, needs=_F.SHUTTER),
    # domestic socket
    "overdraw_domestic": _fault(_of(current=("400 mA", "3 A", "5 A", "20 A")), needs=_F.DOMESTIC),
    "weld_domestic": _fault(needs=_F.DOMESTIC),
    "domestic_fails_to_close": _fault(needs=_F.DOMESTIC),
    "domestic_mirror_fault": _fault(_of(kind=("stuck_open", "stuck_closed")), needs=_F.DOMESTIC),
    "plug_switch_fault": _fault(_of(kind=("stuck_out", "stuck_in")), needs=_F.DOMESTIC),
    # phase switch
    "phase_switch_sticks": _fault(_of(part=("contactor", "relay")), needs=_F.PHASES),
    # input lines
    "stick_input": _fault(_of(line=(1, 2, 3, 4, 7, 8), at=("open", "closed")), needs=_F.LINES),
    "bounce_input": _fault(
        _of(line=(1, 2, 3, 4, 7, 8), period=("5 ms", "30 ms", "100 ms"), duration=("200 ms", "5 s")), needs=_F.LINES
    ),
    # residual current
    "trip_residual": FaultEntry(_of(kind=("ac", "dc")), ("reset_residual", {})),
    "leak": _fault(_of(kind=("ac", "dc"), current=("5 mA", "7 mA", "29 mA", "31 mA", "300 mA"))),
    "fail_self_test": _fault(),
    # the station's computer
    "kill_control": FaultEntry(_plain, None, station_wide=True),
    "freeze_control": FaultEntry(_plain, ("thaw_control", {}), station_wide=True, longest_us=10 * MINUTE),
    "kill_services": FaultEntry(_plain, None, station_wide=True),
    "slow_disk": FaultEntry(
        _of(latency=("300 ms", "2 s", "9 s", "12 s", "60 s")), ("mend_disk", {}), station_wide=True
    ),
    "full_disk": FaultEntry(_plain, ("mend_disk", {}), station_wide=True),
}
"""Every disturbance, by the name of its verb."""

HABITS: Final = (
    "badge_first",
    "second_card",
    "card_stays",
    "wrong_card_at_end",
    "cable_swap",
    "pulls_under_load",
    "vehicle_end_only",
    "remote_start",
    "remote_stop",
    "vehicle_pauses",
    "changes_vehicle",
    "pulses_s2",
    "sleeps",
    "ventilation",
    "simplified",
    "thin_cable",
    "slow_to_stop",
    "small_charger",
    "nearly_full",
    "ignores_stop",
    "not_yet",
    "touches_inputs",
)
"""What users and vehicles may do differently."""

TOUCHES: Final[Mapping[str, Feature]] = {
    "turns_key": Feature.KEY,
    "presses_button": Feature.BUTTON,
    "moves_dip": Feature.DIP,
    "moves_x1": Feature.X1,
    "holds_service_button": Feature.SERVICE_BUTTON,
}
"""Habits of boards that have the feature."""


def faults_of(board: StoryBoard) -> tuple[str, ...]:
    """The disturbances that can happen to ``board``."""
    return tuple(name for name, entry in FAULTS.items() if entry.needs is None or board.has(entry.needs))


def habits_of(board: StoryBoard) -> tuple[str, ...]:
    """The habits that people can have at ``board``."""
    return (*HABITS, *(name for name, feature in TOUCHES.items() if board.has(feature)))


def _limit(stream: random.Random, outlet: int) -> Post:
    source = stream.choice(("plant", "grid"))
    # The grid's limit is the station's.
    number = 0 if source == "grid" else outlet
    values = {"outlet": number, "source": source, "fallback_ma": stream.choice((0, 6_000))}
    current_ma = stream.choice((0, 5_999, 6_000, 10_000, 16_000, 31_000, 63_000))
    return Post(
        SetLimit, {**values, "current_ma": current_ma}, {"valid_until_us": log_uniform(stream, SECOND, 60 * MINUTE)}
    )


def _active(kind: type[Command]) -> Callable[[random.Random, int], Post]:
    return lambda stream, outlet: Post(kind, {"outlet": outlet, "active": stream.random() < 0.5}, {})


def _unavailable(stream: random.Random, outlet: int) -> Post:
    fields = {
        "outlet": outlet,
        "active": stream.random() < 0.4,
        "source": stream.choice(tuple(AvailabilitySource)),
        "after_session": stream.random() < 0.5,
    }
    return Post(SetUnavailable, fields, {})


def _vehicle_leaves(stream: random.Random, outlet: int) -> Post:
    ends, releases = stream.random() < 0.5, stream.random() < 0.5
    return Post(WhenVehicleLeaves, {"outlet": outlet, "ends_session": ends, "releases_cable": releases}, {})


def _book(stream: random.Random, outlet: int) -> Post:
    uid = stream.choice(("", *CARDS))
    return Post(Book, {"outlet": outlet, "uid": uid}, {"until_us": log_uniform(stream, SECOND, 60 * MINUTE)})


ORDERS: Final[Mapping[str, Callable[[random.Random, int], Post]]] = {
    "start_session": lambda stream, outlet: Post(StartSession, {"outlet": outlet, "uid": stream.choice(CARDS)}, {}),
    "stop_session": lambda stream, outlet: Post(StopSession, {"outlet": outlet}, {}),
    "when_vehicle_leaves": _vehicle_leaves,
    "plug_within": lambda stream, outlet: Post(PlugWithin, {"outlet": outlet, "timeout_s": stream.randint(1, 600)}, {}),
    "release_cable": lambda _stream, outlet: Post(ReleaseCable, {"outlet": outlet}, {}),
    "book": _book,
    "suspend": _active(Suspend),
    "postpone": _active(Postpone),
    "set_unavailable": _unavailable,
    "maintain": _active(Maintain),
    "set_limit": _limit,
    "clear_fault": lambda stream, outlet: Post(
        ClearFault, {"outlet": outlet, "fault": stream.choice(SERVICE_FAULTS)}, {}
    ),
}
"""Every command that comes from outside to any board, by its name in scenarios."""
PHASE_ORDERS: Final[Mapping[str, Callable[[random.Random, int], Post]]] = {
    "set_phases": lambda stream, outlet: Post(SetPhases, {"outlet": outlet, "phases": stream.choice((1, 3))}, {}),
}
"""Those to a board with a phase switch."""
ALL_ORDERS: Final = {**ORDERS, **PHASE_ORDERS}


def orders_of(board: StoryBoard) -> tuple[str, ...]:
    """The orders that can be given to ``board``."""
    return tuple(ALL_ORDERS if board.has(Feature.PHASES) else ORDERS)
