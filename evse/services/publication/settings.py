"""How records are published: the parameters of the publication settings sub-tab as one checked value.

Ranges and factory values are those of the EVlink commissioning guide DOCA0060. ``tls`` is this product's own: a secret
never crosses a network unprotected unless somebody asked for exactly that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from evse.services.publication.calendar import Frequency
from evse.services.records import FACTORY_FORMAT, CsvFormat

SERVER_LIMIT: Final = 253
ADDRESS_LIMIT: Final = 254
PATH_LIMIT: Final = 99
FIELD_NAME_LIMIT: Final = 49
CREDENTIAL_LIMIT: Final = 100
SMTP_PORTS: Final = range(25, 588)
ANY_PORTS: Final = range(1, 10_000)
SMTPS_PORT: Final = 465
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[?[0-9A-Fa-f:]+\]?")
_ADDRESS: Final = re.compile(r"[^\s@;,<>\"]+@[^\s@;,<>\"]+")
_FIELD_NAME: Final = re.compile(r"[A-Za-z0-9_.\-\[\]]+")


class Protocol(StrEnum):
    """Who takes the file."""

    SMTP = "smtp"
    FTP = "ftp"
    HTTP = "http"


class Tls(StrEnum):
    """How the connection is protected."""

    AUTO = "auto"
    """Where the server offers it, and always before a password is sent."""
    REQUIRED = "required"
    """Nothing is sent without it."""
    OFF = "off"
    """Never: for servers on a closed network. A password is then readable on the wire."""


@dataclass(frozen=True, slots=True)
class Login:
    """User name and password, where the server asks for them."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SmtpTarget:
    """A mail server. Port 465 speaks TLS from the first byte, every other one by STARTTLS."""

    server: str
    port: int = 25
    sender: str = ""
    receivers: tuple[str, ...] = ()
    login: Login | None = None
    tls: Tls = Tls.AUTO


@dataclass(frozen=True, slots=True)
class FtpTarget:
    """An FTP server; TLS is explicit FTPS (AUTH TLS)."""

    server: str
    port: int = 21
    passive: bool = False
    login: Login | None = None
    tls: Tls = Tls.AUTO


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """A web server that takes the file as field ``field_name`` of a form (multipart POST). ``secure``: https."""

    server: str
    port: int = 80
    path: str = "/"
    field_name: str = "file"
    login: Login | None = None
    secure: bool = False


Target = SmtpTarget | FtpTarget | HttpTarget


@dataclass(frozen=True, slots=True)
class PublicationSettings:
    """What is published, when and where. The factory publishes nothing.

    ``ca_file``: a file with certificates to trust instead of the system's; empty for the system's.
    """

    frequency: Frequency = Frequency.DISABLED
    target: Target | None = None
    csv: CsvFormat = FACTORY_FORMAT
    time_zone: str = "UTC"
    ca_file: str = ""


def receivers_of(text: str) -> tuple[str, ...]:
    """The addresses of a receiver field: separated by semicolons without spaces."""
    return tuple(each for each in text.split(";") if each)


def http_target(address: str, port: int, path: str, field_name: str, login: Login | None = None) -> HttpTarget:
    """The target for a server given as ``host``, ``http://host`` or ``https://host``."""
    parts = urlsplit(address if "//" in address else f"//{address}")
    rooted = path if path.startswith("/") else f"/{path}"
    return HttpTarget(parts.netloc, port, rooted, field_name, login, secure=parts.scheme == "https")


def problems_of(settings: PublicationSettings) -> dict[str, str]:
    """What is wrong, by parameter: value, allowed range and what to do. Empty when everything fits together."""
    target = settings.target
    if target is None:
        if settings.frequency is Frequency.DISABLED:
            return {}
        return {"server": "missing: a report frequency is set, so name the server that takes the reports"}
    found = _server_problems(target.server) | _login_problems(target.login)
    ports = SMTP_PORTS if isinstance(target, SmtpTarget) else ANY_PORTS
    if target.port not in ports:
        found["port"] = f"{target.port}: must be {ports.start} to {ports.stop - 1}"
    match target:
        case SmtpTarget():
            found |= _mail_problems(target)
        case HttpTarget():
            found |= _form_problems(target)
        case FtpTarget():
            pass
    return found


def _server_problems(server: str) -> dict[str, str]:
    if len(server) <= SERVER_LIMIT and _HOST.fullmatch(server):
        return {}
    return {"server": f"{server[:60]!r}: must be a host name or an IP address of at most {SERVER_LIMIT} characters"}


def _login_problems(login: Login | None) -> dict[str, str]:
    found: dict[str, str] = {}
    if login is None:
        return found
    for name, text in (("username", login.username), ("password", login.password)):
        if not text or len(text) > CREDENTIAL_LIMIT or not text.isprintable():
            found[name] = f"must be 1 to {CREDENTIAL_LIMIT} printable characters, or switch authentication off"
    return found


def _mail_problems(target: SmtpTarget) -> dict[str, str]:
    found: dict[str, str] = {}
    if len(target.sender) > ADDRESS_LIMIT or not _ADDRESS.fullmatch(target.sender):
        found["sender"] = f"{target.sender[:60]!r}: must be one mail address of at most {ADDRESS_LIMIT} characters"
    if not target.receivers or len(";".join(target.receivers)) > ADDRESS_LIMIT:
        found["receiver"] = f"must be one or more addresses, at most {ADDRESS_LIMIT} characters together"
    for receiver in target.receivers:
        if not _ADDRESS.fullmatch(receiver):
            found["receiver"] = f"{receiver[:60]!r} is no mail address; separate several by ';' without spaces"
    return found


def _form_problems(target: HttpTarget) -> dict[str, str]:
    found: dict[str, str] = {}
    if (
        len(target.path) > PATH_LIMIT
        or not target.path.isascii()
        or not target.path.isprintable()
        or " " in target.path
    ):
        found["path"] = f"must be at most {PATH_LIMIT} ASCII characters without spaces"
    if len(target.field_name) > FIELD_NAME_LIMIT or not _FIELD_NAME.fullmatch(target.field_name):
        found["field_name"] = f"must be 1 to {FIELD_NAME_LIMIT} letters, digits or any of _ . - [ ]"
    return found
