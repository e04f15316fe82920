"""Safety invariants of what must not move under load, judged by the world's truth: S5 (bolt, shutter), S6 (contact), S11 (phases)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evse.core.config import Location
from evse.core.events import FaultRaised
from evse.sim.invariants_base import (
    FORCED_BOLT_US,
    FORCED_OPENING_US,
    NO_LOAD_MA,
    RECENT_FAULT_US,
    Moment,
    Violation,
)
from evse.sim.invariants_safety import Timed
from evse.sim.station import OutletFacts
from hal.ports import LockPosition, ShutterPosition
from hal.units import MS, NEVER
from hal.world.truth import OutletTruth

UNSEEN_US: Final = 20 * MS
"""A current that began so shortly before the coil was released was not in any reading yet: sampling, STATE, OPEN."""


class NeverUnlockedUnderLoad(Timed):
    """S5. Neither bolt nor shutter leaves its holding end while the contact is closed or 1 A flows, unless forced."""

    name = "S5"

    def __init__(self) -> None:
        super().__init__()
        self._bolt: dict[int, LockPosition] = {}
        self._shutter: dict[int, ShutterPosition] = {}

    def check(self, moment: Moment) -> Iterator[Violation]:
        for facts in moment.outlets:
            truth, number = facts.truth, facts.number
            before = self._bolt.get(number, truth.bolt)
            self._bolt[number] = truth.bolt
            # A closed contact without current whose mirror contact lies shows in nothing that can be measured.
            load = (truth.contact_closed and facts.mirror_honest) or max(truth.currents_ma) >= NO_LOAD_MA
            left = truth.lock_fitted and before is LockPosition.LOCKED and truth.bolt is not LockPosition.LOCKED
            forced = moment.now_us - moment.known.lock_forced_us.get(number, -NEVER) <= FORCED_BOLT_US
            if left and load and not forced:
                yield Violation(self.name, moment.now_us, number, "the bolt was drawn back under load")
            if load and self._opened(truth, number) and not self._pushed(moment, number):
                yield Violation(self.name, moment.now_us, number, "the shutter was opened under load")
            self._shutter[number] = truth.shutter

    def _opened(self, truth: OutletTruth, number: int) -> bool:
        was_closed = self._shutter.get(number) is ShutterPosition.CLOSED
        return truth.shutter_fitted and was_closed and truth.shutter is not ShutterPosition.CLOSED

    @staticmethod
    def _pushed(moment: Moment, number: int) -> bool:
        return moment.now_us - moment.known.shutter_forced_us.get(number, -NEVER) <= FORCED_BOLT_US


class PhasesNeverSwitchedUnderLoad(Timed):
    """S11. The phase switch in the feed never moves while the outlet's contacts are closed.

    A contact that is closed without current while its mirror contact says open shows in nothing that can be measured.
    """

    name = "S11"

    def __init__(self) -> None:
        super().__init__()
        self._moves_live: dict[int, int] = {}

    def check(self, moment: Moment) -> Iterator[Violation]:
        for facts in moment.outlets:
            switch = facts.truth.phase_switch
            if switch is None:
                continue
            before = self._moves_live.get(facts.number, switch.moves_live)
            self._moves_live[facts.number] = switch.moves_live
            if switch.moves_live != before and facts.mirror_honest:
                yield Violation(self.name, moment.now_us, facts.number, "the phases were switched under load")


class NoOpeningUnderLoad(Timed):
    """S6. A contact opens under load only for a cause: a fault, the vehicle, no supply, or 6 s after PWM went off."""

    name = "S6"

    def __init__(self) -> None:
        super().__init__()
        self._openings: dict[int, int] = {}
        self._pwm_off_us: dict[int, int] = {}
        self._cause_us: dict[int, int] = {}
        self._released_ma: dict[int, int] = {}
        self._welded: dict[int, bool] = {}
        self._loaded_us: dict[int, int] = {}
        """Since when a current flows."""

    def check(self, moment: Moment) -> Iterator[Violation]:
        for event in moment.new_events:
            if isinstance(event.event, FaultRaised):
                self._cause_us[event.event.outlet] = moment.now_us
        for facts in moment.outlets:
            truth, number, now = facts.truth, facts.number, moment.now_us
            if truth.pwm_on:
                self._pwm_off_us.pop(number, None)
            else:
                self._pwm_off_us.setdefault(number, now)
            current_ma = max(truth.currents_ma)
            if current_ma < NO_LOAD_MA:
                self._loaded_us.pop(number, None)
            if truth.coil_energised:
                self._released_ma.pop(number, None)
            else:
                unseen = now - self._loaded_us.get(number, now) <= UNSEEN_US
                self._released_ma.setdefault(number, 0 if unseen else current_ma)
            if current_ma >= NO_LOAD_MA:
                self._loaded_us.setdefault(number, now)
            # A weld that breaks open does it whenever it likes.
            was_welded, self._welded[number] = self._welded.get(number, False), truth.contact_welded
            if was_welded or self._has_cause(moment, facts):
                self._cause_us[number] = now
            before = self._openings.get(number, truth.openings_under_load)
            self._openings[number] = truth.openings_under_load
            if truth.openings_under_load == before:
                continue
            caused = now - max(self._cause_us.get(number, -NEVER), self._cause_us.get(0, -NEVER)) <= RECENT_FAULT_US
            waited = now - self._pwm_off_us.get(number, now) >= FORCED_OPENING_US
            # The order to open may be right and the current rise while it is on its way, or the contactor falls.
            unloaded = self._released_ma.get(number, NO_LOAD_MA) < NO_LOAD_MA
            if not caused and not waited and not unloaded:
                what = f"the contact opened with {truth.last_break_ma} mA and without a cause"
                yield Violation(self.name, now, number, what)

    def _has_cause(self, moment: Moment, facts: OutletFacts) -> bool:
        truth = facts.truth
        vehicle = truth.pilot_level not in ("C", "D")
        # In state D without ventilation the opening is the required reaction (clause 6.3.1.3).
        unaired = truth.pilot_level == "D" and moment.config.location is Location.INDOOR
        faulty = not truth.diode_ok or not truth.earth_ok or not truth.powered or truth.contact_welded
        faulty = faulty or truth.residual_ac or truth.residual_dc
        unlocked = truth.lock_fitted and truth.bolt is not LockPosition.LOCKED
        unshut = truth.shutter_fitted and truth.shutter is not ShutterPosition.CLOSED
        # The outlet's other contact is closed, or its mirror contact says so: both together are worse than a load.
        domestic = truth.domestic
        other = domestic is not None and (domestic.contact_closed or not facts.domestic_mirror_honest)
        return bool(vehicle or unaired or faulty or unlocked or unshut or other or moment.cut_off)
