"""One contract for every byte link: a serial port on a pseudo-terminal (both ends) and the null modem (both ends)."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import pytest

from hal.linux.pty import PtyLink
from hal.linux.serial_port import SerialPortLink
from hal.scheduling import Stepped
from hal.twins.null_modem import NullModem
from hal.units import SECOND
from hal.wires import ByteLink, LinkLostError

EVERY_BYTE = bytes(range(256))


class Line(Protocol):
    """Two links joined to one line, and the means to pull it out."""

    near: ByteLink
    far: ByteLink
    now_us: int

    def receive(self, link: ByteLink, count: int) -> bytes:
        """Return ``count`` bytes as they arrive, fewer when the line stays quiet."""
        ...

    def unplug(self) -> None: ...

    def replug(self) -> None:
        """Restore the line; both ends find it at their next call."""
        ...

    def close(self) -> None: ...


class Nobody:
    def wake(self, component: Stepped, at_us: int) -> None:
        raise AssertionError("nothing is attached")


class MemoryLine:
    def __init__(self, swapped: bool) -> None:
        self.modem = NullModem(Nobody())
        ends = (self.modem.left, self.modem.right)
        self.near: ByteLink = ends[swapped]
        self.far: ByteLink = ends[not swapped]
        self.now_us = 0

    def receive(self, link: ByteLink, count: int) -> bytes:
        self.now_us += 60 * SECOND
        return link.read(self.now_us)

    def unplug(self) -> None:
        self.modem.cut()

    def replug(self) -> None:
        self.modem.restore()

    def close(self) -> None:
        pass


class PtyLine:
    def __init__(self, swapped: bool, path: Path) -> None:
        self.pty = PtyLink(link_as=path)
        self.port = SerialPortLink(str(path), 115_200)
        ends = (self.pty, self.port)
        self.near: ByteLink = ends[swapped]
        self.far: ByteLink = ends[not swapped]
        self.now_us = 0
        self.port.read(0)

    def receive(self, link: ByteLink, count: int) -> bytes:
        assert isinstance(link, (PtyLink, SerialPortLink))
        data = b""
        while len(data) < count and select.select([link.fileno()], [], [], 2.0)[0]:
            data += link.read(self.now_us)
        return data

    def unplug(self) -> None:
        self.pty.unplug()

    def replug(self) -> None:
        self.pty.replug()
        with suppress(LinkLostError):  # a port that was not used meanwhile notices its loss only now
            self.port.read(self.now_us)
        self.now_us += 1 * SECOND

    def close(self) -> None:
        self.port.close()
        self.pty.close()


@pytest.fixture(params=["null modem left", "null modem right", "pseudo-terminal", "serial port"])
def line(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Line]:
    name: str = request.param
    line: Line
    if name.startswith("null modem"):
        line = MemoryLine(swapped=name.endswith("right"))
    else:
        line = PtyLine(swapped=name == "serial port", path=tmp_path / "line")
    yield line
    line.close()


def test_a_quiet_line_reads_empty_at_once(line: Line) -> None:
    assert line.near.read(line.now_us) == b""
    assert line.near.read(line.now_us) == b""


@pytest.mark.req("HW-01")
def test_every_byte_value_passes_unchanged_both_ways(line: Line) -> None:
    line.near.write(EVERY_BYTE, line.now_us)
    assert line.receive(line.far, 256) == EVERY_BYTE
    line.far.write(EVERY_BYTE, line.now_us)
    assert line.receive(line.near, 256) == EVERY_BYTE
    assert line.near.read(line.now_us) == b"", "nothing is echoed"


def test_chunks_keep_their_order(line: Line) -> None:
    chunks = [bytes((number,)) * 37 for number in range(40)]
    for chunk in chunks:
        line.near.write(chunk, line.now_us)
    assert line.receive(line.far, 37 * 40) == b"".join(chunks)


def test_writing_to_a_line_that_nobody_reads_never_blocks(line: Line) -> None:
    for _ in range(50):
        line.near.write(bytes(4096), line.now_us)
    got = line.receive(line.far, 50 * 4096 + 1) if isinstance(line, MemoryLine) else line.far.read(line.now_us)
    assert got.strip(b"\x00") == b""


def test_an_unplugged_line_says_so_at_every_call(line: Line) -> None:
    line.near.write(b"on the way", line.now_us)
    line.unplug()
    for _ in range(3):
        with pytest.raises(LinkLostError):
            line.near.read(line.now_us)
        with pytest.raises(LinkLostError):
            line.near.write(b"x", line.now_us)


def test_writing_first_also_notices_the_loss(line: Line) -> None:
    line.unplug()
    with pytest.raises(LinkLostError):
        line.near.write(b"x", line.now_us)


def test_a_line_plugged_again_works_and_is_empty(line: Line) -> None:
    for _ in range(3):
        line.far.write(b"lost", line.now_us)
        line.unplug()
        with pytest.raises(LinkLostError):
            line.near.read(line.now_us)
        line.replug()
        assert line.near.read(line.now_us) == b""
        # Both ends have found the line again before anything is sent on it.
        assert line.far.read(line.now_us) == b""
        line.far.write(b"new", line.now_us)
        assert line.receive(line.near, 3) == b"new"
        line.near.write(b"answer", line.now_us)
        assert line.receive(line.far, 6) == b"answer"
