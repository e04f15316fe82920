"""A serial line of the operating system as a ``ByteLink``: UARTs, USB adapters, the slave end of a pseudo-terminal.

pyserial opens the device and sets it up (raw, 8N1, exclusive); reading and writing are the kernel's non-blocking calls,
because pyserial's own ``write`` spins while the kernel's buffer is full.

| what happens                                        | what the user of the link sees                                  |
|-----------------------------------------------------|-----------------------------------------------------------------|
| device missing, in use by another program           | ``LinkLostError``; the next try to open is 500 ms later          |
| adapter pulled out, pseudo-terminal closed           | ``LinkLostError``, then as above until the device is back        |
| kernel's output buffer full (nobody drains it)       | the rest of the chunk is dropped and counted in ``dropped_bytes`` |

Stale bytes are worth less than late ones on these lines: a lease that arrives a second late would be wrong, a lost frame
is repeated by its protocol. Hence nothing is queued behind a full buffer.
"""

from __future__ import annotations

import errno
import os
import termios
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import serial

from hal.units import MS
from hal.wires import LinkLostError

REOPEN_US: Final = 500 * MS
_CHUNK: Final = 4096
_CONTROL_CHARACTERS: Final = 6
"""Index of the control characters in what ``termios.tcgetattr`` returns."""
_IN_USE: Final = (errno.EBUSY, errno.EAGAIN)
_ADVICE: Final[Mapping[int, str]] = MappingProxyType(
    {
        errno.ENOENT: "plug the adapter in, or correct the path in the profile",
        errno.ENODEV: "plug the adapter in, or correct the path in the profile",
        errno.ENXIO: "plug the adapter in, or correct the path in the profile",
        errno.EACCES: "add the station's user to the group that owns the device (often dialout), then log in anew",
        errno.EPERM: "add the station's user to the group that owns the device (often dialout), then log in anew",
        errno.EBUSY: "end the other program (a login console, a modem manager)",
        errno.EAGAIN: "end the other program (a login console, a modem manager)",
    }
)
_OTHER_ADVICE: Final = "check that the path in the profile names a serial device"


class SerialPortLink:
    """A ``ByteLink`` on the device ``path`` at ``baud`` bits per second. Opens at the first use."""

    def __init__(self, path: str, baud: int) -> None:
        self.path: Final = path
        self.baud: Final = baud
        self.dropped_bytes = 0
        self.low_latency = False
        """Whether the driver of the device has taken the low-latency setting (it has none on a pseudo-terminal)."""
        self._port: serial.Serial | None = None
        self._fd = -1
        self._open_after_us = 0
        self._reason = "not opened yet"

    def fileno(self) -> int:
        """File descriptor to wait on, -1 while the device is not open."""
        return self._fd

    def read(self, now_us: int) -> bytes:
        """Return everything that has arrived. Raises LinkLostError while the device is gone."""
        self._ensure_open(now_us)
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._lose(error.strerror or str(error), now_us) from error
        if not data:
            # With VMIN = 1 a quiet line says "would block"; an empty answer means that the line was hung up.
            raise self._lose("hung up", now_us)
        return data

    def write(self, data: bytes, now_us: int) -> None:
        """Send ``data``; what the kernel cannot take now is dropped. Raises LinkLostError while the device is gone."""
        self._ensure_open(now_us)
        try:
            written = os.write(self._fd, data)
        except BlockingIOError:
            written = 0
        except OSError as error:
            raise self._lose(error.strerror or str(error), now_us) from error
        self.dropped_bytes += len(data) - written

    def open_now(self, now_us: int) -> str:
        """Open the device before its first use; return what is wrong and what to do, empty when it is open.

        Whoever uses the link tries again by itself; this is for telling people at the start.
        """
        try:
            self._ensure_open(now_us)
        except LinkLostError as lost:
            number = getattr(lost.__cause__, "errno", None)
            advice = _ADVICE.get(number, _OTHER_ADVICE) if isinstance(number, int) else _OTHER_ADVICE
            return f"cannot open {lost}; {advice}; tried again until it works"
        return ""

    def close(self) -> None:
        """Give the device back. A later read or write opens it again."""
        port, self._port, self._fd = self._port, None, -1
        if port is not None:
            try:
                # Closing a UART waits up to 30 s for its output to drain; nobody waits for these bytes any more.
                termios.tcflush(port.fileno(), termios.TCOFLUSH)
            except (OSError, termios.error):
                pass
            try:
                port.close()
            except (OSError, termios.error):
                pass  # a device that is gone cannot be closed any better

    def _ensure_open(self, now_us: int) -> None:
        if self._port is not None:
            return
        if now_us < self._open_after_us:
            raise LinkLostError(f"{self.path}: {self._reason}")
        try:
            self._port = self._open()
        except (OSError, ValueError, termios.error) as error:
            raise self._lose(_reason(error), now_us) from error
        self._fd = self._port.fileno()

    def _open(self) -> serial.Serial:
        port = serial.Serial(self.path, self.baud, timeout=0, write_timeout=0, exclusive=True)
        try:
            settings = termios.tcgetattr(port.fileno())
            settings[_CONTROL_CHARACTERS][termios.VMIN] = 1
            termios.tcsetattr(port.fileno(), termios.TCSANOW, settings)
            self.low_latency = _lower_latency(port)
        except BaseException:
            port.close()
            raise
        return port

    def _lose(self, reason: str, now_us: int) -> LinkLostError:
        self.close()
        self._reason = reason
        self._open_after_us = now_us + REOPEN_US
        return LinkLostError(f"{self.path}: {reason}")


def _lower_latency(port: serial.Serial) -> bool:
    """Have the driver pass bytes on at once (USB adapters wait up to 16 ms otherwise); return whether it can."""
    try:
        port.set_low_latency_mode(True)
    except (ValueError, NotImplementedError, OSError):
        return False
    return True


def _reason(error: BaseException) -> str:
    """Return why opening failed, in the operating system's words where they say it."""
    number = getattr(error, "errno", None)
    if number in _IN_USE:
        return "in use by another program"
    return os.strerror(number) if isinstance(number, int) else str(error)
