"""The master end of a pseudo-terminal as a ``ByteLink``: where a twin hangs when its host is another process.

The host opens the slave like any serial device. The slave is raw and also held open here, so that hosts may close it and
open it again (libnfc and nfcpy do) without hanging up the line.

``unplug`` takes the slave away as a pulled USB adapter does: its readers get end of file or EIO, its path disappears.
``replug`` makes a new one, behind the same symbolic link. Writing never blocks: when nobody drains the line, what does
not fit the kernel's buffer (4 kB) is dropped and counted, as a UART would lose it.
"""

from __future__ import annotations

import os
import tty
from pathlib import Path
from types import TracebackType
from typing import Final

from hal.wires import LinkLostError

_CHUNK: Final = 4096


class PtyLink:
    """A ``ByteLink`` whose other end is ``slave_path``, and ``link_as`` when given. A context manager.

    Raises OSError when the system has no pseudo-terminal left, FileExistsError when ``link_as`` is something else than a
    symbolic link.
    """

    def __init__(self, link_as: str | os.PathLike[str] | None = None) -> None:
        self.link_as: Final = None if link_as is None else Path(link_as)
        self.dropped_bytes = 0
        self._master = -1
        self._slave = -1
        self._slave_path = ""
        self.replug()

    @property
    def slave_path(self) -> str:
        """Path of the device for the other process, as ``/dev/pts/3``. Empty while unplugged."""
        return self._slave_path

    @property
    def plugged(self) -> bool:
        """Whether the slave exists."""
        return self._master >= 0

    def fileno(self) -> int:
        """File descriptor to wait on, -1 while unplugged."""
        return self._master

    def read(self, now_us: int) -> bytes:
        """Return everything the host has written. Raises LinkLostError while unplugged."""
        self._ensure_plugged()
        try:
            return os.read(self._master, _CHUNK)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise LinkLostError(f"{self._slave_path}: {error.strerror}") from error

    def write(self, data: bytes, now_us: int) -> None:
        """Send ``data`` to the host; what does not fit is dropped. Raises LinkLostError while unplugged."""
        self._ensure_plugged()
        try:
            written = os.write(self._master, data)
        except BlockingIOError:
            written = 0
        except OSError as error:
            raise LinkLostError(f"{self._slave_path}: {error.strerror}") from error
        self.dropped_bytes += len(data) - written

    def unplug(self) -> None:
        """Take the slave away. Safe to repeat."""
        if not self.plugged:
            return
        self._unlink()
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1
        self._slave_path = ""

    def replug(self) -> None:
        """Make a new slave, behind the same symbolic link. Does nothing while one exists."""
        if self.plugged:
            return
        master, slave = os.openpty()
        try:
            tty.setraw(slave)
            os.set_blocking(master, False)
            self._slave_path = os.ttyname(slave)
            self._link()
        except BaseException:
            os.close(slave)
            os.close(master)
            self._slave_path = ""
            raise
        self._master, self._slave = master, slave

    def cut(self) -> None:
        """``unplug``, by the name that a line in memory has for it."""
        self.unplug()

    def restore(self) -> None:
        """``replug``, by the name that a line in memory has for it."""
        self.replug()

    def close(self) -> None:
        """Give everything back, the symbolic link included."""
        self.unplug()

    def __enter__(self) -> PtyLink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ensure_plugged(self) -> None:
        if not self.plugged:
            raise LinkLostError("pseudo-terminal is unplugged")

    def _link(self) -> None:
        link = self.link_as
        if link is None:
            return
        if link.exists() and not link.is_symlink():
            raise FileExistsError(f"{link} exists and is no symbolic link")
        link.parent.mkdir(parents=True, exist_ok=True)
        # Made aside and renamed: nobody ever finds the name missing because of a left-over of an earlier run.
        fresh = link.with_name(f".{link.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(self._slave_path)
        fresh.replace(link)

    def _unlink(self) -> None:
        """Remove the symbolic link unless somebody has pointed it elsewhere meanwhile."""
        link = self.link_as
        if link is not None and link.is_symlink() and os.readlink(link) == self._slave_path:
            link.unlink()
