"""Who is asking: the session of a request, and what it may do.

The session's token travels in a cookie that scripts cannot read and other pages cannot send (``HttpOnly``,
``SameSite=Strict``; ``Secure`` over TLS). Changes need the header of :mod:`evse.web.security` as well. A session whose
password must be changed may do that, log out, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Annotated, Final

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evse.services.accounts.service import AccountService
from evse.services.accounts.sessions import ABSOLUTE_US, Session
from evse.services.settings.model import Role
from evse.web.errors import Refusal, error_response

COOKIE: Final = "evse-session"
PUBLIC: Final = (
    *("/api/login", "/api/session", "/api/health", "/metrics", "/login", "/static/", "/upnp/"),
    # A THØR has it, whose label has a recovery key.
    "/api/accounts/recover",
    # A slave of a charging network has them, and no other station: evse/web/routes_neighbour.py.
    *("/api/neighbour", "/api/neighbour/package"),
)
"""Paths (and, with a slash at the end, everything below) that need no session on a device."""
LOG_PAGE: Final = "/security-log"
"""A page beside the station's, to which a login leads back."""
_LOG_IN: Final = "log in: POST /api/login"


class Guard:
    """Finds the session of a request. ``reached`` is told of each that has one; ``refused`` of those for another account."""

    def __init__(
        self,
        accounts: AccountService,
        reached: Callable[[Request], None] = lambda _request: None,
        refused: Callable[[str, str, str], None] = lambda _source, _path, _why: None,
    ) -> None:
        self.accounts = accounts
        self.refused = refused
        self.reached = reached

    def token(self, request: Request) -> str:
        """The token that came along; empty without one."""
        return request.cookies.get(COOKIE, "")

    def someone(self, request: Request) -> Session:
        """The session, also one whose password must be changed first. Raises Refusal."""
        session = self.accounts.session(self.token(request))
        if session is None:
            raise Refusal(401, "nobody is logged in", "cookie", None, _LOG_IN)
        self.reached(request)
        return session

    def either(self, request: Request) -> Session:
        """The session of an account that may work. Raises Refusal."""
        session = self.someone(request)
        if session.must_change:
            raise must_change()
        return session

    def admin(self, request: Request) -> Session:
        """The administrator's session. Raises Refusal."""
        session = self.either(request)
        if session.role is not Role.ADMIN:
            self.refused(
                source_of(request), request.url.path, f"for the account admin only, asked by {session.account}"
            )
            raise Refusal(403, "for the account admin only", "session", ["admin"], "log in as admin")
        return session


# Coroutines, so that they run on the event loop like everything else that touches sessions: the framework gives plain
# functions to threads, where a session could be kept alive while it is being ended.


def _guard(request: Request) -> Guard:
    guard: Guard = request.app.state.guard
    return guard


async def _someone(request: Request) -> Session:
    return _guard(request).someone(request)


async def _either(request: Request) -> Session:
    return _guard(request).either(request)


async def _admin(request: Request) -> Session:
    return _guard(request).admin(request)


Someone = Annotated[Session, Depends(_someone)]
"""Parameter of a route: the session, also one whose password must be changed first."""
Either = Annotated[Session, Depends(_either)]
"""Parameter of a route: the session of either account."""
Admin = Annotated[Session, Depends(_admin)]
"""Parameter of a route: the administrator's session."""


def must_change() -> Refusal:
    """The answer while the password must be changed first."""
    return Refusal(403, "the password must be changed first", "session", None, "POST /api/accounts/password")


def set_cookie(response: Response, token: str, *, secure: bool) -> None:
    """Give the browser its session."""
    response.set_cookie(
        COOKIE, token, max_age=ABSOLUTE_US // 1_000_000, path="/", httponly=True, samesite="strict", secure=secure
    )


def clear_cookie(response: Response, *, secure: bool) -> None:
    """Take it away again."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=secure)


def source_of(request: Request) -> str:
    """Where a request comes from, for the security log."""
    return request.client.host if request.client is not None else ""


class LoginGate:
    """ASGI middleware of a station on hardware: nothing but :data:`PUBLIC` without a session.

    Pages lead to the login page, everything else is refused. In simulation it is left out: the local page of the
    simulator needs no login (docs/decisions). A stream of events ends with the session that it was opened in.
    """

    def __init__(self, app: ASGIApp, session_of: Callable[[str], Session | None], lives: Callable[[str], bool]) -> None:
        self._app = app
        self._session_of = session_of
        self._lives = lives

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        if scope["type"] != "http" or is_public(scope["path"]):
            await self._app(scope, receive, send)
            return
        token = _token(scope)
        session = self._session_of(token)
        if session is not None and (not session.must_change or scope["path"] in MUST_CHANGE_PATHS):
            try:
                await self._app(scope, receive, self._while_it_lives(token, send))
            except _SessionEnded:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        await _refusal(scope, session)(scope, receive, send)

    def _while_it_lives(self, token: str, send: Send) -> Send:
        streams = False

        async def watched(message: Message) -> None:
            nonlocal streams
            if message["type"] == "http.response.start":
                streams = any(
                    name.lower() == b"content-type" and value.startswith(b"text/event-stream")
                    for name, value in message["headers"]
                )
            elif streams and not self._lives(token):
                raise _SessionEnded
            await send(message)

        return watched


class _SessionEnded(Exception):
    """A stream's session is over."""


MUST_CHANGE_PATHS: Final = ("/api/accounts/password", "/api/logout")
"""What a session whose password must be changed may still ask for."""


def login_address(page: str) -> str:
    """Where somebody who wants ``page`` logs in, and comes back from; only pages of ours are named."""
    return f"/login?to={page}" if page == LOG_PAGE else "/login"


def is_public(path: str) -> bool:
    """Whether a path needs no session."""
    return any(path == each or (each.endswith("/") and path.startswith(each)) for each in PUBLIC)


def stranger(scope: Scope, lives: Callable[[str], bool]) -> bool:
    """Whether a request needs a session and has none. ``lives`` tells it of a token."""
    return not is_public(scope["path"]) and not lives(_token(scope))


def _refusal(scope: Scope, session: Session | None) -> Response:
    if not scope["path"].startswith("/api/") and scope["method"] in ("GET", "HEAD"):
        return RedirectResponse(login_address(scope["path"]), status_code=303)
    if session is None:
        return error_response(401, "nobody is logged in", "cookie", None, _LOG_IN)
    body = must_change().body
    return JSONResponse(body.model_dump(), status_code=403)


def _token(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                morsel = SimpleCookie(value.decode("latin-1")).get(COOKIE)
            except CookieError:
                return ""
            return morsel.value if morsel is not None else ""
    return ""
