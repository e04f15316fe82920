"""Who is known without asking: the local authorisation list and the cache of ids (OCPP 1.6, 3.5, 4.1, 5.15).

The list is what the central system has sent and goes before the cache; the cache holds what it has answered. Ids are
compared without regard to case (`CiString20`). Times are microseconds of UTC; while nobody knows the time nothing expires.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from evse.core.units import SECOND
from evse.links.ocpp.charging_profile import ProfileError, utc_seconds, utc_text
from evse.records import dataclass

CACHE_LENGTH: Final = 500
ACCEPTED: Final = "Accepted"
CONCURRENT: Final = "ConcurrentTx"


@dataclass(frozen=True, slots=True)
class IdTagInfo:
    """`IdTagInfo`: status, group, and the second of UTC from which it does not hold any more."""

    status: str
    parent: str = ""
    expiry_utc_s: int | None = None

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> IdTagInfo:
        """Return the value of a payload that fits its schema. Raises ProfileError for a date that makes no sense."""
        expiry = payload.get("expiryDate")
        expiry_utc_s = None if expiry is None else utc_seconds(expiry, "expiryDate")
        return cls(payload["status"], payload.get("parentIdTag", ""), expiry_utc_s)

    def payload(self) -> dict[str, Any]:
        """Return the value as it would come over the wire."""
        found: dict[str, Any] = {"status": self.status}
        if self.parent:
            found["parentIdTag"] = self.parent
        if self.expiry_utc_s is not None:
            found["expiryDate"] = utc_text(self.expiry_utc_s)
        return found

    def expired(self, utc_us: int | None) -> bool:
        """Whether it holds no more at ``utc_us`` (``None``: nobody knows the time)."""
        return self.expiry_utc_s is not None and utc_us is not None and utc_us >= self.expiry_utc_s * SECOND

    def accepted(self, utc_us: int | None) -> bool:
        """Whether a charge may begin."""
        return self.status == ACCEPTED and not self.expired(utc_us)


def _load(text: str) -> dict[str, IdTagInfo]:
    return {name: IdTagInfo.of(info) for name, info in json.loads(text).items()} if text else {}


def _text(entries: Mapping[str, IdTagInfo]) -> str:
    if not entries:
        return ""
    return json.dumps({name: info.payload() for name, info in entries.items()}, separators=(",", ":"))


class IdCache:
    """The last answers of the central system about ids, at most ``CACHE_LENGTH``; the least used goes first."""

    def __init__(self, text: str = "") -> None:
        self._entries: OrderedDict[str, IdTagInfo] = OrderedDict(_load(text))

    def __len__(self) -> int:
        return len(self._entries)

    def text(self) -> str:
        """Everything, to be kept."""
        return _text(self._entries)

    def get(self, tag: str, utc_us: int | None) -> IdTagInfo | None:
        """What is known of ``tag`` and still holds."""
        info = self._entries.get(tag.lower())
        if info is None or info.expired(utc_us):
            return None
        self._entries.move_to_end(tag.lower())
        return info

    def put(self, tag: str, info: IdTagInfo) -> bool:
        """Remember an answer; true when that is news worth keeping."""
        known = self._entries.get(tag.lower())
        self._entries[tag.lower()] = info
        self._entries.move_to_end(tag.lower())
        while len(self._entries) > CACHE_LENGTH:
            self._entries.popitem(last=False)
        return known != info

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()


class ListUpdate(NamedTuple):
    """The answer to `SendLocalList`, and for the log what was wrong."""

    status: str
    reason: str = ""


class LocalList:
    """The local authorisation list: version (0 while it is empty) and entries."""

    def __init__(self, text: str = "") -> None:
        kept: dict[str, Any] = json.loads(text) if text else {"version": 0, "entries": {}}
        self.version: int = kept["version"]
        self._entries = {name: IdTagInfo.of(info) for name, info in kept["entries"].items()}

    def __len__(self) -> int:
        return len(self._entries)

    def text(self) -> str:
        """Everything, to be kept."""
        entries = {name: info.payload() for name, info in self._entries.items()}
        return json.dumps({"version": self.version, "entries": entries}, separators=(",", ":"))

    def get(self, tag: str, utc_us: int | None) -> IdTagInfo | None:
        """What the list says of ``tag``; an entry whose time is over says `Expired`."""
        info = self._entries.get(tag.lower())
        if info is not None and info.status == ACCEPTED and info.expired(utc_us):
            return IdTagInfo("Expired", info.parent, info.expiry_utc_s)
        return info

    def update(self, payload: Mapping[str, Any], *, most: int, most_sent: int) -> ListUpdate:
        """Take a `SendLocalList`; unless ``Accepted`` nothing has changed."""
        sent: Sequence[Mapping[str, Any]] = payload.get("localAuthorizationList", ())
        version, full = payload["listVersion"], payload["updateType"] == "Full"
        if version <= 0:
            return ListUpdate("Failed", f"listVersion must be at least 1, not {version}")
        if not full and version <= self.version:
            return ListUpdate("VersionMismatch", f"version {version} does not follow version {self.version}")
        if len(sent) > most_sent:
            return ListUpdate("Failed", f"{len(sent)} entries are more than the {most_sent} that one message may have")
        tags = [entry["idTag"].lower() for entry in sent]
        if len(set(tags)) < len(tags):
            return ListUpdate("Failed", "an idTag stands there twice")
        entries = {} if full else dict(self._entries)
        for tag, entry in zip(tags, sent, strict=True):
            info = entry.get("idTagInfo")
            if info is None and full:
                return ListUpdate("Failed", "a full list needs idTagInfo for each entry")
            if info is None:
                entries.pop(tag, None)
                continue
            try:
                entries[tag] = IdTagInfo.of(info)
            except ProfileError as error:
                return ListUpdate("Failed", str(error))
        if len(entries) > most:
            return ListUpdate("Failed", f"{len(entries)} entries are more than the {most} that the list may have")
        # An empty list has the version 0 (3.5.2).
        self.version, self._entries = version if entries else 0, entries
        return ListUpdate("Accepted")
