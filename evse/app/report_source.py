"""The maintenance report of the running station: gathers what the report names from hub, journal and system."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable, Mapping
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version

from evse.core.units import SECOND
from evse.services.badges.badge import mask_uid
from evse.services.clock import Instant
from evse.services.journal import JournalError
from evse.services.records import LAST_SHOWN, Record, RecordReader, utc_text
from evse.services.report.content import Report, Sources, report_of
from evse.services.settings.service import Settings
from evse.web.ports import EventRecord, StationSource

EVENTS = 100


class StationReport:
    """A ``ReportPort``. ``now`` tells the time of control's clock given (``None``: now).

    ``settings``: whose values stand in the report, and whose troubles.
    """

    def __init__(
        self,
        station: str,
        source: StationSource,
        records: RecordReader,
        error_bits: Mapping[int, str],
        now: Callable[[int | None], Instant],
        settings: Settings | None = None,
    ) -> None:
        self._station = station
        self._source = source
        self._records = records
        self._error_bits = error_bits
        self._now = now
        self._settings = settings

    async def report(self) -> Report:
        settings = self._settings
        troubles = (self._source.condition().journal_problem, settings.problem if settings is not None else "")
        problems = [problem for problem in troubles if problem]
        view = self._source.latest()
        if view is None:
            problems.append("control does not answer")
        records: tuple[Record, ...] = ()
        try:
            records = await asyncio.to_thread(self._records.records, LAST_SHOWN)
        except JournalError as error:
            problems.append(f"the charge records cannot be read: {error}")
        return report_of(
            Sources(
                station=self._station,
                made=utc_text(self._now(None)),
                versions=_versions(),
                view=view,
                error_bits=self._error_bits,
                problems=problems,
                events=[self._told(event) for event in reversed(self._source.recent_events(EVENTS))],
                records=records,
                catalogue=None if settings is None else settings.catalogue,
                values=None if settings is None else settings.values,
            )
        )

    def _told(self, record: EventRecord) -> tuple[str, str]:
        at = self._now(record.at_us)
        event = record.event
        shown = []
        for field in fields(event):
            value = getattr(event, field.name)
            # Only plain values: what holds more may hold a badge number somewhere inside.
            if isinstance(value, str | int):
                shown.append(
                    f"{field.name} {mask_uid(value) if field.name == 'uid' and isinstance(value, str) else value}"
                )
        when = utc_text(at) or f"{record.at_us / SECOND:.3f} s after the machine's start"
        return when, f"{type(event).__name__}: {', '.join(shown)}"


def _versions() -> Mapping[str, str]:
    try:
        own = version("evse-controller")
    except PackageNotFoundError:
        own = "unknown"
    return {
        "evse-controller": own,
        "Python": platform.python_version(),
        "operating system": f"{platform.system()} {platform.release()}, {platform.machine()}",
    }
