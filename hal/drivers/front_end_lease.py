"""The host's side of the permissions to hold the contactors, and whether their renewals run in step."""

from __future__ import annotations

from typing import Final

from hal.frames.front_end import Frame
from hal.frames.front_end_messages import Hold, HoldDomestic, Message, State
from hal.units import MS, NEVER

RENEWAL_US: Final = 50 * MS


class HostLease:
    """The permission as the host knows it. It grants nothing by itself and has no timer."""

    def __init__(self) -> None:
        self.until_us = -NEVER
        """When the permission ends; long ago when none was granted or it was withdrawn."""
        self._sent_at_us = -NEVER
        self.since_us = -NEVER
        """When the present unbroken permission began."""
        self.holds = 0
        """HOLD frames sent."""
        self.renewing = False
        """Whether a permission was granted and has neither been withdrawn nor noticed to have ended."""

    @property
    def ends_us(self) -> int:
        """When the permission ends unless renewed; ``NEVER`` when none runs."""
        return self.until_us if self.renewing else NEVER

    @property
    def next_renewal_us(self) -> int:
        """From when on a further grant is worth a frame."""
        return self._sent_at_us + RENEWAL_US

    def running(self, now_us: int) -> bool:
        """Whether the permission lasts beyond ``now_us``."""
        return now_us < self.until_us

    def due(self, now_us: int) -> bool:
        """Whether a grant at ``now_us`` must be sent: none is running, or the last HOLD is 50 ms old."""
        return not self.running(now_us) or now_us >= self.next_renewal_us

    def grant(self, hold_ms: int, now_us: int) -> None:
        """Note that a HOLD was sent."""
        if not self.running(now_us):
            self.since_us = now_us
        self.holds += 1
        self._sent_at_us = now_us
        self.until_us = now_us + hold_ms * MS
        self.renewing = True

    def end(self) -> None:
        """The permission is withdrawn or void."""
        self.until_us = -NEVER
        self.renewing = False

    def lapse(self, now_us: int) -> None:
        """Notice that nobody has renewed it."""
        if self.renewing and not self.running(now_us):
            self.end()

    def shift(self, periods: int, delta_us: int) -> None:
        """Behave as if it had been renewed ``periods`` times."""
        if self.renewing:
            self.holds += periods
            self.until_us += delta_us
            self._sent_at_us += delta_us


class HostLeases:
    """The permissions of an outlet's contactors: the pilot's (HOLD) and the domestic socket's (HOLD_DOMESTIC).

    Nothing here keeps the two apart; that is the core's business and, once more, the front end's own interlock's.
    """

    def __init__(self) -> None:
        self._pilot: Final = HostLease()
        self._domestic: Final = HostLease()

    def of(self, kind: type[Hold]) -> HostLease:
        """The permission that ``kind`` renews."""
        return self._domestic if kind is HoldDomestic else self._pilot

    @property
    def renewing(self) -> int:
        """How many permissions run, as far as is noticed."""
        return self._pilot.renewing + self._domestic.renewing

    @property
    def ends_us(self) -> int:
        """When the next permission ends unless renewed."""
        return min(self._pilot.ends_us, self._domestic.ends_us)

    @property
    def next_renewal_us(self) -> int:
        """From when on a further grant is worth a frame; ``NEVER`` while none is renewed."""
        pilot_us = self._pilot.next_renewal_us if self._pilot.renewing else NEVER
        domestic_us = self._domestic.next_renewal_us if self._domestic.renewing else NEVER
        return min(pilot_us, domestic_us)

    @property
    def since_us(self) -> int:
        """When the latest permission began."""
        return max(self._pilot.since_us, self._domestic.since_us)

    @property
    def holds(self) -> int:
        """HOLD frames of both kinds sent."""
        return self._pilot.holds + self._domestic.holds

    def running(self, now_us: int) -> bool:
        """Whether a permission lasts beyond ``now_us``."""
        return now_us < self._pilot.until_us or now_us < self._domestic.until_us

    def due(self, now_us: int) -> bool:
        """Whether none is running, or one has to be renewed."""
        return not self.running(now_us) or now_us >= self.next_renewal_us

    def end(self) -> None:
        """All permissions are withdrawn or void."""
        self._pilot.end()
        self._domestic.end()

    def lapse(self, now_us: int) -> None:
        """Notice what nobody has renewed."""
        self._pilot.lapse(now_us)
        self._domestic.lapse(now_us)

    def shift(self, periods: int, delta_us: int) -> None:
        """Behave as if the running ones had been renewed ``periods`` times."""
        self._pilot.shift(periods, delta_us)
        self._domestic.shift(periods, delta_us)


class RenewalRhythm:
    """Whether the traffic is nothing but renewals: the last frame sent is one, the last frame heard its first answer.

    Only then do the times of the next renewal follow from those of the last one by adding the period.
    """

    def __init__(self) -> None:
        self._last: Frame | None = None
        self._sequence = 0
        self._answers = 0

    def sent(self, frame: Frame) -> None:
        """A frame was sent."""
        self._last = frame
        self._sequence = frame.sequence
        self._answers = 0

    def heard(self, state: State) -> None:
        """A STATE was heard."""
        if self._last is not None:
            self._answers = self._answers + 1 if state.accepted == self._sequence else 0

    def in_step(self, renewal: type[Message]) -> bool:
        """Whether the last frame was a ``renewal`` answered exactly once."""
        return self._last is not None and isinstance(self._last.message, renewal) and self._answers == 1

    def shift(self, periods: int) -> None:
        """Behave as if ``periods`` further renewals had been sent and answered."""
        self._sequence = (self._sequence + periods) & 0xFF
