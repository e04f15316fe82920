"""What the web interface needs from the security log, and how its routes write into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from starlette.requests import Request

from evse.services.security.events import SecurityEvent, SecurityKind

if TYPE_CHECKING:
    from evse.services.accounts.sessions import Session
    from evse.services.security.chain import Entry, Verdict
    from evse.services.settings.model import Role

LOCAL_PAGE = "local page"
"""Actor of what a simulated station's own page does without a login."""


class SecurityLogPort(Protocol):
    """The security log. Reading and clearing raise ``OSError``."""

    def record(self, event: SecurityEvent) -> None:
        """Take one event and its time. Never blocks, never raises."""

    async def newest(self, limit: int, before: int | None = None) -> tuple[Entry, ...]:
        """At most ``limit`` entries with numbers below ``before``, newest first."""

    async def verify(self) -> Verdict:
        """Whether the chain is whole."""

    async def clear(self, actor: str, source: str) -> None:
        """Forget every entry but the one that says who cleared the log."""


class Audit:
    """Notes what requests do. ``session_of``: the session of a request, ``None`` without one."""

    def __init__(
        self, log: SecurityLogPort | None, session_of: Callable[[Request], Session | None] = lambda _request: None
    ) -> None:
        self._log = log
        self._session_of = session_of

    def note(self, request: Request, kind: SecurityKind, detail: str = "", uid: str = "") -> None:
        """Note what ``request`` did."""
        if self._log is None:
            return
        session = self._session_of(request)
        source = request.client.host if request.client is not None else ""
        self._log.record(SecurityEvent(kind, LOCAL_PAGE if session is None else session.account, source, detail, uid))

    def role_of(self, request: Request) -> Role | None:
        """The role of the account that asks; ``None`` for a simulated station's own page without a login."""
        session = self._session_of(request)
        return None if session is None else session.role

    def refused(self, source: str, path: str, why: str) -> None:
        """Note a request that no page of ours makes."""
        if self._log is not None:
            detail = f"{path[:200]}: {why}"
            self._log.record(SecurityEvent(SecurityKind.REQUEST_REFUSED, "unknown", source, detail))
