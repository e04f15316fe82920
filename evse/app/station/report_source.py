"""The maintenance report of the running station: gathers what the report names from hub, journal and system."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

from evse.app.station.security_log import StationSecurityLog
from evse.core.units import SECOND
from evse.exchange.snapshot import StationView
from evse.services.badges.badge import UID_NAMES, mask_uid
from evse.services.clock import Instant
from evse.services.firmware.neighbours import SlaveFinding
from evse.services.journal import JournalError
from evse.services.records import LAST_SHOWN, Record, RecordReader, utc_text
from evse.services.report.content import Report, Sources, report_of
from evse.services.security.chain import Entry
from evse.services.settings.addresses import Addresses, addresses_of
from evse.services.settings.model import Role
from evse.services.settings.service import Settings
from evse.web.ports import EventRecord, StationSource

EVENTS = 100
SECURITY = 50
"""How many of the last entries of the security log a report has."""


class Slaves(Protocol):
    """How the slaves of a master stand."""

    def findings(self) -> Sequence[SlaveFinding]:
        """One by one."""
        ...

    @property
    def problem(self) -> str:
        """What keeps the master from them; empty when nothing does."""
        ...


class StationReport:
    """A ``ReportPort``. ``now`` tells the time of control's clock given (``None``: now).

    ``settings``: whose values stand in the report, and whose troubles. ``security``: whose newest entries do.
    ``host_problem``: what the machine refuses. ``firmware``: of the package that runs, empty without one.
    ``network``: how the slaves of a master stand.
    """

    def __init__(
        self,
        station: str,
        source: StationSource,
        records: RecordReader,
        error_bits: Mapping[int, str],
        now: Callable[[int | None], Instant],
        settings: Settings | None = None,
        security: StationSecurityLog | None = None,
        host_problem: Callable[[], str] = lambda: "",
        firmware: Callable[[], str] = lambda: "",
        network: Slaves | None = None,
    ) -> None:
        self._station = station
        self._source = source
        self._records = records
        self._error_bits = error_bits
        self._now = now
        self._settings = settings
        self._security = security
        self._host_problem = host_problem
        self._firmware = firmware
        self._network = network

    async def report(self, reader: Role | None = None) -> Report:
        settings = self._settings
        condition = self._source.condition()
        troubles = (
            condition.journal_problem,
            condition.supervision_problem,
            condition.memory_problem or (settings.problem if settings is not None else ""),
            self._host_problem(),
            "" if self._network is None else self._network.problem,
        )
        problems = [problem for problem in troubles if problem]
        view = self._source.latest()
        if view is None:
            problems.append("control does not answer")
        records: tuple[Record, ...] = ()
        try:
            records = await asyncio.to_thread(self._records.records, LAST_SHOWN)
        except JournalError as error:
            problems.append(f"the charge records cannot be read: {error}")
        entries, chain = await self._logged()
        problems += chain
        return report_of(
            Sources(
                station=self._station,
                made=utc_text(self._now(None)),
                versions={
                    **_versions(self._firmware()),
                    **_slave_versions(self._network),
                    **_device_versions(view, self._addresses()),
                },
                view=view,
                error_bits=self._error_bits,
                problems=problems,
                events=[self._told(event) for event in reversed(self._source.recent_events(EVENTS))],
                records=records,
                security=entries,
                catalogue=None if settings is None else settings.catalogue,
                values=None if settings is None else settings.values,
                reader=reader,
            )
        )

    async def _logged(self) -> tuple[Sequence[Entry], Sequence[str]]:
        """The newest entries of the security log, and what is wrong with it."""
        if self._security is None:
            return (), ()
        try:
            entries = await self._security.newest(SECURITY)
            verdict = await self._security.verify()
        except OSError as error:
            return (), (f"the security log cannot be read: {error.strerror or error}",)
        return entries, [f"security log: {problem}" for problem in verdict.problems]

    def _addresses(self) -> Addresses | None:
        settings = self._settings
        return addresses_of(settings.values) if settings is not None and "network.address" in settings.values else None

    def _told(self, record: EventRecord) -> tuple[str, str]:
        at = self._now(record.at_us)
        event = record.event
        shown = []
        for field in fields(event):
            value = getattr(event, field.name)
            # Only plain values: what holds more may hold a badge number somewhere inside.
            if isinstance(value, str | int):
                shown.append(
                    f"{field.name} {mask_uid(value) if field.name in UID_NAMES and isinstance(value, str) else value}"
                )
        when = utc_text(at) or f"{record.at_us / SECOND:.3f} s after the machine's start"
        return when, f"{type(event).__name__}: {', '.join(shown)}"


def _device_versions(view: StationView | None, addresses: Addresses | None) -> dict[str, str]:
    """Of the front end and the reader of each outlet, which is named by the last byte of its address as in the guide."""
    versions = {}
    for index, outlet in enumerate(view.outlets if view is not None else ()):
        address = "" if addresses is None else (addresses.address, addresses.second)[min(index, 1)]
        byte = address.rpartition(".")[2]
        name = f"outlet {outlet.number}" + (f" (.{byte})" if byte else "")
        versions[f"{name}: board"] = outlet.front_end_version or "not known"
        if outlet.reader_version or outlet.reader_problem:
            versions[f"{name}: RFID reader"] = outlet.reader_version or "not known"
    return versions


def _slave_versions(network: Slaves | None) -> dict[str, str]:
    """Of each slave, and how that stands to the version here."""
    found = {} if network is None else {f"slave {each.serial}": each for each in network.findings()}
    return {
        name: ", ".join(filter(None, (each.version, each.standing.value, each.note))) for name, each in found.items()
    }


def _versions(firmware: str) -> Mapping[str, str]:
    try:
        own = version("evse-controller")
    except PackageNotFoundError:
        own = "unknown"
    return {
        "evse-controller": own,
        **({"firmware package": firmware} if firmware else {}),
        "Python": platform.python_version(),
        "operating system": f"{platform.system()} {platform.release()}, {platform.machine()}",
    }
