"""The fault catalogue: what each fault means, how fast it acts, how it ends.

Reaction classes: *emergency* withdraws the contactor's permission in the same step (open within 100 ms), *controlled*
offers X1 first and opens when the vehicle has reacted or after 6 s, *notice* is only reported. Latch rules: *self* ends
when its cause ends, *unplug* when in addition the vehicle has left (state A), *service* only when a person clears it.
A fault the catalogue does not know is an emergency that only service clears.

Names follow the minimum required error codes of the ChargeX consortium where one exists. ``bit`` is the position in
`ErrorStatus`; bit 11 is `DI PowerMeter Comm` as in the EVlink commissioning guide DOCA0060, the others are ours. A notice
that an EVlink station does not know has no bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final

from evse.records import dataclass


class Reaction(StrEnum):
    """How fast a fault acts on the contactor."""

    EMERGENCY = "emergency"
    CONTROLLED = "controlled"
    NOTICE = "notice"


class Latch(StrEnum):
    """How a fault ends."""

    SELF = "self"
    UNPLUG = "unplug"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One row of the catalogue. ``ends_session``: the charge is over; otherwise it resumes when the fault has ended."""

    name: str
    bit: int
    reaction: Reaction
    latch: Latch
    ends_session: bool
    meaning: str


def _row(name: str, bit: int, reaction: Reaction, latch: Latch, *, ends: bool, meaning: str) -> FaultKind:
    return FaultKind(name, bit, reaction, latch, ends, meaning)


_EMERGENCY, _CONTROLLED, _NOTICE = Reaction.EMERGENCY, Reaction.CONTROLLED, Reaction.NOTICE
_SELF, _UNPLUG, _SERVICE = Latch.SELF, Latch.UNPLUG, Latch.SERVICE

NO_BIT: Final = -1

CATALOGUE: Final[tuple[FaultKind, ...]] = (
    _row("ContactorWelded", 0, _EMERGENCY, _SERVICE, ends=True, meaning="contact closed without permission"),
    _row("ContactorFailedToClose", 1, _EMERGENCY, _UNPLUG, ends=True, meaning="contact open despite permission"),
    _row("DiodeFault", 2, _EMERGENCY, _UNPLUG, ends=True, meaning="no diode on the negative half-wave"),
    _row("PilotShort", 3, _EMERGENCY, _SELF, ends=False, meaning="pilot shorted to earth (state E)"),
    _row("PilotInvalid", 4, _EMERGENCY, _SELF, ends=False, meaning="pilot level outside every window"),
    _row("PilotGeneratorStuck", 5, _EMERGENCY, _SELF, ends=False, meaning="pilot does not follow the order"),
    _row("FrontEndLost", 6, _EMERGENCY, _SELF, ends=False, meaning="no fresh readings from the front end"),
    _row("ProximityFault", 7, _EMERGENCY, _UNPLUG, ends=True, meaning="proximity shorted, invalid or lost in charge"),
    _row("ResidualCurrentAC", 8, _EMERGENCY, _UNPLUG, ends=True, meaning="30 mA AC residual current trip"),
    _row("ResidualCurrentDC", 9, _EMERGENCY, _UNPLUG, ends=True, meaning="6 mA DC residual current trip"),
    _row("ResidualSelfTestFailed", 10, _EMERGENCY, _UNPLUG, ends=True, meaning="residual-current self test failed"),
    _row("DI PowerMeter Comm", 11, _NOTICE, _SELF, ends=False, meaning="no communication with the energy meter"),
    _row("OverCurrentSoft", 12, _EMERGENCY, _UNPLUG, ends=True, meaning="vehicle draws more than offered for 7 s"),
    _row("OverCurrentHard", 13, _EMERGENCY, _UNPLUG, ends=True, meaning="current above the board's limit"),
    _row("OverTemperature", 14, _CONTROLLED, _SELF, ends=False, meaning="outlet too hot"),
    _row("VentilationNotAvailable", 15, _EMERGENCY, _UNPLUG, ends=True, meaning="state D asked for indoors"),
    _row("LockFailedToLock", 16, _CONTROLLED, _UNPLUG, ends=True, meaning="bolt did not reach locked"),
    _row("LockFailedToUnlock", 17, _NOTICE, _SELF, ends=False, meaning="bolt did not reach unlocked"),
    _row("LockOpenedInCharge", 18, _EMERGENCY, _UNPLUG, ends=True, meaning="bolt left locked during a session"),
    _row("LockSensor", 19, _EMERGENCY, _SELF, ends=True, meaning="lock reports both ends at once"),
    _row("SupplyLost", 20, _EMERGENCY, _SELF, ends=False, meaning="no mains voltage at the outlet (breaker, grid)"),
    _row("BrownOut", 21, _EMERGENCY, _SELF, ends=False, meaning="the front end's 12 V supply is low"),
    _row("CardReaderLost", 22, _NOTICE, _SELF, ends=False, meaning="card reader does not answer"),
    _row("RecordNotDurable", 23, _NOTICE, _SELF, ends=False, meaning="the session's record is late"),
    _row("FrontEndFault", 24, _EMERGENCY, _SERVICE, ends=True, meaning="the front end reports an internal fault"),
    _row("ShutterFailedToOpen", 25, _NOTICE, _SELF, ends=False, meaning="shutter did not reach open"),
    _row("ShutterFailedToClose", 26, _CONTROLLED, _UNPLUG, ends=True, meaning="shutter did not reach closed"),
    _row("ShutterOpenedInCharge", 27, _EMERGENCY, _UNPLUG, ends=True, meaning="shutter left closed during a session"),
    _row(
        "ShutterSensor",
        28,
        _EMERGENCY,
        _SELF,
        ends=True,
        meaning="shutter reports what cannot be: both ends at once, or closed before a plug",
    ),
    _row("ProtectionDeviceTripped", 29, _EMERGENCY, _SELF, ends=False, meaning="breaker input: the breaker tripped"),
    _row(
        "PilotGeneratorDefective", 30, _EMERGENCY, _SERVICE, ends=True, meaning="the generator failed in three offers"
    ),
    _row("MasterCardMissing", NO_BIT, _NOTICE, _SERVICE, ends=False, meaning="all cards were erased, no master taught"),
    _row(
        "PhaseSwitchFailed", NO_BIT, _NOTICE, _SERVICE, ends=False, meaning="L2 and L3 do not follow the phase switch"
    ),
    _row("DipSwitchesInvalid", NO_BIT, _NOTICE, _SELF, ends=False, meaning="undefined position of the DIP switches"),
)
UNKNOWN_BIT: Final = 31
BY_NAME: Final[Mapping[str, FaultKind]] = {kind.name: kind for kind in CATALOGUE}


def fault_kind(name: str) -> FaultKind:
    """Return the catalogue row; for an unknown name a row that is an emergency and needs service."""
    known = BY_NAME.get(name)
    if known is not None:
        return known
    return FaultKind(name, UNKNOWN_BIT, Reaction.EMERGENCY, Latch.SERVICE, True, "fault unknown to the catalogue")


@dataclass(frozen=True, slots=True)
class ActiveFault:
    """A fault in force since ``raised_us``; ``where`` it was then, if anything told."""

    kind: FaultKind
    raised_us: int
    where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FaultChange:
    """A fault was raised or cleared in this step."""

    kind: FaultKind
    raised: bool
    where: tuple[str, ...] = ()


def _nowhere(name: str) -> tuple[str, ...]:
    return ()


class FaultBook:
    """The faults in force at one outlet."""

    def __init__(self) -> None:
        self._active: dict[str, ActiveFault] = {}
        self._service_cleared: set[str] = set()
        self.last_stop_cleared_us: int | None = None
        """When the last fault that withdraws the contactor ended; PWM waits a while after it."""

    @property
    def active(self) -> tuple[ActiveFault, ...]:
        """Faults in force, oldest first."""
        return tuple(self._active.values())

    def restore(self, now_us: int, names: Iterable[str]) -> None:
        """Put latched faults of an earlier boot in force again."""
        for name in names:
            self._active.setdefault(name, ActiveFault(fault_kind(name), now_us))

    def in_force(self, name: str) -> bool:
        """Whether the fault ``name`` is in force."""
        return name in self._active

    def clear_by_service(self, name: str) -> bool:
        """Allow a service-latched fault to end once its cause is gone; return whether such a one is in force."""
        fault = self._active.get(name)
        if fault is None or fault.kind.latch is not Latch.SERVICE:
            return False
        self._service_cleared.add(name)
        return True

    def update(
        self,
        now_us: int,
        present: Iterable[str],
        *,
        vehicle_gone: bool,
        blind: bool = False,
        where: Callable[[str], tuple[str, ...]] = _nowhere,
    ) -> tuple[FaultChange, ...]:
        """Compare the causes ``present`` now with the faults in force; return what changed, in a fixed order.

        ``blind``: there are no readings. A cause that is not seen then has not gone, so no fault ends. ``where``: tells
        where a new one is.
        """
        causes = tuple(present)
        changes: list[FaultChange] = []
        for name in causes:
            if name not in self._active:
                place = where(name)
                self._active[name] = ActiveFault(fault_kind(name), now_us, place)
                changes.append(FaultChange(fault_kind(name), raised=True, where=place))
        for name, fault in tuple(self._active.items()):
            if name not in causes and not blind and self._may_end(fault.kind, vehicle_gone=vehicle_gone):
                del self._active[name]
                self._service_cleared.discard(name)
                if fault.kind.reaction is not Reaction.NOTICE:
                    self.last_stop_cleared_us = now_us
                changes.append(FaultChange(fault.kind, raised=False))
        return tuple(changes)

    def _may_end(self, kind: FaultKind, *, vehicle_gone: bool) -> bool:
        match kind.latch:
            case Latch.SELF:
                return True
            case Latch.UNPLUG:
                return vehicle_gone
            case Latch.SERVICE:
                return kind.name in self._service_cleared

    @property
    def emergency(self) -> bool:
        """Whether an emergency fault is in force."""
        return bool(self._active) and any(fault.kind.reaction is Reaction.EMERGENCY for fault in self._active.values())

    @property
    def blocking(self) -> tuple[ActiveFault, ...]:
        """Faults that forbid to close: emergency and controlled ones."""
        if not self._active:
            return ()
        return tuple(fault for fault in self._active.values() if fault.kind.reaction is not Reaction.NOTICE)

    @property
    def error_status(self) -> int:
        """The bit field `ErrorStatus`."""
        value = 0
        for fault in self._active.values():
            if fault.kind.bit != NO_BIT:
                value |= 1 << fault.kind.bit
        return value
