"""Standing orders between control's clock and the journal: the ends of bookings and limits over every kind of restart."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from evse.core.commands import Command, RestoreState
from evse.core.config import OutletConfig, StationConfig
from evse.core.events import CommandDone, Event, OrdersChanged
from evse.core.limits import LimitStep, OnExpiry
from evse.core.orders import OrderKind, StandingOrder, limit_of
from evse.core.units import MS, NEVER, SECOND
from evse.exchange.envelope import Envelope
from evse.services.authorisation import Policy
from evse.services.clock import NO_CLOCK, ClockMapping, ClockQuality, Deadline
from evse.services.fake_journal import FakeStore, Image
from evse.services.journal import KeptOrder
from evse.services.station_services import StationServices

CONFIG = StationConfig("station-1", "parking", (OutletConfig(1), OutletConfig(2)))
UTC_US = 1_700_000_000_000_000
LATENCY_US = 5 * MS
OUT = StandingOrder(OrderKind.UNAVAILABLE, "ocpp", after_session=True)
BOOKED = StandingOrder(OrderKind.BOOKED, uid="04A1B2C3", until_us=100 * SECOND)
LIMIT = StandingOrder(OrderKind.LIMIT, "plant", current_ma=16_000, fallback_ma=6_000, until_us=100 * SECOND)


PLAN = StandingOrder(
    OrderKind.LIMIT,
    "ocpp",
    plan=(LimitStep(0, (16_000, 16_000, 16_000)), LimitStep(60 * SECOND, (8_000, 10_000, 32_000))),
    starts_us=40 * SECOND,
    until_us=100 * SECOND,
    on_expiry=OnExpiry.RELEASE,
)


def machine(name: str, utc_us: int | None, mono_us: int = 0, boot: str = "boot-1") -> ClockMapping:
    """The clock of a run of the machine; without ``utc_us`` nobody knows the time."""
    quality = ClockQuality.UNSET if utc_us is None else ClockQuality.SYNCHRONISED
    return ClockMapping(boot, mono_us, utc_us or 0, quality, name)


@dataclass
class Bench:
    """Services with a store; control is played by the test."""

    clock: ClockMapping
    image: Image | None = None
    boot: str = "boot-1"
    received: list[Command] = field(default_factory=list)
    now_us: int = 0
    seq: int = 0

    def __post_init__(self) -> None:
        self.store = FakeStore(LATENCY_US, self.image)
        self.services = StationServices(self.store.journal("station-1"), Policy(), self.clock, CONFIG)
        self.received += self.services.start(0, self.boot)
        self.wait()

    def wait(self, span_us: int = 20 * MS) -> None:
        for _ in range(span_us // MS):
            self.now_us += MS
            self.store.step(self.now_us)
            self.services.step(self.now_us)
            self.received += self.services.take_commands()

    def tell(self, event: Event) -> int:
        self.seq += 1
        self.services.handle(Envelope(self.boot, self.seq, self.now_us, event), self.now_us)
        return self.seq

    def orders(self, outlet: int, *orders: StandingOrder) -> None:
        self.tell(OrdersChanged(outlet, orders))
        self.wait()

    def set_clock(self, clock: ClockMapping) -> None:
        self.services.clock = clock
        self.wait()

    def restored(self, outlet: int = 1) -> RestoreState:
        """The newest state for an outlet."""
        return [each for each in self.received if isinstance(each, RestoreState) and each.outlet == outlet][-1]

    def after(self, clock: ClockMapping, boot: str = "boot-2") -> Bench:
        """Everything restarts, on this clock."""
        return Bench(replace(clock, boot_id=boot), self.store.crash(), boot)


def test_orders_come_back_to_their_outlet_and_the_stations_to_all() -> None:
    bench = Bench(machine("m1", UTC_US))
    bench.orders(1, OUT, LIMIT)
    bench.orders(2, BOOKED)
    bench.orders(0, replace(LIMIT, source="grid"))
    bench.orders(1, OUT)
    after = bench.after(machine("m1", UTC_US))
    grid = (replace(LIMIT, source="grid"),)
    assert (after.restored(1).orders, after.restored(1).station_orders) == ((OUT,), grid)
    assert (after.restored(2).orders, after.restored(2).station_orders) == ((BOOKED,), grid)
    after.orders(1)
    assert after.after(machine("m1", UTC_US), "boot-3").restored(1).orders == ()


def test_while_the_machine_runs_its_own_clock_counts_and_no_step_of_the_wall_clock() -> None:
    bench = Bench(machine("m1", UTC_US))
    bench.orders(1, BOOKED, LIMIT)
    for utc_us in (UTC_US + 7_200 * SECOND, None):
        assert bench.after(machine("m1", utc_us)).restored().orders == (BOOKED, LIMIT)


def test_after_a_power_cut_the_end_is_found_by_utc() -> None:
    bench = Bench(machine("m1", UTC_US))
    bench.orders(1, BOOKED, LIMIT)
    # Ninety seconds dark: ten are left, on a clock that begins anew.
    after = bench.after(machine("m2", UTC_US + 90 * SECOND, mono_us=3 * SECOND))
    assert [order.until_us for order in after.restored().orders] == [13 * SECOND] * 2
    assert [order.current_ma for order in after.restored().orders] == [0, 16_000]
    late = bench.after(machine("m2", UTC_US + 3_600 * SECOND))
    assert all(order.until_us < 0 for order in late.restored().orders), "over: control drops it at once"


@pytest.mark.parametrize(("then", "now"), [(UTC_US, None), (None, UTC_US), (None, None)])
def test_without_the_time_then_or_now_an_order_holds(then: int | None, now: int | None) -> None:
    bench = Bench(machine("m1", then))
    bench.orders(1, BOOKED, LIMIT)
    after = bench.after(machine("m2", now))
    assert after.restored().orders == (BOOKED.without_end(), LIMIT.without_end())
    booked, limit = after.restored().orders
    assert (limit.current_ma, limit.end_unknown, limit.until_us) == (6_000, True, NEVER)
    assert (booked.uid, booked.end_unknown, booked.until_us) == ("04A1B2C3", True, NEVER)


def test_the_end_is_told_when_the_time_becomes_known() -> None:
    bench = Bench(machine("m1", UTC_US))
    bench.orders(1, BOOKED, LIMIT, OUT)
    after = bench.after(machine("m2", None))
    commands = len(after.received)
    after.set_clock(machine("m2", None, boot="boot-2"))
    assert len(after.received) == commands, "nothing new"
    after.set_clock(machine("m2", UTC_US + 40 * SECOND, mono_us=10 * SECOND, boot="boot-2"))
    assert len(after.received) == commands + 2
    until_us = 70 * SECOND
    assert after.restored().orders == (replace(BOOKED, until_us=until_us), replace(LIMIT, until_us=until_us), OUT)
    assert len({command.command_id for command in after.received}) == len(after.received)


def test_what_control_says_of_an_order_without_end_does_not_overwrite_the_end() -> None:
    bench = Bench(machine("m1", UTC_US))
    bench.orders(1, LIMIT)
    dark = bench.after(machine("m2", None))
    dark.orders(1, LIMIT.without_end(), OUT)
    third = dark.after(machine("m3", UTC_US + 90 * SECOND), "boot-3")
    assert third.restored().orders == (replace(LIMIT, until_us=10 * SECOND), OUT)


def test_an_end_gets_its_utc_when_the_clock_is_set_later() -> None:
    bench = Bench(machine("m1", None))
    bench.orders(1, BOOKED)
    commits = bench.store.commits
    bench.set_clock(machine("m1", UTC_US))
    assert bench.store.commits == commits + 1
    bench.set_clock(machine("m1", UTC_US + 1))
    assert bench.store.commits == commits + 1, "the same time, read a little later"
    assert bench.after(machine("m2", UTC_US + 60 * SECOND)).restored().orders[0].until_us == 40 * SECOND


def test_an_unnamed_clock_is_no_other_clock() -> None:
    bench = Bench(NO_CLOCK)
    bench.orders(1, BOOKED)
    assert bench.after(NO_CLOCK).restored().orders == (BOOKED.without_end(),)


def test_services_that_return_to_a_living_control_say_the_same_again() -> None:
    bench = Bench(machine("m1", UTC_US))
    bench.orders(1, LIMIT)
    again = Bench(bench.clock, bench.store.crash(), "boot-1")
    assert again.restored() == replace(bench.restored(), orders=(LIMIT,))


def test_a_change_counts_as_durable_with_its_commit_and_all_before_it() -> None:
    bench = Bench(machine("m1", UTC_US))
    assert bench.services.orders_durable(1)
    bench.tell(OrdersChanged(1, (OUT,)))
    done = bench.tell(CommandDone(1, "c", "done", ""))
    assert not bench.services.orders_durable(done)
    bench.wait()
    assert bench.services.orders_durable(done)
    assert bench.store.journal("station-1").orders(1) == (KeptOrder(OUT),)


def test_a_change_that_waits_for_the_services_to_be_ready_is_not_durable() -> None:
    bench = Bench(machine("m1", UTC_US))
    bench.services.start(0, "boot-2")
    bench.services.handle(Envelope("boot-2", 1, 0, OrdersChanged(1, (OUT,))), 0)
    assert not bench.services.orders_durable(2)
    assert bench.services.orders_durable(1)
    bench.wait()
    assert bench.services.orders_durable(2)


@pytest.mark.parametrize("keep", [None, 1, 2])
def test_a_power_cut_leaves_the_orders_before_or_after_a_change_whole(keep: int | None) -> None:
    bench = Bench(machine("m1", UTC_US))
    bench.orders(1, BOOKED, LIMIT)
    bench.tell(OrdersChanged(1, (LIMIT, OUT)))
    bench.tell(OrdersChanged(1, ()))
    after = Bench(machine("m1", UTC_US, boot="boot-2"), bench.store.crash(keep), "boot-2")
    assert after.restored().orders == {None: (BOOKED, LIMIT), 1: (LIMIT, OUT), 2: ()}[keep]


def test_a_journal_that_cannot_be_read_is_asked_again() -> None:
    bench = Bench(machine("m1", UTC_US))
    bench.orders(1, LIMIT)
    after = bench.after(machine("m2", None))
    after.store.unreadable_disk()
    after.set_clock(machine("m2", UTC_US, boot="boot-2"))
    assert after.services.problem
    after.store.mended_disk()
    after.wait(1_100 * MS)
    assert (after.services.problem, after.restored().orders[0].end_unknown) == ("", False)


def test_a_deadline_far_away_stays_in_range() -> None:
    clock = machine("m2", UTC_US)
    assert clock.mono_of(Deadline("m1", 0, 2**62)) == 2**62 - UTC_US
    assert clock.mono_of(Deadline("m1", 0, -(2**62))) == -NEVER
    assert clock.mono_of(Deadline("m1", 0, 2**63 - 1)) == NEVER - 1


@pytest.mark.req("ENE-07")
def test_a_plan_runs_on_where_it_would_be_after_every_restart() -> None:
    bench = Bench(machine("m1", UTC_US))
    bench.orders(1, PLAN)
    assert bench.after(machine("m1", None)).restored().orders == (PLAN,), "the machine's own clock ran on"
    (after,) = bench.after(machine("m2", UTC_US + 90 * SECOND, mono_us=3 * SECOND)).restored().orders
    # Ninety seconds dark: the second step began ten seconds ago, ten are left.
    assert (after.starts_us, after.until_us) == (-47 * SECOND, 13 * SECOND)
    assert after.plan == PLAN.plan


@pytest.mark.req("ENE-07")
def test_a_plan_without_the_time_holds_its_lowest_current_on_each_phase_until_the_time_is_known() -> None:
    bench = Bench(machine("m1", UTC_US))
    endless = replace(PLAN, until_us=NEVER)
    for order in (PLAN, endless):
        bench.orders(1, order)
        after = bench.after(machine("m2", None))
        (limit,) = after.restored().orders
        assert limit.end_unknown
        assert limit_of(limit).at(NEVER - 1) == (8_000, 10_000, 16_000)
        after.set_clock(machine("m2", UTC_US + 90 * SECOND, mono_us=after.now_us, boot="boot-2"))
        (limit,) = after.restored().orders
        assert not limit.end_unknown
        assert limit.plan == order.plan
