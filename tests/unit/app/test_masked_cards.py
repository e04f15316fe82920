"""What leaves the station of its events names no card in full: neither who started nor who stopped."""

from __future__ import annotations

import asyncio

from evse.app.station.report_source import StationReport
from evse.app.supervision.diagnostics import diagnostics
from evse.core.events import SessionClosed, SessionOpened
from evse.services.clock import Instant
from evse.services.fake_journal import FakeStore
from tests.fakes.web_fake import ERROR_BITS, FakeStation, station_view

STARTER, STOPPER = "04A1B2C3", "04D4E5F6"


def test_the_cards_that_start_and_stop_a_session_are_masked_in_report_and_diagnostics() -> None:
    site = FakeStation(station_view())
    site.push(
        station_view(),
        SessionOpened(1, "s", STARTER, "badge"),
        SessionClosed(1, "s", "Local", 1, 1, "Normal_Mode_3", 0, STOPPER),
    )
    source = StationReport("P1", site, FakeStore().journal("P1"), ERROR_BITS, lambda _mono_us: Instant("boot", 0))
    report = asyncio.run(source.report())
    told = "\n".join(" ".join(row) for section in report.sections for row in section.rows)
    for text in (told, diagnostics(None, site.events).decode()):
        assert "B2C3" in text
        assert "E5F6" in text
        assert STARTER not in text
        assert STOPPER not in text
