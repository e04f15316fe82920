"""The vehicle: reads the pilot, closes S2, draws current, stops.

Specification (IEC 61851-1 Annex A, Table A.6 sequence numbers in brackets).

- S2 closes ``close_delay_us`` after a valid PWM appeared [4], if the vehicle wants energy, is awake, and is offered at
  least its minimum current.
- It draws from ``charger_delay_us`` after its input became live, at its ramp rates in steps of a second, never more than the
  followed offer, its charger and its battery permit. A change of the duty cycle is followed after ``follow_delay_us``
  (the standard's limit is 5 s) [6]; the latest value at that moment counts.
- It stops when full, told by its driver, or when PWM goes away: after ``stop_reaction_us`` it ramps down, opens S2 at
  0 A and at the latest ``stop_within_us`` after the reason appeared (standard: 3 s) [7, 10.1].
- ``simplified``: no S2, at once in state C, 10 A on one phase whenever live [1.2].
- ``light`` sleepers wake at PWM that comes back after a pause, or at E/F held for ``wake_pulse_us``; ``deep`` ones only
  at the latter (clause A.5.3).
- ``overdraw_ma`` comes on top of what is permitted. ``ignores_duty``: draws what charger and battery permit.
  ``ignores_stop``: PWM going away neither opens S2 nor lowers the current [10.2].

Everything is decided in ``_decide``, which compares what is wanted with what is and arms timers; calling it twice at
one time changes nothing.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Final

from evse.records import dataclass
from hal.units import MS, NEVER, SECOND
from hal.world.battery import Battery
from hal.world.duty import offered_current_ma
from hal.world.pilot_circuit import DEAD_LINE, PilotLine
from hal.world.supply import NO_PHASES, Phases

RAMP_STEP_US: Final = 1 * SECOND
"""A ramp is made of steps this long, the last one shorter: finer than anything a station decides by."""
SIMPLIFIED_MA: Final = 10_000
CHARGER_MINIMUM_MV: Final = 100_000
"""Below this voltage an on-board charger switches off (ours)."""


class Sleep(StrEnum):
    """How soundly a vehicle sleeps after it was plugged in."""

    AWAKE = "awake"
    LIGHT = "light"
    DEEP = "deep"


@dataclass(frozen=True, slots=True)
class VehicleSettings:
    """Everything that makes one vehicle differ from another. Currents are per phase."""

    capacity_wh: int = 60_000
    charge_bp: int = 4_000
    maximum_ma: int = 32_000
    minimum_ma: int = 6_000
    phases: int = 3
    ramp_up_ma_s: int = 4_000
    ramp_down_ma_s: int = 16_000
    close_delay_us: int = 500 * MS
    charger_delay_us: int = 500 * MS
    follow_delay_us: int = 1 * SECOND
    stop_reaction_us: int = 200 * MS
    stop_within_us: int = 3 * SECOND
    wake_pulse_us: int = 3 * SECOND
    ventilation: bool = False
    simplified: bool = False
    sleep: Sleep = Sleep.AWAKE
    overdraw_ma: int = 0
    ignores_stop: bool = False
    ignores_duty: bool = False
    wants_charge: bool = True


@dataclass(slots=True)
class Vehicle:
    """One vehicle. ``observe`` tells it what its inlet sees, ``absorb`` what it received."""

    settings: VehicleSettings = field(default_factory=VehicleSettings)
    battery: Battery = field(init=False)
    wants: bool = field(init=False)
    plugged: bool = False
    s2_closed: bool = False
    current_ma: int = 0
    asleep: bool = False
    _line: PilotLine = DEAD_LINE
    _voltages: Phases = NO_PHASES
    _seen_ma: int = 0
    _offer_ma: int = 0
    _had_pwm: bool = False
    _follow_us: int = NEVER
    _close_us: int = NEVER
    _wake_us: int = NEVER
    _ramp_us: int = NEVER
    _ramp_by_ma: int = 0
    _stop_from_us: int = NEVER
    _stop_by_us: int = NEVER
    _draw_from_us: int = NEVER
    _stage_us: int = NEVER
    _pulse_us: int = NEVER
    _pulse_width_us: int = 0
    _pulse_edges: int = 0

    def __post_init__(self) -> None:
        self.battery = Battery.charged_to(self.settings.capacity_wh, self.settings.charge_bp)
        self.wants = self.settings.wants_charge

    # What the world asks and tells.

    @property
    def due_us(self) -> int:
        """When the vehicle next does something by itself."""
        return min(
            self._follow_us,
            self._close_us,
            self._wake_us,
            self._ramp_us,
            self._stop_by_us,
            self._stage_us,
            self._pulse_us,
        )

    @property
    def loads_pilot(self) -> bool:
        """Whether R3 is connected: S2 closed, or no S2 at all."""
        return self.plugged and (self.s2_closed or self.settings.simplified)

    def currents_ma(self) -> Phases:
        """Return what flows in each phase now."""
        wanted = 1 if self.settings.simplified else self.settings.phases
        first, second, third = (
            self.current_ma if index < wanted and voltage >= CHARGER_MINIMUM_MV else 0
            for index, voltage in enumerate(self._voltages)
        )
        return first, second, third

    def absorb(self, energy_pj: int) -> None:
        """Store what was delivered since the last call, in picojoules."""
        self.battery.stored_pj += energy_pj

    def plug(self, now_us: int) -> None:
        """The plug is in the vehicle's inlet."""
        self.plugged = True
        self._had_pwm = False
        self.asleep = self.settings.sleep is not Sleep.AWAKE
        self._decide(now_us)

    def unplug(self) -> None:
        """The plug is out: S2 opens, nothing is drawn, every intention about this charge is forgotten."""
        self.plugged = self.s2_closed = self.asleep = self._had_pwm = False
        self.current_ma = self._seen_ma = self._offer_ma = self._pulse_edges = 0
        self._line, self._voltages = DEAD_LINE, NO_PHASES
        self._follow_us = self._close_us = self._wake_us = self._ramp_us = NEVER
        self._stop_from_us = self._stop_by_us = self._draw_from_us = self._stage_us = self._pulse_us = NEVER

    def observe(self, line: PilotLine, voltages: Phases, now_us: int) -> bool:
        """Take in what the inlet sees; return whether pilot load or current changed at once."""
        if not self.plugged:
            return False
        before = (self.s2_closed, self.currents_ma())
        if voltages != self._voltages:
            was_live, self._voltages = self._live, voltages
            if self._live and not was_live:
                self._draw_from_us = now_us + self.settings.charger_delay_us
        if line != self._line:
            self._take_line(line, now_us)
        self._decide(now_us)
        return (self.s2_closed, self.currents_ma()) != before

    def change(self, settings: VehicleSettings, now_us: int) -> None:
        """Become a vehicle with other settings; a changed battery or wish replaces the present one."""
        old, self.settings = self.settings, settings
        if (old.capacity_wh, old.charge_bp) != (settings.capacity_wh, settings.charge_bp):
            self.battery = Battery.charged_to(settings.capacity_wh, settings.charge_bp)
        if old.wants_charge != settings.wants_charge:
            self.wants = settings.wants_charge
        if old.sleep is not settings.sleep:
            self.asleep = self.plugged and settings.sleep is not Sleep.AWAKE
        self._ramp_us = NEVER
        self._decide(now_us)

    def want(self, wants: bool, now_us: int) -> None:
        """The driver, or the vehicle's timer, begins or ends the charge."""
        self.wants = wants
        self._decide(now_us)

    def pulse_s2(self, count: int, width_us: int, now_us: int) -> None:
        """Toggle S2 ``count`` times for ``width_us`` each without wanting energy (sequence 11)."""
        self._pulse_edges, self._pulse_width_us = 2 * count, width_us
        self._pulse_edge(now_us)

    def step(self, now_us: int) -> None:
        """Do what is due."""
        if self._follow_us <= now_us:
            self._offer_ma, self._follow_us = self._seen_ma, NEVER
        if self._wake_us <= now_us:
            self.asleep, self._wake_us = False, NEVER
        if self._close_us <= now_us:
            self.s2_closed, self._close_us = True, NEVER
        if self._pulse_us <= now_us:
            self._pulse_edge(now_us)
        if self._ramp_us <= now_us:
            self._ramp_us = NEVER
            self._ramp_once(now_us)
        self._decide(now_us)

    # Signals.

    @property
    def _live(self) -> bool:
        return self._voltages[0] >= CHARGER_MINIMUM_MV

    def _take_line(self, line: PilotLine, now_us: int) -> None:
        """Read a new pilot signal."""
        self._line = line
        seen_ma = offered_current_ma(line)
        if seen_ma and not self._seen_ma:
            if self._had_pwm and self.settings.sleep is Sleep.LIGHT:
                self.asleep = False
            self._had_pwm = True
            self._offer_ma, self._follow_us = seen_ma, NEVER
        elif seen_ma and seen_ma != self._seen_ma and self._follow_us == NEVER:
            self._follow_us = now_us + self.settings.follow_delay_us
        elif not seen_ma:
            self._follow_us = NEVER
        self._seen_ma = seen_ma
        error_signal = line.frequency_dhz == 0 and line.positive_mv < 1_500
        if not (error_signal and self.asleep):
            self._wake_us = NEVER
        elif self._wake_us == NEVER:
            self._wake_us = now_us + self.settings.wake_pulse_us

    def _pulse_edge(self, now_us: int) -> None:
        """Make the next edge of the toggle."""
        self._pulse_edges -= 1
        self.s2_closed = self._pulse_edges % 2 == 1
        self._pulse_us = now_us + self._pulse_width_us if self._pulse_edges > 0 else NEVER

    # Decisions.

    def _may_charge(self) -> bool:
        """Whether the vehicle wants what it is offered."""
        if not self.wants or self.battery.full or self.asleep or not self.plugged:
            return False
        if self.settings.simplified or (self.settings.ignores_stop and self.s2_closed and not self._seen_ma):
            return True
        return self._seen_ma >= self.settings.minimum_ma

    def _decide(self, now_us: int) -> None:
        """Arm, disarm and act on everything that follows from the present situation."""
        if not self.plugged or self._pulse_edges > 0:
            return
        may = self._may_charge()
        if not self.settings.simplified:
            self._decide_s2(may, now_us)
        if may:
            self._stop_from_us = self._stop_by_us = NEVER
        elif (self.s2_closed or self.current_ma) and self._stop_from_us == NEVER:
            self._stop_from_us = now_us + self.settings.stop_reaction_us
            self._stop_by_us = now_us + self.settings.stop_within_us
        if not self._live:
            self.current_ma, self._ramp_us = 0, NEVER
        self._decide_current(may, now_us)
        self._decide_opening(may, now_us)
        power_uw = sum(current * voltage for current, voltage in zip(self.currents_ma(), self._voltages, strict=True))
        self._stage_us = self.battery.next_stage_us(power_uw, now_us)

    def _decide_s2(self, may: bool, now_us: int) -> None:
        """Arm or disarm the closing of S2."""
        if self.s2_closed or not may:
            self._close_us = NEVER
        elif self._close_us == NEVER:
            self._close_us = now_us + self.settings.close_delay_us

    def _target_ma(self, may: bool) -> int:
        """Return the current per phase the charger steers to."""
        if not may or not self._live:
            return 0
        settings = self.settings
        own_ma = max(self.battery.accepts_ma(settings.maximum_ma), min(settings.minimum_ma, settings.maximum_ma))
        if settings.simplified:
            return min(own_ma, SIMPLIFIED_MA) + settings.overdraw_ma
        offer_ma = own_ma if settings.ignores_duty else self._offer_ma
        return min(own_ma, offer_ma) + settings.overdraw_ma

    def _decide_current(self, may: bool, now_us: int) -> None:
        """Arm the next step towards the target."""
        target_ma = self._target_ma(may)
        if target_ma == self.current_ma or not (self.s2_closed or self.settings.simplified):
            self._ramp_us = NEVER
        elif self._ramp_us == NEVER:
            earliest_us = self._draw_from_us if target_ma > self.current_ma else now_us
            if not may and self._stop_from_us != NEVER:
                earliest_us = self._stop_from_us
            span_us, self._ramp_by_ma = self._next_step(target_ma - self.current_ma)
            self._ramp_us = max(now_us + span_us, earliest_us)

    def _next_step(self, way_ma: int) -> tuple[int, int]:
        """How long the next step of a ramp over ``way_ma`` takes, and how many mA it is."""
        rate_ma_s = self.settings.ramp_up_ma_s if way_ma > 0 else self.settings.ramp_down_ma_s
        span_us = min(RAMP_STEP_US, -(-abs(way_ma) * SECOND // rate_ma_s))
        return span_us, -(-span_us * rate_ma_s // SECOND)

    def _ramp_once(self, now_us: int) -> None:
        """Go one step towards the target."""
        way_ma = self._target_ma(self._may_charge()) - self.current_ma
        self.current_ma += max(-self._ramp_by_ma, min(self._ramp_by_ma, way_ma))

    def _decide_opening(self, may: bool, now_us: int) -> None:
        """Open S2 once nothing flows any more and the vehicle has reacted, or when its time is over."""
        if may or self._stop_from_us == NEVER:
            return
        if now_us >= self._stop_by_us or (self.current_ma == 0 and now_us >= self._stop_from_us):
            self.s2_closed = False
            self.current_ma = 0
            self._stop_from_us = self._stop_by_us = self._ramp_us = NEVER
        elif self.current_ma == 0:
            self._stop_by_us = min(self._stop_by_us, self._stop_from_us)
