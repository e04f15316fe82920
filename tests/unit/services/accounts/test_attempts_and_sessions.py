from __future__ import annotations

import pytest

from evse.core.units import MINUTE, SECOND
from evse.services.accounts.attempts import HOUR_US, PER_WINDOW, WINDOW_US, Attempts
from evse.services.accounts.sessions import ABSOLUTE_US, IDLE_US, PER_ACCOUNT, Session, Sessions, new_token
from evse.services.settings.model import Role


def session(account: str = "admin", at_us: int = 0) -> Session:
    return Session(account, Role(account), "10.0.0.1", at_us, at_us)


@pytest.mark.req("MNT-02")
def test_a_hundred_thousand_guesses_in_an_hour_are_looked_at_at_most_a_hundred_times() -> None:
    attempts = Attempts(("admin", "user"))
    looked = 0
    for guess in range(100_000):
        now_us = guess * HOUR_US // 100_000
        if not attempts.wait_s("admin", now_us):
            attempts.begin("admin", now_us)
            looked += 1
    assert PER_WINDOW <= looked <= 100


@pytest.mark.req("MNT-02")
def test_in_no_window_of_a_quarter_of_an_hour_more_than_ten() -> None:
    attempts = Attempts(("admin",))
    looked: list[int] = []
    for second in range(0, 3 * 3600, 7):
        if not attempts.wait_s("admin", second * SECOND):
            attempts.begin("admin", second * SECOND)
            looked.append(second)
    worst = max(sum(start <= each < start + 900 for each in looked) for start in looked)
    assert worst == PER_WINDOW


def test_the_wait_ends_by_itself_and_a_success_clears_it() -> None:
    attempts = Attempts(("admin",))
    for _ in range(PER_WINDOW):
        attempts.begin("admin", 0)
    assert attempts.wait_s("admin", SECOND) == WINDOW_US // SECOND - 1
    assert attempts.wait_s("admin", WINDOW_US) == 0
    attempts.begin("admin", WINDOW_US)
    attempts.succeed("admin")
    assert attempts.wait_s("admin", WINDOW_US) == 0


def test_one_account_does_not_block_the_other_and_strange_names_share_one_count() -> None:
    attempts = Attempts(("admin", "user"))
    for number in range(PER_WINDOW):
        attempts.begin(f"stranger-{number}", 0)
    assert attempts.wait_s("somebody", 0) > 0
    assert (attempts.wait_s("admin", 0), attempts.wait_s("user", 0)) == (0, 0)


def test_a_session_lives_while_it_is_used_and_at_most_eight_hours() -> None:
    sessions = Sessions()
    token = new_token()
    sessions.open(token, session())
    now_us = 0
    while now_us + 10 * MINUTE < ABSOLUTE_US:
        now_us += 10 * MINUTE
        assert sessions.find(token, now_us) is not None
    assert sessions.find(token, ABSOLUTE_US) is None


def test_an_idle_session_ends() -> None:
    sessions = Sessions()
    sessions.open("a", session())
    sessions.open("b", session())
    assert sessions.find("a", IDLE_US - 1) is not None
    assert len(sessions.expire(IDLE_US)) == 1
    assert sessions.find("b", IDLE_US) is None
    assert sessions.find("a", IDLE_US) is not None


def test_logout_and_ends_by_account() -> None:
    sessions = Sessions()
    for token in ("a", "b"):
        sessions.open(token, session())
    sessions.open("u", session("user"))
    assert sessions.close("a") is not None
    assert sessions.close("a") is None
    assert [each.account for each in sessions.end("admin")] == ["admin"]
    assert sessions.find("u", 0) is not None
    sessions.end()
    assert len(sessions) == 0


def test_the_oldest_session_of_an_account_gives_way() -> None:
    sessions = Sessions()
    sessions.open("user", session("user"))
    for number in range(PER_ACCOUNT + 1):
        sessions.open(str(number), session(at_us=number))
    assert sessions.find("0", 20) is None
    assert sessions.find("1", 20) is not None
    assert sessions.find("user", 20) is not None


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert min(map(len, tokens)) >= 43  # 256 bits in base 64
