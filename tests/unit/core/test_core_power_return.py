"""After a power failure: who goes on without asking, after which delay, and who need not wait."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evse.core.commands import Book, RestoreState
from evse.core.config import Access, SocketType
from evse.core.configure import config_digest, refusal
from evse.core.events import SessionClosed, SessionOpened
from evse.core.outlet_status import OutletStatus
from evse.core.power_return import DRAWS, LONGEST_DELAY_US, Interrupted, part_of_delay
from evse.core.units import MS, SECOND
from tests.fakes.core_bench import OTHER_UID, UID, CoreBench, station_config

GOES_ON = Interrupted(UID, "badge", continues=True)


def returned(interrupted: Interrupted | None, *, plugged: bool = True, **changes: Any) -> CoreBench:
    """A station whose supply was cut in a charge and is back; the vehicle is still plugged."""
    bench = CoreBench(station_config(**changes)).charging()
    bench.verb("cut_power").run(5)
    if not plugged:
        bench.verb("unplug")
    bench.verb("restore_power").run(1)
    bench.told.clear()
    bench.boot("boot2")
    bench.post(RestoreState("", 1, interrupted=interrupted))
    return bench


def opened(bench: CoreBench) -> list[tuple[str, str]]:
    return [(event.uid, event.authorised_by) for event in bench.events(SessionOpened)]


@pytest.mark.req("ENE-11")
def test_an_interrupted_charge_goes_on_for_the_same_user_without_asking() -> None:
    bench = returned(GOES_ON).run(30)
    assert opened(bench) == [(UID, "badge")]
    assert bench.truth().contact_closed


@pytest.mark.req("ENE-11")
@pytest.mark.parametrize("interrupted", [None, Interrupted(UID, "badge"), Interrupted(UID, "badge", delay_us=SECOND)])
def test_with_the_setting_off_somebody_has_to_ask(interrupted: Interrupted | None) -> None:
    bench = returned(interrupted).run(90)
    assert opened(bench) == []
    assert bench.outlet().status is OutletStatus.INIT_DONE
    bench.card()
    bench.run(30)
    assert bench.truth().contact_closed


@pytest.mark.req("ENE-11")
def test_a_vehicle_that_has_left_is_not_waited_for_and_the_next_one_asks() -> None:
    bench = returned(GOES_ON, plugged=False).run(61)
    bench.verb("plug_in").run(60)
    assert opened(bench) == []


@pytest.mark.req("ENE-11")
def test_an_outlet_that_is_promised_to_somebody_else_does_not_go_on() -> None:
    bench = returned(GOES_ON)
    bench.post(Book("", 1, uid=OTHER_UID))
    bench.run(60)
    assert opened(bench) == []
    assert bench.outlet().procedure.availability.booking is not None


@pytest.mark.req("ENE-11")
@pytest.mark.parametrize("access", [Access.BADGE, Access.FREE])
def test_the_delay_holds_the_offer_back_and_no_longer(access: Access) -> None:
    bench = returned(replace(GOES_ON, delay_us=300 * SECOND), access=access)
    begin_us = bench.now_us
    bench.run(299)
    assert "RestartDelay" in bench.outlet().no_offer
    assert not bench.truth().pwm_on
    assert len(opened(bench)) == 1, "the session waits: it would outlive another power failure"
    bench.run(2)
    assert bench.truth().pwm_on
    assert bench.now_us - begin_us == 301 * SECOND


def test_who_comes_and_asks_need_not_wait() -> None:
    bench = returned(Interrupted(UID, "badge", delay_us=LONGEST_DELAY_US)).run(20)
    assert "RestartDelay" in bench.outlet().no_offer
    bench.card(UID)
    bench.run(30)
    assert bench.truth().contact_closed


def test_the_next_vehicle_need_not_wait_either() -> None:
    cable: dict[str, Any] = {"socket": SocketType.ATTACHED_T2, "has_lock": False}
    bench = returned(Interrupted(delay_us=LONGEST_DELAY_US), access=Access.FREE, **cable).run(30)
    assert "RestartDelay" in bench.outlet().no_offer
    bench.verb("unplug").run(10)
    bench.verb("plug_in").run(30)
    assert bench.truth().contact_closed


def test_the_user_ends_a_charge_that_went_on_as_any_other() -> None:
    bench = returned(GOES_ON).run(30)
    bench.card(UID)
    bench.run(10)
    assert [event.reason for event in bench.events(SessionClosed)] == ["Local"]
    bench.run(90)
    assert len(opened(bench)) == 1, "it goes on once"


@pytest.mark.parametrize(
    ("longest_us", "draw", "part_us"),
    [
        (0, 12345, 0),
        (LONGEST_DELAY_US, 0, 0),
        (LONGEST_DELAY_US, DRAWS - 1, LONGEST_DELAY_US),
        (LONGEST_DELAY_US, DRAWS // 2, LONGEST_DELAY_US // 2),
        (LONGEST_DELAY_US, DRAWS + 7, 0),
    ],
)
def test_the_draw_covers_the_whole_delay(longest_us: int, draw: int, part_us: int) -> None:
    assert part_of_delay(longest_us, draw) == part_us


@pytest.mark.parametrize(("delay_us", "good"), [(0, True), (LONGEST_DELAY_US, True), (LONGEST_DELAY_US + MS, False)])
def test_a_delay_out_of_range_is_refused_whole(delay_us: int, good: bool) -> None:
    active = station_config()
    wanted = replace(active, version=active.version + 1, restart_delay_us=delay_us)
    why = refusal(active, replace(wanted, digest=config_digest(wanted)))
    assert (why == "") is good
    assert good or "restart_delay_us is 1800001000: 0 to 1800000000 is allowed" in why
