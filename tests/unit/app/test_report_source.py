"""What the report gathers: versions by outlet, the security log with its verdict, what the machine refuses."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest

from evse.app.station.report_source import StationReport
from evse.app.station.security_log import StationSecurityLog
from evse.services.clock import Instant
from evse.services.fake_journal import FakeStore
from evse.services.firmware.neighbours import SlaveFinding, Standing
from evse.services.report.content import Report
from evse.services.security.events import SecurityEvent, SecurityKind, SecurityMemory
from evse.services.security.log_file import NAME, SecurityFile
from evse.services.security.writer import SecurityWriter
from evse.services.settings.model import OutletFacts, StationFacts
from evse.services.settings.registry import Catalogue
from evse.services.settings.service import Settings
from evse.services.settings.store import SettingsStore
from tests.fakes.crash_disk import CrashDisk
from tests.fakes.web_fake import ERROR_BITS, FakeStation, changed, station_view

HERE = Path("/log")
FACTS = StationFacts("parking", "P1", (OutletFacts(1), OutletFacts(2)))


class Slaves:
    problem = "1 of 2 slaves are found"

    def findings(self) -> tuple[SlaveFinding, ...]:
        return (SlaveFinding("S1", "1.0.0", Standing.PLUGGED), SlaveFinding("S2", "", Standing.AWAY, "no route"))


class Bench:
    def __init__(self) -> None:
        self.disk = CrashDisk(Random(1))
        settings = Settings(Catalogue(FACTS), SettingsStore(Path("/d"), self.disk), SecurityMemory())
        view = changed(station_view(), 1, front_end_version="1.2.3", reader_version="1.6")
        writer = SecurityWriter(lambda: SecurityFile(HERE, self.disk), lambda: Instant("boot", 0))
        writer.record(SecurityEvent(SecurityKind.LOGIN, "admin", "10.0.0.5"))
        writer.close()
        self.report = StationReport(
            "P1",
            FakeStation(changed(view, 2, reader_problem="no serial line")),
            FakeStore().journal("P1"),
            ERROR_BITS,
            lambda _mono_us: Instant("boot", 0),
            settings,
            StationSecurityLog(HERE, self.disk, writer),
            lambda: "networkctl reload failed: Access denied",
            lambda: "2.0.0",
            Slaves(),
        )

    def made(self) -> Report:
        return asyncio.run(self.report.report())


def rows(report: Report, title: str) -> list[tuple[str, ...]]:
    (section,) = [each for each in report.sections if each.title == title]
    return list(section.rows)


@pytest.mark.req("MNT-01", "MNT-03")
def test_versions_are_named_by_outlet_and_last_byte_of_its_address() -> None:
    versions = {row[0]: row[1] for row in rows(Bench().made(), "Versions")}
    assert versions["firmware package"] == "2.0.0"
    assert versions["outlet 1 (.102): board"] == "1.2.3"
    assert versions["outlet 1 (.102): RFID reader"] == "1.6"
    # Hidden behind the first, the second outlet has no address of its own.
    assert versions["outlet 2: board"] == "not known"
    assert versions["outlet 2: RFID reader"] == "not known"


@pytest.mark.req("MNT-01", "MNT-03")
def test_a_master_reports_how_its_slaves_stand() -> None:
    report = Bench().made()
    versions = {row[0]: row[1] for row in rows(report, "Versions")}
    assert versions["slave S1"] == "1.0.0, waits until no vehicle is plugged in"
    assert versions["slave S2"] == "does not answer, no route"
    assert ("1 of 2 slaves are found",) in rows(report, "What is wrong now")


@pytest.mark.req("MNT-01")
def test_the_security_log_is_in_it_with_the_last_hash_and_damage_is_a_problem() -> None:
    bench = Bench()
    report = bench.made()
    assert rows(report, "Security log")[0][2:5] == ("login", "admin", "10.0.0.5")
    (section,) = [each for each in report.sections if each.title == "Security log"]
    assert "has the hash" in section.note
    assert not any("security log" in row[0] for row in rows(report, "What is wrong now"))
    bench.disk.files[HERE / NAME] = bench.disk.files[HERE / NAME].replace(b"10.0.0.5", b"10.0.0.6")
    assert any("security log" in row[0] for row in rows(bench.made(), "What is wrong now"))
    bench.disk.unreadable = True
    assert any("cannot be read" in row[0] for row in rows(bench.made(), "What is wrong now"))


@pytest.mark.req("MNT-01")
def test_what_the_machine_refuses_is_a_problem() -> None:
    problems = [row[0] for row in rows(Bench().made(), "What is wrong now")]
    assert "networkctl reload failed: Access denied" in problems
