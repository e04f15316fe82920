"""The vehicle's end is unplugged while the cable stays in the outlet: what follows is a choice of the central system."""

from __future__ import annotations

import pytest

from evse.core.commands import (
    Maintain,
    PlugWithin,
    ReleaseCable,
    RestoreState,
    StartSession,
    StopSession,
    WhenVehicleLeaves,
)
from evse.core.events import CommandDone, OutletError, SessionClosed, TransactionStarted
from evse.core.outlet_status import OutletStatus
from evse.core.units import SECOND
from evse.core.values import LockFeedback
from tests.fakes.core_bench import ADMIN_UID, OTHER_UID, UID, CoreBench, station_config

pytestmark = pytest.mark.req("OCP-01")


def left(b: CoreBench, *, ends: bool, releases: bool) -> CoreBench:
    """A charge whose vehicle has been unplugged 10 s ago."""
    b.charging()
    b.post(WhenVehicleLeaves("", 1, ends_session=ends, releases_cable=releases))
    b.verb("unplug", end="vehicle", pull_under_load=True).run(0.1)
    assert not b.truth().contact_closed, "the contact opens all the same"
    return b.run(10)


def locked(b: CoreBench) -> bool:
    return b.inputs()[0].lock is LockFeedback.LOCKED


def closed(b: CoreBench) -> list[str]:
    return [event.reason for event in b.events(SessionClosed)]


@pytest.mark.parametrize("releases", [True, False])
def test_a_session_that_goes_on_without_its_vehicle_charges_the_next_one_and_keeps_the_cable(releases: bool) -> None:
    b = left(CoreBench(), ends=False, releases=releases)
    assert closed(b) == []
    assert locked(b) and not b.truth().contact_closed
    b.run(600)
    assert closed(b) == []
    b.verb("plug_in", end="vehicle").run(20)
    assert b.truth().contact_closed
    assert len(b.events(TransactionStarted)) == 1
    b.card()
    b.run(15)
    assert closed(b) == ["Local"]
    assert not locked(b)


def test_a_session_that_goes_on_is_ended_by_its_card_and_gives_the_cable_back() -> None:
    b = left(CoreBench(), ends=False, releases=True)
    b.card()
    b.run(5)
    assert closed(b) == ["Local"]
    assert not locked(b)
    b.verb("unplug", end="station").run(3)
    assert b.outlet().procedure.status is OutletStatus.INIT_DONE


def test_without_a_cable_in_the_outlet_there_is_nothing_to_go_on_with() -> None:
    b = CoreBench(station_config(has_lock=False)).charging()
    b.post(WhenVehicleLeaves("", 1, ends_session=False))
    b.verb("unplug", end="both", pull_under_load=True).run(10)
    assert closed(b) == ["EVDisconnected"]


def test_a_cable_that_is_kept_is_given_back_to_the_card_of_its_user() -> None:
    b = left(CoreBench(), ends=True, releases=False)
    assert closed(b) == ["EVDisconnected"]
    b.run(400)
    assert locked(b)
    b.card(OTHER_UID)
    b.run(3)
    assert locked(b) and [event.error for event in b.events(OutletError)][-1] == "KO_BadgeIsNotTheCurrentUser"
    b.card(UID)
    b.run(3)
    assert not locked(b)
    assert len(b.events(TransactionStarted)) == 1
    b.verb("unplug", end="station").run(3)
    assert b.outlet().procedure.status is OutletStatus.INIT_DONE


def test_while_a_cable_is_kept_nobody_begins_and_a_vehicle_that_comes_back_gets_nothing() -> None:
    b = left(CoreBench(), ends=True, releases=False)
    b.verb("plug_in", end="vehicle").run(20)
    assert not b.truth().contact_closed
    b.post(StartSession("remote", 1, uid=UID))
    b.run(1)
    assert [done.outcome for done in b.events(CommandDone) if done.command_id == "remote"] == ["refused"]


@pytest.mark.parametrize("way", ["order", "maintenance", "administrator"])
def test_a_cable_that_is_kept_can_be_released_without_its_user(way: str) -> None:
    b = left(CoreBench(), ends=True, releases=False)
    if way == "administrator":
        b.answers = {ADMIN_UID: b.answers[ADMIN_UID]}
        b.card(ADMIN_UID)
    else:
        b.post(ReleaseCable("", 1) if way == "order" else Maintain("", 1))
    b.run(3)
    assert not locked(b)


def test_after_a_restart_a_cable_that_was_kept_is_given_back_and_the_outlet_is_free() -> None:
    b = left(CoreBench(), ends=True, releases=False)
    assert locked(b)
    b.boot("boot2")
    b.post(RestoreState("", 1))
    b.run(15)
    assert not locked(b)
    b.verb("unplug", end="station").run(3)
    assert b.outlet().procedure.status is OutletStatus.INIT_DONE


@pytest.mark.parametrize(("within_s", "ends_s"), [(20, 20), (300, 300), (0, 60)])
@pytest.mark.parametrize("what", ["cable", "vehicle"])
def test_who_is_authorised_has_so_long_to_plug_in(what: str, within_s: int, ends_s: int) -> None:
    b = CoreBench().run(12)
    b.post(PlugWithin("", 1, timeout_s=within_s))
    b.card()
    b.run(2)
    if what == "vehicle":
        b.verb("plug_in", end="station")
    begin_us = b.now_us
    b.run(400)
    (end_us,) = b.times(SessionClosed)
    assert abs(end_us - begin_us - ends_s * SECOND) < 3 * SECOND
    assert closed(b) == ["VehicleTimeout" if what == "vehicle" else "PlugTimeout"]


def test_other_ends_of_a_charge_never_keep_the_cable() -> None:
    b = CoreBench().charging()
    b.post(WhenVehicleLeaves("", 1, releases_cable=False))
    b.post(StopSession("", 1))
    b.run(10)
    assert closed(b) == ["Remote"]
    assert not locked(b)


def test_a_cable_is_not_released_from_a_running_session() -> None:
    b = CoreBench().charging()
    b.post(ReleaseCable("early", 1))
    b.run(1)
    assert [done.outcome for done in b.events(CommandDone) if done.command_id == "early"] == ["refused"]
    assert locked(b)
