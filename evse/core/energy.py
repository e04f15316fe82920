"""Energy by integration and the number of phases in use.

Currents and voltages are taken as constant between two readings; energy is summed in picojoules (mA x mV x us), so the
result does not depend on how often the core is stepped. The register in Wh only rises.
"""

from __future__ import annotations

from typing import Final

from evse.core.units import NEVER, SECOND, PhaseValues

PJ_PER_WH: Final = 3_600_000_000_000_000
PJ_PER_MWH: Final = PJ_PER_WH // 1_000
PHASE_IN_USE_MA: Final = 1_000
PHASES_PROOF_US: Final = 5 * SECOND


class EnergyRegister:
    """Monotonic energy register of one outlet.

    It integrates by itself and may follow a meter: then what the meter has counted is the truth, and the integration only
    fills the time between two of its readings. The register never falls: where it was ahead of the meter it waits.
    """

    def __init__(self) -> None:
        self._base_wh = 0
        self._picojoules = 0
        self._at_us: int | None = None
        self._power_uw = 0
        self._lead_pj = 0
        """How much more was counted here than by the meter since the meter was first followed."""
        self._wait_pj = 0
        """How much of what flows next is counted already."""
        self.integrated_pj = 0
        """Everything integrated so far, what was counted already included."""

    def restore(self, register_wh: int) -> None:
        """Continue from a stored reading; a stored value lower than the present one is ignored (never falls)."""
        self._base_wh += max(0, register_wh - self.wh)

    def advance(self, now_us: int) -> None:
        """Sum up to ``now_us`` with the power of the last reading."""
        if self._at_us is not None and now_us > self._at_us:
            flowed_pj = self._power_uw * (now_us - self._at_us)
            counted_pj = max(0, flowed_pj - self._wait_pj)
            self._wait_pj = max(0, self._wait_pj - flowed_pj)
            self._picojoules += counted_pj
            self._lead_pj += counted_pj
            self.integrated_pj += flowed_pj
        self._at_us = now_us

    def set_power(self, currents_ma: PhaseValues, voltages_mv: PhaseValues) -> None:
        """Take a new reading; negative values count as zero (a vehicle does not feed back through this meter)."""
        self._power_uw = sum(max(0, i) * max(0, u) for i, u in zip(currents_ma, voltages_mv, strict=True))

    def leave_meter(self) -> None:
        """Follow no meter any more."""
        self._lead_pj = self._wait_pj = 0

    def begin_meter(self, step_mwh: int, lag_us: int) -> None:
        """Follow a meter from its present reading on, which it may have shown for a whole step, ``lag_us`` ago.

        What it then counts first was counted here already.
        """
        self._lead_pj = step_mwh * PJ_PER_MWH + self._power_uw * lag_us
        self._wait_pj = 0

    def follow(self, counted_mwh: int, step_mwh: int, lag_us: int = 0) -> None:
        """The meter has counted ``counted_mwh`` since it was asked last; ``step_mwh`` is the last digit it shows.

        ``lag_us``: how long ago its register may have been read; what has flowed since is no lead.
        """
        self._lead_pj -= counted_mwh * PJ_PER_MWH
        if self._lead_pj < 0:
            self._picojoules -= self._lead_pj
            self._lead_pj = 0
        self._wait_pj = max(0, self._lead_pj - step_mwh * PJ_PER_MWH - self._power_uw * lag_us)

    def add(self, picojoules: int) -> None:
        """Count energy that was held back for a meter which turned out to be wrong."""
        self._picojoules += max(0, picojoules)

    @property
    def counted_pj(self) -> int:
        """Everything counted since the start."""
        return self._picojoules

    def wh_at(self, now_us: int) -> int:
        """Return the register as it is at ``now_us``, without a step."""
        passed_us = 0 if self._at_us is None else max(0, now_us - self._at_us)
        flowed_pj = max(0, self._power_uw * passed_us - self._wait_pj)
        return self._base_wh + (self._picojoules + flowed_pj) // PJ_PER_WH

    @property
    def wh(self) -> int:
        """The register in whole watt-hours."""
        return self._base_wh + self._picojoules // PJ_PER_WH


class PhaseDetector:
    """Counts the phases a vehicle really uses: more than 1 A for 5 s while the contactor is closed."""

    def __init__(self) -> None:
        self.phases = 0
        self._candidate = 0
        self._since_us = 0

    def reset(self) -> None:
        """Forget: a new vehicle may come."""
        self.phases = 0
        self._candidate = 0

    def pause(self) -> None:
        """The contact is open: a pending count begins anew."""
        self._candidate = 0

    def update(self, now_us: int, currents_ma: PhaseValues) -> int:
        """Take the phase currents; return when the pending count would be accepted. No current keeps the last count."""
        count = sum(1 for current_ma in currents_ma if current_ma > PHASE_IN_USE_MA)
        if count in (0, self.phases):
            self._candidate = 0
            return NEVER
        if count != self._candidate:
            self._candidate, self._since_us = count, now_us
        due_us = self._since_us + PHASES_PROOF_US
        if now_us < due_us:
            return due_us
        self.phases, self._candidate = count, 0
        return NEVER


class OverCurrentWatch:
    """Soft over-current: (offer + offset) x factor exceeded on any phase for the trip time.

    The comparison uses the highest offer of the last 5 s, because a vehicle has 5 s to follow a lower one (sequence 6).
    """

    FOLLOW_US: Final = 5 * SECOND

    def __init__(self, offset_ma: int, factor_percent: int, time_us: int) -> None:
        self._offset_ma = offset_ma
        self._factor_percent = factor_percent
        self._time_us = time_us
        self._offers: list[tuple[int, int]] = [(0, 0)]
        self._above_since_us = NEVER
        self.tripped = False

    def lost(self) -> None:
        """No fresh readings: the trip time begins anew."""
        self._above_since_us = NEVER

    def offered(self, now_us: int, offer_ma: int) -> None:
        """Note the offer on the pilot from now on (0: none)."""
        if self._offers[-1][1] != offer_ma:
            self._offers.append((now_us, offer_ma))

    def highest_offer_ma(self, now_us: int) -> int:
        """Return the highest offer that was on the pilot during the last 5 s."""
        if len(self._offers) == 1:
            return self._offers[0][1]
        start_us = now_us - self.FOLLOW_US
        while len(self._offers) > 1 and self._offers[1][0] <= start_us:
            del self._offers[0]
        return max(offer_ma for _, offer_ma in self._offers)

    def limit_ma(self, now_us: int) -> int:
        """Return the current per phase above which the trip time runs."""
        return (self.highest_offer_ma(now_us) + self._offset_ma) * self._factor_percent // 100

    def next_decay_us(self, now_us: int) -> int:
        """Return when the highest recent offer may fall by time alone."""
        self.highest_offer_ma(now_us)
        return self._offers[1][0] + self.FOLLOW_US if len(self._offers) > 1 else NEVER

    def update(self, now_us: int, currents_ma: PhaseValues) -> int:
        """Compare; return when the trip time or a change of the limit would be due."""
        limit_ma = self.limit_ma(now_us)
        if max(currents_ma) <= limit_ma:
            self._above_since_us = NEVER
            self.tripped = False
            return self.next_decay_us(now_us) if max(currents_ma) > 0 else NEVER
        if self._above_since_us == NEVER:
            self._above_since_us = now_us
        due_us = self._above_since_us + self._time_us
        self.tripped = now_us >= due_us
        return NEVER if self.tripped else due_us
