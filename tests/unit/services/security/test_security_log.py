"""The security log: chained, bounded, sound after every power cut, and honest about what is missing."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.services.clock import ClockQuality, Instant
from evse.services.disk import RealDisk
from evse.services.security.chain import BadEntry, entry_of, line_of, make_entry, readable
from evse.services.security.events import BOUNDED, SecurityEvent, SecurityKind
from evse.services.security.log_file import SecurityFile, verify_directory
from evse.services.security.writer import BURST, QUEUE, SecurityWriter, Throttle
from tests.fakes.crash_disk import CrashDisk, PowerCut

DIRECTORY = Path("/data")
NOON = Instant("boot-1", 5_000_000, 1_780_000_000_000_000, ClockQuality.SYNCHRONISED)


def event(number: int) -> SecurityEvent:
    return SecurityEvent(SecurityKind.SETTINGS_CHANGED, "admin", "192.168.0.9", f"change {number}")


def details(file: SecurityFile) -> list[str]:
    return [entry.detail for entry in file.entries()]


def test_what_is_recorded_is_found_again_in_order(tmp_path: Path) -> None:
    SecurityFile(tmp_path, RealDisk()).append([(event(1), NOON), (event(2), NOON)])
    again = SecurityFile(tmp_path, RealDisk())
    again.append([(SecurityEvent(SecurityKind.BADGES_CHANGED, uid="04A1B2C3D4E5F6"), NOON)])
    first, second, third = again.entries()
    assert (first.n, first.utc, first.actor, first.source, first.detail) == (
        1,
        "2026-05-28T20:26:40Z",
        "admin",
        "192.168.0.9",
        "change 1",
    )
    assert (second.prev, third.prev) == (first.hash, second.hash)
    assert third.uid == "**********E5F6"
    assert again.verify().sound
    assert (tmp_path / "security.log").stat().st_mode & 0o077 == 0


@given(st.data())
def test_no_change_of_any_byte_goes_unseen(data: st.DataObject) -> None:
    disk = CrashDisk(Random(1))
    file = SecurityFile(DIRECTORY, disk)
    file.append([(event(number), NOON) for number in range(4)])
    log = disk.files[DIRECTORY / "security.log"]
    kind = data.draw(st.sampled_from(["flip", "cut", "line", "swap", "insert"]))
    lines = log.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(log) - 1))
    which = data.draw(st.integers(0, len(lines) - 1))
    match kind:
        case "flip":
            changed = log[:at] + bytes([log[at] ^ data.draw(st.integers(1, 255))]) + log[at + 1 :]
        case "cut":
            changed = log[:at]
        case "line":
            changed = b"".join(lines[:which] + lines[which + 1 :])
        case "swap":
            changed = b"".join(lines[1:] + lines[:1])
        case _:
            foreign = make_entry(event(9), NOON, which + 1, lines[which].decode()[:64])
            changed = b"".join([*lines[:which], line_of(foreign), *lines[which:]])
    disk.files[DIRECTORY / "security.log"] = changed
    assert not verify_directory(DIRECTORY, disk).sound


def test_damage_is_noted_in_the_log_and_it_goes_on() -> None:
    disk = CrashDisk(Random(1))
    SecurityFile(DIRECTORY, disk).append([(event(number), NOON) for number in range(3)])
    lines = disk.files[DIRECTORY / "security.log"].splitlines(keepends=True)
    disk.files[DIRECTORY / "security.log"] = lines[0]
    file = SecurityFile(DIRECTORY, disk)
    file.append([(event(4), NOON)])
    noted, last = file.entries()[-2:]
    assert (noted.n, noted.kind, last.detail) == (4, "log-damaged", "change 4")
    assert "entry 3 was written and is not there" in noted.detail
    assert not file.verify().sound
    file.clear("admin", "", NOON)
    assert file.verify().sound
    assert [entry.kind for entry in file.entries()] == ["log-cleared"]


def test_it_stays_bounded_and_the_anchor_says_where_it_begins() -> None:
    disk = CrashDisk(Random(1))
    file = SecurityFile(DIRECTORY, disk, limit=4_000)
    for number in range(100):
        file.append([(event(number), NOON)])
        assert sum(map(len, disk.files.values())) < 10_000
    kept = file.entries()
    assert file.verify() == verify_directory(DIRECTORY, disk)
    assert file.verify().sound
    assert kept[-1].n == 100
    assert 1 < kept[0].n < 95
    del disk.files[DIRECTORY / "security.log.1"]
    assert "the beginning is missing" in " ".join(file.verify().problems)


def test_no_power_cut_loses_an_entry_or_breaks_the_chain() -> None:
    """At every operation of a life with rotations and a clearing; what was told durable is there afterwards."""
    for seed in range(4):
        cut_at = 1
        while True:
            random = Random(f"{seed} {cut_at}")
            disk = CrashDisk(random, cut_at)
            durable, cleared = -1, -1
            try:
                file = SecurityFile(DIRECTORY, disk, limit=1_500)
                for number in range(16):
                    if number == 10:
                        cleared = number
                        file.clear("admin", "", NOON)
                    file.append([(event(number), NOON)])
                    durable = number
                break
            except PowerCut:
                pass
            disk = disk.after_the_cut()
            file = SecurityFile(DIRECTORY, disk, limit=1_500)
            assert file.verify().sound, (seed, cut_at, file.verify().problems)
            file.append([(event(99), NOON)])
            found = [int(text.split()[1]) for text in details(file) if text.startswith("change")]
            assert found[-1] == 99
            assert found == sorted(set(found)), "nothing twice"
            if durable >= 0 and cleared < 0:
                assert durable in found, (seed, cut_at)
            assert "log-damaged" not in {entry.kind for entry in file.entries()}
            assert file.verify().sound
            cut_at += 1
        assert cut_at > 40


@pytest.mark.parametrize("seed", range(40))
def test_an_operation_that_fails_is_made_again_and_nothing_stands_twice(seed: int) -> None:
    random = Random(seed)
    disk = CrashDisk(random, fail_at=random.sample(range(3, 40), 8))
    file = SecurityFile(DIRECTORY, disk, limit=1_200)
    for number in range(8):
        for _ in range(10):
            try:
                file.append([(event(2 * number), NOON), (event(2 * number + 1), NOON)])
                break
            except OSError:
                continue
    assert file.verify().sound, file.verify().problems
    kept = details(file)
    assert kept == [f"change {number}" for number in range(16)][-len(kept) :]


@given(st.text(), st.text())
def test_hostile_text_stays_one_plain_line(actor: str, detail: str) -> None:
    entry = make_entry(SecurityEvent(SecurityKind.LOGIN_FAILED, actor, "\x1b[2J", detail + "\r\n\u202e"), NOON, 1, "0")
    line = line_of(entry)
    assert line.count(b"\n") == 1
    assert line.isascii()
    assert len(line) < 8_192
    assert all(32 <= ord(character) < 127 for character in readable(entry))
    assert entry_of(line[:-1]) == entry


def test_an_entry_cannot_be_written_in_two_ways() -> None:
    entry = make_entry(event(1), NOON, 1, "0" * 64)
    fields = json.loads(line_of(entry))
    for spelling in (json.dumps(fields).encode(), json.dumps({**fields, "more": 1}).encode(), b"[" * 9_000, b"nan"):
        with pytest.raises(BadEntry):
            entry_of(spelling)
    with pytest.raises(BadEntry, match="changed"):
        entry_of(line_of(replace(entry, detail="change 2"))[:-1])


def test_strangers_cannot_wash_the_log_away(tmp_path: Path) -> None:
    writer = SecurityWriter(lambda: SecurityFile(tmp_path, RealDisk()), lambda: NOON)
    writer.record(event(1))
    for _ in range(500):
        writer.record(SecurityEvent(SecurityKind.LOGIN_FAILED, "admin", "10.0.0.66"))
    writer.close()
    kinds = [entry.kind for entry in SecurityFile(tmp_path, RealDisk()).entries()]
    assert kinds.count("settings-changed") == 1
    assert kinds.count("login-failed") == BURST
    assert kinds.count("events-lost") <= 2
    lost = [entry.detail for entry in SecurityFile(tmp_path, RealDisk()).entries() if entry.kind == "events-lost"]
    assert sum(int(text.split(": ")[1].split(" x ")[0]) for text in lost) == 500 - BURST


@pytest.mark.parametrize("kind", sorted(BOUNDED))
def test_what_costs_nothing_to_cause_is_counted_beyond_a_burst(kind: SecurityKind) -> None:
    throttle = Throttle()
    assert sum(throttle.takes(kind, 1_000) for _ in range(500)) == BURST
    assert all(throttle.takes(SecurityKind.SETTINGS_CHANGED, 1_000) for _ in range(500))


def test_the_account_user_cannot_wash_the_log_away_and_hides_nobody_elses_doings() -> None:
    throttle = Throttle()
    changes = [throttle.takes(SecurityKind.SETTINGS_CHANGED, 1_000, "user") for _ in range(500)]
    assert changes == [True] * BURST + [False] * (500 - BURST)
    assert throttle.takes(SecurityKind.LOGOUT, 1_000, "user")
    assert all(throttle.takes(SecurityKind.SETTINGS_CHANGED, 1_000, "admin") for _ in range(500))
    failed = [throttle.takes(SecurityKind.LOGIN_FAILED, 1_000, "user") for _ in range(500)]
    assert failed.count(True) == BURST
    assert throttle.takes(SecurityKind.LOGIN_FAILED, 1_000, "admin")


def test_a_minute_later_they_are_written_one_by_one_again() -> None:
    throttle = Throttle()
    taken = [throttle.takes(SecurityKind.LOGIN_FAILED, 1_000) for _ in range(BURST + 1)]
    assert taken == [True] * BURST + [False]
    assert throttle.takes(SecurityKind.SETTINGS_CHANGED, 1_000)
    assert throttle.takes(SecurityKind.LOGIN_FAILED, 60_001_000)


def test_a_disk_that_fails_delays_and_the_excess_is_told(tmp_path: Path) -> None:
    opened = threading.Event()
    failures = iter([OSError(28, "No space left on device")] * 3)

    def open_file() -> SecurityFile:
        if (error := next(failures, None)) is not None:
            raise error
        opened.set()
        return SecurityFile(tmp_path, RealDisk())

    writer = SecurityWriter(open_file, lambda: NOON, retry_s=0.02)
    for number in range(QUEUE + 5):
        writer.record(event(number))
    assert opened.wait(10)
    writer.close()
    entries = SecurityFile(tmp_path, RealDisk()).entries()
    texts = [entry.detail for entry in entries if entry.kind == "settings-changed"]
    assert texts == [f"change {number}" for number in range(len(texts))]
    assert len(texts) >= QUEUE
