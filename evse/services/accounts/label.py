"""The unit's label: its serial number and the first secret of its admin account, as printed on the housing.

A THØR has a recovery key as well, for a lost password (*THØR/KEBA P30 configuration manual 120501*, 4.2), and one with pages of
its own the name, key and address of its Wi-Fi access point (2.1.3). They belong to the unit from its first start on; the access
point itself is not driven yet.

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
_ALWAYS: Final = ("serial", "account", "password")
_GROUPS: Final = 4
_GROUP: Final = 4


ACCESS_POINT_ADDRESS: Final = "192.168.25.1"
"""Address of a THØR at its access point: the manual keeps 192.168.25.x free for it, the last byte is ours."""


class BadLabel(ValueError):
    """The bytes are no label."""


@dataclass(frozen=True, slots=True)
class UnitLabel:
    """What is on the label. ``password`` is that of the account ``admin`` until it is changed.

    ``recovery``: the key that gives ``admin`` a new password; empty on units without one. ``access_point``,
    ``access_point_key``, ``access_point_address``: name, key (WPA2) and address of the unit's access point; empty without one.
    """

    serial: str
    account: str
    password: str
    recovery: str = ""
    access_point: str = ""
    access_point_key: str = ""
    access_point_address: str = ""

    def text(self) -> str:
        """The label for people."""
        lines = {
            "serial number": self.serial,
            "account": self.account,
            "first password": self.password,
            "recovery key": self.recovery,
            "access point": self.access_point,
            "its key": self.access_point_key,
            "its address": self.access_point_address,
        }
        return "".join(f"{name:<14} {value}\n" for name, value in lines.items() if value)


def new_secret() -> str:
    """A secret for print: four groups of four characters, some 90 bits, with all four kinds of characters."""
    while True:
        groups = ["".join(secrets.choice("".join(_ALPHABETS)) for _ in range(_GROUP)) for _ in range(_GROUPS)]
        secret = "-".join(groups)
        if all(set(secret) & set(alphabet) for alphabet in _ALPHABETS) and not _has_run(secret):
            return secret


def encode_label(label: UnitLabel) -> bytes:
    """The label's file."""
    fields = {name: value for name, value in asdict(label).items() if value or name in _ALWAYS}
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
