"""The accounts of a running station: log in, log out, change and reset passwords.

Rules (the sources of each: docs/settings.md, chapter Accounts):
- One hash at a time, in a thread; who would wait behind ``WAITING`` others is sent away (``Busy``).
- An unknown name, an account without password and a wrong password take the same time and give the same answer.
- Failed tries count on over a restart.
- A changed password needs the old one, ends every session of the account and gives the changer a new one.
- The administrator gives the user a password, to be changed at the next login; nobody resets the administrator's but, on
  units that have one, the owner of the label's recovery key.
- Every one of these leaves one record in the security log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from evse.records import dataclass
from evse.services.accounts.accounts import NAMES, Account, Accounts
from evse.services.accounts.attempts import Attempts
from evse.services.accounts.keeper import AccountKeeper
from evse.services.accounts.passwords import (
    COST_LOG2,
    EVLINK,
    Policy,
    hash_password,
    is_shared,
    needs_rehash,
    no_password,
    verify_password,
)
from evse.services.accounts.sessions import Session, Sessions, new_token
from evse.services.security.events import SecurityEvent, SecurityKind, SecurityLog
from evse.services.settings.kinds import NO_TEXT, Label
from evse.services.settings.model import Role

WAITING: Final = 8
RECOVERY: Final = "recovery key"
"""What tries of the recovery key are counted and logged under."""
A = TypeVar("A")
R = TypeVar("R")


class LoginRefused(Exception):
    """Wrong name or password, or too many tries: then ``wait_s`` says in how many seconds the next is looked at."""

    def __init__(self, wait_s: int = 0) -> None:
        super().__init__("too many tries" if wait_s else "name or password is wrong")
        self.wait_s = wait_s


class Busy(Exception):
    """Too many others are logging in at this moment."""


class PasswordRefused(ValueError):
    """The new password is not taken; ``what`` and ``allowed`` say why."""

    def __init__(self, what: Label, allowed: Label = NO_TEXT) -> None:
        super().__init__(what.en)
        self.what = what
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Login:
    """A new session and its token, which exists nowhere else."""

    token: str
    session: Session


class AccountService:
    """See the module. ``clock``: monotonic microseconds. ``cost_log2``: of new hashes."""

    def __init__(
        self,
        keeper: AccountKeeper,
        log: SecurityLog,
        clock: Callable[[], int],
        policy: Policy = EVLINK,
        cost_log2: int = COST_LOG2,
    ) -> None:
        self.policy = policy
        self._keeper = keeper
        self._log = log
        self._clock = clock
        self._cost_log2 = cost_log2
        self._sessions = Sessions()
        self._attempts = Attempts((*NAMES, RECOVERY))
        self._attempts.begin_with(keeper.attempts(), clock())
        self._hashing = asyncio.Lock()
        self._keeping = asyncio.Lock()
        self._waiting = 0
        self._nobody = no_password(cost_log2)

    @property
    def accounts(self) -> Accounts:
        """Both accounts as they are now."""
        return self._keeper.current

    @property
    def problem(self) -> str:
        """What is wrong with the accounts' file; empty when nothing is."""
        return self._keeper.problem

    # --- sessions ------------------------------------------------------------------------------------------------

    async def login(self, name: str, password: str, source: str) -> Login:
        """Open a session. Raises LoginRefused, Busy."""
        # What a stranger has typed may be a password, or mean something here: it is counted and logged as no name.
        name = name if name in NAMES else ""
        account, kept = await self._verified(name, password, source)
        if account is None:
            self._record(SecurityKind.LOGIN_FAILED, name, source)
            raise LoginRefused
        if needs_rehash(kept, self._cost_log2):
            account = await self._set(account.role, password, must_change=account.must_change, instead_of=account)
        login = self._open(account, source)
        self._record(SecurityKind.LOGIN, name, source)
        return login

    def session(self, token: str) -> Session | None:
        """The living session of a token, which this keeps alive."""
        now_us = self._clock()
        for ended in self._sessions.expire(now_us):
            self._record(SecurityKind.SESSION_ENDED, ended.account, ended.source, "idle or too old")
        return self._sessions.find(token, now_us) if token else None

    def lives(self, token: str) -> bool:
        """Whether a token's session lives; asking does not keep it alive."""
        return bool(token) and self._sessions.lives(token, self._clock())

    def logout(self, token: str) -> None:
        """End the session of a token; one that is not there is no error."""
        session = self._sessions.close(token)
        if session is not None:
            self._record(SecurityKind.LOGOUT, session.account, session.source)

    # --- passwords -----------------------------------------------------------------------------------------------

    async def change_password(self, session: Session, old: str, new: str) -> Login:
        """Change the session's own password. Raises PasswordRefused, LoginRefused (old one wrong), Busy, OSError."""
        account, _ = await self._verified(session.account, old, session.source)
        if account is None:
            self._record(SecurityKind.LOGIN_FAILED, session.account, session.source, "old password at a change")
            raise LoginRefused
        await self._check_new(account, new)
        account = await self._set(account.role, new, must_change=False, instead_of=account)
        self._record(SecurityKind.PASSWORD_CHANGED, session.account, session.source)
        self._end(session.account, "password changed")
        return self._open(account, session.source)

    async def give_user_password(self, session: Session, new: str) -> None:
        """Give the account ``user`` a password, to be changed at its next login; an empty one closes the account.

        For the administrator only; whoever calls has checked that. Raises PasswordRefused, Busy, OSError.
        """
        if new:
            await self._check_new(self.accounts.user, new)
            await self._set(Role.USER, new, must_change=True)
        else:
            async with self._keeping:
                accounts = self.accounts.with_password(Role.USER, "", must_change=True)
                await asyncio.to_thread(self._keeper.save, accounts)
        kind = SecurityKind.PASSWORD_RESET if new else SecurityKind.ACCOUNT_CHANGED
        self._record(kind, session.account, session.source, "account user" if new else "account user closed")
        self._end(Role.USER.value, "password given anew" if new else "account closed")

    @property
    def recoverable(self) -> bool:
        """Whether the label has a recovery key."""
        return bool(self.accounts.recovery)

    async def recover(self, key: str, new: str, source: str) -> Login:
        """Give ``admin`` a new password with the label's recovery key. Raises LoginRefused, PasswordRefused, Busy, OSError."""
        self._check_tries(RECOVERY, source)
        right = await self._hash(verify_password, key, self.accounts.recovery or self._nobody)
        good = right and self.recoverable
        if not good or self._attempts.succeed(RECOVERY):
            await self._keep_attempts()
        if not good:
            self._record(SecurityKind.LOGIN_FAILED, RECOVERY, source)
            raise LoginRefused
        await self._check_new(self.accounts.admin, new)
        account = await self._set(Role.ADMIN, new, must_change=False)
        self._record(SecurityKind.PASSWORD_RESET, RECOVERY, source, "account admin")
        self._end(Role.ADMIN.value, "password given anew")
        return self._open(account, source)

    async def reset(self) -> None:
        """Factory reset: both accounts as delivered, nobody logged in. Raises OSError."""
        async with self._keeping:
            await asyncio.to_thread(self._keeper.reset)
        self.end_all("factory reset")

    def end_all(self, why: str) -> None:
        """Log everybody out."""
        self._end(None, why)

    # --- inside --------------------------------------------------------------------------------------------------

    def _open(self, account: Account, source: str) -> Login:
        now_us = self._clock()
        session = Session(account.role.value, account.role, source, now_us, now_us, account.must_change)
        token = new_token()
        self._sessions.open(token, session)
        return Login(token, session)

    async def _verified(self, name: str, password: str, source: str) -> tuple[Account | None, str]:
        """The account whose password this is, and its hash; ``None`` for a wrong one."""
        self._check_tries(name, source)
        account = self.accounts.get(name)
        kept = account.password if account is not None and account.enabled else self._nobody
        right = await self._hash(verify_password, password, kept)
        good = right and account is not None and account.enabled
        if not good or self._attempts.succeed(name):
            await self._keep_attempts()
        # Looked at last, after all waiting: another password, or none, may be in force by now.
        if account is None or not good or self.accounts.get(name) != account:
            return None, kept
        return account, kept

    def _check_tries(self, name: str, source: str) -> None:
        """Count a try. Raises LoginRefused, Busy."""
        wait_s = self._attempts.wait_s(name, self._clock())
        if wait_s:
            self._record(SecurityKind.LOGIN_BLOCKED, name, source)
            raise LoginRefused(wait_s)
        if self._waiting >= WAITING:
            raise Busy
        self._attempts.begin(name, self._clock())

    async def _check_new(self, account: Account, new: str) -> None:
        if self.policy.refuses(new):
            raise PasswordRefused(Label("not good enough", "pas assez bon"), self.policy.label)
        if is_shared(new):
            raise PasswordRefused(Label("everybody knows it", "connu de tous"))
        used = Label("the present password or the label's", "le mot de passe actuel ou celui de l’étiquette")
        for kept in {account.password, self.accounts.label} - {""}:
            if await self._hash(verify_password, new, kept):
                raise PasswordRefused(used, Label("another one", "un autre"))

    async def _set(self, role: Role, password: str, *, must_change: bool, instead_of: Account | None = None) -> Account:
        """Give ``role`` a password; returns the account as it is then.

        Raises LoginRefused when it is not ``instead_of`` any more: whoever closed it or gave it another password meanwhile
        has the last word.
        """
        kept = await self._hash(hash_password, password, self._cost_log2)
        async with self._keeping:
            if instead_of is not None and self.accounts.get(role.value) != instead_of:
                raise LoginRefused
            accounts = self.accounts.with_password(role, kept, must_change=must_change)
            await asyncio.to_thread(self._keeper.save, accounts)
        return Account(role, kept, must_change)

    async def _keep_attempts(self) -> None:
        async with self._keeping:
            try:
                await asyncio.to_thread(self._keeper.save_attempts, self._attempts.failures())
            except OSError:
                pass  # this process goes on counting

    async def _hash(self, function: Callable[[str, A], R], text: str, other: A) -> R:
        self._waiting += 1
        try:
            async with self._hashing:
                return await asyncio.to_thread(function, text, other)
        finally:
            self._waiting -= 1

    def _end(self, account: str | None, why: str) -> None:
        for session in self._sessions.end(account):
            self._record(SecurityKind.SESSION_ENDED, session.account, session.source, why)

    def _record(self, kind: SecurityKind, actor: str, source: str, detail: str = "") -> None:
        self._log.record(SecurityEvent(kind, actor or "(unknown name)", source, detail))
