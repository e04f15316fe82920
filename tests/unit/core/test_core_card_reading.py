"""Cards that are read for services: teaching badges, Admin badges, priority, and refusals with their reason."""

from __future__ import annotations

from typing import Any

import pytest

from evse.core.commands import Authorise, ReadCards, Verdict
from evse.core.events import AuthorisationRequested, OutletError, SessionOpened
from evse.core.evse_status import evse_status
from evse.core.outlet_status import OutletStatus
from evse.core.units import NEVER, SECOND
from evse.core.values import Beep
from tests.fakes.core_bench import OTHER_UID, UID, CoreBench


def bench() -> CoreBench:
    return CoreBench(answer_after_us=NEVER).run(12)


def asked(b: CoreBench) -> Any:
    return b.events(AuthorisationRequested)[-1]


def reply(b: CoreBench, verdict: Verdict, **changes: Any) -> None:
    event = asked(b)
    command_id = f"reply-{event.card_read_id}-{verdict}"
    answer = Authorise(
        command_id, 1, epoch=event.session_epoch, card_read_id=event.card_read_id, verdict=verdict, **changes
    )
    b.post(answer)
    b.run(0.2)


def read_for(b: CoreBench, seconds: float) -> None:
    b.post(ReadCards("read", 1, until_us=b.now_us + round(seconds * SECOND)))
    b.run(0.1)


@pytest.mark.req("AUT-03")
@pytest.mark.parametrize(("verdict", "beep"), [(Verdict.ACCEPTED, Beep.ACCEPTED), (Verdict.REFUSED, Beep.REFUSED)])
def test_a_card_that_is_read_for_services_starts_nothing_and_gets_its_tone(verdict: Verdict, beep: Beep) -> None:
    b = bench()
    read_for(b, 30)
    b.card(UID)
    b.run(0.2)
    assert (asked(b).purpose, b.output().beep) == ("teach", Beep.READ)
    reply(b, verdict)
    b.run(1)
    assert b.output().beep is beep
    assert b.outlet().status is OutletStatus.INIT_DONE
    assert (b.events(SessionOpened), b.events(OutletError)) == ([], [])


def test_the_reader_serves_charges_again_at_the_end_of_the_time_and_when_told() -> None:
    b = bench()
    read_for(b, 30)
    b.run(31)
    b.card(UID)
    b.run(0.1)
    assert asked(b).purpose == "start"
    reply(b, Verdict.REFUSED)
    read_for(b, 30)
    b.post(ReadCards("end", 1, active=False))
    b.run(1)
    b.card(OTHER_UID)
    b.run(0.1)
    assert (asked(b).uid, asked(b).purpose) == (OTHER_UID, "start")


def test_nobody_answers_a_taught_card() -> None:
    b = bench()
    read_for(b, 60)
    b.card(UID)
    b.run(11)
    assert b.output().beep is Beep.REFUSED
    assert b.events(OutletError) == []
    b.card(OTHER_UID)
    b.run(0.1)
    assert (asked(b).uid, asked(b).purpose) == (OTHER_UID, "teach")


def test_in_a_charge_only_its_own_card_ends_it_while_cards_are_read() -> None:
    b = CoreBench().charging()
    read_for(b, 60)
    b.card(OTHER_UID)
    b.run(0.1)
    assert asked(b).purpose == "teach"
    assert b.truth().contact_closed
    reply(b, Verdict.ACCEPTED)
    b.run(5)
    b.card(UID)
    b.run(10)
    assert not b.truth().contact_closed


@pytest.mark.req("AUT-02")
def test_an_admin_badge_that_is_taken_is_no_error() -> None:
    b = bench()
    b.card(UID)
    b.run(0.1)
    reply(b, Verdict.TAKEN)
    assert b.outlet().status is OutletStatus.INIT_DONE
    assert b.output().beep is Beep.ACCEPTED
    assert (b.events(SessionOpened), b.events(OutletError)) == ([], [])


@pytest.mark.req("AUT-05")
@pytest.mark.parametrize("reason", ["KO_BadgeUnknown", "KO_BadgeIsNotTheBooker"])
def test_a_refusal_shows_its_reason(reason: str) -> None:
    b = bench()
    b.card(UID)
    b.run(0.1)
    reply(b, Verdict.REFUSED, reason=reason)
    assert [event.error for event in b.events(OutletError)] == [reason]


@pytest.mark.req("AUT-02")
@pytest.mark.parametrize("priority", [True, False])
def test_a_vip_badge_shows_in_the_status(priority: bool) -> None:
    b = bench()
    b.card(UID)
    b.run(0.1)
    reply(b, Verdict.ACCEPTED, priority=priority)
    assert b.outlet().procedure.session is not None
    assert ("VIP badge mode" in evse_status(b.outlet())) is priority
