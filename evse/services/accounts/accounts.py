"""The accounts as a value, and their file.

``admin`` exists from the first start with the secret of the unit's label, which must be changed before anything else is
allowed. ``user`` has no password, and cannot log in, until the administrator gives it one. A factory reset returns to
this state: the label's secret works again, for this unit only.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from typing import Any, Final

from evse.records import dataclass
from evse.services.settings.model import Role

FORMAT: Final = 1
NAMES: Final = tuple(role.value for role in Role)


class BadAccounts(ValueError):
    """The bytes are no accounts file of this format, or they were damaged."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account. ``password``: a hash, empty while nobody can log in; ``must_change``: at the next login."""

    role: Role
    password: str = ""
    must_change: bool = True

    @property
    def enabled(self) -> bool:
        """Whether anybody can log in."""
        return bool(self.password)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Both accounts, and the hash of the label's secret that a factory reset goes back to.

    ``recovery``: hash of the label's recovery key; empty on units without one.
    """

    label: str
    admin: Account
    user: Account
    recovery: str = ""

    def get(self, name: str) -> Account | None:
        """The account of this name, as written here."""
        return {Role.ADMIN.value: self.admin, Role.USER.value: self.user}.get(name)

    def with_password(self, role: Role, password: str, *, must_change: bool) -> Accounts:
        """The same with another password hash (empty: nobody can log in)."""
        account = Account(role, password, must_change)
        return replace(self, admin=account) if role is Role.ADMIN else replace(self, user=account)


def first_accounts(label: str, recovery: str = "") -> Accounts:
    """The accounts of a unit as delivered; ``label``, ``recovery``: hashes of what is on its label."""
    return Accounts(label, Account(Role.ADMIN, label, must_change=True), Account(Role.USER), recovery)


def encode_accounts(accounts: Accounts) -> bytes:
    """The file, with a checksum."""
    body = {
        "format": FORMAT,
        "label": accounts.label,
        "admin": asdict(accounts.admin),
        "user": asdict(accounts.user),
        **({"recovery": accounts.recovery} if accounts.recovery else {}),
    }
    return _canonical({**body, "sha256": hashlib.sha256(_canonical(body)).hexdigest()}) + b"\n"


def decode_accounts(data: bytes) -> Accounts:
    """The accounts of a file. Raises BadAccounts for whatever ``encode_accounts`` did not write."""
    try:
        fields = json.loads(data)
        both = _account(fields["admin"]), _account(fields["user"])
        accounts = Accounts(fields["label"], *both, fields.get("recovery", ""))
        texts = (accounts.label, accounts.admin.password, accounts.user.password, accounts.recovery)
        good = all(isinstance(text, str) for text in texts) and encode_accounts(accounts) == data
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadAccounts("not an accounts file") from error
    if not good or accounts.admin.role is not Role.ADMIN or accounts.user.role is not Role.USER:
        raise BadAccounts("damaged or edited")
    return accounts


def _account(fields: dict[str, Any]) -> Account:
    if not isinstance(fields["must_change"], bool):
        raise BadAccounts("damaged or edited")
    return Account(Role(fields["role"]), fields["password"], fields["must_change"])


def _canonical(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")
