"""Invariants of domestic sockets, judged by the world's truth: D1, D2, D3.

A domestic socket has no pilot, so S1, S2, S4 and S6 do not speak of its contact; S7, S13, T1 and T3 do. It cannot ask
for less current before it opens: opening under load is its way to stop.
"""

from __future__ import annotations

from collections.abc import Iterator

from evse.sim.invariants_base import (
    MEASURED_IN_MA,
    OPEN_ON_FAULT_US,
    OPEN_ON_LEASE_US,
    OPEN_ON_VEHICLE_US,
    OVERDRAW_US,
    Moment,
    Violation,
)
from evse.sim.invariants_safety import ClosedOnlyWhenSafe, Timed
from evse.sim.station import OutletFacts
from hal.units import NEVER
from hal.world.truth import DomesticTruth


class DomesticClosedOnlyWhenSafe(ClosedOnlyWhenSafe):
    """D1. A closed domestic contact means: plug home, authorised session durably open, self test passed, no fault.

    It closes only while nothing is plugged into the outlet's other socket. Each of the others may be untrue for its
    reaction time. A welded contact that nobody orders closed is S7's matter.
    """

    name = "D1"

    def __init__(self) -> None:
        super().__init__()
        self._closings: dict[int, int] = {}
        self._occupied_us: dict[int, int] = {}

    def check(self, moment: Moment) -> Iterator[Violation]:
        if moment.cut_off:
            self._disturbed_us = moment.now_us
        leased = moment.now_us - self._disturbed_us <= OPEN_ON_LEASE_US
        for facts in moment.outlets:
            domestic = facts.truth.domestic
            if domestic is None:
                continue
            self._follow_test(moment, facts)
            yield from self._at_closing(moment, facts, domestic)
            held = domestic.contact_closed and (domestic.coil_energised or not domestic.contact_welded)
            for what, good, bound_us in self._needed(moment, facts, domestic):
                allowed_us = max(bound_us, OPEN_ON_LEASE_US) if leased and bound_us else bound_us
                bad = held and not good and (bound_us > 0 or domestic.coil_energised)
                yield from self._late(moment, facts.number, f"domestic contact closed while {what}", bad, allowed_us)

    def _at_closing(self, moment: Moment, facts: OutletFacts, domestic: DomesticTruth) -> Iterator[Violation]:
        truth = facts.truth
        if truth.plug_at_station and facts.cable_rating_ma is not None:
            since_us = self._occupied_us.setdefault(facts.number, moment.now_us)
        else:
            since_us = self._occupied_us.pop(facts.number, NEVER)
        before = self._closings.get(facts.number, domestic.closings)
        self._closings[facts.number] = domestic.closings
        if domestic.closings == before:
            return
        # A plug that came in the instant before cannot have been seen.
        if moment.now_us - since_us > OPEN_ON_VEHICLE_US:
            what = "the domestic contact closed with a plug in the other socket"
            yield Violation(self.name, moment.now_us, facts.number, what)

    def _needed(self, moment: Moment, facts: OutletFacts, domestic: DomesticTruth) -> Iterator[tuple[str, bool, int]]:
        truth, limits = facts.truth, moment.outlet_config(facts.number).domestic
        # A plug switch that lies is found out by nothing.
        yield "no plug is in", domestic.plugged or not facts.plug_switch_honest, OPEN_ON_VEHICLE_US
        yield "no authorised session is durable", self._authorised(moment, facts.number), OPEN_ON_FAULT_US
        yield "no residual-current self test has passed", self._test_good.get(facts.number, False), 0
        tripped = truth.residual_ac or truth.residual_dc
        yield "the residual-current detector has tripped", not tripped, OPEN_ON_FAULT_US
        too_much = domestic.current_ma > limits.hard_current_ma + MEASURED_IN_MA
        yield "the current is above the socket's limit", not too_much, OPEN_ON_FAULT_US


class NeverBothContacts(Timed):
    """D2. The two contacts of an outlet are never closed at the same time.

    A contact whose mirror contact lies and through which nothing flows shows in nothing that can be measured.
    """

    name = "D2"

    def check(self, moment: Moment) -> Iterator[Violation]:
        for facts in moment.outlets:
            domestic = facts.truth.domestic
            if domestic is None:
                continue
            honest = facts.mirror_honest and facts.domestic_mirror_honest
            both = facts.truth.contact_closed and domestic.contact_closed and honest
            yield from self._late(moment, facts.number, "both contacts closed", both, 0)


class NoLastingDomesticOverdraw(Timed):
    """D3. Nobody draws more than (domestic maximum + 0.5 A) x 1.10 from a domestic socket for 7 s and stays connected."""

    name = "D3"

    def check(self, moment: Moment) -> Iterator[Violation]:
        for facts in moment.outlets:
            domestic = facts.truth.domestic
            if domestic is None:
                continue
            limit_ma = (moment.outlet_config(facts.number).domestic.maximum_ma + 500) * 110 // 100
            held = domestic.contact_closed and (domestic.coil_energised or not domestic.contact_welded)
            what = "the appliance draws more than a domestic socket may give"
            yield from self._late(moment, facts.number, what, held and domestic.current_ma > limit_ma, OVERDRAW_US)
