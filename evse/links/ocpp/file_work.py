"""Files that the central system wants: uploads of diagnostics and logs, downloads of firmware, with retries, pure.

What has to be done is a :class:`Job`; whoever can reach the network does it and tells the end by ``Files.ended``. One job at
a time. A job that fails is tried again ``retries`` times after ``retry_interval_s``; a newer wish of the same kind cancels
an older one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Final

from evse.core.units import NEVER, SECOND
from evse.records import dataclass

DEFAULT_RETRY_S: Final = 60
MOST_RETRIES: Final = 20


class Work(StrEnum):
    """What a job does."""

    DIAGNOSTICS = "diagnostics"
    SECURITY_LOG = "security log"
    DOWNLOAD = "download"
    INSTALL = "install"


class End(StrEnum):
    """How a job ended."""

    DONE = "done"
    FAILED = "failed"
    FORBIDDEN = "forbidden"
    """The URL or what it leads to is refused: trying again does not help."""
    INVALID_SIGNATURE = "invalid signature"


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work. ``since`` and ``until`` are `dateTime`s or empty; signature and certificate for signed firmware."""

    number: int
    work: Work
    url: str = ""
    name: str = ""
    since: str = ""
    until: str = ""
    signature: str = ""
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class Installing:
    """A firmware for which the station restarts. ``request``: of `SignedUpdateFirmware`; ``before``: the version that ran."""

    request: int | None
    before: str


@dataclass(slots=True)
class WorkStates:
    """What a trigger is answered with: the states last told, with the request's id where there is one."""

    diagnostics: str = "Idle"
    firmware: str = "Idle"
    log: tuple[str, int | None] = ("Idle", None)
    signed_firmware: tuple[str, int | None] = ("Idle", None)
    installations: int = 0
    """Counts firmware that waits to be installed: a newer order takes the place of an older."""
    order: str = ""
    """A firmware that was wanted before a restart, as it was kept."""
    installing: Installing | None = None
    installed: bool | None = None
    """What came of it, once that is known and as long as it has to be told."""
    telling: bool = False


Told = Callable[[int, str], None]
"""Called with the time and one of `begun`, or an ``End``."""


@dataclass(slots=True)
class _Entry:
    job: Job
    tell: Told
    retries: int
    interval_us: int
    due_us: int


class Files:
    """State: the job under way and those that wait."""

    def __init__(self) -> None:
        self._count = 0
        self._waiting: list[_Entry] = []
        self._running: _Entry | None = None
        self.cancelled: list[int] = []
        """Jobs that must be given up, to be taken by the owner."""

    def put(self, job: Job, tell: Told, *, due_us: int, retries: int | None, interval_s: int | None) -> bool:
        """Queue a job, not before ``due_us``; true when it takes the place of another of its kind."""
        self._count += 1
        same = [each for each in self._waiting if _kind(each.job) == _kind(job)]
        self._waiting = [each for each in self._waiting if each not in same]
        replaced = bool(same)
        if self._running is not None and _kind(self._running.job) == _kind(job):
            self.cancelled.append(self._running.job.number)
            self._running, replaced = None, True
        interval_us = (DEFAULT_RETRY_S if interval_s is None else max(interval_s, 1)) * SECOND
        entry = _Entry(
            replace(job, number=self._count), tell, min(max(retries or 0, 0), MOST_RETRIES), interval_us, due_us
        )
        self._waiting.append(entry)
        return replaced

    def next(self, now_us: int) -> Job | None:
        """Return the job to do now; it is under way from then on."""
        if self._running is not None:
            return None
        for entry in self._waiting:
            if now_us >= entry.due_us:
                self._waiting.remove(entry)
                self._running = entry
                entry.tell(now_us, "begun")
                return entry.job
        return None

    def ended(self, now_us: int, number: int, end: End) -> None:
        """A job has ended; one that was cancelled is nobody's any more."""
        entry = self._running
        if entry is None or entry.job.number != number:
            return
        self._running = None
        if end is End.FAILED and entry.retries > 0:
            entry.retries -= 1
            entry.due_us = now_us + entry.interval_us
            self._waiting.append(entry)
        entry.tell(now_us, end.value if entry not in self._waiting else "again")

    def busy(self, *works: Work) -> bool:
        """Whether such a job is under way or waits."""
        jobs = [each.job for each in self._waiting] + ([self._running.job] if self._running is not None else [])
        return any(job.work in works for job in jobs)

    def wake_us(self) -> int:
        """When the next job may begin."""
        return NEVER if self._running is not None else min((each.due_us for each in self._waiting), default=NEVER)


def _kind(job: Job) -> str:
    return "firmware" if job.work in (Work.DOWNLOAD, Work.INSTALL) else "upload"
