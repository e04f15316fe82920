"""The checker: looks at the world after every processed instant and judges by all invariants.

It costs little when nothing happens: an instant is looked at only when the world changed, the core reported something
(other than a reading of its register), or a forbidden state is lasting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evse.core.commands import Command
from evse.core.events import EnergyCheckpoint
from evse.sim.invariants_base import Invariant, Known, Moment, Violation
from evse.sim.invariants_domestic import (
    DomesticClosedOnlyWhenSafe,
    NeverBothContacts,
    NoLastingDomesticOverdraw,
)
from evse.sim.invariants_load import NeverUnlockedUnderLoad, NoOpeningUnderLoad, PhasesNeverSwitchedUnderLoad
from evse.sim.invariants_orders import NoEnergyForAnotherId, OrdersOutliveRestarts
from evse.sim.invariants_records import ClosedIntervalsBelongToOneSession, RecordsBalanceWithTheWorld
from evse.sim.invariants_safety import (
    ClosedOnlyWhenSafe,
    ContactFollowsOrder,
    FaultShownOnPilot,
    NoLastingOverdraw,
    OfferWithinLimits,
)
from evse.sim.station import OpenSession, ParamValue, SimulatedStation, facts_of

_FORCES_LOCK = "force_lock_open"
_FORCES_SHUTTER = "force_shutter_open"
_IDENTIFIES = ("present_card", "csms_remote_start")
"""Verbs by which somebody is allowed to charge."""


def all_invariants() -> tuple[Invariant, ...]:
    """A fresh set of every invariant, in the order of their names."""
    return (
        ClosedOnlyWhenSafe(),
        OfferWithinLimits(),
        NoLastingOverdraw(),
        NeverUnlockedUnderLoad(),
        NoOpeningUnderLoad(),
        ContactFollowsOrder(),
        FaultShownOnPilot(),
        PhasesNeverSwitchedUnderLoad(),
        NoEnergyForAnotherId(),
        DomesticClosedOnlyWhenSafe(),
        NeverBothContacts(),
        NoLastingDomesticOverdraw(),
        ClosedIntervalsBelongToOneSession(),
        RecordsBalanceWithTheWorld(),
        OrdersOutliveRestarts(),
    )


class InvariantChecker:
    """Watches one simulated station. Add ``observe`` to the scheduler's observers."""

    def __init__(self, station: SimulatedStation, invariants: Sequence[Invariant] | None = None) -> None:
        self._station = station
        self._invariants = tuple(invariants) if invariants is not None else all_invariants()
        self._known = Known()
        self._events = 0
        """Number of events that looks have been told."""
        self._heard = 0
        """Number of events that were looked through."""
        self._changed = True
        self._pending = False
        self.violations: list[Violation] = []
        self.looks = 0
        station.world.on_change(self._world_changed)

    def note_command(self, command: Command, now_us: int) -> None:
        """Tell that ``command`` was posted; S7, S13 and T10 judge by it."""
        self._known.commands.append((now_us, command))
        self._changed = True

    def note_verb(self, name: str, params: Mapping[str, ParamValue], now_us: int) -> None:
        """Tell that a verb was applied: S1 asks whose card was there, S5 excuses what somebody forces."""
        outlet = int(params.get("outlet", 1))
        if name == _FORCES_LOCK:
            self._known.lock_forced_us[outlet] = now_us
        if name == _FORCES_SHUTTER:
            self._known.shutter_forced_us[outlet] = now_us
        if name in _IDENTIFIES:
            uid = "".join(sign for sign in str(params.get("uid", "")).upper() if sign.isalnum())
            self._known.cards.append((outlet, uid))
        self._changed = True

    def observe(self, now_us: int) -> Moment | None:
        """Look at the instant that was just processed; return what was seen, ``None`` when there was nothing new."""
        if self._changed or self._pending or self._told_something():
            return self._look(now_us)
        return None

    def _told_something(self) -> bool:
        """Whether the core has reported anything but readings of a register, which no invariant judges by."""
        new = self._station.events_since(self._heard)
        if not new:
            return False
        self._heard += len(new)
        return any(not isinstance(timed.event, EnergyCheckpoint) for timed in new)

    def finish(self, now_us: int) -> None:
        """Look at the end of the run."""
        self._look(now_us)
        moment = self._moment(now_us)
        for invariant in self._invariants:
            self.violations.extend(invariant.finish(moment))

    def _look(self, now_us: int) -> Moment:
        self._changed = False
        self.looks += 1
        moment = self._moment(now_us)
        self._events += len(moment.new_events)
        for invariant in self._invariants:
            self.violations.extend(invariant.check(moment))
        self._pending = any(invariant.pending() for invariant in self._invariants)
        return moment

    def _moment(self, now_us: int) -> Moment:
        station = self._station
        ledger = station.ledger()
        sessions: dict[int, list[OpenSession]] = {}
        for session in ledger.open_sessions():
            sessions.setdefault(session.outlet, []).append(session)
        return Moment(
            now_us=now_us,
            config=station.config,
            outlets=facts_of(station.world, now_us),
            claims=station.claims(),
            new_events=station.events_since(self._events),
            open_sessions=sessions,
            records=ledger.records(),
            disturbances=station.disturbances(),
            known=self._known,
            stored=ledger.waiting() == 0,
        )

    def _world_changed(self, now_us: int) -> None:
        self._changed = True
