"""Standing orders as their giver knows them: what a station must keep to, also after restarts and power cuts.

An order counts from the answer ``done`` on. Services pass that answer on when the order is durable; a virtual run has
nobody who waits for it, so here an order is firm half a second after the core's answer, with everything running and
nothing waiting for the disk. A restart or a power cut before that leaves it open which orders hold. A firm order holds
until another one of its kind and source is given, its time is over or, for a booking, its user has come.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from evse.core.commands import (
    AT_ONCE,
    STANDING_ORDERS,
    Book,
    Command,
    Maintain,
    Postpone,
    SetLimit,
    SetUnavailable,
    Suspend,
)
from evse.core.events import CommandDone, SessionOpened
from evse.core.limits import OnExpiry
from evse.core.units import MS, NEVER
from evse.records import dataclass
from evse.sim.invariants_base import Moment

FIRM_US: Final = 500 * MS
"""An order answered and undisturbed for this long is in force and durable."""
UNLIMITED_MA: Final = 10**9
_IN_THE_WAY: Final = ("control stopped", "disk", "no power", "services stopped")
_Key = tuple[int, type[Command], str]
Standing = Book | Maintain | Postpone | SetLimit | SetUnavailable | Suspend


@dataclass(frozen=True, slots=True)
class GivenOrder:
    """An order at one outlet (0: the station) that was answered ``done`` at ``since_us``."""

    outlet: int
    command: Standing
    since_us: int
    firm: bool = False


class GivenOrders:
    """Follows the commands of a run and their answers."""

    def __init__(self) -> None:
        self._orders: dict[_Key, GivenOrder] = {}
        self._asked: dict[str, tuple[Standing, list[tuple[_Key, GivenOrder]]]] = {}
        """Commands without answer, each with the orders that hold on if it is refused."""
        self._taken = 0
        self._quiet_since_us = NEVER

    def follow(self, moment: Moment) -> None:
        """Look at one moment; each one must be shown, in order."""
        for _, command in moment.known.commands[self._taken :]:
            if isinstance(command, STANDING_ORDERS):
                before = [(key, self._orders.pop(key)) for key in _keys(moment, command) if key in self._orders]
                self._asked[command.command_id] = command, before
        self._taken = len(moment.known.commands)
        if not self._orders and not self._asked:
            self._quiet_since_us = NEVER
            return
        self._settle(moment)
        for timed in moment.new_events:
            if isinstance(timed.event, CommandDone):
                self._answered(moment, timed.at_us, timed.event)
            elif isinstance(timed.event, SessionOpened):
                self._booker_came(timed.event)

    @property
    def standing(self) -> bool:
        """Whether any order stands."""
        return bool(self._orders)

    def firm(self, outlet: int, kind: type[Command]) -> list[GivenOrder]:
        """Firm orders of one kind for one outlet (0: for the station), withdrawn ones left out."""
        return [
            order
            for order in self._orders.values()
            if order.firm and order.outlet == outlet and isinstance(order.command, kind)
        ]

    def pending(self) -> bool:
        """Whether an order becomes firm by time alone."""
        return bool(self._orders) and any(not order.firm for order in self._orders.values())

    def _settle(self, moment: Moment) -> None:
        # Nothing has changed since the last look: what was quiet then was quiet until now.
        for key, order in list(self._orders.items()):
            settled_us = moment.now_us - max(self._quiet_since_us, order.since_us)
            if not order.firm and settled_us >= FIRM_US:
                self._orders[key] = replace(order, firm=True)
        if not moment.stored or any(name in _IN_THE_WAY for name in moment.disturbances):
            self._quiet_since_us = NEVER
        else:
            self._quiet_since_us = min(self._quiet_since_us, moment.now_us)
        for key, order in list(self._orders.items()):
            if not order.firm and (moment.claims is None or order.since_us < moment.started_us):
                del self._orders[key]

    def _answered(self, moment: Moment, at_us: int, done: CommandDone) -> None:
        command, before = self._asked.pop(done.command_id, (None, []))
        if command is None:
            return
        if done.outcome != "done":
            for key, order in before:
                self._orders.setdefault(key, order)
        elif _demands(command):
            for key in _keys(moment, command):
                self._orders[key] = GivenOrder(key[0], command, at_us)

    def _booker_came(self, opened: SessionOpened) -> None:
        key = (opened.outlet, Book, "")
        order = self._orders.get(key)
        if order is not None and isinstance(order.command, Book) and order.command.uid == opened.uid:
            del self._orders[key]


def _demands(command: Standing) -> bool:
    """Whether the command asks for something; otherwise it withdraws."""
    return bool(command.uid) if isinstance(command, Book) else command.active


def _keys(moment: Moment, command: Standing) -> list[_Key]:
    """What an order is known by, at each outlet that it is for."""
    source = str(command.source) if isinstance(command, SetUnavailable | SetLimit) else ""
    everywhere = command.outlet == 0 and isinstance(command, Maintain | SetUnavailable)
    outlets = [facts.number for facts in moment.outlets] if everywhere else [command.outlet]
    return [(outlet, type(command), source) for outlet in outlets]


def limit_ma(order: GivenOrder, command: SetLimit, now_us: int, phases: int = 3) -> int:
    """What a limit allows at ``now_us`` on each of the first ``phases`` phases; ``UNLIMITED_MA`` when it limits nothing."""
    over = command.valid_until_us != NEVER and now_us >= command.valid_until_us
    if over and command.on_expiry is not OnExpiry.HOLD:
        return command.fallback_ma if command.on_expiry is OnExpiry.FALLBACK else UNLIMITED_MA
    if not command.plan:
        return command.current_ma
    passed_us = now_us - (order.since_us if command.starts_us == AT_ONCE else command.starts_us)
    said = [step.phases_ma for step in command.plan if step.after_us <= passed_us]
    return min(said[-1][:phases]) if said and said[-1] is not None else UNLIMITED_MA
