"""Passwords: what a good one is, and how one is kept.

Kept is a salted scrypt hash (RFC 7914) with its cost, so that a later version may raise the cost and old hashes still
verify. Hashing takes a quarter of a second and 32 MB on purpose: never on an event loop.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Final

from evse.records import dataclass
from evse.services.settings.kinds import Label

LENGTH_LIMIT: Final = 128
"""Longer ones are refused unseen, so that nobody makes us hash megabytes."""
COST_LOG2: Final = 15
"""N = 2^15 with r = 8: 32 MB. Never lower on a station."""
_BLOCK: Final = 8
_SALT: Final = 16
_SIZE: Final = 32
_COSTS: Final = range(4, 21)
_SHARED: Final = frozenset({"admin", "user", "password", "keba", "thor"})

CLASSES: Final[tuple[Callable[[str], bool], ...]] = (
    str.isupper,
    str.islower,
    str.isdigit,
    lambda character: not character.isalnum() and not character.isspace(),
)
"""Upper case, lower case, digit, special character."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a password needs. ``classes``: of the four kinds of characters; ``run``: equal ones in a row, 0 for any."""

    minimum: int
    classes: int
    run: int
    label: Label

    def refuses(self, password: str) -> bool:
        """Whether it is not good enough."""
        if not self.minimum <= len(password) <= LENGTH_LIMIT or not password.isprintable():
            return True
        if sum(any(map(has, password)) for has in CLASSES) < self.classes:
            return True
        return bool(self.run) and any(character * (self.run + 1) in password for character in set(password))


EVLINK: Final = Policy(
    8,
    4,
    0,
    Label(
        "8 to 128 characters with upper case, lower case, digit and special character",
        "8 à 128 caractères avec majuscule, minuscule, chiffre et caractère spécial",
    ),
)
"""EVlink commissioning guide DOCA0060, chapter 7, `Password sub-tab`."""
THOR: Final = Policy(
    10,
    3,
    2,
    Label(
        "10 to 128 characters of three kinds out of upper case, lower case, digit, special; none three times in a row",
        "10 à 128 caractères de trois genres parmi majuscule, minuscule, chiffre, spécial ; aucun trois fois de suite",
    ),
)
"""THØR/KEBA P30 configuration manual 120501."""


def policy_of(family: str) -> Policy:
    """The rules of a product family."""
    return THOR if family == "thor" else EVLINK


def is_shared(password: str) -> bool:
    """Whether it is one that stands in guides, whatever the case of its letters."""
    return password.lower() in _SHARED


def hash_password(password: str, cost_log2: int = COST_LOG2) -> str:
    """A new salted hash, as text."""
    salt = secrets.token_bytes(_SALT)
    return f"scrypt${cost_log2}${_BLOCK}$1${salt.hex()}${_scrypt(password, salt, cost_log2).hex()}"


def no_password(cost_log2: int = COST_LOG2) -> str:
    """A hash that no password has, as costly to compare with as any: for names without an account."""
    return f"scrypt${cost_log2}${_BLOCK}$1${secrets.token_hex(_SALT)}${secrets.token_hex(_SIZE)}"


def verify_password(password: str, kept: str) -> bool:
    """Whether ``password`` is the one of ``kept``. Takes as long for a wrong one; false for a hash that is none."""
    if len(password) > LENGTH_LIMIT:
        return False
    try:
        name, cost, block, lanes, salt, value = kept.split("$")
        if (name, int(block), int(lanes)) != ("scrypt", _BLOCK, 1) or int(cost) not in _COSTS:
            return False
        return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt), int(cost)), bytes.fromhex(value))
    except ValueError:
        return False


def needs_rehash(kept: str, cost_log2: int = COST_LOG2) -> bool:
    """Whether a hash was made with a lower cost than today's."""
    parts = kept.split("$")
    return len(parts) != 6 or not parts[1].isdigit() or int(parts[1]) < cost_log2


def _scrypt(password: str, salt: bytes, cost_log2: int) -> bytes:
    n = 1 << cost_log2
    data = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(data, salt=salt, n=n, r=_BLOCK, p=1, maxmem=256 * n * _BLOCK, dklen=_SIZE)
