"""Planted bugs: one small change of the product each, and what it would mean in a station.

``tools/mutants`` applies them one at a time to a copy of the project and asks the scenario library, with every invariant
watching, to find each. ``old`` stands exactly once in ``file``; ``first`` names the scenarios that are asked first, which
saves time and proves nothing: whatever scenario or invariant finds the bug is reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted bug. ``what`` is for people; ``cheap`` ones are run by every check."""

    id: str
    what: str
    file: str
    old: str
    new: str
    first: tuple[str, ...]
    cheap: bool = False


MUTANTS: Final = (
    Mutant(
        "late-opening",
        "leaving C is debounced for 200 ms, so the contact opens too late",
        "evse/core/pilot.py",
        "due_us = self._left_us + self._timings.leave_energised_us",
        "due_us = self._left_us + 200 * MS",
        ("plug-first",),
        cheap=True,
    ),
    Mutant(
        "no-diode-check",
        "any negative plateau proves the vehicle's diode",
        "evse/core/pilot.py",
        "if reading.negative_mv <= DIODE_PROVEN_BELOW_MV:",
        "if reading.negative_mv <= 20_000:",
        ("diode-fault",),
    ),
    Mutant(
        "unlock-under-load",
        "the bolt may be drawn back although the contact is closed",
        "evse/core/outlet.py",
        "self.inputs.lock, may_release=self._may_release(now_us))",
        "self.inputs.lock, may_release=True)",
        ("weld",),
    ),
    Mutant(
        "lease-by-timer",
        "the driver renews the permission by itself, without a completed step",
        "hal/drivers/front_end.py",
        """        if self._run(now_us):
            self._wish_us = self._next_due_us(now_us)
        return self._wish_us
""",
        """        if self._lease.renewing and self._lease.due(now_us):
            self.hold_until(now_us + MAX_HOLD_MS * MS, 0, now_us)
        if self._run(now_us):
            self._wish_us = self._next_due_us(now_us)
        return min(self._wish_us, self.renewal_due_us)
""",
        ("control-killed",),
    ),
    Mutant(
        "confirmed-before-durable",
        "services confirm the start of a session before it is on the disk",
        "evse/services/station_services.py",
        "        self._opened[event.outlet, event.session_id] = at\n",
        "        self._opened[event.outlet, event.session_id] = at\n        self._confirm(event)\n",
        ("slow-disk",),
    ),
    Mutant(
        "start-without-record",
        "PWM is offered before the start of the session is durable",
        "evse/core/outlet.py",
        '"RecordNotDurable": session is not None and not session.durable,',
        '"RecordNotDurable": False,',
        ("slow-disk",),
    ),
    Mutant(
        "offer-above-cable",
        "the cable's rating does not limit the offer",
        "evse/core/outlet.py",
        'constant("cable", cable_rating_ma(self.proximity.state),',
        'constant("cable", 80_000,',
        ("plug-first",),
        cheap=True,
    ),
    Mutant(
        "e-ignored",
        "a pilot shorted to earth is no fault",
        "evse/core/detectors.py",
        '"PilotShort": pilot.level is PilotLevel.E,',
        '"PilotShort": False,',
        ("pilot-short",),
    ),
    Mutant(
        "no-f-after-fault",
        "a fault that stopped a charge is not shown as state F",
        "evse/core/outlet.py",
        "show_f = self.faults.emergency and",
        "show_f = False and",
        ("residual-trips",),
    ),
    Mutant(
        "weld-forgotten",
        "latched faults do not outlive a restart",
        "evse/services/station_services.py",
        "latched=self._journal.latched_faults(number),",
        "latched=(),",
        ("weld",),
    ),
    Mutant(
        "weld-not-seen",
        "a contact that stays closed without permission is not noticed",
        "evse/core/contactor.py",
        "self.welded = closed",
        "self.welded = False",
        ("weld",),
    ),
    Mutant(
        "over-current-never-trips",
        "the soft over-current rule compares with a limit nobody reaches",
        "evse/core/energy.py",
        "limit_ma = (self.highest_offer_ma(now_us) + self._offset_ma) * self._factor_percent // 100",
        "limit_ma = 1_000_000",
        ("over-current",),
    ),
    Mutant(
        "stop-under-load",
        "a stop opens the contact at once, under full load",
        "evse/core/interlock.py",
        "granted = not hard and (not soft or (facts.held and facts.stop_grace))",
        "granted = not hard and not soft",
        ("another-badge",),
        cheap=True,
    ),
    Mutant(
        "booking-ignored",
        "a booked outlet charges for anybody",
        "evse/core/procedure.py",
        "if booking is not None and booking.uid != uid:",
        "if booking is None and booking is not None:",
        ("booked",),
    ),
    Mutant(
        "energy-counted-twice",
        "after a restart a session begins with the energy of those before it",
        "evse/core/procedure.py",
        "session.register_start_wh = facts.register_wh",
        "session.register_start_wh = 0",
        ("power-cut",),
    ),
    Mutant(
        "self-test-skipped",
        "the residual-current self test counts as passed before it has run",
        "evse/core/selftest.py",
        "elif self._seen_running and result is RcdTest.PASSED:",
        "elif result is not RcdTest.FAILED:",
        ("self-test-failed",),
    ),
    Mutant(
        "lock-not-awaited",
        "an order to lock counts as locked",
        "evse/core/lock.py",
        "return self.at(LockGoal.LOCKED)",
        "return self.goal is LockGoal.LOCKED",
        ("lock-will-not-lock",),
    ),
    Mutant(
        "shutter-not-awaited",
        "an order to close the shutter counts as closed",
        "evse/core/shutter.py",
        "return self.at(ShutterGoal.CLOSED)",
        "return self.goal is ShutterGoal.CLOSED",
        ("city-shutter-not-closed",),
    ),
    Mutant(
        "exclusion-removed",
        "the Type 2 socket counts as free, whoever uses it, when the domestic one wants the outlet",
        "evse/core/domestic.py",
        """        self.other = other
        if bound or not""",
        """        self.other = other = FREE
        if not""",
        ("domestic-waits-for-t2",),
        cheap=True,
    ),
    Mutant(
        "domestic-plug-ignored",
        "the domestic contact stays closed when the plug is pulled",
        "evse/core/interlock.py",
        "elif not facts.plugged:",
        "elif not facts.plugged and not facts.held:",
        ("domestic-unplugged",),
    ),
    Mutant(
        "domestic-maximum-ignored",
        "an appliance is measured by the outlet's rated current",
        "evse/core/outlet.py",
        "return self.config.domestic.maximum_ma if self.domestic.contactor.permitted",
        "return self.config.rated_current_ma if self.domestic.contactor.permitted",
        ("domestic-over-current",),
    ),
    Mutant(
        "breaker-input-upside-down",
        "a breaker contact that is normally open is read as one that is normally closed",
        "evse/core/detectors.py",
        "lines[number - 1] is self._config.breaker_normally_open",
        "lines[number - 1] is not self._config.breaker_normally_open",
        ("city-breaker-tripped",),
    ),
    Mutant(
        "session-closed-twice",
        "the journal keeps a session open that it has already recorded",
        "evse/services/fake_journal.py",
        "        self.sessions.pop(key, None)\n        self.records[record.number]",
        "        self.records[record.number]",
        ("control-killed",),
    ),
    Mutant(
        "wrong-duty",
        "16 A are offered with a duty cycle of 10 %",
        "evse/core/duty.py",
        "return min(current_ma, LOW_RANGE_TOP_MA) // 6",
        "return 1_000 if current_ma == 16_000 else min(current_ma, LOW_RANGE_TOP_MA) // 6",
        ("limits",),
    ),
    Mutant(
        "dc-trip-ignored",
        "the detector's 6 mA DC output is not looked at",
        "evse/core/detectors.py",
        '"ResidualCurrentDC": inputs.residual_dc,',
        '"ResidualCurrentDC": False,',
        ("residual-trips",),
    ),
    Mutant(
        "ventilation-ignored",
        "a vehicle that needs ventilation is charged indoors",
        "evse/core/outlet.py",
        "return self._station.location is Location.OUTDOOR",
        "return True",
        ("ventilation-indoor",),
    ),
    Mutant(
        "offer-raised-at-once",
        "a higher limit is offered without the pause of 5 s",
        "evse/core/offer.py",
        "if limit_ma < self.offered_ma or now_us >= self._changed_us + self._timings.raise_interval_us:",
        "if limit_ma != self.offered_ma:",
        ("limits",),
    ),
    Mutant(
        "share-ignored",
        "each outlet takes the whole supply",
        "evse/core/limits.py",
        "return max(0, min(self.maximum_ma // len(served), self.maximum_ma - others_ma))",
        "return self.maximum_ma",
        ("two-outlets",),
    ),
    Mutant(
        "anybody-stops",
        "any badge ends a running charge",
        "evse/core/procedure.py",
        "        if uid == session.uid:\n",
        "        if uid:\n",
        ("another-badge",),
    ),
    Mutant(
        "no-wait-after-fault",
        "PWM comes back at once when a fault is over",
        "evse/core/outlet.py",
        "if cleared_us is not None and now_us < cleared_us + self.config.protection.reclose_after_fault_us:",
        "if cleared_us is not None and now_us < cleared_us:",
        ("pilot-short",),
    ),
    Mutant(
        "acknowledged-before-durable",
        "services acknowledge facts that are not yet on the disk",
        "evse/services/station_services.py",
        "up_to_seq = self._pending[0] - 1 if self._pending else self._handled",
        "up_to_seq = self._handled",
        ("services-killed",),
    ),
    Mutant(
        "phase-not-counted",
        "the energy of the third phase is not counted",
        "evse/core/energy.py",
        "zip(currents_ma, voltages_mv, strict=True))",
        "zip(currents_ma[:2], voltages_mv[:2], strict=True))",
        ("badge-first",),
    ),
)
