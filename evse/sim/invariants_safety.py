"""Safety invariants, judged by the world's truth: S1, S2, S4, S7, S10.

Where a statement needs to know whose session it is, the durable ledger and the cards presented in the world say so,
never the core's outputs. Time bounds and their sources are in ``evse.sim.invariants_base``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from evse.core.commands import ClearFault
from evse.core.config import Access, Location
from evse.core.events import ContactorPermitted, FaultRaised
from evse.core.lines import LineFunction
from evse.sim.invariants_base import (
    CLOSED_WITHOUT_PWM_US,
    DUTY_TOLERANCE_BP,
    FAULT_F_BEGINS_US,
    FAULT_F_US,
    FOLLOW_US,
    GENERATOR_TOLERANCE_BP,
    LOWER_OFFER_US,
    MEASURED_IN_MA,
    MISMATCH_US,
    OPEN_ON_FAULT_US,
    OPEN_ON_LEASE_US,
    OPEN_ON_VEHICLE_US,
    OVERDRAW_US,
    PROPOSED_MINIMUM_MA,
    RECENT_FAULT_US,
    RESTART_US,
    Moment,
    Spans,
    Violation,
    line_acts,
    offered_ma,
)
from evse.sim.station import OutletFacts
from hal.ports import LockPosition, SelfTest, ShutterPosition
from hal.units import NEVER

_WELD = "ContactorWelded"
_FAILED_TO_CLOSE = "ContactorFailedToClose"
_SHOWN_OTHERWISE = ("FrontEndLost", "PilotShort")
"""Nobody drives the pilot, or the short itself is state E for as long as it lasts."""


class Timed:
    """Base of invariants that allow a forbidden state for a bounded time."""

    name = ""

    def __init__(self) -> None:
        self._spans = Spans()

    def finish(self, moment: Moment) -> Iterator[Violation]:
        yield from ()

    def pending(self) -> bool:
        return self._spans.pending()

    def _late(self, moment: Moment, number: int, what: str, bad: bool, bound_us: int) -> tuple[Violation, ...]:
        if not self._spans.too_long((number, what), bad, bound_us, moment.now_us):
            return ()
        bound = f"for more than {bound_us // 1000} ms" if bound_us else "at all"
        return (Violation(self.name, moment.now_us, number, f"{what} {bound}"),)


class ClosedOnlyWhenSafe(Timed):
    """S1. A closed contact means: vehicle in state C, or D where ventilation is given; PWM on; diode and earth whole.

    Further: an authorised session durably open, the bolt locked where there is a lock, the shutter closed over the plug
    where there is one, a self test of the
    residual-current detector passed since the session before, and no blocking fault. Each may be untrue for its reaction
    time only. A welded contact that nobody orders closed is S7's matter.
    """

    name = "S1"

    def __init__(self) -> None:
        super().__init__()
        self._test_good: dict[int, bool] = {}
        self._had_session: dict[int, bool] = {}
        self._disturbed_us = -NEVER

    def check(self, moment: Moment) -> Iterator[Violation]:
        if moment.cut_off:
            self._disturbed_us = moment.now_us
        # Nobody may be there to react: then the lease ends what was permitted.
        leased = moment.now_us - self._disturbed_us <= OPEN_ON_LEASE_US
        for facts in moment.outlets:
            self._follow_test(moment, facts)
            truth = facts.truth
            # What a released coil cannot move is S7's matter.
            stuck = truth.contact_welded or facts.contactor_slow
            held = truth.contact_closed and (truth.coil_energised or not stuck)
            if not held and not self._spans.lasting:
                continue
            lasting = self._spans.lasting
            for what, good, bound_us in self._conditions(moment, facts):
                if good and not lasting:
                    continue
                allowed_us = max(bound_us, OPEN_ON_LEASE_US) if leased and bound_us else bound_us
                bad = held and not good and (bound_us > 0 or truth.coil_energised)
                yield from self._late(moment, facts.number, f"closed while {what}", bad, allowed_us)

    def _conditions(self, moment: Moment, facts: OutletFacts) -> Iterator[tuple[str, bool, int]]:
        truth, config = facts.truth, moment.outlet_config(facts.number)
        aired = truth.ventilation or moment.config.location is Location.OUTDOOR
        ready = truth.pilot_level == "C" or (truth.pilot_level == "D" and aired)
        # Between the windows the state before goes on (Table A.2 leaves the gaps open).
        ready = ready or 4_000 <= truth.positive_mv <= 5_000 or 7_000 <= truth.positive_mv <= 8_000
        yield "the vehicle does not ask for energy", ready, OPEN_ON_VEHICLE_US
        yield "PWM is off", truth.pwm_on, CLOSED_WITHOUT_PWM_US
        # Without PWM there is no negative half-wave that could show it.
        yield "the diode is faulty", truth.diode_ok or not truth.pwm_on, OPEN_ON_FAULT_US
        yield "the earth is open", truth.earth_ok, OPEN_ON_FAULT_US
        yield "no authorised session is durable", self._authorised(moment, facts.number), OPEN_ON_FAULT_US
        locked = not truth.lock_fitted or truth.bolt is LockPosition.LOCKED
        # End switches that lie are found out only by what contradicts them.
        yield "the bolt is not locked", locked or not facts.bolt_honest, OPEN_ON_FAULT_US
        shut = not truth.shutter_fitted or truth.shutter is ShutterPosition.CLOSED
        yield "the shutter is not closed", shut, OPEN_ON_FAULT_US
        yield "no residual-current self test has passed", self._test_good.get(facts.number, False), 0
        tripped = truth.residual_ac or truth.residual_dc
        yield "the residual-current detector has tripped", not tripped, OPEN_ON_FAULT_US
        too_much = max(truth.currents_ma) > config.protection.hard_current_ma + MEASURED_IN_MA
        yield "the current is above the board's limit", not too_much, OPEN_ON_FAULT_US

    def _authorised(self, moment: Moment, number: int) -> bool:
        sessions = moment.sessions(number)
        if len(sessions) != 1:
            return False
        if moment.outlet_config(number).access is not Access.BADGE:
            return True
        uid = sessions[0].uid
        if (number, uid) in moment.known.cards:
            return True
        return any(getattr(command, "uid", None) == uid for _, command in moment.known.commands)

    def _follow_test(self, moment: Moment, facts: OutletFacts) -> None:
        number = facts.number
        session = bool(moment.sessions(number))
        if self._had_session.get(number, False) and not session:
            self._test_good[number] = False
        self._had_session[number] = session
        if facts.self_test is SelfTest.PASSED:
            self._test_good[number] = True
        elif not facts.truth.contact_closed:
            self._test_good[number] = False


class OfferWithinLimits(Timed):
    """S2. PWM on the line offers at least 6 A and at most what cable, outlet and station stand, also all together.

    PWM that a stuck generator keeps on behind a contact that nobody holds closed does not count.
    An outlet stands its derated current, and the set point of an input while its contact really acts. Without balancing
    each outlet may have all that the station stands.
    """

    name = "S2"

    def check(self, moment: Moment) -> Iterator[Violation]:
        for facts in moment.outlets:
            if not facts.truth.pwm_on and not self._spans.lasting:
                continue
            truth, config = facts.truth, moment.outlet_config(facts.number)
            limits = [config.rated_current_ma, config.derated_current_ma, moment.config.station_maximum_ma]
            if line_acts(config, truth.inputs, LineFunction.CURRENT_LIMIT):
                limits.append(config.temporary_limit_ma)
            if line_acts(config, truth.inputs, LineFunction.LOAD_SHEDDING):
                limits.append(config.shedding_ma)
            if facts.cable_rating_ma is not None:
                limits.append(facts.cable_rating_ma)
            pwm = truth.pwm_on
            duty_bp = _intended_duty_bp(facts)
            below = pwm and offered_ma(duty_bp + DUTY_TOLERANCE_BP) < PROPOSED_MINIMUM_MA
            above = pwm and offered_ma(duty_bp - DUTY_TOLERANCE_BP) > min(limits)
            said = moment.outlet_claims(facts.number)
            unreachable = said is None or not said.link_ok or moment.cut_off
            # A generator that is off cannot be corrected by whoever does not reach it.
            above = above and not (facts.duty_error_bp and unreachable)
            # PWM of a generator that obeys nobody offers nothing behind a contact that is open, or closed by its weld alone.
            above = above and (facts.generator_obeys or facts.held)
            below = below and not (facts.duty_error_bp and unreachable)
            yield from self._late(moment, facts.number, "PWM offers less than 6 A", below, OPEN_ON_FAULT_US)
            what = "PWM offers more than cable, outlet or station stand"
            yield from self._late(moment, facts.number, what, above, LOWER_OFFER_US)
        offering = (each for each in moment.outlets if each.truth.pwm_on and (each.generator_obeys or each.held))
        duties = (_intended_duty_bp(facts) - DUTY_TOLERANCE_BP for facts in offering)
        together = sum(offered_ma(duty_bp) for duty_bp in duties) > moment.config.station_maximum_ma
        together = together and moment.config.balancing
        yield from self._late(
            moment, 0, "all outlets together offer more than the station stands", together, LOWER_OFFER_US
        )


def _intended_duty_bp(facts: OutletFacts) -> int:
    """The duty cycle without a deviation of the generator that is too small to be a fault."""
    error_bp = facts.duty_error_bp
    return facts.truth.duty_bp - (error_bp if abs(error_bp) <= GENERATOR_TOLERANCE_BP else 0)


class NoLastingOverdraw(Timed):
    """S4. Nobody draws more than (highest offer of the last 5 s + 0.5 A) x 1.10 for 7 s and stays connected."""

    name = "S4"

    def __init__(self) -> None:
        super().__init__()
        self._offers: dict[int, deque[tuple[int, int]]] = {}

    def check(self, moment: Moment) -> Iterator[Violation]:
        for facts in moment.outlets:
            offer = self._highest_offer(facts, moment.now_us)
            limit = (offer + 500) * 110 // 100
            over = facts.truth.contact_closed and max(facts.truth.currents_ma) > limit
            over = over and not facts.truth.contact_welded
            over = over and (facts.truth.coil_energised or not facts.contactor_slow)
            what = "the vehicle draws more than it was offered"
            yield from self._late(moment, facts.number, what, over, OVERDRAW_US)

    def _highest_offer(self, facts: OutletFacts, now_us: int) -> int:
        """Offers are kept as (end of validity, value); the present one has no end."""
        offers = self._offers.setdefault(facts.number, deque())
        offer = offered_ma(facts.truth.duty_bp) if facts.truth.pwm_on else 0
        if not offers or offers[-1][1] != offer:
            if offers:
                offers[-1] = (now_us + FOLLOW_US, offers[-1][1])
            offers.append((NEVER, offer))
        while offers[0][0] < now_us:
            offers.popleft()
        return max(value for _, value in offers)


class ContactFollowsOrder(Timed):
    """S7. A contact that does not follow its coil is an active fault, and a weld stays one until service clears it."""

    name = "S7"

    def __init__(self) -> None:
        super().__init__()
        self._running_since_us: int | None = None
        self._settling = False
        self._welded: dict[int, bool] = {}

    def check(self, moment: Moment) -> Iterator[Violation]:
        running = moment.claims is not None and moment.claims.restored
        if not running:
            self._running_since_us = None
        elif self._running_since_us is None:
            self._running_since_us = moment.now_us
        settled = self._running_since_us is not None and moment.now_us - self._running_since_us >= RESTART_US
        self._settling = running and not settled
        for facts in moment.outlets:
            outlet = moment.outlet_claims(facts.number)
            names = outlet.faults if outlet is not None else ()
            # Without its mirror contact nobody can know.
            contacts = [contact for contact in facts.contacts if contact.mirror_honest]
            for wanted, differs in (
                (_WELD, any(contact.closed and not contact.coil for contact in contacts)),
                (_FAILED_TO_CLOSE, any(contact.coil and not contact.closed for contact in contacts)),
            ):
                seen = outlet is not None and outlet.link_ok
                missing = settled and seen and differs and wanted not in names
                what = f"contact and coil differ without {wanted}"
                yield from self._late(moment, facts.number, what, missing, MISMATCH_US)
            if running:
                yield from self._follow_weld(moment, facts.number, _WELD in names, settled)

    def _follow_weld(self, moment: Moment, number: int, shown: bool, settled: bool) -> Iterator[Violation]:
        if shown:
            self._welded[number] = True
        elif self._welded.get(number, False) and settled:
            self._welded[number] = False
            cleared = any(
                isinstance(command, ClearFault) and command.outlet in (0, number) and command.fault in ("", _WELD)
                for _, command in moment.known.commands
            )
            if not cleared:
                yield Violation(self.name, moment.now_us, number, f"{_WELD} went away without service")

    def pending(self) -> bool:
        return self._settling or super().pending()


class FaultShownOnPilot(Timed):
    """S10. An emergency fault that stopped a charge shows as state F (or E) on the pilot for at least 300 ms.

    Not asked once the pilot is out of the station's hands: front end lost, line cut, control or supply gone, a generator
    that is stuck, a foreign voltage on the line.
    """

    name = "S10"

    def __init__(self) -> None:
        super().__init__()
        self._closed_us: dict[int, int] = {}
        self._due: dict[int, tuple[int, str]] = {}
        self._low_since: dict[int, int] = {}
        self._permitted: dict[int, bool] = {}

    def check(self, moment: Moment) -> Iterator[Violation]:
        now = moment.now_us
        if moment.claims is None:
            self._permitted = dict.fromkeys(self._permitted, False)
        for event in moment.new_events:
            fault = event.event
            if isinstance(fault, ContactorPermitted):
                self._permitted[fault.outlet] = fault.permitted
            if not isinstance(fault, FaultRaised) or fault.reaction != "emergency" or moment.cut_off:
                continue
            if fault.fault in _SHOWN_OTHERWISE:
                continue
            # What ended the permission before this fault has stopped the charge, not the fault.
            recent = now - self._closed_us.get(fault.outlet, -NEVER) <= RECENT_FAULT_US
            if recent and self._permitted.get(fault.outlet, True):
                self._due.setdefault(fault.outlet, (now, fault.fault))
        for facts in moment.outlets:
            number, truth = facts.number, facts.truth
            if truth.contact_closed:
                self._closed_us[number] = now
            # A generator in F shows as F or, through a vehicle without its diode, as anything below state D.
            low = not truth.pwm_on and truth.positive_mv < 1_500
            since = self._low_since.setdefault(number, now) if low else self._low_since.pop(number, None)
            if not truth.powered or not facts.generator_obeys or moment.cut_off:
                self._due.pop(number, None)
            yield from self._judge(moment, number, since, low)

    def _judge(self, moment: Moment, number: int, since: int | None, low: bool) -> Iterator[Violation]:
        due = self._due.get(number)
        if due is None:
            return
        raised, fault = due
        if since is not None and moment.now_us - since >= FAULT_F_US:
            del self._due[number]
            return
        ended_early = since is not None and not low
        if ended_early or (since is None and moment.now_us - raised > FAULT_F_BEGINS_US):
            del self._due[number]
            yield Violation(self.name, moment.now_us, number, f"{fault} did not show as state F for 300 ms")

    def pending(self) -> bool:
        return bool(self._due)
