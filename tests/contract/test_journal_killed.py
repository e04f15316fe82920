"""The SQLite journal in a process that is killed: what it said is durable is there, whole, once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from evse.services.journal import CloseInterrupted
from evse.services.sqlite_journal import SqliteStore

CHILD = """
import sys, threading
from pathlib import Path
from evse.services.clock import Instant
from evse.services.journal import Checkpoint, Sequence, SessionEnd, SessionStart
from evse.services.sqlite_journal import SqliteStore

path, boot = Path(sys.argv[1]), sys.argv[2]
moved = threading.Semaphore(0)
store = SqliteStore(path, moved.release)
journal = store.journal("s")
under_way = 0
seq = 0

def tell(text):
    global under_way
    under_way -= 1
    print(text, flush=True)

def commit(text, write):
    global under_way, seq
    seq += 1
    under_way += 1
    journal.commit([write, Sequence(boot, seq)], lambda: tell(text))
    while under_way > 4:
        moved.acquire()
        store.deliver()

for number in range(10**6):
    session, at = f"{boot}-{number}", Instant(boot, number)
    commit(f"{seq + 1} start {session}", SessionStart(1, session, "04A1B2C3", "badge", at))
    commit(f"{seq + 1} check {session}", Checkpoint(1, session, at, 5, seq, "Normal_Mode_3"))
    commit(f"{seq + 1} end {session}", SessionEnd(1, session, at, "Local", 7, seq, "Normal_Mode_3", 1))
"""


@pytest.mark.real
@pytest.mark.req("CDR-05")
def test_no_kill_loses_or_doubles_a_record(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    ended: list[str] = []
    started: list[str] = []
    for attempt, lines in enumerate((1, 2, 3, 17, 40)):
        boot = f"boot-{attempt}"
        said = run_and_kill(path, boot, lines)
        store = SqliteStore(path)
        journal = store.journal("s")
        assert journal.last_sequence(boot) >= int(said[-1][0])
        open_now = [session.session_id for session in journal.open_sessions()]
        recorded = [record.session_id for record in journal.records(10_000)]
        started += [session for _, what, session in said if what == "start"]
        ended += [session for _, what, session in said if what == "end"]
        assert set(ended) <= set(recorded)
        assert set(started) <= set(recorded) | set(open_now)
        assert set(open_now).isdisjoint(recorded)
        journal.commit([CloseInterrupted(f"boot-{attempt + 1}")], lambda: None)
        store.close()
        check_records(path, set(started))


def run_and_kill(path: Path, boot: str, lines: int) -> list[list[str]]:
    """Let a child write until it has said ``lines`` times that something is durable, then kill it."""
    command = [sys.executable, "-c", CHILD, str(path), boot]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as child:
        assert child.stdout is not None
        said = [child.stdout.readline().split() for _ in range(lines)]
        child.kill()
        rest = [line.split() for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    assert child.returncode == -9
    return said + rest


def check_records(path: Path, started: set[str]) -> None:
    store = SqliteStore(path)
    records = store.journal("s").records(10_000)
    assert store.journal("s").open_sessions() == ()
    assert [record.number for record in records] == list(range(len(records), 0, -1))
    assert len({record.session_id for record in records}) == len(records)
    assert started <= {record.session_id for record in records}
    assert {record.reason for record in records} <= {"Local", "PowerLoss"}
    store.close()
