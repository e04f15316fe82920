"""Random sequences of vehicles, inputs, limits, heat, settings and faults at a station with two outlets, judged by the world's truth.

A walk is drawn from a number. What it is judged by is worked out here from the deeds and the world, never from what the core
says of its limits:

- all outlets together never draw more than the station may have, but for the 5 s that a vehicle has to follow;
- no pilot offers more than any limit of its outlet for longer than a second;
- an offer is 0 or the lowest limit, reached 5 s after the last change at the latest;
- an outlet that could charge for the configured time does charge.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from evse.core.commands import Configure, SetLimit, StopSession, Suspend
from evse.core.config import Access, OutletConfig, SheddingPriority, SheddingRule, StationConfig
from evse.core.configure import with_digest
from evse.core.limit_sources import HOUSE_METER, MODBUS, OCPP
from evse.core.limits import LimitStep, OnExpiry
from evse.core.lines import InputLine, LineFunction
from evse.core.units import HOUR, NEVER, SECOND
from evse.core.values import OutletInputs
from evse.sim.given_orders import GivenOrder, limit_ma
from evse.sim.invariants_base import offered_ma
from hal.world.verb_spec import VerbError
from tests.fakes.core_bench import CoreBench

FOLLOW_US: Final = 6 * SECOND
"""A lower limit is on the pilot within 1 s, then a vehicle has 5 s."""
ON_PILOT_US: Final = 1 * SECOND
RESUME_SLACK_US: Final = 25 * SECOND
"""The contactor's rest, the pause of the PWM, the other's 5 s and 5 s from offer to offer."""
TOLERANCE_MA: Final = 250
DUTY_STEP_MA: Final = 6
CABLES: Final = {"13 A": 13_000, "20 A": 20_000, "32 A": 32_000}
SHEDDING, CONDITION = 1, 2
FAULTS: Final[tuple[tuple[str, dict[str, int]], ...]] = (
    ("short_pilot", {"resistance": 80}),
    ("open_pilot", {}),
    ("short_diode", {}),
    ("break_temperature_sensor", {}),
    ("trip_breaker", {}),
)
"""What goes wrong at an outlet and is mended again after a while; no fault that needs a hand afterwards."""
MENDED_US: Final = 40 * SECOND
"""After a fault an outlet waits for 30 s; the rest is for what leads up to that."""
UNLIMITED_MA: Final = 10**9


class WalkError(AssertionError):
    """What was broken, in which walk and when."""


@dataclass
class _Outlet:
    """What the walk knows of one outlet because it did it."""

    phases: int = 0
    cable_ma: int = 0
    ready: bool = False
    suspended: bool = False
    faulty: bool = False
    mended_us: int = -NEVER
    """When the last fault was mended."""
    hot: bool = False
    orders: dict[str, GivenOrder] = field(default_factory=dict)
    over_since_us: int = NEVER
    could_since_us: int = NEVER
    offer: tuple[int, int] = (0, 0)
    """Since when, and what."""


def draw_config(stream: random.Random) -> StationConfig:
    """Settings of a walk."""
    rule = SheddingRule(
        stream.choice(list(SheddingPriority)), keep_us=stream.choice([0, 60 * SECOND]), energy_step_wh=100
    )
    outlets = tuple(
        OutletConfig(
            number,
            access=Access.FREE,
            wake_up=False,
            derated_current_ma=stream.choice([32_000, 32_000, 16_000, 10_000]),
            shedding_ma=stream.choice([0, 0, 8_000, 14_000, 16_000]),
            resume_us=stream.choice([0, 5, 60]) * SECOND,
            lines=(
                InputLine(SHEDDING, LineFunction.LOAD_SHEDDING, stream.random() < 0.5),
                InputLine(CONDITION, LineFunction.START_CONDITION, stream.random() < 0.5),
            ),
            ze_ready=stream.random() < 0.5,
        )
        for number in (1, 2)
    )
    return with_digest(
        StationConfig(
            "station",
            "walk",
            outlets,
            station_maximum_ma=stream.choice([10, 16, 20, 28, 32, 40, 64]) * 1_000,
            balancing=stream.random() < 0.85,
            shedding=rule,
        )
    )


class EnergyWalk(CoreBench):
    """One walk. ``run_hours`` raises WalkError at the first thing that is not as it should be."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.stream = random.Random(number)
        self._mischief = random.Random(-number - 1)
        """Faults are drawn apart, so that the deeds do not depend on them."""
        self._known = {1: _Outlet(), 2: _Outlet()}
        self._station_orders: dict[str, GivenOrder] = {}
        self._together: deque[tuple[int, int]] = deque()
        self.looks_while_charging = 0
        self.mishaps = 0
        super().__init__(draw_config(self.stream))
        for outlet in (1, 2):
            for line in self.config.outlets[outlet - 1].lines:
                self.verb("set_input", outlet=outlet, line=line.number, closed=not line.normally_open)

        self._plan_fault()

    # --- deeds -------------------------------------------------------------------------------------------------

    def run_hours(self, hours: float) -> EnergyWalk:
        """Do and judge for so long."""
        end_us = self.now_us + round(hours * HOUR)
        deeds: tuple[Callable[[int], None], ...] = (
            *(self._come, self._come, self._come, self._leave, self._pause, self._go_on, self._shed, self._shed),
            *(self._hold_back, self._limit, self._limit, self._station_limit, self._settings, self._heat),
            *(self._suspend, self._resume),
        )
        while self.now_us < end_us:
            gap_us = round(10 ** self.stream.uniform(2, 8.7))
            self.run_until(min(self.now_us + gap_us, end_us))
            if self.now_us < end_us:
                self.stream.choice(deeds)(self.stream.choice((1, 2)))
        return self

    def _try(self, verb: str, outlet: int, **params: Any) -> bool:
        try:
            self.verb(verb, outlet=outlet, **params)
        except VerbError:
            return False
        return True

    def _come(self, outlet: int) -> None:
        phases, cable = self.stream.choice((1, 3, 3, 2)), self.stream.choice(list(CABLES))
        known = self._known[outlet]
        # Slow ones that need nearly all of their 5 s to follow, and quick ones that take at once what they are offered.
        habits = self.stream.choice(
            (
                {"follow_delay": 3_000, "ramp_down": 16, "ramp_up": 1_000},
                {"follow_delay": 100, "ramp_down": 1_000, "ramp_up": 1_000, "charger_delay": 0, "close_delay": 0},
                {},
            )
        )
        if not known.phases and self._try("plug_in", outlet, phases=phases, cable=cable, **habits):
            known.phases, known.cable_ma, known.ready = phases, CABLES[cable], True

    def _leave(self, outlet: int) -> None:
        known = self._known[outlet]
        if known.phases:
            known.ready = False
            self.post(StopSession("", outlet))
            self.at(self.now_us + 15 * SECOND, lambda: self._unplug(outlet))

    def _unplug(self, outlet: int) -> None:
        if self._try("unplug", outlet):
            self._known[outlet].phases = self._known[outlet].cable_ma = 0

    def _pause(self, outlet: int) -> None:
        if self._known[outlet].ready and self._try("vehicle_stop", outlet):
            self._known[outlet].ready = False
            self.at(self.now_us + 90 * SECOND, lambda: self._go_on(outlet))

    def _go_on(self, outlet: int) -> None:
        known = self._known[outlet]
        if known.phases and self.outlet(outlet).procedure.session is not None and self._try("vehicle_ready", outlet):
            known.ready = True

    def _shed(self, outlet: int) -> None:
        self._try("set_input", outlet, line=SHEDDING, closed=self.stream.random() < 0.5)

    def _hold_back(self, outlet: int) -> None:
        self._try("set_input", outlet, line=CONDITION, closed=self.stream.random() < 0.5)

    def _limit(self, outlet: int) -> None:
        self._give(outlet, self._known[outlet].orders, (HOUSE_METER, MODBUS, OCPP))

    def _station_limit(self, outlet: int) -> None:
        self._give(0, self._station_orders, ("grid", OCPP))

    def _give(self, outlet: int, orders: dict[str, GivenOrder], sources: tuple[str, ...]) -> None:
        stream, source = self.stream, self.stream.choice(sources)
        if source in orders and stream.random() < 0.6:
            self.post(SetLimit("", outlet, source=source, active=False))
            del orders[source]
            return
        until_us = self.now_us + round(10 ** stream.uniform(6, 9.3)) if stream.random() < 0.5 else NEVER
        command = SetLimit(
            f"walk-{self.now_us}-{outlet}-{source}",
            outlet,
            source=source,
            current_ma=self._current_ma(),
            fallback_ma=self._current_ma(),
            valid_until_us=until_us,
            on_expiry=stream.choice(list(OnExpiry)),
            plan=self._plan() if stream.random() < 0.4 else (),
            starts_us=self.now_us,
        )
        self.post(command)
        orders[source] = GivenOrder(outlet, command, self.now_us, firm=True)

    def _current_ma(self) -> int:
        return self.stream.choice([0, 5_900, 6_000, 10_000, 13_900, 14_000, 16_500, 24_000, 40_000])

    def _plan(self) -> tuple[LimitStep, ...]:
        times = sorted({round(10 ** self.stream.uniform(5, 9.3)) for _ in range(self.stream.randint(1, 4))})
        return tuple(
            LimitStep(
                after_us, None if self.stream.random() < 0.2 else (self._current_ma(), 32_000, self._current_ma())
            )
            for after_us in times
        )

    def _settings(self, outlet: int) -> None:
        active, drawn = self.core.config, draw_config(self.stream)
        outlets = tuple(
            replace(
                now, derated_current_ma=new.derated_current_ma, shedding_ma=new.shedding_ma, resume_us=new.resume_us
            )
            for now, new in zip(active.outlets, drawn.outlets, strict=True)
        )
        self.config = with_digest(
            replace(
                active, outlets=outlets, station_maximum_ma=drawn.station_maximum_ma, version=active.version + 1,
                shedding=drawn.shedding,
            )
        )  # fmt: skip
        self.post(Configure("", config=self.config))
        for known in self._known.values():
            known.could_since_us = NEVER

    def _heat(self, outlet: int) -> None:
        self._known[outlet].hot = hot = not self._known[outlet].hot
        self._try("heat", outlet, temperature=72 if hot else 25)

    def _suspend(self, outlet: int) -> None:
        self._known[outlet].suspended = True
        self.post(Suspend("", outlet))
        self.at(self.now_us + 120 * SECOND, lambda: self._resume(outlet))

    def _resume(self, outlet: int) -> None:
        self._known[outlet].suspended = False
        self.post(Suspend("", outlet, active=False))

    def _plan_fault(self) -> None:
        self.at(self.now_us + round(self._mischief.expovariate(1 / (HOUR / 3))), self._fault)

    def _fault(self) -> None:
        outlet, (verb, params) = self._mischief.choice((1, 2)), self._mischief.choice(FAULTS)
        away_us = round(10 ** self._mischief.uniform(4, 8))
        known = self._known[outlet]
        if not known.faulty and self._try(verb, outlet, **params):
            known.faulty = True
            self.mishaps += 1
            self.at(self.now_us + away_us, lambda: self._mend(outlet, verb))
        self._plan_fault()

    def _mend(self, outlet: int, verb: str) -> None:
        if verb == "trip_breaker":
            self._try("reset_breaker", outlet)
        else:
            self._try(verb, outlet, heal=True)
        known = self._known[outlet]
        known.faulty, known.mended_us = False, self.now_us

    # --- what must hold ----------------------------------------------------------------------------------------

    def _step(self, inputs: tuple[OutletInputs, ...]) -> None:
        super()._step(inputs)
        truths = {number: self.world.outlet(number).truth() for number in (1, 2)}
        self._judge_together(truths)
        for number in (1, 2):
            self._judge_offer(number, truths[number])
            self._judge_resumption(number, truths[number])

    def _fail(self, what: str) -> None:
        views = [
            f"outlet {each.config.number}: offers {each.offer.offered_ma}, {each.no_offer}, "
            f"{[(limit.source, limit.current_ma, limit.note) for limit in each.arbitration.stack]}"
            for each in self.core.outlets
        ]
        raise WalkError(f"walk {self.number} at {self.now_us / SECOND:.3f} s: {what}\n" + "\n".join(views))

    def _station_ma(self) -> int:
        values = [self._said(order, 3) for order in self._station_orders.values()]
        own_ma = self.config.station_maximum_ma if self.config.balancing else UNLIMITED_MA
        return min([own_ma, *values])

    def _said(self, order: GivenOrder, phases: int) -> int:
        assert isinstance(order.command, SetLimit)
        return limit_ma(order, order.command, self.now_us, phases)

    def _judge_together(self, truths: dict[int, Any]) -> None:
        highest_ma = _highest(self._together, self.now_us, self._station_ma(), FOLLOW_US)
        for phase in range(3):
            sum_ma = sum(truths[number].currents_ma[phase] for number in (1, 2))
            if sum_ma > highest_ma + TOLERANCE_MA:
                self._fail(f"both draw {sum_ma} mA on phase {phase + 1}, the station may have {highest_ma} mA")

    def _own_ma(self, number: int, phases: int) -> int:
        """The lowest limit of the outlet but its share, for a vehicle that counts with ``phases``."""
        config, known = self.config.outlets[number - 1], self._known[number]
        limits = [config.rated_current_ma, known.cable_ma or config.rated_current_ma]
        limits.append(_operating(config, config.derated_current_ma, phases))
        if self._acts(number, SHEDDING):
            limits.append(_operating(config, config.shedding_ma, phases))
        if known.hot:
            limits.append(config.rated_current_ma // 2)
        for source, order in known.orders.items():
            said_ma = self._said(order, 3)
            limits.append(_operating(config, said_ma, phases) if source == MODBUS else said_ma)
        return min(*limits, self._station_ma(), self.config.station_maximum_ma)

    def _acts(self, number: int, line: int) -> bool:
        contacts = self.world.outlet(number).inputs()
        return contacts[line - 1] is self.config.outlets[number - 1].lines[line - 1].normally_open

    def _judge_offer(self, number: int, truth: Any) -> None:
        known, offer_ma = self._known[number], self.outlet(number).offer.offered_ma
        kindest_ma = max(self._own_ma(number, phases) for phases in ((1, 3) if known.phases == 1 else (3,)))
        on_pilot_ma = offered_ma(truth.duty_bp) if truth.pwm_on else 0
        known.over_since_us = (
            min(known.over_since_us, self.now_us) if on_pilot_ma > kindest_ma + DUTY_STEP_MA else NEVER
        )
        if self.now_us - known.over_since_us > ON_PILOT_US:
            self._fail(f"outlet {number} has {on_pilot_ma} mA on its pilot for too long, {kindest_ma} mA are allowed")
        if offer_ma != known.offer[1]:
            known.offer = (self.now_us, offer_ma)
        lowest_ma = min(limit.current_ma for limit in self.outlet(number).arbitration.stack)
        late = self.now_us > known.offer[0] + 5 * SECOND
        if offer_ma and (offer_ma > lowest_ma or (offer_ma < lowest_ma and late)):
            self._fail(f"outlet {number} offers {offer_ma} mA, its lowest limit is {lowest_ma} mA")

    def _judge_resumption(self, number: int, truth: Any) -> None:
        known = self._known[number]
        if truth.contact_closed:
            self.looks_while_charging += 1
        if truth.contact_closed or not self._could_charge(number):
            known.could_since_us = NEVER
            return
        known.could_since_us = min(known.could_since_us, self.now_us)
        resume_us = max(outlet.resume_us for outlet in self.config.outlets)
        waited_us = self.now_us - known.could_since_us
        if waited_us > resume_us + RESUME_SLACK_US:
            self._fail(f"outlet {number} could charge for {waited_us / SECOND:.0f} s and does not")

    def _could_charge(self, number: int) -> bool:
        known, other = self._known[number], self._known[3 - number]
        session = self.outlet(number).procedure.session
        held_back = self._acts(number, CONDITION) or known.suspended
        held_back = held_back or known.faulty or self.now_us < known.mended_us + MENDED_US
        if not known.ready or session is None or held_back:
            return False
        # Undetected vehicles count by the wiring, and the least of both must fit with the margin.
        least_ma = 14_000 if self.config.outlets[number - 1].ze_ready else 6_000
        others_ma = 0
        if other.phases:
            others_ma = 14_000 if self.config.outlets[2 - number].ze_ready else 6_000
        room_ma = self._station_ma() - others_ma - (self.config.shedding.margin_ma if others_ma else 0)
        return self._own_ma(number, 3) >= 6_000 and room_ma >= least_ma


def _highest(history: deque[tuple[int, int]], now_us: int, value: int, window_us: int) -> int:
    """The highest value in force at any time of the last ``window_us``; ``history`` holds (end of validity, value)."""
    if not history or history[-1][1] != value:
        if history:
            history[-1] = (now_us, history[-1][1])
        history.append((NEVER, value))
    while history[0][0] < now_us - window_us:
        history.popleft()
    return max(each for _, each in history)


def _operating(config: OutletConfig, set_ma: int, phases: int) -> int:
    """The guide's table: whole amperes, 0-7 A on one phase and 0-13 A on three are 0."""
    if not config.ze_ready:
        return set_ma
    amperes = set_ma // 1_000
    return 0 if amperes <= (7 if phases == 1 else 13) else amperes * 1_000


def walked(number: int, hours: float) -> EnergyWalk:
    """One walk of so many hours, with a last look a while after it."""
    return EnergyWalk(number).run_hours(hours)
