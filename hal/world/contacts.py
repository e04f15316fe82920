"""The contacts on an outlet's input lines: free ones, and those that belong to a device.

Specification. Each numbered line carries one contact. A wired contact follows its device: it is closed
while the device *acts* (breaker tripped, key locked, button held, X1 closed) when it is normally open, else it is closed while the
device does not act. A free contact is moved by ``set_input``; at first it is open, or closed where the installer has wired a
normally closed one, so that nothing acts before somebody moves it. Faults change only what the line says: ``stuck`` holds a
line closed or open (bridged or broken wire), ``bounce`` makes a line alternate for a while.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from evse.records import dataclass
from hal.units import NEVER


class ContactKind(StrEnum):
    """What a wired contact belongs to."""

    BREAKER = "breaker"
    KEY = "key"
    BUTTON = "button"
    SERVICE_BUTTON = "service_button"
    X1 = "x1"
    """The contact that somebody has wired to the enable input."""


@dataclass(frozen=True, slots=True)
class WiredContact:
    """The contact of a device on line ``line`` (from 1)."""

    kind: ContactKind
    line: int
    normally_open: bool = True


@dataclass(slots=True)
class LineBounce:
    """One line that alternates every ``period_us`` until ``until_us``."""

    line: int = 0
    inverted: bool = False
    due_us: int = NEVER
    period_us: int = 0
    until_us: int = 0


@dataclass(slots=True)
class Contacts:
    """All contacts of one outlet. ``closed``: free contacts, by line; ``closed_at_rest``: lines with a normally closed one."""

    count: int
    wired: tuple[WiredContact, ...] = ()
    closed_at_rest: tuple[int, ...] = ()
    closed: list[bool] = field(default_factory=list)
    key_locked: bool = False
    release_us: int = NEVER
    """When the user lets go of the button; ``NEVER`` while nobody holds it."""
    service_release_us: int = NEVER
    """The same for the service button."""
    x1_closed: bool = False
    stuck: dict[int, bool] = field(default_factory=dict)
    bounce: LineBounce = field(default_factory=LineBounce)

    def __post_init__(self) -> None:
        self.closed = [line in self.closed_at_rest for line in range(1, self.count + 1)]
        lines = [contact.line for contact in self.wired]
        if any(not 1 <= line <= self.count for line in lines) or len(set(lines)) != len(lines):
            raise ValueError("a wired contact is on a line that exists, and alone there")

    @property
    def due_us(self) -> int:
        """When something next changes by itself."""
        return min(self.release_us, self.service_release_us, self.bounce.due_us)

    def step(self, now_us: int) -> None:
        """Let go of the buttons, let a bouncing line alternate."""
        if now_us >= self.release_us:
            self.release_us = NEVER
        if now_us >= self.service_release_us:
            self.service_release_us = NEVER
        bounce = self.bounce
        if now_us >= bounce.until_us:
            self.bounce = LineBounce()
        elif now_us >= bounce.due_us:
            bounce.inverted = not bounce.inverted
            bounce.due_us = min(now_us + bounce.period_us, bounce.until_us)

    def start_bounce(self, line: int, period_us: int, duration_us: int, now_us: int) -> None:
        """Invert the line now, then alternate."""
        until_us = now_us + duration_us
        self.bounce = LineBounce(line, True, min(now_us + period_us, until_us), period_us, until_us)

    def has(self, kind: ContactKind) -> bool:
        """Whether such a device is fitted."""
        return any(contact.kind is kind for contact in self.wired)

    def owner(self, line: int) -> ContactKind | None:
        """What the contact on ``line`` belongs to, ``None`` for a free one."""
        return next((contact.kind for contact in self.wired if contact.line == line), None)

    def states(self, breaker_tripped: bool) -> tuple[bool, ...]:
        """Return what each line says, true = closed."""
        acts = {
            ContactKind.BREAKER: breaker_tripped,
            ContactKind.KEY: self.key_locked,
            ContactKind.BUTTON: self.release_us != NEVER,
            ContactKind.SERVICE_BUTTON: self.service_release_us != NEVER,
            ContactKind.X1: self.x1_closed,
        }
        lines = list(self.closed)
        for contact in self.wired:
            lines[contact.line - 1] = acts[contact.kind] is contact.normally_open
        for line, closed in self.stuck.items():
            lines[line - 1] = closed
        if self.bounce.inverted:
            lines[self.bounce.line - 1] = not lines[self.bounce.line - 1]
        return tuple(lines)
