"""Serial port and pseudo-terminal: what is special to them; what every byte link does is in ``tests/contract``."""

from __future__ import annotations

import errno
import os
import select
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import serial

from hal.linux.pty import PtyLink
from hal.linux.serial_port import REOPEN_US, SerialPortLink
from hal.wires import LinkLostError


@pytest.fixture
def pty(tmp_path: Path) -> Iterator[PtyLink]:
    with PtyLink(link_as=tmp_path / "reader") as pty:
        yield pty


@pytest.fixture
def port(pty: PtyLink) -> Iterator[SerialPortLink]:
    port = SerialPortLink(str(pty.link_as), 115_200)
    yield port
    port.close()


def receive(link: PtyLink | SerialPortLink, count: int, now_us: int = 0) -> bytes:
    data = b""
    while len(data) < count and select.select([link.fileno()], [], [], 2.0)[0]:
        data += link.read(now_us)
    return data


def test_it_opens_at_the_first_use_and_not_before(port: SerialPortLink) -> None:
    assert port.fileno() == -1
    assert port.read(0) == b""
    assert port.fileno() >= 0


def test_the_line_is_raw_8n1_at_its_rate(port: SerialPortLink) -> None:
    port.read(0)
    _, output, control, local, in_speed, out_speed, _ = termios.tcgetattr(port.fileno())
    assert in_speed == out_speed == termios.B115200
    assert control & termios.CSIZE == termios.CS8
    assert not control & (termios.PARENB | termios.CSTOPB | termios.CRTSCTS)
    assert not local & (termios.ICANON | termios.ECHO | termios.ISIG)
    assert not output & termios.OPOST
    assert port.low_latency is False, "a pseudo-terminal has no such setting, and that is no error"


def test_a_missing_device_is_tried_again_every_half_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = 0
    original = serial.Serial

    def counted(path: str, baud: int, **options: Any) -> serial.Serial:
        nonlocal attempts
        attempts += 1
        return original(path, baud, **options)

    monkeypatch.setattr("hal.linux.serial_port.serial.Serial", counted)
    port = SerialPortLink(str(tmp_path / "nothing"), 115_200)
    for now_us in range(0, 2 * REOPEN_US, 10_000):
        with pytest.raises(LinkLostError, match="No such file"):
            port.read(now_us)
        with pytest.raises(LinkLostError, match="No such file"):
            port.write(b"x", now_us)
    assert attempts == 2


def test_a_device_that_another_program_uses_is_refused(pty: PtyLink, port: SerialPortLink) -> None:
    port.read(0)
    second = SerialPortLink(str(pty.link_as), 115_200)
    with pytest.raises(LinkLostError):
        second.read(0)
    port.close()
    assert second.read(REOPEN_US) == b""
    second.close()


def test_a_path_that_is_no_serial_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"no device")
    port = SerialPortLink(str(tmp_path / "file"), 115_200)
    with pytest.raises(LinkLostError):
        port.read(0)
    assert port.fileno() == -1


@pytest.mark.parametrize("number", [errno.EIO, errno.ENXIO, errno.ENODEV, errno.EBADF])
@pytest.mark.parametrize("call", ["read", "write"])
def test_every_error_of_the_device_means_that_it_is_gone(
    port: SerialPortLink, monkeypatch: pytest.MonkeyPatch, number: int, call: str
) -> None:
    port.read(0)
    descriptors_before = len(os.listdir("/proc/self/fd"))

    def broken(*_: object) -> bytes:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(f"hal.linux.serial_port.os.{call}", broken)
        with pytest.raises(LinkLostError):
            port.read(1) if call == "read" else port.write(b"x", 1)
    assert port.fileno() == -1
    assert len(os.listdir("/proc/self/fd")) < descriptors_before
    with pytest.raises(LinkLostError):
        port.read(2)
    assert port.read(1 + REOPEN_US) == b""


def test_nothing_is_echoed_while_no_host_is_there(pty: PtyLink) -> None:
    pty.write(b"hello\n", 0)
    assert not select.select([pty.fileno()], [], [], 0.05)[0]
    assert pty.read(0) == b""


def test_a_host_may_close_and_open_the_device_again(pty: PtyLink, port: SerialPortLink) -> None:
    for number in range(3):
        port.write(b"hello", number)
        assert receive(pty, 5) == b"hello"
        port.close()
        assert pty.read(0) == b"", "a host that closes does not hang up the line"
    assert pty.plugged


@pytest.mark.parametrize("choose", [lambda pty, port: pty, lambda pty, port: port], ids=["pty", "port"])
def test_what_does_not_fit_is_counted_and_dropped(
    pty: PtyLink, port: SerialPortLink, choose: Callable[[PtyLink, SerialPortLink], PtyLink | SerialPortLink]
) -> None:
    port.read(0)
    sender = choose(pty, port)
    receiver = port if sender is pty else pty
    for _ in range(20):
        sender.write(b"u" * 4096, 0)
    assert sender.dropped_bytes > 0
    assert len(receive(receiver, 20 * 4096 - sender.dropped_bytes)) == 20 * 4096 - sender.dropped_bytes


def test_the_stable_name_leads_to_the_new_device(tmp_path: Path) -> None:
    name = tmp_path / "deep" / "reader"
    with PtyLink(link_as=name) as pty:
        assert os.readlink(name) == pty.slave_path
        pty.unplug()
        assert not os.path.lexists(name)
        assert pty.slave_path == ""
        assert pty.fileno() == -1
        pty.unplug()
        pty.replug()
        pty.replug()
        assert os.readlink(name) == pty.slave_path
    assert not os.path.lexists(name)


def test_a_left_over_name_is_replaced_and_a_real_file_is_not(tmp_path: Path) -> None:
    name = tmp_path / "reader"
    name.symlink_to("/dev/pts/nowhere")
    with PtyLink(link_as=name) as pty:
        assert os.readlink(name) == pty.slave_path
        name.unlink()
        name.symlink_to("/elsewhere")
    assert os.readlink(name) == "/elsewhere", "somebody else's name is left alone"
    name.unlink()
    name.write_text("precious")
    descriptors = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileExistsError):
        PtyLink(link_as=name)
    assert name.read_text() == "precious"
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_device_that_cannot_be_opened_is_told_with_path_reason_and_remedy(tmp_path: Path) -> None:
    assert SerialPortLink(str(tmp_path / "nothing"), 115_200).open_now(0) == (
        f"cannot open {tmp_path}/nothing: No such file or directory; "
        "plug the adapter in, or correct the path in the profile; tried again until it works"
    )
    (tmp_path / "file").write_bytes(b"")
    assert "check that the path in the profile names a serial device" in SerialPortLink(
        str(tmp_path / "file"), 115_200
    ).open_now(0)


def test_a_device_in_use_is_told_as_that(port: SerialPortLink) -> None:
    assert port.open_now(0) == ""
    second = SerialPortLink(port.path, 115_200)
    assert "in use by another program; end the other program" in second.open_now(0)
