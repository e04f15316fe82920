"""How records are published: the parameters of the publication settings sub-tab as one value.

Ranges and what belongs together are checked where settings are (:mod:`evse.services.settings`). Encryption is this product's own: records
and passwords never cross a network unprotected unless somebody asked for exactly that.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from evse.records import dataclass
from evse.services.publication.calendar import Frequency
from evse.services.records import FACTORY_FORMAT, CsvFormat


class Protocol(StrEnum):
    """Who takes the file."""

    SMTP = "smtp"
    FTP = "ftp"
    HTTP = "http"


class MailSecurity(StrEnum):
    """How the connection to a mail server is protected."""

    STARTTLS = "starttls"
    """The connection begins in the clear and is protected before anything is said; a server without it gets nothing."""
    TLS = "tls"
    """TLS from the first byte (usually port 465)."""
    NONE = "none"
    """Never: for servers on a closed network. Records and password are then readable on the wire."""


@dataclass(frozen=True, slots=True)
class Login:
    """User name and password, where the server asks for them."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SmtpTarget:
    """A mail server."""

    server: str
    port: int = 25
    sender: str = ""
    receivers: tuple[str, ...] = ()
    login: Login | None = None
    security: MailSecurity = MailSecurity.STARTTLS


@dataclass(frozen=True, slots=True)
class FtpTarget:
    """An FTP server. ``secure``: explicit FTPS (AUTH TLS); a server without it then gets nothing."""

    server: str
    port: int = 21
    passive: bool = False
    login: Login | None = None
    secure: bool = True


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
