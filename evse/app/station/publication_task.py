"""Publication of a running station: takes its settings as they are, its journal, and the time; runs beside everything else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from evse.core.units import SECOND
from evse.services.clock import Instant
from evse.services.disk import Disk, RealDisk
from evse.services.news import heard
from evse.services.outgoing import Destinations
from evse.services.publication.calendar import Frequency
from evse.services.publication.delivery import ReportFile
from evse.services.publication.from_settings import publication_settings
from evse.services.publication.report import Report
from evse.services.publication.service import STATE, Outcome, Publication, PublishedJournal, StateFile, deliverer
from evse.services.publication.settings import PublicationSettings
from evse.services.settings.addresses import addresses_of
from evse.services.settings.model import Values
from evse.services.settings.service import Settings
from evse.web.publication_port import DeliveryView, PublicationView, ReportView

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
_log = logging.getLogger(__name__)


class StationPublication:
    """A ``PublicationPort``. ``wanted`` is told whether new records are meant for publication; ``now`` tells the time.

    ``simulated``: servers on this machine are allowed, as a developer has them.
    """

    def __init__(
        self,
        journal: PublishedJournal,
        data: Path,
        station: str,
        settings: Settings,
        now: Callable[[], Instant],
        wanted: Callable[[bool], None],
        simulated: bool,
        disk: Disk | None = None,
    ) -> None:
        self._settings = settings
        self._now = now
        self._wanted = wanted
        self._simulated = simulated
        self._news = asyncio.Event()
        self._last: DeliveryView | None = None
        self._publication = Publication(
            journal,
            StateFile(data / STATE, disk or RealDisk()),
            station,
            lambda: publication_settings(settings.values),
            self._deliver,
            self._told,
        )
        settings.listen(self._changed)
        self._changed(settings.values, frozenset())

    async def run(self) -> None:
        """Publish what is due, for ever."""
        while True:
            wait_us = await self._publication.step(self._now().utc_us)
            await heard(self._news, max(wait_us / SECOND, 1.0))

    def look(self) -> None:
        """Look for what is due at once: the clock was set."""
        self._news.set()

    async def view(self) -> PublicationView:
        """How publication stands. Raises OSError while its state cannot be read."""
        values = self._settings.values
        waiting = tuple(_shown(report) for report in await self._publication.waiting())
        return PublicationView(
            str(values["publication.frequency"]), str(values["publication.protocol"]), waiting, self._last
        )

    async def test(self) -> DeliveryView:
        """The TEST button."""
        return self._delivery(await self._publication.test(self._now().utc_us))

    async def _deliver(self, settings: PublicationSettings, file: ReportFile) -> str:
        own = addresses_of(self._settings.values)
        rule = Destinations(
            frozenset(filter(None, (own.address, own.second))), _LOOPBACK if self._simulated else frozenset()
        )
        return await deliverer(rule)(settings, file)

    def _changed(self, values: Values, _keys: frozenset[str]) -> None:
        self._wanted(values["publication.frequency"] != Frequency.DISABLED.value)
        self._news.set()

    def _told(self, outcome: Outcome) -> None:
        self._last = self._delivery(outcome)
        _log.log(logging.INFO if outcome.delivered else logging.WARNING, "publication: %s", outcome.text)

    def _delivery(self, outcome: Outcome) -> DeliveryView:
        return DeliveryView(outcome.delivered, outcome.text, outcome.dropped, _utc(self._now().utc_us))


def _shown(report: Report) -> ReportView:
    return ReportView(
        report.first, report.last, _utc(report.created_us), report.tries, _utc(report.next_try_us), report.problem
    )


def _utc(at_us: int | None) -> str:
    if at_us is None:
        return ""
    return datetime.fromtimestamp(at_us // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
