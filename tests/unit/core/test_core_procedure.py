"""The outlet procedure in a perfect world: who may start, what ends a session, what is told, and that it always ends."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from evse.core.commands import (
    Authorise,
    AvailabilitySource,
    Book,
    Maintain,
    Postpone,
    SetUnavailable,
    StartSession,
    StopSession,
    Suspend,
    Verdict,
)
from evse.core.config import Access
from evse.core.events import (
    AuthorisationRequested,
    CommandDone,
    EnergyCheckpoint,
    Event,
    OutletError,
    OutletStatusChanged,
    PilotDriven,
    SessionClosed,
    SessionOpened,
    TransactionStarted,
)
from evse.core.outlet_status import OutletStatus
from evse.core.units import MS, NEVER, SECOND
from evse.core.values import Beep, LockFeedback, PilotMode
from hal.ports import LockPulse
from tests.fakes.core_bench import ADMIN_UID, OTHER_UID, UID, CoreBench, station_config

S = OutletStatus


def bench(**changes: Any) -> CoreBench:
    return CoreBench(station_config(**changes)).run(12)


def statuses(b: CoreBench) -> list[str]:
    return [event.status for event in b.events(OutletStatusChanged)]


def errors(b: CoreBench) -> list[tuple[str, str]]:
    return [(event.error, event.error_class) for event in b.events(OutletError)]


def closed(b: CoreBench) -> list[str]:
    return [event.reason for event in b.events(SessionClosed)]


def status(b: CoreBench) -> OutletStatus:
    return b.outlet().status


def finish(b: CoreBench) -> None:
    """Unplug, and see that the outlet is free again."""
    b.verb("unplug").run(5)
    assert status(b) is S.INIT_DONE


WHOLE_WAY = [
    "OK_InitDone",
    "OK_ChargeAuthorisationStarted",
    "OK_ChargeAuthorisationDone",
    "OK_ChargeContractStarted",
    "OK_ChargeContractDone",
    "OK_PlugProcedureStarted",
    "OK_PlugProcedureDone",
    "OK_ChargeLoopStarted",
    "OK_ChargeLoopEnded",
    "OK_UnplugProcedureStarted",
    "OK_UnplugProcedureDone",
    "OK_InitDone",
]


# --- orders of plug and badge ----------------------------------------------------------------------------------------


@pytest.mark.req("OUT-01", "OUT-03")
@pytest.mark.parametrize("order", ["plug first", "badge first", "free"])
def test_the_whole_way_in_every_order(order: str) -> None:
    b = bench(access=Access.FREE if order == "free" else Access.BADGE)
    if order == "badge first":
        b.card()
        b.run(3)
        assert status(b) is S.PLUG_STARTED
    b.verb("plug_in").run(3)
    if order == "plug first":
        assert status(b) is S.INIT_DONE
        b.card()
    b.run(60)
    assert b.truth().contact_closed
    assert b.output().pilot_mode is PilotMode.PWM
    b.post(StopSession("", 1, reason="Remote"))
    b.run(10)
    assert not b.truth().contact_closed
    finish(b)
    assert statuses(b) == WHOLE_WAY
    assert closed(b) == ["Remote"]
    assert errors(b) == []


@pytest.mark.req("OUT-03")
def test_session_and_transaction_come_before_pwm_and_the_record_too() -> None:
    b = CoreBench(record_after_us=2 * SECOND).run(12)
    b.verb("plug_in").run(3)
    b.card()
    b.run(30)
    opened, begun = b.times(SessionOpened)[0], b.times(TransactionStarted)[0]
    pwm = b.times(PilotDriven, mode="PWM")[0]
    assert opened < begun < pwm
    assert pwm >= opened + 2 * SECOND


def test_without_a_durable_record_there_is_no_pwm_and_it_is_said() -> None:
    b = CoreBench(record_after_us=NEVER).run(12)
    b.verb("plug_in").run(3)
    b.card()
    b.run(120)
    assert b.times(PilotDriven, mode="PWM") == []
    assert b.faults() == ("RecordNotDurable",)
    assert "RecordNotDurable" in b.outlet().no_offer
    b.card()
    b.run(5)
    assert closed(b) == ["Local"]
    finish(b)


# --- cards -----------------------------------------------------------------------------------------------------------


@pytest.mark.req("OUT-02")
@pytest.mark.parametrize("plugged", [False, True])
def test_a_refused_badge_leaves_the_outlet_free(plugged: bool) -> None:
    b = bench()
    if plugged:
        b.verb("plug_in").run(3)
    b.card(OTHER_UID)
    b.run(1)
    assert errors(b) == [("KO_BadgeUnknown", "ChargeAuthorisation error")]
    assert status(b) is S.INIT_DONE
    assert b.output().beep is Beep.REFUSED
    b.card(UID)
    b.run(1)
    assert b.events(SessionOpened)


@pytest.mark.req("OUT-02")
def test_an_answer_that_never_comes_is_a_refusal_after_the_time_out() -> None:
    b = CoreBench(answer_after_us=NEVER).run(12)
    b.card()
    b.run(60)
    assert b.times(OutletError, error="KO_BadgeUnknown") == [22 * SECOND]
    assert status(b) is S.INIT_DONE


def request(b: CoreBench) -> Any:
    return b.events(AuthorisationRequested)[-1]


def answer(asked: Any, verdict: Verdict = Verdict.ACCEPTED, **changes: Any) -> Authorise:
    fields = {"epoch": asked.session_epoch, "card_read_id": asked.card_read_id, "verdict": verdict, **changes}
    return Authorise(fields.pop("command_id", ""), 1, **fields)


def test_a_late_answer_touches_nobody_else() -> None:
    b = CoreBench(answer_after_us=NEVER).run(12)
    b.card(UID)
    b.run(11)
    first = request(b)
    b.card(OTHER_UID)
    b.run(1)
    b.post(answer(first))
    b.run(1)
    assert b.events(SessionOpened) == []
    assert b.events(CommandDone)[-1].outcome == "refused"
    b.post(answer(request(b)))
    b.run(1)
    assert [event.uid for event in b.events(SessionOpened)] == [OTHER_UID]
    b.post(answer(request(b), Verdict.REFUSED))
    b.run(1)
    assert b.outlet().procedure.session is not None, "a second answer to a final one changes nothing"


def test_a_second_card_while_the_first_waits_is_refused_and_does_not_disturb() -> None:
    b = CoreBench(answer_after_us=500 * MS).run(12)
    b.card(UID)
    b.run(0.1)
    b.card(OTHER_UID)
    b.run(2)
    assert [event.uid for event in b.events(SessionOpened)] == [UID]


@pytest.mark.parametrize(
    ("final", "reason"),
    [(Verdict.ACCEPTED, None), (Verdict.REFUSED, "DeAuthorized"), (None, "DeAuthorized")],
)
def test_a_provisional_permission_is_confirmed_withdrawn_or_expires(final: Verdict | None, reason: str | None) -> None:
    b = CoreBench(answer_after_us=NEVER).run(12)
    b.verb("plug_in").run(3)
    b.card()
    b.run(1)
    asked = request(b)
    b.post(answer(asked, Verdict.PROVISIONAL, permission_expires_us=b.now_us + 30 * SECOND))
    b.run(20)
    assert b.truth().contact_closed
    if final is not None:
        b.post(answer(asked, final))
    b.run(60)
    assert b.truth().contact_closed is (reason is None)
    assert closed(b) == ([] if reason is None else [reason])
    told = [] if reason is None else [("KO_BadgeUnknown", "ChargeAuthorisation error")]
    assert errors(b) == told, "told once, however long the vehicle takes to stop"


@pytest.mark.req("PIL-05")
def test_an_expired_permission_is_told_once_also_when_the_vehicle_ignores_the_stop() -> None:
    b = CoreBench(answer_after_us=NEVER, rhythm_us=50 * MS).run(12)
    b.verb("plug_in", ignores_stop=True).run(3)
    b.card()
    b.run(1)
    b.post(answer(request(b), Verdict.PROVISIONAL, permission_expires_us=b.now_us + 30 * SECOND))
    b.run(60)
    assert len(errors(b)) == 1
    assert closed(b) == ["DeAuthorized"]


@pytest.mark.req("OUT-01")
def test_the_same_card_ends_the_session_but_not_while_it_is_still_held() -> None:
    b = CoreBench().charging()
    held = bench()
    held.verb("plug_in").run(3)
    held.card()
    held.run(2)
    held.card()
    held.run(20)
    assert held.truth().contact_closed
    b.card()
    b.run(10)
    assert closed(b) == ["Local"]
    finish(b)


@pytest.mark.req("OUT-02")
def test_another_card_does_not_end_the_session() -> None:
    b = CoreBench().charging()
    b.answers = {OTHER_UID: Verdict.ACCEPTED}
    b.card(OTHER_UID)
    b.run(5)
    assert errors(b) == [("KO_BadgeIsNotTheCurrentUser", "Charge error")]
    assert b.truth().contact_closed


def test_another_card_whose_answer_never_comes_is_refused_in_time() -> None:
    b = CoreBench().charging()
    b.answer_after_us = NEVER
    asked_us = b.now_us
    b.card(OTHER_UID)
    b.run(60)
    assert b.times(OutletError, error="KO_BadgeIsNotTheCurrentUser") == [asked_us + 10 * SECOND]
    assert b.truth().contact_closed


def test_an_admin_card_ends_any_session_and_never_starts_one() -> None:
    b = CoreBench().charging()
    b.card(ADMIN_UID)
    b.run(10)
    assert closed(b) == ["Local"]
    finish(b)
    b.card(ADMIN_UID)
    b.run(2)
    assert len(b.events(SessionOpened)) == 1
    assert status(b) is S.INIT_DONE


@pytest.mark.parametrize("uid", [UID, ADMIN_UID, ""])
def test_the_end_of_a_session_names_the_card_that_ended_it(uid: str) -> None:
    b = CoreBench().charging()
    if uid:
        b.card(uid)
    else:
        b.card(OTHER_UID)  # refused
        b.run(2).post(StopSession("", 1, reason="Remote"))
    b.run(10)
    assert [event.stopped_by for event in b.events(SessionClosed)] == [uid]
    b.card(UID)
    b.run(40).post(StopSession("", 1, reason="Remote"))
    b.run(10)
    assert [event.stopped_by for event in b.events(SessionClosed)] == [uid, ""], "nothing is left of the one before"


def test_a_card_that_comes_after_another_reason_has_not_ended_the_session() -> None:
    b = CoreBench().charging()
    b.card(ADMIN_UID)
    b.post(StopSession("", 1, reason="Remote"))
    b.run(10)
    assert [(event.reason, event.stopped_by) for event in b.events(SessionClosed)] == [("Remote", "")]


@pytest.mark.parametrize("access", [Access.FREE, Access.REMOTE])
def test_cards_do_nothing_where_they_are_not_asked_for(access: Access) -> None:
    b = bench(access=access)
    b.card()
    b.run(2)
    assert b.events(AuthorisationRequested) == []
    assert b.output().beep is Beep.REFUSED


# --- time-outs and ends ----------------------------------------------------------------------------------------------


@pytest.mark.req("OUT-02")
def test_no_cable_in_time() -> None:
    b = bench()
    b.card()
    b.run(90)
    assert errors(b) == [("KO_PlugNotDetected", "Plug error")]
    opened = b.times(SessionOpened)[0]
    assert b.times(OutletError) == [opened + 60 * SECOND]
    assert closed(b) == ["PlugTimeout"]
    assert status(b) is S.INIT_DONE


@pytest.mark.req("OUT-02")
def test_no_vehicle_in_time_counts_from_the_cable() -> None:
    b = bench()
    b.card()
    b.run(30)
    b.verb("plug_in", end="station").run(100)
    assert errors(b) == [("KO_EvNotDetected", "Plug error")]
    assert b.times(OutletError)[0] == 42 * SECOND + 50 * MS + 60 * SECOND
    assert closed(b) == ["VehicleTimeout"]
    assert b.truth().bolt.name == "UNLOCKED"
    b.verb("unplug", end="station").run(2)
    assert status(b) is S.INIT_DONE


@pytest.mark.req("OUT-02", "OUT-04")
def test_a_bolt_that_does_not_lock() -> None:
    b = bench()
    b.verb("jam_lock").verb("plug_in").run(3)
    b.card()
    b.run(30)
    assert errors(b) == [("KO_PlugOrShutterAbnormallyNotLocked", "Plug error")]
    assert closed(b) == ["Fault LockFailedToLock"]
    assert b.times(PilotDriven, mode="PWM") == []
    b.verb("jam_lock", heal=True)
    finish(b)
    assert b.faults() == ()


@pytest.mark.req("OUT-02", "OUT-04")
def test_a_bolt_that_is_out_before_the_cable_comes_is_tried_again_and_then_told() -> None:
    b = bench()
    b.link_ok[0] = False
    b.run(1)
    b.world.outlet(1).drive_lock(LockPulse.LOCK, 600 * MS, b.now_us)
    b.run(1)
    b.verb("jam_lock", where="locked")
    b.link_ok[0] = True
    b.run(40)
    assert b.faults() == ("LockFailedToUnlock",)
    assert status(b) is S.INIT_DONE
    pulses = b.output().lock_pulse
    b.card()
    b.run(10)
    assert b.output().lock_pulse == pulses + 3
    assert errors(b)[0] == ("KO_PlugOrShutterAbnormallyLocked", "Plug error")
    assert closed(b) == ["LockStuck"]
    b.verb("jam_lock", heal=True)
    b.card()
    b.run(5)
    assert b.faults() == ()
    assert status(b) is S.INIT_DONE


@pytest.mark.req("OUT-02")
def test_a_fault_in_the_plug_procedure() -> None:
    b = bench()
    b.verb("fail_self_test").verb("plug_in").run(3)
    b.card()
    b.run(30)
    assert errors(b) == [("KO_PlugProcedureError", "Plug error")]
    assert closed(b) == ["Fault ResidualSelfTestFailed"]
    b.verb("fail_self_test", heal=True)
    finish(b)
    assert b.faults() == ()


@pytest.mark.req("OUT-02")
def test_cable_and_vehicle_left_behind_are_told_once_each() -> None:
    b = CoreBench().charging()
    b.card()
    b.run(3_600)
    assert errors(b) == [("KO_PlugStillDetected", "Unplug error"), ("KO_EVStillDetected", "Unplug error")]
    assert status(b) is S.UNPLUG_STARTED
    finish(b)


@pytest.mark.req("OUT-02", "OUT-04")
@pytest.mark.parametrize("way_out", ["card", "vehicle", "time", "refused card in free access"])
def test_a_bolt_that_sticks_at_the_end_gets_new_tries(way_out: str) -> None:
    free = way_out not in ("card",)
    b = bench(access=Access.FREE if free else Access.BADGE)
    b.verb("plug_in").run(3)
    if not free:
        b.card()
    b.run(30)
    b.verb("jam_lock", where="locked")
    b.post(StopSession("", 1))
    b.run(30)
    assert errors(b) == [("KO_UnplugProcedureError", "Unplug error")]
    assert b.faults() == ("LockFailedToUnlock",)
    pulses = b.output().lock_pulse
    b.run(60)
    assert b.output().lock_pulse == pulses, "a bounded number of tries"
    b.verb("jam_lock", heal=True)
    if way_out == "vehicle":
        b.verb("unplug", end="vehicle")
    elif way_out == "time":
        b.run(300)
    else:
        b.card()
    b.run(5)
    assert b.faults() == ()
    assert b.inputs()[0].lock is LockFeedback.UNLOCKED
    b.verb("unplug", end="both" if way_out != "vehicle" else "station").run(5)
    assert status(b) is S.INIT_DONE


@pytest.mark.req("OUT-03")
def test_the_vehicle_leaves_with_the_cable_still_locked_in() -> None:
    b = CoreBench().charging()
    left_us = b.now_us
    b.verb("unplug", end="vehicle", pull_under_load=True).run(10)
    assert closed(b) == ["EVDisconnected"]
    assert left_us + 2 * SECOND <= b.times(SessionClosed)[0] <= left_us + 2 * SECOND + 200 * MS
    b.verb("unplug", end="station").run(2)
    assert status(b) is S.INIT_DONE


@pytest.mark.req("OUT-02", "OUT-04")
def test_a_bolt_forced_open_in_charge_opens_the_contact() -> None:
    b = CoreBench().charging()
    b.verb("force_lock_open")
    forced_us = b.now_us
    b.run(0.1)
    assert not b.truth().contact_closed
    assert b.truth().at_us <= forced_us + 100 * MS
    assert errors(b) == [("KO_UnlockPlugInCharge", "Charge error")]
    b.run(5)
    assert closed(b) == ["Fault LockOpenedInCharge"]
    finish(b)
    assert b.faults() == ()


# --- starting again ----------------------------------------------------------------------------------------------------


@pytest.mark.req("OUT-03")
@pytest.mark.parametrize("uid", [UID, OTHER_UID])
def test_another_session_without_unplugging(uid: str) -> None:
    b = CoreBench().charging()
    b.answers = {}
    b.card()
    b.run(10)
    assert status(b) is S.UNPLUG_STARTED
    b.card(uid)
    b.run(40)
    assert b.truth().contact_closed
    assert [event.uid for event in b.events(SessionOpened)] == [UID, uid]


def test_a_badge_refused_in_the_unplug_procedure_goes_back_to_it() -> None:
    b = CoreBench().charging()
    b.card()
    b.run(10)
    b.card(OTHER_UID)
    b.run(3)
    assert status(b) is S.UNPLUG_STARTED
    finish(b)


@pytest.mark.req("OUT-04")
@pytest.mark.parametrize("after_ms", [1, 10, 60, 150, 240, 300, 590, 700])
def test_a_new_start_while_the_bolt_still_moves_is_no_fault(after_ms: int) -> None:
    b = CoreBench().charging()
    b.post(StopSession("", 1))
    while status(b) is not S.UNPLUG_STARTED:
        b.run(0.01)
    b.run(after_ms / 1_000)
    b.post(StartSession("", 1, uid=UID))
    b.run(30)
    assert errors(b) == []
    assert b.faults() == ()
    assert b.truth().contact_closed


@pytest.mark.req("OUT-03")
def test_free_access_serves_each_plug_once() -> None:
    b = bench(access=Access.FREE)
    b.verb("plug_in").run(30)
    b.post(StopSession("", 1))
    b.run(120)
    assert len(b.events(SessionOpened)) == 1
    finish(b)
    b.verb("plug_in").run(30)
    assert len(b.events(SessionOpened)) == 2
    assert b.truth().contact_closed


@pytest.mark.req("OUT-03", "STA-05")
def test_free_access_with_a_cable_that_stays_serves_every_vehicle() -> None:
    b = bench(access=Access.FREE, leave_cable_connected=True)
    b.verb("plug_in", end="station").run(600)
    assert b.events(SessionOpened) == [], "a cable alone is nobody"
    for number in (1, 2, 3):
        b.verb("plug_in", end="vehicle").run(30)
        assert len(b.events(SessionOpened)) == number
        assert b.truth().contact_closed
        b.verb("vehicle_stop").run(10)
        b.verb("unplug", end="vehicle").run(20)
        assert status(b) is S.INIT_DONE
    assert errors(b) == []


@pytest.mark.req("STA-05")
def test_a_cable_that_may_stay_is_not_asked_for_and_not_locked() -> None:
    b = CoreBench(station_config(leave_cable_connected=True)).charging()
    b.card()
    b.run(10)
    b.verb("unplug", end="vehicle").run(1_000)
    assert status(b) is S.INIT_DONE
    assert errors(b) == []
    assert b.truth().bolt.name == "UNLOCKED"


# --- commands to the procedure ------------------------------------------------------------------------------------------


@pytest.mark.req("OUT-02", "OUT-06")
def test_a_booked_outlet_is_for_the_booker() -> None:
    b = bench()
    b.answers = {}
    b.post(Book("", 1, uid=UID, until_us=b.now_us + 600 * SECOND))
    b.run(1)
    b.card(OTHER_UID)
    b.run(1)
    assert errors(b) == [("KO_BadgeIsNotTheBooker", "ChargeAuthorisation error")]
    assert b.events(SessionOpened) == []
    b.card(UID)
    b.run(1)
    assert [event.uid for event in b.events(SessionOpened)] == [UID]
    assert b.outlet().procedure.availability.booking is None


def test_a_booking_ends_by_time_and_by_cancelling() -> None:
    for cancel in (False, True):
        b = bench()
        b.answers = {}
        b.post(Book("", 1, uid=UID, until_us=b.now_us + 60 * SECOND))
        if cancel:
            b.post(Book("", 1))
        else:
            b.run(60)
        b.card(OTHER_UID)
        b.run(1)
        assert [event.uid for event in b.events(SessionOpened)] == [OTHER_UID]


def test_a_remote_start_for_somebody_else_than_the_booker_is_refused_and_says_so() -> None:
    b = bench()
    b.post(Book("", 1, uid=UID))
    b.post(StartSession("remote", 1, uid=OTHER_UID))
    b.run(1)
    assert b.times(CommandDone, command_id="remote", outcome="refused") == [12 * SECOND]
    assert b.events(SessionOpened) == []
    assert status(b) is S.INIT_DONE


@pytest.mark.req("OUT-03")
def test_remote_start_and_stop() -> None:
    b = bench(access=Access.REMOTE)
    b.verb("plug_in").run(3)
    b.post(StartSession("", 1, uid=UID))
    b.run(30)
    assert b.truth().contact_closed
    b.post(StartSession("again", 1, uid=UID))
    b.run(1)
    assert b.times(CommandDone, command_id="again", outcome="refused")
    b.post(StopSession("", 1, reason="Remote"))
    b.run(10)
    assert closed(b) == ["Remote"]
    b.post(StopSession("none", 1))
    b.run(1)
    assert b.times(CommandDone, command_id="none", outcome="refused")


@pytest.mark.req("OUT-01", "OUT-06")
@pytest.mark.parametrize("source", list(AvailabilitySource))
@pytest.mark.parametrize("after_session", [False, True])
def test_unavailable_now_or_after_the_session(source: AvailabilitySource, after_session: bool) -> None:
    b = CoreBench().charging()
    b.post(SetUnavailable("", 1, source=source, after_session=after_session))
    b.run(20)
    assert b.truth().contact_closed is after_session
    if after_session:
        b.card()
        b.run(10)
    assert closed(b) == ["Local" if after_session else "Unavailable"]
    b.card()
    b.run(2)
    assert len(b.events(SessionOpened)) == 1
    b.verb("unplug").run(5)
    assert status(b) is S.UNAVAILABLE
    b.post(SetUnavailable("", 1, source=source, active=False))
    b.run(1)
    assert status(b) is S.INIT_DONE


def test_two_sources_of_unavailability_must_both_return_it() -> None:
    b = bench()
    for source in AvailabilitySource:
        b.post(SetUnavailable("", 1, source=source))
    b.post(SetUnavailable("", 1, source=AvailabilitySource.PLC, active=False))
    b.run(1)
    assert status(b) is S.UNAVAILABLE
    b.post(SetUnavailable("", 1, source=AvailabilitySource.OCPP, active=False))
    b.run(1)
    assert status(b) is S.INIT_DONE


@pytest.mark.req("OUT-01")
def test_maintenance_ends_the_session_and_releases_the_cable() -> None:
    b = CoreBench().charging()
    b.post(Maintain("", 0))
    b.run(20)
    assert not b.truth().contact_closed
    assert b.truth().bolt.name == "UNLOCKED"
    b.verb("unplug").run(5)
    assert status(b) is S.UNAVAILABLE
    b.post(Maintain("", 0, active=False))
    b.run(1)
    assert status(b) is S.INIT_DONE


@pytest.mark.req("OUT-06", "PIL-05")
def test_suspend_pauses_and_resumes_the_same_session() -> None:
    b = CoreBench().charging()
    b.post(Suspend("", 1))
    b.run(60)
    assert not b.truth().contact_closed
    assert b.truth().openings_under_load == 0
    assert b.output().pilot_mode is PilotMode.X1
    b.post(Suspend("", 1, active=False))
    b.run(20)
    assert b.truth().contact_closed
    assert len(b.events(SessionOpened)) == 1
    assert closed(b) == []


@pytest.mark.req("OUT-06")
def test_postpone_holds_back_the_start_only() -> None:
    b = bench()
    b.post(Postpone("", 1))
    b.verb("plug_in").run(3)
    b.card()
    b.run(60)
    assert "Postponed" in b.outlet().no_offer
    assert not b.truth().contact_closed
    b.post(Postpone("", 1, active=False))
    b.run(20)
    assert b.truth().contact_closed
    b.post(Postpone("", 1))
    b.run(20)
    assert b.truth().contact_closed


# --- energy of a session ------------------------------------------------------------------------------------------------


@pytest.mark.req("CDR-01")
def test_checkpoints_come_every_minute_while_energy_flows_and_the_end_tells_all() -> None:
    b = CoreBench().charging()
    b.run(600)
    times = b.times(EnergyCheckpoint)
    assert len(times) >= 10
    assert all(later - earlier <= 60 * SECOND for earlier, later in pairwise(times))
    b.card()
    b.run(30)
    end = b.events(SessionClosed)[0]
    delivered_wh = b.truth().energy_pj / 3.6e15
    assert abs(end.energy_wh - delivered_wh) <= 1
    assert end.energy_wh >= b.events(EnergyCheckpoint)[-1].energy_wh
    assert end.charge_type == "Normal_Mode_3"


def test_after_a_pause_the_last_energy_is_told_within_the_period() -> None:
    b = CoreBench().charging()
    b.run(30)
    b.post(Suspend("", 1))
    b.run(600)
    delivered_wh = b.truth().energy_pj / 3.6e15
    assert abs(b.events(EnergyCheckpoint)[-1].energy_wh - delivered_wh) <= 1
    count = len(b.events(EnergyCheckpoint))
    b.run(3_600)
    assert len(b.events(EnergyCheckpoint)) == count


def test_energy_that_flows_without_a_session_stays_in_the_register() -> None:
    b = CoreBench().charging()
    b.verb("weld_contactor").run(1)
    b.card()
    b.run(60)
    end = b.events(SessionClosed)[0]
    assert end.reason in ("Local", "Fault ContactorWelded")
    assert abs(b.outlet().register.wh - b.truth().energy_pj / 3.6e15) <= 1


def test_sessions_have_their_own_ids_over_boots() -> None:
    b = CoreBench().charging()
    b.card()
    b.run(10)
    finish(b)
    b.boot("boot2")
    b.restore()
    b.charging()
    ids = [event.session_id for event in b.events(SessionOpened)]
    assert len(set(ids)) == len(ids) == 2


def all_events(b: CoreBench) -> list[Event]:
    return [told.event for told in b.told]


@pytest.mark.req("OUT-03")
def test_a_restart_with_the_vehicle_plugged_begins_safe_and_asks_again() -> None:
    b = CoreBench().charging()
    b.boot("boot2")
    before = len(b.told)
    b.run(1)
    assert not b.truth().contact_closed, "not restored: nothing may close"
    assert "StateNotRestored" in b.output().open_reasons
    b.restore()
    b.run(30)
    assert not b.truth().contact_closed
    assert status(b) is S.INIT_DONE
    b.card()
    b.run(30)
    assert b.truth().contact_closed
    assert not [event for event in all_events(b)[before:] if isinstance(event, OutletError)]
