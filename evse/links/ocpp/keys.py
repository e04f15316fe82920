"""Configuration keys: what each is, who may change it, and what a change answers (OCPP 1.6 edition 2, 5.4, 5.8, chapter 9).

Keys are compared without regard to case (`CiString`). A value is checked against its key's type and range before it counts;
what is refused changes nothing. A key that another system owns (the settings of the station) joins as one more
:class:`Key`; whoever keeps the values reads :attr:`Keys.changed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from evse.records import dataclass

VALUE_LIMIT: Final = 500
"""Characters of a value (`CiString500`)."""


class Access(StrEnum):
    """Who may do what with a key."""

    READ_WRITE = "RW"
    READ_ONLY = "R"
    WRITE_ONLY = "W"
    """Never told: a secret."""


class KeyKind(StrEnum):
    """Type of a value."""

    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT = "text"
    CHOICE = "choice"
    """One of ``choices``."""
    LIST = "list"
    """Words of ``choices`` separated by commas, each at most once, at most ``most`` of them."""


class ChangeStatus(StrEnum):
    """`ConfigurationStatus`."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    REBOOT_REQUIRED = "RebootRequired"
    NOT_SUPPORTED = "NotSupported"


@dataclass(frozen=True, slots=True)
class Key:
    """One key. ``least`` and ``most`` bound an integer, or the characters of a text, or the words of a list."""

    name: str
    kind: KeyKind
    default: str
    least: int = 0
    most: int = VALUE_LIMIT
    choices: tuple[str, ...] = ()
    access: Access = Access.READ_WRITE
    reboot: bool = False
    """A change counts from the next start."""
    settled: bool = False
    """The value is a fact: writing what is true is accepted and changes nothing, anything else is refused."""

    def normal(self, text: str) -> str:
        """Return the value in its one spelling; raises ValueError that says what is allowed."""
        if len(text) > VALUE_LIMIT or not text.isprintable():
            raise ValueError(f"{self.name}: at most {VALUE_LIMIT} printable characters")
        match self.kind:
            case KeyKind.INTEGER:
                return self._integer(text)
            case KeyKind.BOOLEAN:
                if text.strip().lower() not in ("true", "false"):
                    raise ValueError(f"{self.name}: true or false, not {text[:20]!r}")
                return text.strip().lower()
            case KeyKind.CHOICE:
                return self._word(text)
            case KeyKind.LIST:
                return self._words(text)
        if not self.least <= len(text) <= self.most:
            raise ValueError(f"{self.name}: {self.least} to {self.most} characters, not {len(text)}")
        return text

    def _integer(self, text: str) -> str:
        digits = text.strip()
        if not digits.removeprefix("-").isdecimal() or not digits.isascii() or len(digits) > 12:
            raise ValueError(f"{self.name}: a whole number, not {text[:20]!r}")
        if not self.least <= int(digits) <= self.most:
            raise ValueError(f"{self.name}: {self.least} to {self.most}, not {int(digits)}")
        return str(int(digits))

    def _word(self, text: str) -> str:
        for choice in self.choices:
            if choice.lower() == text.strip().lower():
                return choice
        raise ValueError(f"{self.name}: {text.strip()[:60]!r} is none of {', '.join(self.choices)}")

    def _words(self, text: str) -> str:
        words = [self._word(word) for word in text.split(",") if word.strip()]
        if len(words) > self.most:
            raise ValueError(f"{self.name}: at most {self.most} entries, not {len(words)}")
        if len(set(words)) < len(words):
            raise ValueError(f"{self.name}: an entry stands there twice")
        return ",".join(words)


def entry_of(key: Key, value: str) -> Mapping[str, Any]:
    """Return the `KeyValue` that tells of a key; the value of a secret is left out."""
    entry: dict[str, Any] = {"key": key.name, "readonly": key.access is Access.READ_ONLY}
    if key.access is not Access.WRITE_ONLY:
        entry["value"] = value
    return entry


class KeyList(NamedTuple):
    """The answer to `GetConfiguration`."""

    known: tuple[Mapping[str, Any], ...]
    unknown: tuple[str, ...]


class Change(NamedTuple):
    """The answer to `ChangeConfiguration`, and for the log what was wrong."""

    status: ChangeStatus
    reason: str = ""


class Keys:
    """The keys of one station and their values."""

    def __init__(self, keys: Iterable[Key], stored: Mapping[str, str] | None = None, *, max_asked: int = 100) -> None:
        """``stored``: values from an earlier boot. One that does not fit its key any more is left out, not believed."""
        self._keys = {key.name.lower(): key for key in keys}
        self._now = {key.name: key.default for key in self._keys.values()}
        self._next = dict(self._now)
        self.max_asked = max_asked
        for name, text in sorted((stored or {}).items()):
            key = self._keys.get(name.lower())
            if key is not None and key.access is not Access.READ_ONLY and not key.settled:
                self._restore(key, text)

    def _restore(self, key: Key, text: str) -> None:
        try:
            self._now[key.name] = self._next[key.name] = key.normal(text)
        except ValueError:
            return

    @property
    def changed(self) -> dict[str, str]:
        """Every value that is not as delivered, to be kept; includes those that wait for the next start."""
        return {key.name: self._next[key.name] for key in self._keys.values() if self._next[key.name] != key.default}

    @property
    def reboot_pending(self) -> bool:
        """Whether a changed value waits for the next start."""
        return self._next != self._now

    def get(self, names: Sequence[str] = ()) -> KeyList:
        """Return the asked keys, all readable ones for an empty list; at most ``max_asked`` are answered."""
        if not names:
            known = [key for key in self._keys.values() if key.access is not Access.WRITE_ONLY]
            return KeyList(tuple(self._entry(key) for key in known), ())
        entries, unknown = [], []
        for name in names[: self.max_asked]:
            key = self._keys.get(name.lower())
            if key is None:
                unknown.append(name)
            else:
                entries.append(self._entry(key))
        return KeyList(tuple(entries), tuple(unknown))

    def _entry(self, key: Key) -> Mapping[str, Any]:
        return entry_of(key, self._next[key.name])

    def change(self, name: str, text: str) -> Change:
        """Change one value as `ChangeConfiguration` asks."""
        key = self._keys.get(name.lower())
        if key is None:
            return Change(ChangeStatus.NOT_SUPPORTED, f"no key {name[:50]!r}")
        if key.access is Access.READ_ONLY:
            return Change(ChangeStatus.REJECTED, f"{key.name} is read only")
        try:
            value = key.normal(text)
        except ValueError as error:
            return Change(ChangeStatus.REJECTED, str(error))
        if key.settled:
            return Change(ChangeStatus.ACCEPTED)
        self._next[key.name] = value
        if key.reboot and value != self._now[key.name]:
            return Change(ChangeStatus.REBOOT_REQUIRED)
        self._now[key.name] = value
        return Change(ChangeStatus.ACCEPTED)

    def text(self, name: str) -> str:
        """The value in force. Raises KeyError for a key that does not exist: a mistake of the caller."""
        return self._now[name]

    def integer(self, name: str) -> int:
        """The value in force of an integer key."""
        return int(self._now[name])

    def flag(self, name: str) -> bool:
        """The value in force of a boolean key."""
        return self._now[name] == "true"

    def words(self, name: str) -> tuple[str, ...]:
        """The value in force of a list key."""
        return tuple(word for word in self._now[name].split(",") if word)
