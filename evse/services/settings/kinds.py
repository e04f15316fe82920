"""Kinds of values: what a setting accepts, and how that is told to people.

``Kind.refusal`` returns what would be accepted, or ``None`` for a good value. No value is converted: a number is not a
text, a text is not a number. Texts are printable, without line breaks, so that none of them can become a second header,
command or line elsewhere; names of hosts, addresses and paths have a grammar.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol, TypeAlias
from urllib.parse import unquote, urlsplit

from evse.records import dataclass

Value: TypeAlias = bool | int | str


class Label(NamedTuple):
    """A text in the languages of the tool."""

    en: str
    fr: str


NO_TEXT: Final = Label("", "")


class Kind(Protocol):
    """What values a setting takes."""

    @property
    def secret(self) -> bool:
        """Whether a value must never be shown."""
        ...

    @property
    def allowed(self) -> Label:
        """What is accepted, for people."""
        ...

    def refusal(self, value: object) -> Label | None:
        """``None`` for a good value, else what would be accepted."""
        ...


class Option(NamedTuple):
    """One choice. ``families``: those that offer it, empty for every one."""

    value: str
    label: Label
    families: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some named values."""

    options: tuple[Option, ...]
    secret: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """The values, in the order in which they are offered."""
        return tuple(option.value for option in self.options)

    @property
    def allowed(self) -> Label:
        text = ", ".join(self.values)
        return Label(text, text)

    def refusal(self, value: object) -> Label | None:
        return None if isinstance(value, str) and value in self.values else self.allowed

    def label(self, value: Value) -> Label:
        """The label of a value; the value itself when it is none of ours."""
        return next((option.label for option in self.options if option.value == value), Label(str(value), str(value)))


YES: Final = Label("yes", "oui")
NO: Final = Label("no", "non")


@dataclass(frozen=True, slots=True)
class Switch:
    """On or off, yes or no; ``true`` is ``on``."""

    on: Label = YES
    off: Label = NO
    secret: bool = False

    @property
    def allowed(self) -> Label:
        return Label("true, false", "true, false")

    def refusal(self, value: object) -> Label | None:
        return None if isinstance(value, bool) else self.allowed


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number. ``maximum_key``: a setting (of the same outlet) whose value is a further maximum."""

    minimum: int
    maximum: int
    unit: str = ""
    maximum_key: str = ""
    secret: bool = False

    @property
    def allowed(self) -> Label:
        text = f"{self.minimum}…{self.maximum}{' ' * bool(self.unit)}{self.unit}"
        return Label(text, text)

    def refusal(self, value: object) -> Label | None:
        good = isinstance(value, int) and not isinstance(value, bool) and self.minimum <= value <= self.maximum
        return None if good else self.allowed


@dataclass(frozen=True, slots=True)
class Text:
    """A text of at most ``limit`` characters; ``grammar`` names what it must look like when it is not empty."""

    limit: int
    grammar: str = "text"
    minimum: int = 0
    secret: bool = False

    @property
    def allowed(self) -> Label:
        about = GRAMMARS[self.grammar].label
        return Label(
            f"{about.en}, {self.minimum}…{self.limit} characters",
            f"{about.fr}, {self.minimum} à {self.limit} caractères",
        )

    def refusal(self, value: object) -> Label | None:
        if not isinstance(value, str) or not self.minimum <= len(value) <= self.limit or not value.isprintable():
            return self.allowed
        return None if not value or GRAMMARS[self.grammar].accepts(value) else self.allowed


class Grammar(NamedTuple):
    """What a text must look like."""

    label: Label
    accepts: Callable[[str], bool]


_HOST_LABEL: Final = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_MAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9.-]{1,190})")
_IDENTITY: Final = re.compile(r"[A-Za-z0-9*_=:+|@.-]+")
_TIME_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}")
_PATH_PART: Final = re.compile(r"[A-Za-z0-9._~%!$&'()*+,;=:@ -]+")


def is_address(text: str) -> bool:
    """Whether it is an IPv4 address in dotted form."""
    try:
        return str(ipaddress.IPv4Address(text)) == text
    except ValueError:
        return False


def is_host(text: str) -> bool:
    """Whether it is the name of a host (RFC 1123) or an IPv4 address."""
    labels = text.removesuffix(".").split(".")
    if labels[-1].isdigit():
        return is_address(text)
    return len(text) <= 253 and all(_HOST_LABEL.fullmatch(label) for label in labels)


def _is_mail(text: str) -> bool:
    match = _MAIL.fullmatch(text)
    return match is not None and is_host(match[1])


def _is_url(text: str) -> bool:
    if " " in text:
        return False
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  # raises for a port that is none
    except ValueError:
        return False
    plain = parts.username is None and parts.password is None and not parts.fragment
    return parts.scheme in ("http", "ws", "wss") and plain and is_host(parts.hostname or "")


def _is_path(text: str) -> bool:
    parts = text.strip("/").split("/")
    return all(unquote(part) not in (".", "..") and _PATH_PART.fullmatch(part) for part in parts) or text == "/"


GRAMMARS: Final[dict[str, Grammar]] = {
    "text": Grammar(Label("printable text", "texte imprimable"), lambda _text: True),
    "name": Grammar(Label("printable text", "texte imprimable"), lambda text: text == text.strip()),
    "host": Grammar(Label("a host name or an IPv4 address", "un nom d’hôte ou une adresse IPv4"), is_host),
    "address": Grammar(Label("an IPv4 address a.b.c.d", "une adresse IPv4 a.b.c.d"), is_address),
    "url": Grammar(
        Label("an address that begins with http://, ws:// or wss://", "une adresse commençant par http://, ws:// ou wss://"),
        _is_url,
    ),
    "mail": Grammar(Label("an e-mail address", "une adresse électronique"), _is_mail),
    "mails": Grammar(
        Label(
            "e-mail addresses with a semicolon between them, without spaces",
            "des adresses électroniques séparées par un point-virgule, sans espace",
        ),
        lambda text: all(map(_is_mail, text.split(";"))),
    ),
    "identity": Grammar(
        Label("letters, digits and * - _ = : + | @ .", "lettres, chiffres et * - _ = : + | @ ."),
        lambda text: _IDENTITY.fullmatch(text) is not None,
    ),
    "time zone": Grammar(
        Label("a time zone such as Europe/Paris", "un fuseau horaire comme Europe/Paris"),
        lambda text: _TIME_ZONE.fullmatch(text) is not None,
    ),
    "path": Grammar(Label("a path without . and ..", "un chemin sans . ni .."), _is_path),
    "field name": Grammar(
        Label("letters, digits, - _ . [ ]", "lettres, chiffres, - _ . [ ]"),
        lambda text: re.fullmatch(r"[A-Za-z0-9_.\[\]-]+", text) is not None,
    ),
    "mac": Grammar(
        Label("a hardware address 00:11:22:33:44:55", "une adresse matérielle 00:11:22:33:44:55"),
        lambda text: re.fullmatch(r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}", text) is not None,
    ),
}  # fmt: skip
