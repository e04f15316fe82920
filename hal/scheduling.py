"""How components share time: a step returns when it wants the next one.

Every stepped thing (driver loop, twin, world) follows one rule, so that a quiet hour costs nothing: ``step(now_us)``
does what is due and returns the time of the next wish, ``NEVER`` when only a wake can concern it. Stepping early or
twice at the same time is harmless.

Renewals (lease, keep-alive) are the exception that would make quiet hours expensive: they repeat for ever and change
nothing. A renewal loop is a closed group (driver, line, twin) whose traffic repeats with one period while it is
``steady``; the virtual scheduler may then move the whole group by a number of periods at once. Full and elided runs
give the same event trace; ``tests/scenario`` shows it.

Two kinds of wishes are therefore told apart. A *renewal* wish is one that the next renewal repeats or pushes back
(next lease, next keep-alive, "the lease would end", "the line would count as silent"). An *essential* wish is everything
else. Explicit wakes (``Waker.wake``) are always essential: nothing jumps over them.
"""

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable

from hal.units import NEVER

ANY_PERIOD: Final = NEVER
"""``steady_period_us`` of a part that starts no traffic of its own (a quiet line, a device that only answers)."""


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


@runtime_checkable
class RenewalPart(Protocol):
    """One member of a renewal loop: a driver, a line or a twin."""

    def steady_period_us(self) -> int:
        """Period with which this part's traffic repeats exactly.

        0 while it is not steady (something is under way or about to change, or something else than its last renewal has
        passed since that began), ``ANY_PERIOD`` while it is quiet and starts nothing by itself.
        """
        ...

    def next_renewal_us(self) -> int:
        """When this part next sends by itself, only because time passed; ``NEVER`` when it only answers.

        Not the end of a lease or of a patience: in a steady loop those are pushed back before they come.
        """
        ...

    def essential_wake_us(self) -> int:
        """Earliest time at which this part must be run for any other reason than a renewal; ``NEVER`` when none."""
        ...

    def shift_renewals(self, periods: int, delta_us: int) -> int:
        """Behave as if ``periods`` renewals had happened in ``delta_us``; return the number of frames it did not send.

        Moves every renewal-driven time (next renewal, lease deadline, last heard) by ``delta_us`` and every counter
        by what the renewals would have counted. ``delta_us`` is ``periods`` times ``steady_period_us()``; a part
        with ``ANY_PERIOD`` gets the number of the loop's periods.
        """
        ...


@runtime_checkable
class PolledRenewalPart(RenewalPart, Protocol):
    """A part that nobody steps: its runner polls it."""

    def wish_us(self) -> int:
        """When the last poll wanted the next one, for whatever reason. Counts while the loop is not steady."""
        ...


class RenewalRunner(Protocol):
    """A stepped component that runs parts which are not stepped by themselves (control polls its drivers)."""

    def step(self, now_us: int) -> int: ...

    def essential_wake_us(self) -> int:
        """Earliest time at which it must be stepped for a reason of its own, not of one of its parts."""
        ...
