"""A live trace on its way to the file: nothing waits, what is lost is counted, files are bounded."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from evse.app.processes.trace_feed import TraceFeed
from evse.app.processes.trace_process import SCHEMA, TraceFileWriter, write_all
from evse.app.processes.trace_writer import LiveTrace
from evse.sim.trace import TRACE_SCHEMA, open_trace

BOOT = {"boot_id": "b", "station_uid": "SIM-x", "profile": "parking", "config_digest": "d"}


def pair() -> tuple[TraceFeed, socket.socket]:
    """A feed that keeps two datagrams, and the writer's end."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    theirs.setblocking(False)
    return TraceFeed(ours.detach(), waiting=2), theirs


def heard(theirs: socket.socket) -> list[dict[str, Any]]:
    """Every line that has arrived."""
    lines: list[dict[str, Any]] = []
    while True:
        try:
            data = theirs.recv(65_536)
        except BlockingIOError:
            return lines
        if not data:
            return lines
        lines += [json.loads(line) for line in data.decode().splitlines()]


@pytest.mark.req("SIM-02")
def test_a_slow_writer_costs_lines_that_are_counted() -> None:
    feed, theirs = pair()
    for number in range(200):
        feed.note(number, "control", "cycle", {})
        feed.note(number, "wire a", "frame", {"bytes": "00" * 200})
        feed.flush()
    assert feed.lost > 100
    arrived = heard(theirs)
    assert [entry["seq"] for entry in arrived] == list(range(1, len(arrived) + 1))
    lost = feed.lost
    feed.note(300, "control", "cycle", {})
    feed.flush()
    feed.flush()
    more = heard(theirs)
    gap = next(entry for entry in more if entry["type"] == "gap")
    assert gap["data"] == {"count": lost}
    assert more[more.index(gap) + 1]["t"] == 300
    assert feed.lost == 0
    feed.close()
    theirs.close()


def test_without_a_writer_control_goes_on() -> None:
    feed, theirs = pair()
    theirs.close()
    for number in range(10):
        feed.note(number, "control", "cycle", {})
        feed.flush()
    assert feed.lost == 0


def line(t_us: int, kind: str, data: dict[str, Any] | None = None) -> str:
    """A line as the feed makes it."""
    return (
        json.dumps(
            {"t": t_us, "seq": t_us, "source": "control", "type": kind, "data": data or {}}, separators=(",", ":")
        )
        + "\n"
    )


@pytest.mark.req("SIM-02")
def test_a_file_is_bounded_and_the_next_boot_begins_another(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    writer = TraceFileWriter(path, 2_000)
    writer.take(line(0, "cycle"))
    assert not path.exists(), "a file begins with a boot"
    writer.take(line(1, "boot", BOOT))
    for number in range(2, 100):
        writer.take(line(number, "cycle"))
    writer.flush()
    first = open_trace(path)
    assert (first.name, first.profile) == ("SIM-x", "parking")
    types = [entry.type for entry in first.entries]
    assert (types[0], types[-1]) == ("boot", "full")
    assert path.stat().st_size < 2_200
    writer.take(line(200, "boot", BOOT))
    writer.take(line(201, "cycle"))
    writer.close()
    assert path.with_name("t.jsonl.1").exists()
    assert [entry.t_us for entry in open_trace(path).entries] == [200, 201]


def test_a_boot_with_room_goes_on_in_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for number, kind in ((1, "boot"), (2, "cycle"), (3, "boot"), (4, "cycle")):
        ours.send(line(number, kind, BOOT if kind == "boot" else None).encode())
    ours.close()
    writer = TraceFileWriter(path, 100_000)
    write_all(theirs, writer)
    writer.close()
    theirs.close()
    assert [entry.type for entry in open_trace(path).entries] == ["boot", "cycle", "boot", "cycle"]


def test_the_writer_knows_the_trace_version() -> None:
    assert SCHEMA == TRACE_SCHEMA


def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere" / "t.jsonl"):
        with pytest.raises(OSError, match="cannot be written"):
            LiveTrace(str(place), 1)
