"""Invariants of standing orders, judged by the world's truth: S13, T10.

What was ordered is known from the commands given and their answers (``evse.sim.given_orders``); whether it is kept, from
contacts and pilots alone. Neither restarts nor power cuts excuse anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from evse.core.commands import Book, Maintain, Postpone, SetLimit, SetUnavailable, Suspend
from evse.core.lines import LineFunction
from evse.sim.given_orders import GivenOrder, GivenOrders, limit_ma
from evse.sim.invariants_base import (
    DUTY_TOLERANCE_BP,
    LOWER_OFFER_US,
    UNAVAILABLE_US,
    Moment,
    Spans,
    Violation,
    line_acts,
    offered_ma,
)
from evse.sim.station import OutletFacts


class NoEnergyForAnotherId:
    """S13. An unavailable outlet never begins to give energy, one in maintenance neither, a booked one only to its booker.

    A session that began before an order "after the session" or before a booking may go on. Nor does one begin that is
    key-locked or held back by its delayed-start input, by what the lines really say.
    """

    name = "S13"

    def __init__(self) -> None:
        self._given = GivenOrders()
        self._closings: dict[int, int] = {}
        self._seen_us: dict[str, int] = {}
        self._held_since_us: dict[tuple[int, LineFunction], int] = {}
        self._charged: dict[str, bool] = {}

    def check(self, moment: Moment) -> Iterator[Violation]:
        self._given.follow(moment)
        for facts in moment.outlets:
            number = facts.number
            held_back = self._held_back(moment, facts)
            for session in moment.sessions(number):
                self._seen_us.setdefault(session.session_id, moment.now_us)
            before = self._closings.get(number, 0)
            self._closings[number] = facts.closings
            if facts.closings == before or not facts.energised:
                continue
            names = [session.session_id for session in moment.sessions(number)]
            if held_back == LineFunction.START_CONDITION.value and any(name in self._charged for name in names):
                # It holds back the start only.
                held_back = ""
            self._charged.update(dict.fromkeys(names, True))
            if held_back and moment.claims is not None:
                yield Violation(self.name, moment.now_us, number, f"energised in spite of {held_back}")
            if self._out_of_service(moment, number):
                yield Violation(self.name, moment.now_us, number, "energised while unavailable")
            yield from self._booked(moment, number)

    def _held_back(self, moment: Moment, facts: OutletFacts) -> str:
        """The input function that has forbidden a beginning for long enough to be known, or an empty text."""
        config, found = moment.outlet_config(facts.number), ""
        if not config.lines:
            return found
        for function in (LineFunction.KEY_LOCKED, LineFunction.DELAYED_START, LineFunction.START_CONDITION):
            key = (facts.number, function)
            if not line_acts(config, facts.truth.inputs, function):
                self._held_since_us.pop(key, None)
            elif moment.now_us - self._held_since_us.setdefault(key, moment.now_us) >= UNAVAILABLE_US:
                found = function.value
        return found

    def _out_of_service(self, moment: Moment, number: int) -> bool:
        for order in (*self._given.firm(number, SetUnavailable), *self._given.firm(number, Maintain)):
            after = isinstance(order.command, SetUnavailable) and order.command.after_session
            if not (after and self._begun_before(moment, order)):
                return True
        return False

    def _booked(self, moment: Moment, number: int) -> Iterator[Violation]:
        for order in self._given.firm(number, Book):
            command = order.command
            if not isinstance(command, Book) or moment.now_us >= command.until_us or self._begun_before(moment, order):
                continue
            users = [session.uid for session in moment.sessions(number)]
            if any(uid != command.uid for uid in users):
                yield Violation(self.name, moment.now_us, number, f"energised for {users[0]}, booked for {command.uid}")

    def _begun_before(self, moment: Moment, order: GivenOrder) -> bool:
        """Whether the outlet's session was seen before the order had its time to act."""
        begun = [self._seen_us[each.session_id] for each in moment.sessions(order.outlet)]
        return bool(begun) and min(begun) <= order.since_us + UNAVAILABLE_US

    def finish(self, moment: Moment) -> Iterator[Violation]:
        yield from ()

    def pending(self) -> bool:
        return self._given.pending()


class OrdersOutliveRestarts:
    """T10. The pilot never offers more than a limit that was set, nothing while the charge is suspended.

    A domestic socket that is switched on offers the maximum of its kind.
    A postponed charge does not begin. All outlets together stay below the station's limits. Faults are S7's matter.
    """

    name = "T10"

    def __init__(self) -> None:
        self._given = GivenOrders()
        self._spans = Spans()
        self._closings: dict[int, int] = {}
        self._charged: dict[str, bool] = {}

    def check(self, moment: Moment) -> Iterator[Violation]:
        self._given.follow(moment)
        # Nobody can correct a generator that he does not reach; the lease ends what it does.
        blind = moment.cut_off
        if not self._given.standing and not self._spans.lasting:
            for facts in moment.outlets:
                yield from self._postponed(moment, facts)
            return
        for facts in moment.outlets:
            number, offer_ma = facts.number, _offer_ma(moment, facts)
            for order in self._given.firm(number, SetLimit):
                if isinstance(order.command, SetLimit):
                    phases = moment.outlet_config(number).phases
                    over = not blind and offer_ma > limit_ma(order, order.command, moment.now_us, phases)
                    yield from self._late(moment, number, f"offers more than {order.command.source} allows", over)
            suspended = bool(self._given.firm(number, Suspend))
            yield from self._late(
                moment, number, "offers energy while suspended", not blind and suspended and offer_ma > 0
            )
            yield from self._postponed(moment, facts)
        together_ma = sum(_offer_ma(moment, facts) for facts in moment.outlets)
        for order in self._given.firm(0, SetLimit):
            if isinstance(order.command, SetLimit):
                over = not blind and together_ma > limit_ma(order, order.command, moment.now_us)
                yield from self._late(moment, 0, f"all outlets offer more than {order.command.source} allows", over)

    def _postponed(self, moment: Moment, facts: OutletFacts) -> Iterator[Violation]:
        number = facts.number
        before = self._closings.get(number, 0)
        self._closings[number] = facts.closings
        names = [session.session_id for session in moment.sessions(number)]
        if facts.closings != before and facts.energised:
            charged = any(self._charged.get(name, False) for name in names)
            if self._given.firm(number, Postpone) and not charged:
                yield Violation(self.name, moment.now_us, number, "energised while postponed")
            self._charged.update(dict.fromkeys(names, True))

    def _late(self, moment: Moment, number: int, what: str, bad: bool) -> Iterator[Violation]:
        if self._spans.too_long((number, what), bad, LOWER_OFFER_US, moment.now_us):
            yield Violation(self.name, moment.now_us, number, f"{what} for more than {LOWER_OFFER_US // 1000} ms")

    def finish(self, moment: Moment) -> Iterator[Violation]:
        yield from ()

    def pending(self) -> bool:
        return self._spans.pending() or self._given.pending()


def _offer_ma(moment: Moment, facts: OutletFacts) -> int:
    """The least that the pilot on the line can be meant to offer, and what a domestic socket gives that is held closed."""
    domestic = facts.truth.domestic
    given_ma = 0
    if domestic is not None and domestic.contact_closed and domestic.coil_energised:
        given_ma = moment.outlet_config(facts.number).domestic.maximum_ma
    return given_ma + _pilot_offer_ma(facts)


def _pilot_offer_ma(facts: OutletFacts) -> int:
    if not facts.truth.pwm_on or facts.duty_error_bp or not facts.generator_obeys:
        return 0
    return offered_ma(facts.truth.duty_bp - DUTY_TOLERANCE_BP)
