"""Cards and the supervision: one final verdict for each, whatever becomes of the answer."""

from __future__ import annotations

import logging

import pytest

from evse.core.commands import Verdict
from evse.core.events import SessionOpened
from evse.core.units import MS, SECOND
from evse.services.authorisation import Location, LossStrategy, Policy, Strategy
from evse.services.badges.badge import Badge, BadgeType
from evse.services.badges.badge_list import BadgeList
from evse.services.card_desk import GRACE_US
from evse.services.clock import NO_CLOCK, ClockMapping, ClockQuality
from evse.services.supervision import SupervisionAnswer
from tests.fakes.desk_bench import DeskBench

ANNA, BERT, CHIEF = "04A1B2C3", "0BADCAFE", "DEADBEEF"
LOOSE = Policy(Location.SUPERVISION, supervised=True)
CAREFUL = Policy(Location.SUPERVISION, supervised=True, on_loss=LossStrategy.REJECT_ALL)
OK, NO = SupervisionAnswer(True), SupervisionAnswer(False)
P, A, R, T = Verdict.PROVISIONAL, Verdict.ACCEPTED, Verdict.REFUSED, Verdict.TAKEN
UNKNOWN = "KO_BadgeUnknown"
UTC_US = 1_700_000_000_000_000
CLOCK = ClockMapping("boot-1", 0, UTC_US, ClockQuality.SYNCHRONISED)


@pytest.mark.req("AUT-01")
@pytest.mark.parametrize(("answer", "final"), [(OK, (1, A, "")), (NO, (1, R, UNKNOWN))])
def test_a_user_may_begin_while_the_supervision_is_asked(
    answer: SupervisionAnswer, final: tuple[int, Verdict, str]
) -> None:
    bench = DeskBench(CAREFUL)
    asked_us = bench.now_us
    ask_id = bench.card(ANNA)
    assert bench.supervision.asked == [(ask_id, ANNA)]
    assert bench.verdicts() == [(1, P, "")]
    assert bench.last().permission_expires_us == asked_us + 10 * SECOND + GRACE_US
    bench.wait(9)
    assert bench.acknowledged == 0, "whoever starts anew must be told again"
    bench.services.supervision_answer(ask_id, answer)
    bench.wait(0.1)
    assert bench.verdicts() == [(1, P, ""), final]
    assert bench.last().permission_expires_us > bench.now_us + 1000 * SECOND
    assert bench.acknowledged == 1


@pytest.mark.req("AUT-01")
@pytest.mark.parametrize(("policy", "final"), [(LOOSE, (1, A, "")), (CAREFUL, (1, R, UNKNOWN))])
def test_at_the_end_of_the_time_out_the_loss_strategy_decides_and_late_answers_change_nothing(
    policy: Policy, final: tuple[int, Verdict, str]
) -> None:
    bench = DeskBench(policy)
    ask_id = bench.card(ANNA)
    bench.wait(9.9)
    assert len(bench.verdicts()) == 1
    bench.wait(0.1)
    assert bench.verdicts()[1:] == [final]
    for answer in (NO, OK, NO):
        bench.services.supervision_answer(ask_id, answer)
    bench.services.supervision_answer("boot-1-1-99", OK)
    bench.services.supervision_answer("", OK)
    bench.wait(1)
    assert bench.verdicts()[1:] == [final]
    assert (bench.services.cards.questions.late, bench.services.cards.questions.foreign) == (3, 2)


def test_a_double_answer_counts_once() -> None:
    bench = DeskBench(CAREFUL)
    ask_id = bench.card(ANNA)
    bench.services.supervision_answer(ask_id, NO)
    bench.services.supervision_answer(ask_id, OK)
    bench.wait(20)
    assert bench.verdicts() == [(1, P, ""), (1, R, UNKNOWN)]


def test_answers_in_any_order_reach_their_own_card() -> None:
    bench = DeskBench(CAREFUL)
    first, second = bench.card(ANNA), bench.card(BERT, outlet=2)
    bench.services.supervision_answer(second, NO)
    bench.services.supervision_answer(first, OK)
    bench.wait(0.1)
    assert bench.verdicts()[2:] == [(2, R, UNKNOWN), (1, A, "")]
    assert bench.acknowledged == 2


@pytest.mark.req("AUT-01", "AUT-06")
def test_what_was_accepted_once_counts_when_the_supervision_is_gone() -> None:
    bench = DeskBench(CAREFUL, clock=CLOCK)
    bench.services.supervision_answer(bench.card(ANNA), SupervisionAnswer(True, UTC_US + 100 * SECOND))
    bench.services.supervision_answer(bench.card(BERT), OK)
    bench.wait(0.1)
    bench.supervision.reachable = False
    bench.restart_services()
    bench.card(ANNA)
    bench.card(BERT)
    bench.card("01020304")
    assert bench.verdicts()[-3:] == [(3, A, ""), (4, A, ""), (5, R, UNKNOWN)]
    bench.wait(100)
    bench.card(ANNA)
    bench.card(BERT)
    assert bench.verdicts()[-2:] == [(6, R, UNKNOWN), (7, A, "")], "one has expired"
    bench.supervision.reachable = True
    bench.services.supervision_answer(bench.card(BERT), NO)
    bench.supervision.reachable = False
    bench.card(BERT)
    assert bench.verdicts()[-1] == (9, R, UNKNOWN), "the newer word counts"


def test_while_nobody_knows_the_time_an_acceptance_with_an_end_does_not_count() -> None:
    bench = DeskBench(CAREFUL, clock=NO_CLOCK)
    bench.services.supervision_answer(bench.card(ANNA), SupervisionAnswer(True, UTC_US))
    bench.supervision.reachable = False
    bench.card(ANNA)
    assert bench.verdicts()[-1] == (2, R, UNKNOWN)


def test_a_late_acceptance_counts_the_next_time() -> None:
    bench = DeskBench(CAREFUL)
    ask_id = bench.card(ANNA)
    bench.wait(11)
    bench.services.supervision_answer(ask_id, OK)
    bench.supervision.reachable = False
    bench.card(ANNA)
    assert bench.verdicts()[-2:] == [(1, R, UNKNOWN), (2, A, "")]


@pytest.mark.req("AUT-01")
def test_services_that_start_anew_ask_again_and_keep_to_the_old_time() -> None:
    bench = DeskBench(CAREFUL)
    ask_id = bench.card(ANNA)
    bench.wait(6)
    bench.restart_services()
    assert bench.supervision.asked == [(ask_id, ANNA)] * 2
    bench.wait(3.9)
    assert bench.verdicts() == [(1, P, "")]
    bench.wait(0.2)
    assert bench.verdicts() == [(1, P, ""), (1, R, UNKNOWN)]
    assert bench.acknowledged == 1


def test_a_broken_connection_repeats_the_verdict_as_it_was() -> None:
    bench = DeskBench(CAREFUL)
    ask_id = bench.card(ANNA)
    bench.services.supervision_answer(ask_id, OK)
    bench.services.cards.policy = Policy(strategy=Strategy.REJECT_UNKNOWN)
    bench.outbox.reconnected()
    bench.services.start(bench.now_us, "boot-1")
    bench.wait(0.1)
    assert bench.verdicts() == [(1, P, ""), (1, A, "")]


def test_answers_for_an_earlier_boot_are_for_nobody() -> None:
    bench = DeskBench(CAREFUL)
    ask_id = bench.card(ANNA)
    bench.restart_control()
    bench.services.supervision_answer(ask_id, OK)
    bench.wait(20)
    assert bench.verdicts() == [(1, P, "")]
    assert bench.services.cards.questions.foreign == 1


def test_a_full_disk_delays_no_verdict() -> None:
    bench = DeskBench(CAREFUL)
    bench.store.full_disk()
    bench.services.supervision_answer(bench.card(ANNA), OK)
    bench.wait(0.1)
    assert bench.verdicts() == [(1, P, ""), (1, A, "")]


@pytest.mark.req("AUT-05")
@pytest.mark.parametrize(
    ("group", "accepted", "stops"),
    [("family", True, True), ("others", True, False), ("", True, False), ("family", False, False)],
)
def test_a_card_of_the_same_group_stops_the_charge(group: str, accepted: bool, stops: bool) -> None:
    bench = DeskBench(CAREFUL)
    bench.services.supervision_answer(bench.card(ANNA), SupervisionAnswer(True, group="family"))
    bench.emit(SessionOpened(1, "s1", ANNA, "badge"))
    ask_id = bench.card(BERT, "stop")
    assert bench.supervision.asked[-1] == (ask_id, BERT)
    bench.services.supervision_answer(ask_id, SupervisionAnswer(accepted, group=group))
    bench.wait(0.1)
    assert bench.last().may_stop_any is stops
    assert bench.last().verdict is (A if stops else R)


@pytest.mark.req("AUT-03", "AUT-04")
def test_uids_are_masked_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        bench = DeskBench(CAREFUL, BadgeList((Badge(CHIEF, BadgeType.ADMIN),)))
        bench.card(ANNA)
        bench.wait(11)
        bench.services.cards.policy = Policy()
        bench.card(CHIEF)
        bench.card(BERT, "teach")
        bench.wait(0.1 * MS)
    assert "****B2C3" in caplog.text and "****CAFE" in caplog.text
    assert not any(uid in caplog.text for uid in (ANNA, BERT, CHIEF))
