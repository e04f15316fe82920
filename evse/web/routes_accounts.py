"""REST: log in and out, passwords of the two accounts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from evse.services.accounts.passwords import LENGTH_LIMIT
from evse.services.accounts.service import AccountService, Busy, Login, LoginRefused, PasswordRefused
from evse.services.accounts.sessions import Session
from evse.web.errors import Refusal, responses
from evse.web.guard import Admin, Guard, Someone, clear_cookie, set_cookie, source_of

Password = Annotated[str, Field(max_length=LENGTH_LIMIT)]


class Strict(BaseModel):
    """A body without unknown fields and without conversions."""

    model_config = ConfigDict(extra="forbid", strict=True)


class LoginBody(Strict):
    """Name and password of an account."""

    name: Annotated[str, Field(max_length=64)]
    password: Password


class ChangeBody(Strict):
    """The present password and the new one, entered twice."""

    old: Password
    new: Password
    confirm: Password


class GiveBody(Strict):
    """A password for the account `user`, entered twice; empty closes the account."""

    new: Password
    confirm: Password


class RecoverBody(Strict):
    """The recovery key of the label, and a new password for `admin`, entered twice."""

    key: Password
    new: Password
    confirm: Password


class SessionView(BaseModel):
    """Who is logged in. ``must_change``: nothing else is allowed before the password is changed."""

    account: str
    role: str
    must_change: bool


class AccountView(BaseModel):
    """One account. ``enabled``: whether it has a password; ``must_change``: at its next login."""

    name: str
    enabled: bool
    must_change: bool


def account_router(guard: Guard) -> APIRouter:
    """The routes of login and accounts."""
    router = APIRouter(prefix="/api", tags=["accounts"])
    accounts = guard.accounts

    @router.post(
        "/login", summary="Log in; the answer sets the session's cookie", responses=responses(401, 422, 429, 503)
    )
    async def login(body: LoginBody, request: Request, response: Response) -> SessionView:
        with _refusals():
            made = await accounts.login(body.name, body.password, source_of(request))
        guard.reached(request)
        return _logged_in(made, request, response)

    @router.post("/logout", summary="Log out; without a session nothing happens")
    async def logout(request: Request, response: Response) -> None:
        accounts.logout(guard.token(request))
        clear_cookie(response, secure=request.url.scheme == "https")

    @router.get("/session", summary="Who is logged in", responses=responses(401))
    async def who_is_logged_in(who: Someone) -> SessionView:
        return _view(who)

    @router.get("/accounts", summary="The accounts (admin only)", responses=responses(401, 403))
    async def list_accounts(_who: Admin) -> list[AccountView]:
        return _accounts(accounts)

    @router.post(
        "/accounts/password",
        summary="Change the own password; every other session of the account ends",
        responses=responses(401, 422, 429, 503),
    )
    async def change_password(body: ChangeBody, request: Request, response: Response, who: Someone) -> SessionView:
        _same(body.new, body.confirm)
        with _refusals("body.old"):
            made = await accounts.change_password(who, body.old, body.new)
        return _logged_in(made, request, response)

    @router.post(
        "/accounts/user",
        summary="Give the account user a password, or close it (admin only); its sessions end",
        responses=responses(401, 403, 422, 503),
    )
    async def give_user_password(body: GiveBody, who: Admin) -> list[AccountView]:
        _same(body.new, body.confirm)
        with _refusals():
            await accounts.give_user_password(who, body.new)
        return _accounts(accounts)

    if accounts.recoverable:
        _add_recovery(router, guard)
    return router


def _add_recovery(router: APIRouter, guard: Guard) -> None:
    @router.post(
        "/accounts/recover",
        summary="A new password for admin by the label's recovery key; every session of the account ends",
        responses=responses(401, 422, 429, 503),
    )
    async def recover_account(body: RecoverBody, request: Request, response: Response) -> SessionView:
        _same(body.new, body.confirm)
        with _refusals("body.key", "the recovery key is wrong"):
            made = await guard.accounts.recover(body.key.strip(), body.new, source_of(request))
        guard.reached(request)
        return _logged_in(made, request, response)


def _logged_in(login: Login, request: Request, response: Response) -> SessionView:
    set_cookie(response, login.token, secure=request.url.scheme == "https")
    return _view(login.session)


def _view(session: Session) -> SessionView:
    return SessionView(account=session.account, role=session.role.value, must_change=session.must_change)


def _accounts(accounts: AccountService) -> list[AccountView]:
    both = (accounts.accounts.admin, accounts.accounts.user)
    return [AccountView(name=each.role.value, enabled=each.enabled, must_change=each.must_change) for each in both]


def _same(new: str, confirm: str) -> None:
    if new != confirm:
        raise Refusal(422, "the two entries of the new password differ", "body.confirm", None, "enter it twice")


class _refusals:  # reads as a statement
    """Turns what the accounts refuse into answers."""

    def __init__(self, where: str = "body.password", wrong: str = "name or password is wrong") -> None:
        self._where, self._wrong = where, wrong

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        match error:
            case LoginRefused(wait_s=0):
                raise Refusal(401, self._wrong, self._where) from error
            case LoginRefused(wait_s=wait_s):
                hint = f"try again in {wait_s} s"
                raise Refusal(429, "too many tries", self._where, None, hint, retry_after_s=wait_s) from error
            case Busy():
                raise Refusal(503, "too many are logging in at this moment", "", retry_after_s=2) from error
            case PasswordRefused():
                raise Refusal(
                    422, f"the new password is {error.what.en}", "body.new", error.allowed.en or None
                ) from error
            case OSError():
                raise Refusal(
                    503, "the password cannot be stored", "", None, "see /api/health", retry_after_s=5
                ) from error
            case _:
                return
