"""What every way of delivery has in common: the file, the failure, and a limit in time that nobody can stretch.

A server may answer one byte a minute for ever. Time-outs of single operations do not end that, so ``Watchdog`` cuts the
connection when the whole delivery has taken too long.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final

from evse.records import dataclass

OPERATION_S: Final = 20.0
"""The longest wait for one answer."""
DELIVERY_S: Final = 120.0
"""The longest delivery."""
TALK_LIMIT: Final = 64 * 1024
"""The most a server may say in one delivery, characters: an answer without end must not fill the memory."""
_WORDS_LIMIT: Final = 300


@dataclass(frozen=True, slots=True)
class ReportFile:
    """The file to be delivered. ``identity`` is the same for every try of one report, and for no other report."""

    name: str
    identity: str
    content: bytes
    subject: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a delivery may take, in seconds."""

    operation_s: float = OPERATION_S
    delivery_s: float = DELIVERY_S


LIMITS: Final = Limits()


class DeliveryError(Exception):
    """The file was not taken. The text is for people, with the server's own words where it had any."""


class TalksWithoutEnd(OSError):
    """A server has said more than :data:`TALK_LIMIT`."""

    def __init__(self) -> None:
        super().__init__(f"the server said more than {TALK_LIMIT} characters")


def words(text: str | bytes) -> str:
    """What a server said, fit to be shown: one line of printable characters, shortened."""
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    line = " ".join("".join(each if each.isprintable() else " " for each in said).split())
    return line if len(line) <= _WORDS_LIMIT else line[:_WORDS_LIMIT] + "…"


def reason(error: OSError) -> str:
    """Why a connection failed, in the system's or the TLS library's words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted ({words(error.verify_message)})"
    if isinstance(error, TimeoutError):
        return "the server did not answer in time"
    return words(error.strerror or str(error) or type(error).__name__)


def tls_context(ca_file: str) -> ssl.SSLContext:
    """TLS 1.2 or later with checked names and chains. Raises ``DeliveryError`` when ``ca_file`` cannot be used."""
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise DeliveryError(f"the certificates to trust ({ca_file}) cannot be read: {reason(error)}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Watchdog:
    """Runs ``cut`` in a thread of its own unless the block ends within ``seconds``; ``expired`` says that it did."""

    def __init__(self, seconds: float, cut: Callable[[], None]) -> None:
        self.expired = False
        self._cut = cut
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> Watchdog:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    def _expire(self) -> None:
        self.expired = True
        self._cut()
