from __future__ import annotations

from typing import Any

import pytest

from evse.core.units import NEVER, SECOND
from evse.links.ocpp.frame import Call, CallError, CallResult, ErrorCode
from evse.links.ocpp.requests import UNANSWERED, WAITING_LIMIT, Answer, Requests

TIMEOUT_US = 30 * SECOND
NOW = {"currentTime": "2026-01-01T00:00:00Z"}


class Log:
    def __init__(self) -> None:
        self.answers: list[Answer] = []

    def __call__(self, answer: Answer) -> None:
        self.answers.append(answer)


def next_of(requests: Requests, now_us: int = 0) -> Call:
    call = requests.next(now_us, TIMEOUT_US)
    assert call is not None
    return call


@pytest.mark.req("OCP-01")
def test_one_request_is_in_flight_at_a_time() -> None:
    requests, log = Requests("b"), Log()
    requests.ask("Heartbeat", {}, log)
    requests.ask("Heartbeat", {}, log)
    first = next_of(requests)
    assert requests.next(0, TIMEOUT_US) is None
    assert requests.take(CallResult(first.unique_id, NOW))
    second = next_of(requests)
    assert second.unique_id != first.unique_id
    assert log.answers == [Answer(NOW)]


def test_an_urgent_request_goes_before_those_that_wait() -> None:
    requests = Requests("b")
    requests.ask("Heartbeat", {})
    requests.ask("Authorize", {"idTag": "A"}, first=True)
    assert next_of(requests).action == "Authorize"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (CallError("b-1", "InternalError", "no"), "InternalError"),
        (CallResult("b-1", {}), ErrorCode.FORMATION_VIOLATION),
        (CallResult("b-1", {"currentTime": 5}), ErrorCode.FORMATION_VIOLATION),
    ],
)
def test_an_error_and_an_answer_against_its_schema_are_refusals(frame: Any, code: str) -> None:
    requests, log = Requests("b"), Log()
    requests.ask("Heartbeat", {}, log)
    next_of(requests)
    assert requests.take(frame)
    (answer,) = log.answers
    assert answer.refused
    assert answer.error is not None
    assert answer.error.code == code
    assert requests.free


@pytest.mark.req("OCP-02")
def test_what_is_not_answered_in_time_is_given_up_and_its_late_answer_is_nobodys() -> None:
    requests, log = Requests("b"), Log()
    requests.ask("Heartbeat", {}, log)
    call = next_of(requests, 5)
    assert requests.wake_us() == 5 + TIMEOUT_US
    assert not requests.expire(4 + TIMEOUT_US)
    assert requests.expire(5 + TIMEOUT_US)
    assert (log.answers, requests.timeouts, requests.wake_us()) == ([UNANSWERED], 1, NEVER)
    assert not requests.take(CallResult(call.unique_id, NOW))
    assert len(log.answers) == 1


def test_a_lost_connection_gives_up_everything_that_was_asked() -> None:
    requests, log = Requests("b"), Log()
    for _ in range(3):
        requests.ask("Heartbeat", {}, log)
    next_of(requests)
    requests.lost()
    assert (log.answers, requests.free, requests.waiting) == ([UNANSWERED] * 3, True, 0)


def test_an_answer_to_nothing_is_ignored() -> None:
    assert not Requests("b").take(CallResult("x", {}))


def test_waiting_requests_are_bounded() -> None:
    requests, log = Requests("b"), Log()
    for _ in range(WAITING_LIMIT + 1):
        requests.ask("Heartbeat", {}, log)
    assert (requests.waiting, requests.dropped, log.answers) == (WAITING_LIMIT, 1, [UNANSWERED])
