"""The pilot's sequences with all their limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from evse.core.config import PilotTimings
from evse.core.duty import duty_for_current
from evse.core.offer import OFFER_TABLE, OfferPhase, OfferWish, PilotOffer
from evse.core.units import MS, NEVER, SECOND
from evse.core.values import PilotLevel, PilotMode

IDLE = OfferWish(
    offer=False,
    limit_ma=32_000,
    level=PilotLevel.B,
    energised=False,
    drawing=False,
    fault_f=False,
    hold_f=False,
    wake_up=True,
)
OFFER = IDLE._replace(offer=True)


def wish(**changes: Any) -> OfferWish:
    return OFFER._replace(**changes)


@dataclass
class Run:
    """Drives an offer by its own wake times and notes every change of what the generator is told."""

    offer: PilotOffer
    now_us: int = 0

    def __post_init__(self) -> None:
        self.changes: list[tuple[int, PilotMode, int]] = []

    def until(self, end_us: int, orders: OfferWish) -> None:
        """Run to ``end_us`` with one wish."""
        while True:
            wake_us = self.offer.step(self.now_us, orders)
            driven = (self.offer.mode, self.offer.duty_bp)
            if not self.changes or self.changes[-1][1:] != driven:
                self.changes.append((self.now_us, *driven))
            assert wake_us > self.now_us, "the offer does not come to rest"
            if wake_us > end_us:
                break
            self.now_us = wake_us
        self.now_us = end_us

    @property
    def modes(self) -> list[tuple[int, PilotMode]]:
        return [(at_us, mode) for at_us, mode, _ in self.changes]


def phase_of(run: Run) -> OfferPhase:
    return run.offer.phase


def fresh() -> Run:
    return Run(PilotOffer(PilotTimings()))


def duty(current_ma: int) -> int:
    duty_bp = duty_for_current(current_ma)
    assert duty_bp is not None
    return duty_bp


def test_nothing_is_offered_without_the_wish() -> None:
    run = fresh()
    run.until(100 * SECOND, IDLE)
    assert run.modes == [(0, PilotMode.X1)]


@pytest.mark.req("PIL-05")
def test_a_lower_limit_is_followed_at_once_however_often_it_comes() -> None:
    run = fresh()
    for step, current_ma in enumerate((32_000, 20_000, 16_000, 6_000)):
        run.until(step * MS, wish(limit_ma=current_ma))
        assert run.offer.duty_bp == duty(current_ma)
        assert run.offer.offered_ma == current_ma


@pytest.mark.req("PIL-05")
def test_a_higher_limit_waits_five_seconds_from_the_last_change() -> None:
    run = fresh()
    run.until(10 * SECOND, wish(limit_ma=32_000))
    run.until(11 * SECOND, wish(limit_ma=10_000))
    run.until(29 * SECOND, wish(limit_ma=20_000))
    assert [(at_us, bp) for at_us, _, bp in run.changes] == [
        (0, duty(32_000)),
        (10 * SECOND, duty(10_000)),
        (15 * SECOND, duty(20_000)),
    ]


@pytest.mark.req("PIL-05")
def test_a_limit_that_keeps_rising_is_followed_every_five_seconds() -> None:
    run = fresh()
    for second in range(21):
        run.until(second * SECOND, wish(limit_ma=10_000 + second * 1_000))
    assert [(at_us, bp) for at_us, _, bp in run.changes] == [
        (second * SECOND, duty(10_000 + second * 1_000)) for second in (0, 5, 10, 15, 20)
    ]


@pytest.mark.req("PIL-05")
def test_a_pause_lasts_three_seconds_at_least() -> None:
    run = fresh()
    run.until(10 * SECOND, wish())
    run.until(10 * SECOND, IDLE)
    run.until(30 * SECOND, wish())
    assert run.modes == [(0, PilotMode.PWM), (10 * SECOND, PilotMode.X1), (13 * SECOND, PilotMode.PWM)]


@pytest.mark.req("PIL-05")
def test_a_vehicle_that_ignores_the_stop_has_six_seconds_and_not_less() -> None:
    drawing = wish(level=PilotLevel.C, energised=True, drawing=True)
    run = fresh()
    run.until(0, wish())
    run.until(10 * SECOND, drawing)
    stop = drawing._replace(offer=False)
    run.until(10 * SECOND, stop)
    assert phase_of(run) is OfferPhase.STOPPING
    assert run.offer.mode is PilotMode.X1
    assert run.offer.force_open_us == 16 * SECOND
    run.until(16 * SECOND - 1, stop)
    assert phase_of(run) is OfferPhase.STOPPING
    run.until(16 * SECOND, stop)
    assert phase_of(run) is OfferPhase.IDLE


@pytest.mark.parametrize("reaction", [{"drawing": False}, {"energised": False}])
def test_a_stop_ends_as_soon_as_the_vehicle_reacts(reaction: dict[str, Any]) -> None:
    drawing = wish(level=PilotLevel.C, energised=True, drawing=True)
    run = fresh()
    run.until(0, wish())
    run.until(10 * SECOND, drawing)
    run.until(11 * SECOND, drawing._replace(offer=False))
    run.until(12 * SECOND, drawing._replace(offer=False, **reaction))
    assert phase_of(run) is OfferPhase.IDLE


def test_a_stop_that_is_taken_back_is_finished_first() -> None:
    drawing = wish(level=PilotLevel.C, energised=True, drawing=True)
    run = fresh()
    run.until(0, wish())
    run.until(10 * SECOND, drawing)
    run.until(11 * SECOND, drawing._replace(offer=False))
    run.until(12 * SECOND, drawing)
    assert phase_of(run) is OfferPhase.STOPPING
    run.until(30 * SECOND, wish(level=PilotLevel.B))
    assert run.modes[-2:] == [(10 * SECOND, PilotMode.X1), (13 * SECOND, PilotMode.PWM)]


@pytest.mark.req("PIL-05")
def test_a_stop_that_is_taken_back_offers_nothing_behind_the_contact_that_opens_by_force() -> None:
    drawing = wish(level=PilotLevel.C, energised=True, drawing=True)
    run = fresh()
    run.until(0, wish())
    run.until(10 * SECOND, drawing)
    run.until(11 * SECOND, drawing._replace(offer=False))
    run.until(16 * SECOND + 20 * MS, drawing)
    assert phase_of(run) is OfferPhase.IDLE
    assert run.modes[-1] == (10 * SECOND, PilotMode.X1), "the contact still falls"
    run.until(16 * SECOND + 20 * MS, wish(level=PilotLevel.C))
    assert run.modes[-1] == (16 * SECOND + 20 * MS, PilotMode.PWM)


def test_too_little_current_stops_the_offer() -> None:
    run = fresh()
    run.until(10 * SECOND, wish())
    run.until(20 * SECOND, wish(limit_ma=5_999))
    assert run.modes == [(0, PilotMode.PWM), (10 * SECOND, PilotMode.X1)]


@pytest.mark.parametrize("shown_us", [1, 299 * MS, 2 * SECOND])
def test_f_after_a_fault_lasts_at_least_300_ms(shown_us: int) -> None:
    run = fresh()
    run.until(10 * SECOND, wish())
    run.until(10 * SECOND, wish(offer=False, fault_f=True))
    run.until(10 * SECOND + shown_us, wish(offer=False, fault_f=True))
    run.until(60 * SECOND, IDLE)
    shortest_us = PilotTimings().fault_f_minimum_us
    assert shortest_us >= 300 * MS
    assert run.modes == [
        (0, PilotMode.PWM),
        (10 * SECOND, PilotMode.F),
        (10 * SECOND + max(shown_us, shortest_us), PilotMode.X1),
    ]


def test_f_is_held_while_the_outlet_is_out_of_order() -> None:
    run = fresh()
    run.until(3_600 * SECOND, wish(offer=False, hold_f=True))
    assert run.modes == [(0, PilotMode.F)]


def test_after_f_a_new_offer_waits_in_x1() -> None:
    run = fresh()
    run.until(1 * SECOND, wish(hold_f=True))
    run.until(30 * SECOND, wish())
    assert run.modes == [(0, PilotMode.F), (1 * SECOND, PilotMode.X1), (4 * SECOND, PilotMode.PWM)]


# --- wake-up ---------------------------------------------------------------------------------------------------------


def test_a_sleeping_vehicle_is_woken_once_with_f_for_four_seconds_and_x1_for_750_ms() -> None:
    run = fresh()
    run.until(3_600 * SECOND, wish())
    assert run.modes == [
        (0, PilotMode.PWM),
        (30 * SECOND, PilotMode.F),
        (34 * SECOND, PilotMode.X1),
        (34 * SECOND + 750 * MS, PilotMode.PWM),
    ]


def test_a_pause_by_the_station_allows_one_more_wake_up() -> None:
    run = fresh()
    run.until(100 * SECOND, wish())
    run.until(110 * SECOND, IDLE)
    run.until(1_000 * SECOND, wish())
    assert [at_us for at_us, mode in run.modes if mode is PilotMode.F] == [30 * SECOND, 140 * SECOND]


def test_a_new_vehicle_may_be_woken_again() -> None:
    run = fresh()
    run.until(100 * SECOND, wish())
    run.offer.reset_wake_up()
    run.until(200 * SECOND, wish())
    assert sum(1 for _, mode in run.modes if mode is PilotMode.F) == 2


def test_a_vehicle_that_has_charged_is_not_woken_when_it_pauses() -> None:
    run = fresh()
    run.until(0, wish())
    run.until(10 * SECOND, wish(level=PilotLevel.C, energised=True, drawing=True))
    run.until(3_600 * SECOND, wish())
    assert run.modes == [(0, PilotMode.PWM)]


@pytest.mark.parametrize("level", [PilotLevel.A, PilotLevel.C, PilotLevel.E])
def test_only_b_is_woken(level: PilotLevel) -> None:
    run = fresh()
    run.until(3_600 * SECOND, wish(level=level))
    assert run.modes == [(0, PilotMode.PWM)]


def test_wake_up_can_be_switched_off() -> None:
    run = fresh()
    run.until(3_600 * SECOND, wish(wake_up=False))
    assert run.modes == [(0, PilotMode.PWM)]


def test_a_wake_up_that_is_broken_off_still_ends_in_three_seconds_of_x1() -> None:
    run = fresh()
    run.until(31 * SECOND, wish())
    run.until(31 * SECOND + 100 * MS, IDLE)
    run.until(60 * SECOND, wish())
    assert run.modes[1:4] == [(30 * SECOND, PilotMode.F), (31 * SECOND, PilotMode.X1), (34 * SECOND, PilotMode.PWM)]


def test_every_row_of_the_phase_table_starts_and_ends_in_a_phase() -> None:
    phases = {phase.value for phase in OfferPhase}
    assert {row.target for row in OFFER_TABLE.rows} <= phases
    assert {source for row in OFFER_TABLE.rows for source in row.sources} <= phases


def test_at_rest_nobody_needs_to_look_again() -> None:
    offer = PilotOffer(PilotTimings())
    assert offer.step(0, IDLE) == NEVER
    assert offer.step(1, wish(level=PilotLevel.C, energised=True)) == NEVER
