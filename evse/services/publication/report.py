"""What publication must not forget: which reports wait, how often each was tried, which due time came last.

Kept as one JSON file, replaced as a whole at each change (:mod:`evse.services.disk`), with a checksum. A report names
the span of its records by number; which of them still have to be sent is the journal's knowledge alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from typing import Final

from evse.core.units import HOUR
from evse.records import dataclass

RETRIES: Final = 168
"""After the first try: hourly for seven days."""
RETRY_US: Final = HOUR
REPORTS_KEPT: Final = 40
"""More than can wait: a report lives seven days and at most one a day is made."""
_VERSION: Final = 1


class StateError(ValueError):
    """The file does not hold a publication state; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Report:
    """One file to be delivered, with the records ``first`` to ``last`` (numbers, both included).

    ``created_us``: UTC, part of the file's name, so that the same report always has the same name. ``tries`` counts
    failed deliveries but those of the TEST button, ``next_try_us`` is UTC, ``problem`` says why the last try failed.
    """

    first: int
    last: int
    created_us: int
    tries: int = 0
    next_try_us: int = 0
    problem: str = ""

    def failed(self, now_us: int, problem: str, forced: bool = False) -> Report:
        """The report after one more failed try at ``now_us``; one that a person forced is not one of its hourly tries."""
        if forced:
            return replace(self, problem=problem)
        return replace(self, tries=self.tries + 1, next_try_us=now_us + RETRY_US, problem=problem)

    @property
    def given_up(self) -> bool:
        """Whether the last retry has failed."""
        return self.tries > RETRIES


@dataclass(frozen=True, slots=True)
class PublicationState:
    """``reports`` wait for delivery, oldest first. ``last_due_us``: the due time that was served last, UTC.

    ``frequency`` is the one that ``last_due_us`` belongs to.
    """

    reports: tuple[Report, ...] = ()
    last_due_us: int | None = None
    frequency: str = "disabled"


def state_bytes(state: PublicationState) -> bytes:
    """The file's content."""
    body = json.dumps(asdict(state), sort_keys=True, separators=(",", ":"))
    return json.dumps({"version": _VERSION, "sha256": _digest(body), "state": body}).encode()


def state_of(data: bytes) -> PublicationState:
    """The state of a file's content. Raises ``StateError`` for anything that ``state_bytes`` did not write."""
    try:
        outer = json.loads(data)
        body = outer["state"]
        if outer["version"] != _VERSION:
            raise StateError(f"version {outer['version']!r}, this program knows {_VERSION}")
        if _digest(body) != outer["sha256"]:
            raise StateError("the checksum does not fit")
        inner = json.loads(body)
        reports = tuple(Report(**each) for each in inner.pop("reports"))
        return PublicationState(reports=reports, **inner)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, StateError):
            raise
        raise StateError("not a publication state") from error


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
