"""How components share time: a step returns when it wants the next one.

Every stepped thing (driver loop, twin, world) follows one rule, so that a quiet hour costs nothing: ``step(now_us)``
does what is due and returns the time of the next wish, ``NEVER`` when only a wake can concern it. Stepping early or
twice at the same time is harmless.

Renewals (lease, keep-alive) are the exception that would make quiet hours expensive: they repeat for ever and change
nothing. A ``RenewalLoop`` is a closed group (driver, line, twin) whose traffic repeats with one period while it is
``steady``; the virtual scheduler may then move the whole group by a number of periods at once. Full and elided runs
give the same event trace; ``tests/scenario`` shows it.
"""

from __future__ import annotations

from typing import Protocol


class Stepped(Protocol):
    """A component with its own idea of time."""

    def step(self, now_us: int) -> int:
        """Do what is due at ``now_us``; return when to be stepped next at the latest."""
        ...


class Waker(Protocol):
    """The part of a scheduler that components may use."""

    def wake(self, component: Stepped, at_us: int) -> None:
        """Step ``component`` at ``at_us`` even if it wished for a later time; never removes an earlier wish."""
        ...


class RenewalPart(Protocol):
    """One member of a renewal loop: a driver, a line or a twin."""

    def steady_period_us(self) -> int:
        """Period with which this part's traffic repeats exactly, 0 while it is not steady (something is under way)."""
        ...

    def shift_renewals(self, periods: int, delta_us: int) -> int:
        """Behave as if ``periods`` renewals had happened in ``delta_us``; return the number of frames not sent.

        Moves every renewal-driven time (next renewal, lease deadline, last heard) and every frame counter.
        """
        ...
