"""Teaching badges at the reader: from the web, and with an Admin badge."""

from __future__ import annotations

import pytest

from evse.core.commands import Verdict
from evse.core.events import CardsErased, FaultCleared, FaultRaised, MasterCardTaught
from evse.core.panel import MASTER_CARD_MISSING
from evse.core.units import SECOND
from evse.services.authorisation import Location, Policy
from evse.services.badges.badge import Badge, BadgeType
from evse.services.badges.badge_list import BadgeList
from evse.services.badges.teaching import WINDOW_US, TeachMode
from tests.fakes.desk_bench import LATENCY_US, DeskBench

ANNA, BERT, CHIEF, VIP = "04A1B2C3", "0BADCAFE", "DEADBEEF", "04A1B2C3D4E5F6"
LIST = BadgeList((Badge(CHIEF, BadgeType.ADMIN), Badge(ANNA), Badge(VIP, BadgeType.VIP)))
A, R, T = Verdict.ACCEPTED, Verdict.REFUSED, Verdict.TAKEN
ALL = [(CHIEF, "Admin"), (ANNA, "User"), (VIP, "VIP")]


def bench() -> DeskBench:
    return DeskBench(badges=LIST)


@pytest.mark.req("AUT-03")
def test_learning_ends_30_s_after_the_last_badge_and_each_is_told_when_it_is_stored() -> None:
    b = bench()
    began_us = b.now_us
    b.services.cards.begin_teaching(TeachMode.ADD, 0, began_us)
    b.wait(20)
    assert b.readings() == [(1, True, began_us + WINDOW_US), (2, True, began_us + WINDOW_US)]
    b.card(BERT, "teach")
    assert (b.verdicts(), b.acknowledged) == ([], 0), "not stored yet"
    taught_us = b.now_us
    b.wait(LATENCY_US / SECOND)
    assert (b.verdicts(), b.acknowledged) == ([(1, A, "")], 1)
    assert b.list() == [*ALL, (BERT, "User")]
    assert b.readings()[-2:] == [(1, True, taught_us + WINDOW_US), (2, True, taught_us + WINDOW_US)]
    b.card(BERT, "teach", outlet=2)
    b.wait(29.9)
    assert b.services.cards.teaching is not None
    assert b.verdicts()[-1] == (2, R, ""), "in the list already"
    b.wait(0.2)
    assert b.services.cards.teaching is None
    b.card("01020304", "teach")
    b.wait(1)
    assert b.verdicts()[-1] == (3, R, "")
    assert b.list() == [*ALL, (BERT, "User")]


@pytest.mark.req("AUT-03")
def test_stopping_gives_the_readers_back() -> None:
    b = bench()
    b.services.cards.begin_teaching(TeachMode.ADD, 2, b.now_us)
    b.services.cards.end_teaching()
    b.wait(0)
    assert [(outlet, active) for outlet, active, _ in b.readings()] == [(2, True), (2, False)]
    b.card(BERT, "teach", outlet=2)
    b.wait(1)
    assert b.list() == ALL


@pytest.mark.req("AUT-02", "AUT-03")
def test_deleting_removes_what_is_held_to_the_reader_but_never_the_last_admin() -> None:
    b = bench()
    b.services.cards.begin_teaching(TeachMode.DELETE, 1, b.now_us)
    for uid in (ANNA, VIP, CHIEF, BERT):
        b.card(uid, "teach")
        b.wait(0.1)
    assert [verdict for _, verdict, _ in b.verdicts()] == [A, A, A, R]
    assert b.list() == [], "the Admin badge was the only one left: nobody is locked out of an empty list"
    b = bench()
    b.services.cards.begin_teaching(TeachMode.DELETE, 1, b.now_us)
    b.card(CHIEF, "teach")
    b.wait(0.1)
    assert (b.verdicts(), b.list()) == ([(1, R, "")], ALL)


def test_a_broken_connection_does_not_leave_a_reader_that_charges_while_we_teach() -> None:
    b = bench()
    b.services.cards.begin_teaching(TeachMode.ADD, 1, b.now_us)
    b.services.take_commands()  # and lost
    b.outbox.reconnected()
    b.received += b.services.start(b.now_us, "boot-1")
    b.wait(0.1)
    assert b.readings() == [(1, True, WINDOW_US + 20_000)]


def test_a_reader_of_another_outlet_does_not_teach() -> None:
    b = bench()
    b.services.cards.begin_teaching(TeachMode.ADD, 2, b.now_us)
    b.card(BERT, "teach", outlet=1)
    b.wait(0.1)
    assert (b.verdicts(), b.list()) == ([(1, R, "")], ALL)


@pytest.mark.req("AUT-02")
def test_an_admin_badge_adds_and_removes_user_badges_at_the_reader() -> None:
    b = bench()
    b.card(CHIEF)
    assert (b.verdicts(), b.readings()) == ([(1, T, "")], [(1, True, b.now_us + WINDOW_US)])
    b.card(BERT, "teach")
    b.wait(0.1)
    b.card(CHIEF, "teach")
    assert b.services.cards.teaching is not None
    assert b.services.cards.teaching.mode is TeachMode.ADMIN_DELETE
    for uid in (ANNA, VIP):
        b.card(uid, "teach")
        b.wait(0.1)
    assert [verdict for _, verdict, _ in b.verdicts()] == [T, A, A, A, R]
    assert b.list() == [(CHIEF, "Admin"), (VIP, "VIP"), (BERT, "User")]
    b.card(CHIEF, "teach")
    b.wait(0.1)
    assert b.services.cards.teaching is None
    assert b.readings()[-1][:2] == (1, False)


def test_where_badges_are_not_judged_here_an_admin_badge_manages_nothing() -> None:
    b = DeskBench(Policy(Location.SUPERVISION, supervised=True), LIST)
    b.card(CHIEF)
    b.wait(0.1)
    assert (b.verdicts(), b.readings()) == ([(1, R, "KO_BadgeUnknown")], [])


def test_a_card_told_again_is_taught_once() -> None:
    b = bench()
    b.services.cards.begin_teaching(TeachMode.ADD, 1, b.now_us)
    b.card(BERT, "teach")
    b.outbox.reconnected()
    b.services.start(b.now_us, "boot-1")
    b.wait(0.1)
    b.outbox.reconnected()
    b.services.start(b.now_us, "boot-1")
    b.wait(0.1)
    assert (b.verdicts(), b.list()[3:]) == ([(1, A, "")], [(BERT, "User")])


@pytest.mark.req("CDR-05", "AUT-03")
@pytest.mark.parametrize("keep", [None, 1])
def test_a_kill_while_a_badge_is_stored_leaves_it_whole_or_not_at_all(keep: int | None) -> None:
    b = bench()
    b.services.cards.begin_teaching(TeachMode.ADD, 1, b.now_us)
    b.card(BERT, "teach")
    b.restart_services(keep)
    b.wait(1)
    assert b.list() == (ALL if keep is None else [*ALL, (BERT, "User")])
    assert len(b.verdicts()) == 1
    assert b.acknowledged == 1


def test_the_adapter_is_woken_when_a_taught_badge_is_stored() -> None:
    b = bench()
    b.services.cards.begin_teaching(TeachMode.ADD, 1, b.now_us)
    b.card(BERT, "teach")
    woken: list[int] = []
    b.services._wake = lambda: woken.append(1)
    b.store.step(b.now_us + LATENCY_US)
    assert woken
    assert [command.command_id for command in b.services.take_commands()] == ["authorise-boot-1-1-1"]


def test_a_full_disk_keeps_the_list_as_it_was_until_it_is_mended() -> None:
    b = bench()
    b.store.full_disk()
    b.services.cards.begin_teaching(TeachMode.ADD, 1, b.now_us)
    b.card(BERT, "teach")
    b.card(BERT, "teach")
    b.wait(5)
    assert b.verdicts() == [(2, R, "")]
    assert b.services.cards.book.find(BERT) is None
    b.store.mended_disk()
    b.wait(1)
    assert b.verdicts() == [(2, R, ""), (1, A, "")]
    assert b.services.cards.book.find(BERT) is not None


@pytest.mark.req("AUT-07")
def test_the_service_button_erases_every_badge_and_the_next_master_card_is_kept() -> None:
    b = bench()
    b.emit(CardsErased(1))
    assert (b.list(), len(b.services.cards.book.badges)) == (ALL, 3), "not stored yet"
    b.wait(0.1)
    assert (b.list(), len(b.services.cards.book.badges)) == ([], 0)
    b.emit(MasterCardTaught(1, BERT))
    b.wait(0.1)
    assert (b.list(), b.acknowledged) == ([(BERT, "Admin")], 2)
    b.services.cards.begin_teaching(TeachMode.ADD, 1, b.now_us)
    b.card(ANNA, "teach")
    b.restart_services()
    b.outbox.reconnected()
    b.wait(0.1)
    assert (BERT, "Admin") in b.list(), "erased once"


@pytest.mark.req("AUT-07", "INP-03")
def test_until_a_master_card_is_taught_nobody_charges_after_an_erasure() -> None:
    b = DeskBench()
    b.emit(CardsErased(1))
    b.emit(FaultRaised(1, MASTER_CARD_MISSING, "notice", latched=True))
    b.wait(0.1)
    b.card(BERT)
    b.wait(0.1)
    b.restart_services()
    b.restart_control()
    b.card(BERT)
    b.wait(0.1)
    assert [(verdict, reason) for _, verdict, reason in b.verdicts()] == [(R, "KO_BadgeUnknown")] * 2
    b.emit(MasterCardTaught(1, CHIEF))
    b.emit(FaultCleared(1, MASTER_CARD_MISSING))
    b.wait(0.1)
    b.card(BERT)
    b.wait(0.1)
    assert b.verdicts()[-1][1] is A, "what the strategy says"


@pytest.mark.parametrize("keep", [None, 1, 2])
def test_a_kill_while_badges_are_erased_leaves_all_or_none(keep: int | None) -> None:
    b = bench()
    b.emit(CardsErased(1))
    b.emit(MasterCardTaught(1, ANNA))
    b.restart_services(keep)
    b.wait(0.1)
    assert b.list() == [(ANNA, "Admin")]
    assert b.acknowledged == 2
