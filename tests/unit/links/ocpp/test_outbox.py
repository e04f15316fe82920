from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evse.core.units import NEVER, SECOND
from evse.links.ocpp.outbox import METER_VALUES_KEPT, Dropped, Kept, Kind, Outbox, Queued, RetryPolicy

POLICY = RetryPolicy(attempts=3, interval_us=60 * SECOND)
START, VALUES, STOP = Kind.START, Kind.METER_VALUES, Kind.STOP


def message(number: int, kind: Kind, session: str = "s1", connector: int = 1) -> Queued:
    return Queued(number, connector, session, kind, {"n": number})


def outbox(*messages: Queued) -> Outbox:
    box = Outbox()
    for each in messages:
        assert box.put(each) is None
    return box


def send(box: Outbox, now_us: int = 0) -> tuple[str, dict[str, Any]]:
    found = box.next(now_us)
    assert found is not None
    return found[0], dict(found[1])


@pytest.mark.req("OCP-03")
def test_one_after_the_other_and_with_the_id_that_the_start_was_given() -> None:
    box = outbox(message(1, START), message(2, VALUES), message(3, STOP))
    assert send(box) == ("tx-1", {"n": 1})
    assert box.next(0) is None, "one request in flight"
    assert box.answered({"transactionId": 77, "idTagInfo": {}}) == (Kept(1, "s1", 77),)
    assert send(box) == ("tx-2", {"n": 2, "transactionId": 77})
    assert box.answered({}) == (Dropped((2,)),)
    assert send(box)[1]["transactionId"] == 77
    assert box.answered({}) == (Dropped((3,)),)
    assert (len(box), box.transaction_ids, box.wake_us(0)) == (0, {}, NEVER)


def test_an_id_of_zero_or_less_is_an_id() -> None:
    box = outbox(message(1, START), message(2, STOP))
    send(box)
    box.answered({"transactionId": -1})
    assert send(box)[1]["transactionId"] == -1


def test_a_lost_connection_counts_as_no_attempt_and_the_same_message_goes_again() -> None:
    box = outbox(message(1, START))
    for _ in range(10):
        first = send(box)
        box.lost()
        assert send(box) == first
        box.lost()
    assert box.waiting[0].attempts == 0


def test_an_error_is_tried_again_later_each_time_and_given_up_after_the_last_attempt() -> None:
    box = outbox(message(1, START), message(2, VALUES), message(3, STOP), message(4, START, "s2"))
    now_us = 0
    for attempt in (1, 2):
        send(box, now_us)
        assert box.failed(now_us, POLICY) == ()
        assert box.next(now_us) is None
        due_us = now_us + attempt * POLICY.interval_us
        assert box.wake_us(now_us) == due_us
        assert box.next(due_us - 1) is None
        now_us = due_us
    send(box, now_us)
    assert box.failed(now_us, POLICY) == (Dropped((1, 2, 3)),), "without a start there is no transaction to tell of"
    assert box.given_up == 3
    assert send(box, now_us)[0] == "tx-4"


def test_a_stop_that_comes_after_its_start_was_given_up_is_dropped_at_once() -> None:
    box = outbox(message(1, START))
    send(box)
    box.failed(0, RetryPolicy(attempts=1))
    assert box.put(message(2, STOP)) == Dropped((2,))
    assert len(box) == 0


def test_a_connector_that_waits_does_not_hold_up_the_other() -> None:
    box = outbox(message(1, START), message(2, START, "s2", connector=2), message(3, STOP, "s2", connector=2))
    send(box)
    box.failed(0, POLICY)
    assert send(box)[0] == "tx-2"
    box.answered({"transactionId": 5})
    assert send(box)[0] == "tx-3"


def test_what_an_earlier_boot_left_goes_on_under_the_same_ids() -> None:
    waiting = (message(2, VALUES), message(3, STOP), message(4, START, "s2"))
    box = Outbox(waiting, {"s1": 9})
    assert box.stale is None
    assert send(box) == ("tx-2", {"n": 2, "transactionId": 9})


def test_what_an_earlier_boot_left_of_a_given_up_transaction_is_stale() -> None:
    box = Outbox((message(2, VALUES), message(3, STOP), message(4, START, "s2")), {})
    assert box.stale == Dropped((2, 3))
    assert send(box)[0] == "tx-4"


def test_an_answer_nobody_waits_for_changes_nothing() -> None:
    box = outbox(message(1, START))
    assert box.answered({"transactionId": 1}) == ()
    assert box.failed(0, POLICY) == ()
    assert len(box) == 1


def test_too_many_meter_values_are_thinned_out_where_there_are_most() -> None:
    box = outbox(message(1, START), message(2, START, "s2", 2), message(3, VALUES, "s2", 2))
    dropped: list[int] = []
    for number in range(4, 4 + METER_VALUES_KEPT):
        gone = box.put(message(number, VALUES))
        dropped += gone.numbers if gone else ()
    assert len(dropped) == METER_VALUES_KEPT // 2
    left = [each.number for each in box.waiting]
    assert left[:4] == [1, 2, 3, 4]
    assert dropped == [number for number in range(5, 4 + METER_VALUES_KEPT) if number not in left]


class Central:
    """A central system that remembers message ids; its ledger holds what it was told, each message once."""

    def __init__(self) -> None:
        self.ledger: list[tuple[str, int | None, str]] = []
        self._answers: dict[str, dict[str, Any]] = {}

    def take(self, unique_id: str, payload: dict[str, Any]) -> dict[str, Any]:
        if unique_id not in self._answers:
            self._answers[unique_id] = {"transactionId": 100 + len(self._answers)}
            self.ledger.append((unique_id, payload.get("transactionId"), ""))
        return self._answers[unique_id]


@settings(max_examples=60)
@given(st.integers(0, 1 << 32))
def test_losses_crashes_and_delays_lose_and_double_nothing(run_number: int) -> None:
    """Random connection losses, restarts with what is durable, errors below the limit: the ledger has all, once, in order."""
    stream = random.Random(run_number)
    durable: dict[int, Queued] = {}
    ids: dict[str, int] = {}
    box, central, number, now_us = Outbox(), Central(), 0, 0
    told: list[Queued] = []
    repeats: dict[int, int] = {}

    def keep(changes: tuple[Kept | Dropped, ...]) -> None:
        for change in changes:
            if isinstance(change, Kept):
                ids[change.session_id] = change.transaction_id
                del durable[change.number]
            else:
                for gone in change.numbers:
                    if durable.pop(gone).kind is STOP:
                        ids.pop(next(each.session_id for each in told if each.number == gone), None)

    def put(kind: Kind, session: str, connector: int) -> None:
        nonlocal number
        number += 1
        each = message(number, kind, session, connector)
        durable[number] = each
        told.append(each)
        assert box.put(each) is None

    def exchange(*, may_fail: bool) -> None:
        nonlocal box, now_us
        now_us += stream.randrange(0, 400) * SECOND
        found = box.next(now_us)
        if found is None:
            return
        what = (
            stream.choice(["answer", "answer", "lost before", "lost after", "crash", "error"]) if may_fail else "answer"
        )
        if what == "error" and found[0] in central._answers:
            # One that remembers ids answers as it did before.
            what = "answer"
        if what not in ("lost before", "error"):
            answer = central.take(found[0], dict(found[1]))
            if what == "answer":
                keep(box.answered(answer))
        if what == "error" and box.in_flight is not None and box.in_flight.attempts < POLICY.attempts - 1:
            keep(box.failed(now_us, POLICY))
            repeats.update(box.repeats)
        elif what == "crash":
            waiting = [replace(each, repeats=repeats.get(number, 0)) for number, each in sorted(durable.items())]
            box = Outbox(waiting, ids)
        elif what != "answer":
            box.lost()

    for session in range(6):
        connector = 1 + session % 2
        for kind in (START, *[VALUES] * stream.randrange(3), STOP):
            put(kind, f"s{session}", connector)
            for _ in range(stream.randrange(3)):
                exchange(may_fail=True)
    for _ in range(200):
        exchange(may_fail=False)
    assert len(box) == 0
    assert not durable
    assert not ids
    taken = [int(entry[0].split("-")[1]) for entry in central.ledger]
    assert sorted(taken) == sorted(each.number for each in told)
    for connector in (1, 2):
        order = [each.number for each in told if each.connector == connector]
        assert [number for number in taken if number in order] == order
