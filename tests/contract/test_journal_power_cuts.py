"""The SQLite journal on a disk that loses its power: whatever was said to be durable is there, whole and once.

``EVSE_IMAGES`` and ``EVSE_RANDOM`` make a longer or another test of it (``tools/campaign --images``).
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from evse.services.journal import JournalError, Write
from evse.services.sqlite_journal import SqliteStore
from tests.fakes.crash_vfs import CrashImage, Log, RecordingDisk, images
from tests.fakes.journal_story import BOOT, STATION, right_states, state, story

IMAGES = int(os.environ.get("EVSE_IMAGES", "1000"))
SEED = int(os.environ.get("EVSE_RANDOM", "1"))
COMMITS = 150


@pytest.fixture
def quick_directory() -> Iterator[Path]:
    """In memory where there is such a place: what is tested is what was noted, not this disk."""
    memory = Path("/dev/shm")
    where = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="evse-t", dir=where) as name:
        yield Path(name)


class Recorded:
    """A store on the recording disk; ``commit`` waits until it is durable and notes that it was said."""

    def __init__(self, directory: Path, checkpoint_pages: int = 40) -> None:
        self.disk = RecordingDisk(checkpoint_pages)
        self.moved = threading.Event()
        self.done = 0
        with self.disk.watching_directories():
            self.store = SqliteStore(directory / "journal.sqlite", self.moved.set, 0.001, self.disk.connect)

    @property
    def log(self) -> Log:
        return self.disk.log

    def commit(self, burst: list[list[Write]]) -> None:
        expected = self.done + len(burst)
        for writes in burst:
            self.store.journal(STATION).commit(writes, self._count)
        while self.done < expected:
            assert self.moved.wait(10), self.store.problem
            self.moved.clear()
            self.store.deliver()
        self.log.acknowledge(self.done)

    def _count(self) -> None:
        self.done += 1

    def close(self) -> None:
        self.store.close()
        self.disk.close()


def play(directory: Path, commits: list[list[Write]], random: Random) -> Log:
    recorded = Recorded(directory)
    begin = 0
    while begin < len(commits):
        size = random.choice((1, 1, 1, 2, 5))
        recorded.commit(commits[begin : begin + size])
        begin += size
    log = Log(list(recorded.log.entries))
    recorded.close()
    return log


def found(directory: Path) -> tuple[int, tuple[object, ...]]:
    """What a station that starts on these files finds: the last commit, and the state."""
    store = SqliteStore(directory / "journal.sqlite")
    try:
        journal = store.journal(STATION)
        return journal.last_sequence(BOOT), state(journal)
    finally:
        store.close()


@pytest.mark.req("CDR-05", "AUT-03")
def test_no_power_cut_loses_or_doubles_what_was_acknowledged(quick_directory: Path) -> None:
    random = Random(SEED)
    commits = story(COMMITS, random)
    right = right_states(commits)
    log = play(quick_directory, commits, random)
    assert sum(isinstance(entry, int) for entry in log.entries) > 50
    restart = quick_directory / "restart"
    restart.mkdir()
    ahead = 0
    for image in images(log, IMAGES, random):
        image.put(restart)
        last, after = found(restart)
        assert last >= image.acknowledged, described(image, last)
        assert after == right[last], described(image, last)
        ahead += last > image.acknowledged
    # Images in which a commit has survived that nobody was told of: the cut really comes in the middle of things.
    assert ahead > IMAGES // 100


def described(image: CrashImage, last: int) -> str:
    sizes = {name: len(content) for name, content in image.files.items()}
    return f"after {image.after} operations: {image.acknowledged} acknowledged, {last} found, {sizes}"


def test_a_journal_without_flushes_is_caught(quick_directory: Path) -> None:
    """The disk really loses what is not flushed: the same story with a store that does not wait for it."""
    random = Random(1)
    commits = story(40, random)
    right = right_states(commits)
    log = play(quick_directory, commits, random)
    careless = Log([entry for entry in log.entries if isinstance(entry, int) or entry.what != "sync"])
    restart = quick_directory / "restart"
    restart.mkdir()
    wrong = 0
    for image in images(careless, 40, random):
        image.put(restart)
        try:
            last, after = found(restart)
            wrong += last < image.acknowledged or after != right[last]
        except (JournalError, ValueError, TypeError):
            wrong += image.acknowledged > 0  # so damaged that nothing can be read
    assert wrong > 10


@pytest.mark.req("CDR-05")
@pytest.mark.parametrize("reason", ["full", "input/output", "read-only"])
def test_a_failing_disk_delays_and_loses_and_doubles_nothing(quick_directory: Path, reason: str) -> None:
    random = Random(7)
    commits = story(40, random)
    right = right_states(commits)
    recorded = Recorded(quick_directory)
    failing = Random(8)
    failed = 0

    def fail(what: str) -> str:
        nonlocal failed
        bad = what in ("write", "sync") and failing.random() < 0.06
        failed += bad
        return reason if bad else ""

    recorded.commit(commits[:1])
    recorded.log.fail = fail
    for number in range(1, len(commits), 3):
        recorded.commit(commits[number : number + 3])
    recorded.log.fail = lambda _what: ""
    assert failed > 5
    assert state(recorded.store.journal(STATION)) == right[-1]
    assert recorded.store.problem == ""
    recorded.close()
    assert found(quick_directory) == (len(commits), right[-1])
