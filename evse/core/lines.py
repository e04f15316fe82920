"""Input lines: which contact means what on a board, and the debounced functions the core works with.

A board says in a table (``OutletConfig.lines``) which numbered line of the front end has which function, whether its
contact acts closed (*normally open*) or open (*normally closed*), and for how long it must say the same before it is
believed. Everything above this module knows functions only, never line numbers or contacts.

========== ============================================================================================================
situation  rule
========== ============================================================================================================
first      The first reading counts at once: there is nothing to bounce from. It begins nothing.
change     Believed when it has lasted for the debounce time, both ways; a shorter one leaves no trace.
lost       Without fresh readings a function keeps its last state; the next reading is a first one.
absent     A line that the front end does not have says nothing: its function is not active.
========== ============================================================================================================
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from evse.core.units import MS, NEVER
from evse.records import dataclass


class LineFunction(StrEnum):
    """What an active line means. The names are those that the Snapshot shows."""

    BREAKER_TRIPPED = "BreakerTripped"
    """The outlet's circuit breaker or residual-current device has tripped: City's extra input, or In-1 as `Protection
    devices State`."""
    LOAD_SHEDDING = "LoadShedding"
    """In-1 as `Load-shedding input`: the load-shedding set point applies."""
    START_CONDITION = "ConditionalOutgoingLine"
    """In-2: the start of a charge is held back."""
    KEY_LOCKED = "KeyLocked"
    """Smart Wallbox with key: the key is in its locked position."""
    PUSH_BUTTON = "PushButton"
    """Smart Wallbox: the front push button is held down."""
    DELAYED_START = "DelayedStart"
    """Smart Wallbox: the charge is held back, or interrupted when it has begun."""
    CURRENT_LIMIT = "CurrentLimit"
    """Smart Wallbox: the temporary current limit applies."""
    X1_ENABLE = "X1Enable"
    """THØR: the enable input X1 releases the charge; looked at when its DIP switch says so."""
    SERVICE_BUTTON = "ServiceButton"
    """THØR: the service button behind the cover is held down."""


@dataclass(frozen=True, slots=True)
class InputLine:
    """One row of the table. ``number`` counts from 1; ``normally_open``: the function is active while its contact is closed."""

    number: int
    function: LineFunction
    normally_open: bool = True
    debounce_us: int = 50 * MS


class LineChange(NamedTuple):
    """A function became active or inactive in this step."""

    function: LineFunction
    active: bool


class _Debounced:
    """State of one line."""

    def __init__(self, line: InputLine) -> None:
        self.line = line
        self.active = False
        self.known = False
        self._moved_us = NEVER

    def lost(self) -> None:
        self.known = False
        self._moved_us = NEVER

    def update(self, now_us: int, contacts: tuple[bool, ...]) -> int:
        """Take a reading; return when a change under way would be believed."""
        number = self.line.number
        acts = number <= len(contacts) and contacts[number - 1] is self.line.normally_open
        if not self.known:
            self.known, self.active = True, acts
        if acts is self.active:
            self._moved_us = NEVER
            return NEVER
        if self._moved_us == NEVER:
            self._moved_us = now_us
        due_us = self._moved_us + self.line.debounce_us
        if now_us < due_us:
            return due_us
        self.active, self._moved_us = acts, NEVER
        return NEVER


class InputLines:
    """The debounced functions of one outlet."""

    def __init__(self, lines: tuple[InputLine, ...]) -> None:
        self._lines: tuple[_Debounced, ...] = ()
        self._active: frozenset[LineFunction] = frozenset()
        self.configure(lines)
        self.changes: tuple[LineChange, ...] = ()
        """What the last update changed, in the order of the table."""
        self.begun: tuple[LineFunction, ...] = ()
        """Functions that became active after they had been seen inactive: what a user has just done."""

    def configure(self, lines: tuple[InputLine, ...]) -> None:
        """Have these lines from now on. A line that is told the same as before keeps what it knows."""
        known = {each.line: each for each in self._lines}
        self._lines = tuple(known.get(line) or _Debounced(line) for line in lines)
        self._active = self._acting()

    def update(self, now_us: int, contacts: tuple[bool, ...]) -> int:
        """Take the present contacts (true = closed); return when to look again."""
        if not self._lines:
            return NEVER
        before = [(each.active, each.known) for each in self._lines]
        wake_us = min((each.update(now_us, contacts) for each in self._lines), default=NEVER)
        changed = [
            (each, was_known)
            for each, (was_active, was_known) in zip(self._lines, before, strict=True)
            if each.active is not was_active
        ]
        self.changes = tuple(LineChange(each.line.function, each.active) for each, _ in changed)
        self.begun = tuple(each.line.function for each, was_known in changed if was_known and each.active)
        if changed:
            self._active = self._acting()
        return wake_us

    def lost(self) -> None:
        """No fresh readings: what was active stays, a change under way is forgotten."""
        self.changes = self.begun = ()
        for each in self._lines:
            each.lost()

    def active(self, function: LineFunction) -> bool:
        """Whether ``function`` acts now; false where no line has it."""
        return function in self._active

    def _acting(self) -> frozenset[LineFunction]:
        return frozenset(each.line.function for each in self._lines if each.active)

    @property
    def active_names(self) -> tuple[str, ...]:
        """Names of all active functions, in the order of the table."""
        return tuple(each.line.function.value for each in self._lines if each.active)
