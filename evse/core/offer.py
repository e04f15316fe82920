"""What the station puts on the pilot, and when (IEC 61851-1 Annex A, Table A.6 sequences 3, 6, 9 and 10, clause A.5.3).

========== ============================================================================================================
phase      rule
========== ============================================================================================================
idle       X1. After a PWM pause at least 3 s, so that the vehicle is sure to notice it, and until the contact is open.
offering   PWM. A lower current at once; a higher one no sooner than 5 s after the last change.
stopping   X1. The vehicle has 6 s to reduce its current and open S2; then the contactor is forced open.
fault      F for at least 300 ms when a fault stopped a charge (Table A.5), longer while the caller asks for it.
wake       Once per plug-in or pause: 30 s of B2 without C, then F for 4 s, X1 for 750 ms, PWM again.
========== ============================================================================================================
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from evse.core.config import PilotTimings
from evse.core.duty import duty_for_current
from evse.core.machine import Row, TransitionTable
from evse.core.pilot import ENERGY_LEVELS
from evse.core.units import NEVER
from evse.core.values import PilotLevel, PilotMode


class OfferPhase(StrEnum):
    """Where the offer is in its sequence."""

    IDLE = "idle"
    OFFERING = "offering"
    STOPPING = "stopping"
    FAULT = "fault"
    WAKE_PULSE = "wake_pulse"
    WAKE_PAUSE = "wake_pause"


def _row(trigger: str, sources: tuple[OfferPhase, ...], target: OfferPhase, clause: str) -> Row:
    return Row(trigger, tuple(source.value for source in sources), target.value, clause)


_P = OfferPhase
OFFER_TABLE: Final = TransitionTable(
    "pilot offer",
    [phase.value for phase in OfferPhase],
    OfferPhase.IDLE.value,
    (
        _row("offer", (_P.IDLE, _P.WAKE_PAUSE), _P.OFFERING, "Table A.6 sequence 3"),
        _row("withdraw", (_P.OFFERING, _P.WAKE_PAUSE), _P.IDLE, "Table A.6 sequence 5"),
        _row("stop", (_P.OFFERING,), _P.STOPPING, "Table A.6 sequence 9"),
        _row("stopped", (_P.STOPPING,), _P.IDLE, "Table A.6 sequence 10"),
        _row("fail", tuple(phase for phase in OfferPhase if phase is not _P.FAULT), _P.FAULT, "Table A.5"),
        _row("recover", (_P.FAULT,), _P.IDLE, "Table A.5"),
        _row("wake", (_P.OFFERING,), _P.WAKE_PULSE, "clause A.5.3"),
        _row("pause", (_P.WAKE_PULSE,), _P.WAKE_PAUSE, "clause A.5.3"),
    ),
)


class OfferWish(NamedTuple):
    """What the outlet wants of the pilot at this step."""

    offer: bool
    """Every condition for offering energy is met."""
    limit_ma: int
    level: PilotLevel
    energised: bool
    """The contact is permitted or reported closed."""
    drawing: bool
    """More than 1 A flows on some phase."""
    fault_f: bool
    """An emergency fault is in force and it stopped a charge: show F."""
    hold_f: bool
    """The outlet is out of order for good: stay in F."""
    wake_up: bool


class PilotOffer:
    """Sequencer of one outlet's pilot generator."""

    def __init__(self, timings: PilotTimings) -> None:
        self._timings = timings
        self.phase = OfferPhase.IDLE
        self.offered_ma = 0
        self.duty_bp = 10_000
        self._changed_us = -NEVER
        self._x1_since_us = -NEVER
        self._phase_since_us = -NEVER
        self._b2_since_us = NEVER
        self.woken = False
        self.waking = False
        """True in the step in which a wake-up begins."""

    @property
    def mode(self) -> PilotMode:
        """What the generator is told."""
        match self.phase:
            case OfferPhase.OFFERING:
                return PilotMode.PWM
            case OfferPhase.FAULT | OfferPhase.WAKE_PULSE:
                return PilotMode.F
            case _:
                return PilotMode.X1

    @property
    def force_open_us(self) -> int:
        """When a controlled stop may open under load; ``NEVER`` when none is under way."""
        if self.phase is OfferPhase.STOPPING:
            return self._phase_since_us + self._timings.stop_force_us
        return NEVER

    def reset_wake_up(self) -> None:
        """Allow one more wake-up: the vehicle was unplugged."""
        self.woken = False

    def step(self, now_us: int, wish: OfferWish) -> int:
        """Move on as far as the wish and the time allow; return when to look again."""
        self.waking = False
        for _ in range(8):
            before = self.phase
            self._advance(now_us, wish)
            if self.phase is before:
                break
        if self.phase is OfferPhase.OFFERING:
            self._follow_limit(now_us, wish.limit_ma)
        return self._wake_at_us(now_us, wish)

    def _fire(self, now_us: int, trigger: str) -> None:
        before = self.mode
        phase = self.phase = OfferPhase(OFFER_TABLE.next_state(self.phase.value, trigger))
        if self.mode is PilotMode.X1 and before is not PilotMode.X1:
            self._x1_since_us = now_us
        self._phase_since_us = now_us
        if phase is not OfferPhase.OFFERING:
            self.offered_ma, self.duty_bp = 0, 10_000
            self._b2_since_us = NEVER

    def _advance(self, now_us: int, wish: OfferWish) -> None:
        if (wish.fault_f or wish.hold_f) and self.phase is not OfferPhase.FAULT:
            self._fire(now_us, "fail")
            return
        match self.phase:
            case OfferPhase.IDLE:
                self._advance_idle(now_us, wish)
            case OfferPhase.OFFERING:
                self._advance_offering(now_us, wish)
            case OfferPhase.STOPPING:
                if not wish.energised or not wish.drawing or now_us >= self.force_open_us:
                    self._fire(now_us, "stopped")
            case OfferPhase.FAULT:
                shown = now_us >= self._phase_since_us + self._timings.fault_f_minimum_us
                if shown and not wish.hold_f and not wish.fault_f:
                    self._fire(now_us, "recover")
            case OfferPhase.WAKE_PULSE:
                if not wish.offer or now_us >= self._phase_since_us + self._timings.wake_up_pulse_us:
                    self._fire(now_us, "pause")
            case OfferPhase.WAKE_PAUSE:
                if not wish.offer:
                    self._fire(now_us, "withdraw")
                elif now_us >= self._phase_since_us + self._timings.wake_up_pause_us:
                    self._start_offer(now_us, wish.limit_ma)

    def _advance_idle(self, now_us: int, wish: OfferWish) -> None:
        # Behind a contact that is still to open nothing is offered, not even for the moment until it is told to.
        if wish.offer and not wish.energised and now_us >= self._x1_since_us + self._timings.x1_minimum_us:
            self._start_offer(now_us, wish.limit_ma)

    def _advance_offering(self, now_us: int, wish: OfferWish) -> None:
        if not wish.offer or duty_for_current(wish.limit_ma) is None:
            self._fire(now_us, "stop" if wish.energised and wish.drawing else "withdraw")
            self.woken = False
            return
        if wish.level is PilotLevel.B and not wish.energised:
            if self._b2_since_us == NEVER:
                self._b2_since_us = now_us
        else:
            self._b2_since_us = NEVER
            if wish.level in ENERGY_LEVELS:
                # The vehicle is awake: a later pause of its own is its own wish.
                self.woken = True
        if wish.wake_up and not self.woken and now_us >= self._wake_due_us():
            self.woken = True
            self.waking = True
            self._fire(now_us, "wake")

    def _wake_due_us(self) -> int:
        return NEVER if self._b2_since_us == NEVER else self._b2_since_us + self._timings.wake_up_after_us

    def _start_offer(self, now_us: int, limit_ma: int) -> None:
        duty_bp = duty_for_current(limit_ma)
        if duty_bp is None:
            return
        self._fire(now_us, "offer")
        self._set(now_us, limit_ma, duty_bp)

    def _set(self, now_us: int, current_ma: int, duty_bp: int) -> None:
        self.offered_ma, self.duty_bp, self._changed_us = current_ma, duty_bp, now_us

    def _follow_limit(self, now_us: int, limit_ma: int) -> None:
        duty_bp = duty_for_current(limit_ma)
        if duty_bp is None or limit_ma == self.offered_ma:
            return
        if limit_ma < self.offered_ma or now_us >= self._changed_us + self._timings.raise_interval_us:
            self._set(now_us, limit_ma, duty_bp)

    def _wake_at_us(self, now_us: int, wish: OfferWish) -> int:
        match self.phase:
            case OfferPhase.IDLE:
                x1_ends_us = self._x1_since_us + self._timings.x1_minimum_us
                return x1_ends_us if wish.offer and now_us < x1_ends_us else NEVER
            case OfferPhase.OFFERING:
                rise_us = self._changed_us + self._timings.raise_interval_us
                wake_us = self._wake_due_us() if wish.wake_up and not self.woken else NEVER
                return min(wake_us, rise_us if wish.limit_ma > self.offered_ma else NEVER)
            case OfferPhase.STOPPING:
                return self.force_open_us
            case OfferPhase.FAULT:
                shown_us = self._phase_since_us + self._timings.fault_f_minimum_us
                return shown_us if now_us < shown_us else NEVER
            case OfferPhase.WAKE_PULSE:
                return self._phase_since_us + self._timings.wake_up_pulse_us
            case OfferPhase.WAKE_PAUSE:
                return self._phase_since_us + self._timings.wake_up_pause_us
