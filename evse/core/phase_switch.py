"""The phase switch: a contactor in the outlet's feed that takes L2 and L3 away, driven by the switching output X2.

A THØR whose X2 drives such a contactor (KeContact S10) charges with one phase or with three. Who decides which is outside;
here is how it is done, so that neither vehicle nor switch ever moves under load:

========= ============================================================================================================
step      what
========= ============================================================================================================
STOPPING  the offer is taken back like for any other reason; the contactor opens when the vehicle has let go, or after 6 s
MOVING    the contactor is proven open and no current flows: X2 is switched, and both X2's own report and the voltages
          behind the switch have to agree within ``confirm_us``, else again, ``tries`` times
PAUSING   ``pause_us`` without an offer, so that the vehicle's charger begins anew on the phases it finds
========= ============================================================================================================

A switch that does not follow is put back to where it was, the charge goes on there, and `PhaseSwitchFailed` tells it; until
service clears that, no further switching is ordered. X2 is a latching relay: it keeps its position without supply, so the
first reading after a start says what was ordered before. A position that changes by itself is put right in the same way.

With the DIP switch for X2's default function on, nobody else may use X2: the station goes back to three phases. Between two
switchings ``lockout_us`` have to pass (KeContact P30 UDP clients keep 300 s, else `X2 : not allowed now`).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

from evse.core.config import OutletConfig
from evse.core.events import Event, PhasesSwitched
from evse.core.units import NEVER, SECOND
from evse.core.values import OutletInputs

PHASE_SWITCH_FAILED: Final = "PhaseSwitchFailed"
ONE: Final = 1
THREE: Final = 3


class SwitchStep(Enum):
    """How far a switching is; the module's text says what each means."""

    REST = "rest"
    STOPPING = "stopping"
    MOVING = "moving"
    PAUSING = "pausing"


class PhaseSwitch:
    """The phase switch of one outlet; where there is none it never does anything."""

    def __init__(self, config: OutletConfig, tell: Callable[[Event], None]) -> None:
        self._config, self._times = config, config.phase_switch_timings
        self._tell = tell
        self.fitted = config.phase_switch
        self.step = SwitchStep.REST
        self.target = THREE
        """Phases that are wanted; unknown, hence three, before the first reading."""
        self.failed = False
        """The last switching did not succeed; until service says otherwise."""
        self.pulses = 0
        """Orders to X2 so far: each is one action."""
        self._known = False
        self._back = self._stuck = False
        self._tries = 0
        self._due_us = NEVER
        self._drift_us = NEVER
        self._allowed_us = -NEVER

    @property
    def busy(self) -> bool:
        """Nothing may be offered: the phases are about to change."""
        return self.step is not SwitchStep.REST

    @property
    def phases_fed(self) -> int:
        """So many conductors have to be live, counted from L1; the others do not matter."""
        settled = self.step in (SwitchStep.REST, SwitchStep.PAUSING)
        return ONE if self.fitted and not (settled and self.target == THREE) else self._config.phases

    def wait_us(self, now_us: int) -> int:
        """How long until another switching may be ordered, 0 when it may."""
        return max(0, self._allowed_us - now_us)

    def order(self, now_us: int, phases: int, *, default_function: bool) -> str:
        """Charge with ``phases`` phases from now on; return why not, or an empty text."""
        if not self.fitted:
            return "there is no phase switch at this outlet"
        if phases not in (ONE, THREE):
            return f"{phases} phases cannot be switched: 1 or 3"
        if not self._known:
            return "X2 was not read yet: try again"
        if default_function:
            return "X2 has its default function by the DIP switch: switch that off and restart"
        if phases == self.target:
            return ""
        if now_us < self._allowed_us:
            wait_s = -(-self.wait_us(now_us) // SECOND)
            return f"not allowed now: {self._times.lockout_us // SECOND} s between two switchings, {wait_s} s are left"
        self._allowed_us = now_us + self._times.lockout_us
        self._begin(phases)
        return ""

    def fault_causes(self) -> tuple[str, ...]:
        """The fault whose cause is present, if any."""
        return (PHASE_SWITCH_FAILED,) if self.failed else ()

    def serviced(self) -> None:
        """A person has mended the switch."""
        self.failed = self._stuck = False

    def _begin(self, phases: int) -> None:
        self.target = phases
        self._back = self._stuck = False
        self._tries = 0
        self.step = SwitchStep.STOPPING

    def look(self, inputs: OutletInputs) -> None:
        """Take a fresh reading: the first one says what was ordered before the start."""
        if self.fitted and not self._known:
            self._known = True
            self.target = THREE if inputs.x2_closed else ONE

    def update(self, now_us: int, inputs: OutletInputs, *, may_move: bool, default_function: bool) -> int:
        """Go on with fresh ``inputs``; ``may_move``: the contactor is proven open. Return when to look again."""
        if not self.fitted or not inputs.link_ok:
            return NEVER
        if default_function and self.target == ONE and not (self.failed or self.busy):
            self._begin(THREE)
        if self.step is SwitchStep.REST:
            self._watch(now_us, inputs)
        if self.step is SwitchStep.STOPPING and may_move:
            self._pulse(now_us)
        if self.step is SwitchStep.MOVING:
            self._move(now_us, inputs, may_move=may_move)
        if self.step is SwitchStep.PAUSING and now_us >= self._due_us:
            self.step = SwitchStep.REST
        waits = self.step in (SwitchStep.MOVING, SwitchStep.PAUSING)
        return self._due_us if waits else self._drift_us

    def _watch(self, now_us: int, inputs: OutletInputs) -> None:
        """A position that is not the ordered one for ``confirm_us`` is put right."""
        astray = inputs.x2_closed is not (self.target == THREE) or (self.target == ONE and any(self._live(inputs)[1:]))
        if not astray or self._stuck:
            self._drift_us = NEVER
        elif self._drift_us == NEVER:
            self._drift_us = now_us + self._times.confirm_us
        elif now_us >= self._drift_us:
            self._drift_us = NEVER
            self._begin(self.target)

    def _pulse(self, now_us: int) -> None:
        self.step = SwitchStep.MOVING
        self.pulses += 1
        self._tries += 1
        self._due_us = now_us + self._times.confirm_us

    def _move(self, now_us: int, inputs: OutletInputs, *, may_move: bool) -> None:
        live = self._live(inputs)
        followed = inputs.x2_closed is (self.target == THREE) and set(live[1:]) == {self.target == THREE}
        if followed and live[0]:
            self._arrive(now_us)
        elif now_us < self._due_us:
            return
        elif not live[0]:
            # Without any feed nobody can tell whether L2 and L3 are switched.
            self._due_us = now_us + self._times.confirm_us
        elif not may_move:
            self.step = SwitchStep.STOPPING
        elif self._tries < self._times.tries:
            self._pulse(now_us)
        else:
            self._give_up(now_us)

    def _give_up(self, now_us: int) -> None:
        """Back to where it was; when even that does not succeed, stay with what there is."""
        self.failed = True
        if self._back:
            self._stuck = True
            self._rest(now_us)
            return
        self.target = ONE if self.target == THREE else THREE
        self._back = True
        self._tries = 0
        self._pulse(now_us)

    def _arrive(self, now_us: int) -> None:
        self._tell(PhasesSwitched(self._config.number, self.target))
        self._rest(now_us)

    def _rest(self, now_us: int) -> None:
        self.step = SwitchStep.PAUSING
        self._due_us = now_us + self._times.pause_us

    def _live(self, inputs: OutletInputs) -> tuple[bool, ...]:
        minimum_mv = self._config.protection.voltage_minimum_mv
        return tuple(voltage_mv >= minimum_mv for voltage_mv in inputs.voltages_mv)
