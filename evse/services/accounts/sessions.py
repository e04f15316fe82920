"""Sessions of the tool: who is logged in, kept here and nowhere else, with time as an argument.

A session ends after 15 minutes without a request and after 8 hours in any case, on logout, and with all others of its
account when that account's password, state or role changes or the station is reset. Kept of a token is its SHA-256, so
that reading our memory logs nobody in. Number of sessions is bounded: the oldest of an account gives way.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from typing import Final

from evse.core.units import MINUTE
from evse.records import dataclass
from evse.services.settings.model import Role

IDLE_US: Final = 15 * MINUTE
ABSOLUTE_US: Final = 8 * 60 * MINUTE
PER_ACCOUNT: Final = 8
TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Session:
    """One login. ``must_change``: nothing is allowed but to choose a password. Times in microseconds of this boot."""

    account: str
    role: Role
    source: str
    opened_us: int
    seen_us: int
    must_change: bool = False


def new_token() -> str:
    """A token of 256 bits from the system's generator, for a cookie."""
    return secrets.token_urlsafe(TOKEN_BYTES)


class Sessions:
    """The sessions of one station."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}

    def open(self, token: str, session: Session) -> None:
        """A login has succeeded; ``token`` is new."""
        own = [key for key, each in self._sessions.items() if each.account == session.account]
        while len(own) >= PER_ACCOUNT:
            oldest = min(own, key=lambda key: self._sessions[key].seen_us)
            own.remove(oldest)
            del self._sessions[oldest]
        self._sessions[_key(token)] = session

    def find(self, token: str, now_us: int) -> Session | None:
        """The living session of a token, which it keeps alive; ``None`` when there is none."""
        key = _key(token)
        session = self._sessions.get(key)
        if session is None:
            return None
        if _is_over(session, now_us):
            del self._sessions[key]
            return None
        session = replace(session, seen_us=now_us)
        self._sessions[key] = session
        return session

    def lives(self, token: str, now_us: int) -> bool:
        """Whether there is a living session of a token, which this does not keep alive."""
        session = self._sessions.get(_key(token))
        return session is not None and not _is_over(session, now_us)

    def close(self, token: str) -> Session | None:
        """Log out; the session that was there."""
        return self._sessions.pop(_key(token), None)

    def end(self, account: str | None = None) -> tuple[Session, ...]:
        """End every session of an account, of all for ``None``; returns what was there."""
        ended = {key: each for key, each in self._sessions.items() if account is None or each.account == account}
        for key in ended:
            del self._sessions[key]
        return tuple(ended.values())

    def expire(self, now_us: int) -> tuple[Session, ...]:
        """End what is too old; returns what was there."""
        old = {key: each for key, each in self._sessions.items() if _is_over(each, now_us)}
        for key in old:
            del self._sessions[key]
        return tuple(old.values())

    def __len__(self) -> int:
        return len(self._sessions)


def _is_over(session: Session, now_us: int) -> bool:
    return now_us - session.seen_us >= IDLE_US or now_us - session.opened_us >= ABSOLUTE_US


def _key(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
