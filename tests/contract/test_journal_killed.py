"""The SQLite journal in a process that is killed at random instants: what it said is durable is there, whole, once.

One process loads the code and forks a writer for each life, so that a life costs milliseconds.
``EVSE_KILLS`` and ``EVSE_RANDOM`` make a longer or another test of it (``tools/campaign --kills``).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from evse.services.journal import CloseInterrupted, Journal
from evse.services.sqlite_journal import SqliteStore

KILLS = int(os.environ.get("EVSE_KILLS", "60"))
SEED = int(os.environ.get("EVSE_RANDOM", "1"))
NURSERY = """
import os, sys, threading
from pathlib import Path
from evse.services.badges.badge import Badge
from evse.services.badges.writes import PutBadges
from evse.services.clock import Instant
from evse.services.journal import Checkpoint, Sequence, SessionEnd, SessionStart
from evse.services.sqlite_journal import SqliteStore


def live(path, boot):
    moved = threading.Semaphore(0)
    store = SqliteStore(path, moved.release)
    journal = store.journal("s")
    under_way = seq = 0

    def tell(text):
        nonlocal under_way
        under_way -= 1
        os.write(1, f"{text}\\n".encode())

    def commit(text, write):
        nonlocal under_way, seq
        seq += 1
        under_way += 1
        journal.commit([write, Sequence(boot, seq)], lambda seq=seq: tell(f"{seq} {text}"))
        while under_way > 4:
            moved.acquire()
            store.deliver()

    for number in range(10**6):
        session, at = f"{boot}-{number}", Instant(boot, number)
        uid = f"{int(boot.split('-')[1]) % 500:08X}"
        commit(f"start {session}", SessionStart(1, session, uid, "badge", at))
        commit(f"badge {uid}/{number}", PutBadges((Badge(uid, comment=str(number), number=int(uid, 16) + 1),)))
        commit(f"check {session}", Checkpoint(1, session, at, 5, seq, "Normal_Mode_3"))
        commit(f"end {session}", SessionEnd(1, session, at, "Local", 7, seq, "Normal_Mode_3", 1))


for line in sys.stdin:
    path, boot = line.split()
    pid = os.fork()
    if pid == 0:
        live(Path(path), boot)
    os.write(1, f"born {pid}\\n".encode())
    os.waitpid(pid, 0)
    os.write(1, b"dead\\n")
"""


@contextmanager
def nursery() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", NURSERY]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def live_and_die(process: subprocess.Popen[bytes], path: Path, boot: str, random: Random) -> list[tuple[int, str, str]]:
    """One life of the writer, killed at a random instant after its first word; what it said was durable."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{path} {boot}\n".encode())
    process.stdin.flush()
    pid = 0
    said: list[list[bytes]] = []
    while pid == 0 or not said:
        words = process.stdout.readline().split()
        if words[0] == b"born":
            pid = int(words[1])
        else:
            said.append(words)
    time.sleep(random.choice((0, random.random() * 0.004, random.random() * 0.04)))
    os.kill(pid, signal.SIGKILL)
    while (words := process.stdout.readline().split()) != [b"dead"]:
        said.append(words)
    return [(int(seq), what.decode(), name.decode()) for seq, what, name in said]


@pytest.mark.real
@pytest.mark.req("CDR-05", "AUT-03")
def test_no_kill_loses_or_doubles_a_record_or_a_badge(tmp_path: Path) -> None:
    path, random = tmp_path / "journal.db", Random(SEED)
    with nursery() as process:
        for life in range(KILLS):
            boot = f"boot-{life}"
            said = live_and_die(process, path, boot, random)
            store = SqliteStore(path)
            journal = store.journal("s")
            before = journal.records(1)
            assert journal.last_sequence(boot) >= max(seq for seq, _, _ in said), "what was said is not there"
            check_life(journal, boot, said)
            journal.commit([CloseInterrupted(f"boot-{life + 1}")], lambda: None)
            store.close()
            check_whole(path, after=before[0].number if before else 0)


def check_life(journal: Journal, boot: str, said: list[tuple[int, str, str]]) -> None:
    records = [record.session_id for record in journal.records(3_000) if record.session_id.startswith(f"{boot}-")]
    running = [session.session_id for session in journal.open_sessions()]
    assert {name for _, what, name in said if what == "end"} <= set(records)
    assert {name for _, what, name in said if what == "start"} <= {*records, *running}
    assert set(running).isdisjoint(records)
    badges = {badge.uid: int(badge.comment) for badge in journal.badges()}
    for uid, number in (name.split("/") for _, what, name in said if what == "badge"):
        assert badges[uid] >= int(number)


def check_whole(path: Path, after: int) -> None:
    """After the restart: no session is open, numbers follow one another, no session has two records."""
    store = SqliteStore(path)
    journal = store.journal("s")
    records = journal.records(3_000)
    assert journal.open_sessions() == ()
    newest = records[0].number
    assert after <= newest <= after + 1, "the session that was cut short is closed once"
    assert [record.number for record in records] == list(range(newest, newest - len(records), -1))
    assert len({record.session_id for record in records}) == len(records)
    assert {record.reason for record in records} <= {"Local", "PowerLoss"}
    store.close()
