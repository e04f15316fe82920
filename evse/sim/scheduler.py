"""One heap of components in virtual or paced time: the clockwork of every simulation.

Rules
- A component is a ``hal.scheduling.Stepped``: ``step(now)`` does what is due and returns its next wish. One wish per
  component, replaced by each step; wakes (``Waker.wake``) are kept beside it and never remove an earlier wish.
- Order inside an instant: one-shot actions (in the order they were asked for), then components by registration.
  A component woken again at the same instant is stepped again in it. A wish or wake in the past counts as "now".
- After an instant (everything due at that time is done) the observers see it, in their order. What an observer starts
  at the same time is a further round of the same instant.
- Time never goes back. A component that is stepped more than ``livelock_limit`` times at one time is reported by name.
- Jump mode (``run_until``) goes from instant to instant. Paced mode (``Paced``) is for a process with real file
  descriptors: it tells the next deadline and catches up with the clock; ``select`` belongs to the process's main loop.
- Elision (``evse.sim.elision``) moves whole steady renewal loops; it happens in jump mode only and ``elide=False``
  switches it off.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from evse.records import dataclass
from evse.sim.elision import JumpPlan, RenewalLoop, plan_jump
from hal.scheduling import RenewalPart, RenewalRunner, Stepped
from hal.units import NEVER

Action = Callable[[int], None]
"""A one-shot action; it gets the time in microseconds."""

LIVELOCK_LIMIT: Final = 1_000
_ACTION_ORDER: Final = 0


class LivelockError(RuntimeError):
    """A component asks to be stepped at the same time for ever."""


@dataclass(slots=True)
class SchedulerCounters:
    """What a run cost. ``frames_elided``: frames that parts report as not sent in moved renewals."""

    instants: int = 0
    steps: int = 0
    actions: int = 0
    jumps: int = 0
    periods_elided: int = 0
    frames_elided: int = 0
    wakes_of_strangers: int = 0


@dataclass(slots=True)
class _Entry:
    component: Stepped
    name: str
    order: int
    renewing: bool = False
    wish: int = NEVER
    wish_sequence: int = 0
    stepped_at: int = -1
    stepped_sequence: int = 0
    rounds: int = 0
    removed: bool = False


_Item = tuple[int, int, int, bool, _Entry | None, Action | None]
"""Time, order, sequence (unique, so that nothing behind it is compared), whether it is a wish, component or action."""


class Scheduler:
    """A heap of components; implements ``hal.scheduling.Waker``."""

    def __init__(self, *, start_us: int = 0, elide: bool = True, livelock_limit: int = LIVELOCK_LIMIT) -> None:
        self._now = start_us
        self._elide = elide
        self._livelock_limit = livelock_limit
        self._essential: list[_Item] = []
        self._renewing: list[_Item] = []
        self._entries: dict[int, _Entry] = {}
        self._order = _ACTION_ORDER
        self._sequence = 0
        self._loops: list[RenewalLoop] = []
        self.observers: list[Callable[[int], object]] = []
        """Called after each instant with its time."""
        self.counters = SchedulerCounters()

    @property
    def now_us(self) -> int:
        """Current time: that of the last processed instant, or the end of the last run."""
        return self._now

    @property
    def elide(self) -> bool:
        """Whether steady renewals may be moved instead of run."""
        return self._elide

    def add(self, component: Stepped, name: str) -> None:
        """Register ``component`` under ``name``; it is stepped for the first time at the current time.

        Raises ValueError when it is registered already.
        """
        if id(component) in self._entries:
            raise ValueError(f"{name}: this component is scheduled already")
        self._order += 1
        entry = _Entry(component, name, self._order)
        self._entries[id(component)] = entry
        self._mark_renewing()
        self._push_wish(entry, self._now)

    def remove(self, component: Stepped) -> None:
        """Forget ``component`` with its wish and wakes; unknown ones are ignored. Later wakes for it do nothing."""
        entry = self._entries.pop(id(component), None)
        if entry is not None:
            entry.removed = True

    def add_loop(self, loop: RenewalLoop) -> None:
        """Let the scheduler move ``loop`` as a whole while it is steady. Raises ValueError for a name used twice."""
        if any(other.name == loop.name for other in self._loops):
            raise ValueError(f"{loop.name}: a renewal loop of this name exists already")
        self._loops.append(loop)
        self._mark_renewing()

    def remove_loop(self, name: str) -> None:
        """Forget the loop called ``name``; its components stay."""
        self._loops = [loop for loop in self._loops if loop.name != name]
        self._mark_renewing()

    def wake(self, component: Stepped, at_us: int) -> None:
        """Step ``component`` at ``at_us`` (now, when that has passed) even if it wished for a later time."""
        entry = self._entries.get(id(component))
        if entry is None:
            self.counters.wakes_of_strangers += 1
            return
        if at_us >= NEVER:
            return
        at = max(at_us, self._now)
        heapq.heappush(self._essential, (at, entry.order, self._next_sequence(), False, entry, None))

    def at(self, at_us: int, action: Action) -> None:
        """Call ``action(now_us)`` once at ``at_us`` (now, when that has passed), before the components of that time."""
        heapq.heappush(
            self._essential, (max(at_us, self._now), _ACTION_ORDER, self._next_sequence(), False, None, action)
        )

    def next_due_us(self) -> int:
        """Time of the next instant, ``NEVER`` when nothing is due any more."""
        return min(_top(self._essential), _top(self._renewing))

    def run_until(self, until_us: int, stop: Callable[[], bool] | None = None) -> bool:
        """Process every instant up to and including ``until_us``; the time is ``until_us`` afterwards.

        ``stop`` is asked after each instant; when it says so the run ends there. Returns whether it did. Raises ValueError when ``until_us`` lies in the past, LivelockError for a component that never rests.
        """
        if until_us < self._now:
            raise ValueError(f"time never goes back: {until_us} us is before {self._now} us")
        while True:
            essential, renewing = _top(self._essential), _top(self._renewing)
            due = min(essential, renewing)
            if due > until_us:
                break
            if self._elide and self._now < due < essential and self._jump(min(essential, until_us)):
                continue
            self._process(due)
            if stop is not None and stop():
                return True
        self._now = until_us
        return False

    def run_for(self, span_us: int) -> None:
        """Run on for ``span_us``."""
        self.run_until(self._now + span_us)

    def advance_full(self, until_us: int) -> None:
        """Like ``run_until`` without ever moving renewals: for components with an outside world."""
        elide, self._elide = self._elide, False
        try:
            self.run_until(until_us)
        finally:
            self._elide = elide

    def _process(self, at: int) -> None:
        self._now = max(self._now, at)
        self.counters.instants += 1
        while (item := self._pop_due(self._now)) is not None:
            entry, action = item
            if entry is not None:
                self._step(entry)
            elif action is not None:
                self.counters.actions += 1
                action(self._now)
        for observer in self.observers:
            observer(self._now)

    def _pop_due(self, now: int) -> tuple[_Entry | None, Action | None] | None:
        essential, renewing = self._essential, self._renewing
        if essential and essential[0][0] <= now and _top(essential) <= now:
            heap = essential
            # The sequence is unique: nothing behind it is compared.
            if renewing and renewing[0][0] <= now and _top(renewing) <= now and renewing[0] < essential[0]:
                heap = renewing
        elif renewing and renewing[0][0] <= now and _top(renewing) <= now:
            heap = renewing
        else:
            return None
        item = heapq.heappop(heap)
        return item[4], item[5]

    def _step(self, entry: _Entry) -> None:
        entry.rounds = entry.rounds + 1 if entry.stepped_at == self._now else 1
        if entry.rounds > self._livelock_limit:
            raise LivelockError(
                f"{entry.name}: stepped {self._livelock_limit} times at {self._now} us and still not at rest"
            )
        entry.stepped_at = self._now
        entry.stepped_sequence = self._next_sequence()
        self.counters.steps += 1
        try:
            wish = entry.component.step(self._now)
        except Exception as error:
            error.add_note(f"while stepping {entry.name} at {self._now} us")
            raise
        if not entry.removed:
            self._push_wish(entry, wish)

    def _push_wish(self, entry: _Entry, wish: int) -> None:
        sequence = self._next_sequence()
        entry.wish = max(wish, self._now)
        entry.wish_sequence = sequence
        if wish < NEVER:
            heap = self._renewing if entry.renewing else self._essential
            heapq.heappush(heap, (entry.wish, entry.order, sequence, True, entry, None))

    def _next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    def _mark_renewing(self) -> None:
        members = {id(member) for loop in self._loops for member in loop.members()}
        for key, entry in self._entries.items():
            if entry.renewing != (key in members):
                entry.renewing = key in members
                self._push_wish(entry, entry.wish)

    def _jump(self, limit: int) -> bool:
        plan = plan_jump(self._loops, self._now, limit, self._wish_of)
        if plan is None:
            return False
        self.counters.jumps += 1
        for loop, periods, delta in plan.shifts:
            self.counters.periods_elided += periods
            self.counters.frames_elided += loop.shift(periods, delta)
        self._now = plan.now_us
        self._move_wishes(plan)
        return True

    def _move_wishes(self, plan: JumpPlan) -> None:
        for loop, _, delta in plan.shifts:
            for part in loop.parts:
                entry = self._entries.get(id(part))
                if entry is not None and entry.wish < NEVER:
                    self._push_wish(entry, min(entry.wish + delta, part.essential_wake_us()))
        for runner, wish in self._runner_wishes(plan):
            entry = self._entries.get(id(runner))
            if entry is not None:
                self._push_wish(entry, wish)

    def _runner_wishes(self, plan: JumpPlan) -> list[tuple[RenewalRunner, int]]:
        runners: dict[int, tuple[RenewalRunner, int]] = {}
        for loop in self._loops:
            if loop.runner is not None:
                _, wish = runners.get(id(loop.runner), (None, plan.essential_us))
                renewal = plan.renewals.get(loop.name)
                # A loop that is not steady wants whatever its parts want.
                own = min(loop.polled_wish_us(), loop.next_renewal_us()) if renewal is None else renewal
                runners[id(loop.runner)] = (loop.runner, min(wish, own))
        return list(runners.values())

    def _wish_of(self, member: RenewalPart | RenewalRunner) -> int | None:
        entry = self._entries.get(id(member))
        return None if entry is None else entry.wish


def _top(heap: list[_Item]) -> int:
    """Time of the first item that still counts; forgets those before it that do not."""
    while heap:
        at, _, sequence, is_wish, entry, _ = heap[0]
        if entry is None:
            return at
        if is_wish:
            counts = sequence == entry.wish_sequence
        else:
            counts = sequence > entry.stepped_sequence or at > entry.stepped_at
        if counts and not entry.removed:
            return at
        heapq.heappop(heap)
    return NEVER


class Paced:
    """Runs a scheduler against a clock: virtual time passes ``rate`` times as fast as the clock given in calls.

    No elision: real devices may hang on the components. When the clock runs ahead, every instant in between is still
    processed at its own time, in order.
    """

    def __init__(self, scheduler: Scheduler, clock_us: int, rate: Fraction | int = 1) -> None:
        if rate <= 0:
            raise ValueError(f"rate {rate}: must be above 0")
        self._scheduler = scheduler
        self._rate = Fraction(rate)
        self._clock_start = clock_us
        self._virtual_start = scheduler.now_us

    def virtual_us(self, clock_us: int) -> int:
        """Virtual time at ``clock_us`` of the clock; never before the scheduler's own time."""
        passed = (clock_us - self._clock_start) * self._rate
        return max(self._virtual_start + int(passed), self._scheduler.now_us)

    def next_deadline_us(self) -> int:
        """Time on the clock at which ``advance_to`` has something to do; ``NEVER`` when nothing is due."""
        due = self._scheduler.next_due_us()
        if due >= NEVER:
            return NEVER
        ahead = Fraction(due - self._virtual_start) / self._rate
        return self._clock_start - (-ahead.numerator // ahead.denominator)

    def advance_to(self, clock_us: int) -> None:
        """Process everything due up to ``clock_us`` on the clock."""
        self._scheduler.advance_full(self.virtual_us(clock_us))
