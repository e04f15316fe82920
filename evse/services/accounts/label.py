"""The unit's label: its serial number and the first secret of its admin account, as printed on the housing.

A THØR has a recovery key as well, for a lost password (*THØR/KEBA P30 configuration manual 120501*, 4.2).

The secret is made by the unit at its first start; no two units share one and none is in the program. Kept for the
factory reset is its hash (among the accounts); the label itself is a file that may be printed and removed.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict
from typing import Final

from evse.records import dataclass

_ALPHABETS: Final = ("ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz", "23456789")
"""Without characters that look alike in print."""
_GROUPS: Final = 4
_GROUP: Final = 4


class BadLabel(ValueError):
    """The bytes are no label."""


@dataclass(frozen=True, slots=True)
class UnitLabel:
    """What is on the label. ``password`` is that of the account ``admin`` until it is changed.

    ``recovery``: the key that gives ``admin`` a new password; empty on units without one.
    """

    serial: str
    account: str
    password: str
    recovery: str = ""

    def text(self) -> str:
        """The label for people."""
        recovery = f"recovery key   {self.recovery}\n" if self.recovery else ""
        return (
            f"serial number  {self.serial}\naccount        {self.account}\nfirst password {self.password}\n{recovery}"
        )


def new_secret() -> str:
    """A secret for print: four groups of four characters, some 90 bits, with all four kinds of characters."""
    while True:
        groups = ["".join(secrets.choice("".join(_ALPHABETS)) for _ in range(_GROUP)) for _ in range(_GROUPS)]
        secret = "-".join(groups)
        if all(set(secret) & set(alphabet) for alphabet in _ALPHABETS) and not _has_run(secret):
            return secret


def encode_label(label: UnitLabel) -> bytes:
    """The label's file."""
    fields = {name: value for name, value in asdict(label).items() if value or name != "recovery"}
    return json.dumps(fields, sort_keys=True, indent=1).encode() + b"\n"


def decode_label(data: bytes) -> UnitLabel:
    """The label of a file. Raises BadLabel."""
    try:
        fields = json.loads(data)
        if isinstance(fields, dict) and all(isinstance(value, str) for value in fields.values()):
            return UnitLabel(**fields)
    except (ValueError, TypeError, RecursionError) as error:
        raise BadLabel("not a label") from error
    raise BadLabel("not a label")


def _has_run(secret: str) -> bool:
    return any(character * 3 in secret for character in secret)
