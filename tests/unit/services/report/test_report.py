"""The maintenance report: everything a support engineer needs, nothing that must not leave the house."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from evse.services.clock import ClockQuality, Instant
from evse.services.records import Record
from evse.services.report.content import Report, Sources, report_of
from evse.services.report.html import report_html
from evse.services.security.chain import make_entry
from evse.services.security.events import SecurityEvent, SecurityKind
from evse.services.settings.model import Role, StationFacts
from evse.services.settings.registry import Catalogue
from tests.fakes.web_fake import ERROR_BITS, changed, charging

CATALOGUE = Catalogue(StationFacts("parking", "SN1"))
AT = Instant("boot", 5, 1_795_780_800_000_000, ClockQuality.SYNCHRONISED)
UID = "04A1B2C3D4E5F6"
HOSTILE = "<script>alert(1)</script>\"'&"


def record(uid: str = UID, reason: str = "Local") -> Record:
    return Record(7, "P1", 1, "s1", "", uid, "Normal", AT, AT, 1500, 0, 1500, "T2", 60_000_000, "Anna", reason)


def sources() -> Sources:
    return Sources(
        station="P1",
        made="2026-11-27T12:00:00Z",
        versions={"evse-controller": "0.1.0"},
        view=changed(charging(), error_status=0b101),
        error_bits=ERROR_BITS,
        catalogue=CATALOGUE,
        values=CATALOGUE.factory,
        records=[record()],
        security=[make_entry(SecurityEvent(SecurityKind.LOGIN, "admin", "10.0.0.5"), AT, 1, "0" * 64)],
    )


def text_of(report: Report) -> str:
    return "\n".join(" | ".join(row) for section in report.sections for row in section.rows)


@pytest.mark.req("MNT-01")
def test_versions_states_limits_error_bits_settings_and_records_are_in_it() -> None:
    report = report_of(sources())
    titles = [section.title for section in report.sections]
    assert titles[:4] == ["Versions", "What is wrong now", "Station", "Outlet 1"]
    bits = next(section for section in report.sections if section.title == "Outlet 1: ErrorStatus")
    assert [row[0] for row in bits.rows if row[1] == "set"] == ["0", "2"]
    assert {row[0] for row in bits.rows} == {str(bit) for bit in ERROR_BITS}
    settings = next(section for section in report.sections if section.title == "Settings")
    assert {row[0] for row in settings.rows} == {entry.key for entry in CATALOGUE}
    assert "7 | 1" in text_of(report)
    assert "login | admin" in text_of(report)


@pytest.mark.req("MNT-01")
def test_secrets_and_badge_numbers_never_leave_the_house() -> None:
    secrets = {entry.key: f"CANARY-{entry.key}" for entry in CATALOGUE if entry.setting.secret}
    assert secrets, "there are secrets to keep"
    given = replace(sources(), values=CATALOGUE.whole(secrets))
    html = report_html(report_of(given))
    assert "CANARY" not in html
    assert UID not in html
    assert "E5F6" in html, "enough is shown to tell two badges apart"
    rows = {row[0]: row for section in report_of(given).sections for row in section.rows if section.title == "Settings"}
    assert {rows[key][2] for key in secrets} == {"given"}
    tagged = replace(sources(), values={**CATALOGUE.factory, "ocpp.default_id_tag": UID})
    assert UID not in text_of(report_of(tagged))
    assert "E5F6" in text_of(report_of(tagged))
    assert "UNDEFINED" in text_of(report_of(sources()))


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.mark.req("MNT-01")
def test_the_user_sees_no_more_in_a_report_than_at_the_tool() -> None:
    values = {**CATALOGUE.factory, "ocpp.url": "ws://csms.example", "publication.frequency": "daily"}
    seen = {reader: text_of(report_of(replace(sources(), values=values, reader=reader))) for reader in (*Role, None)}
    for all_there in (seen[Role.ADMIN], seen[None]):
        assert "ws://csms.example" in all_there
        assert "login | admin | 10.0.0.5" in all_there
    assert "publication.frequency" in seen[Role.USER]
    for hidden in ("ocpp.url", "csms.example", "network.address", "10.0.0.5"):
        assert hidden not in seen[Role.USER]


@pytest.mark.req("MNT-01")
def test_the_file_needs_nothing_else_and_hostile_texts_stay_texts() -> None:
    hostile = replace(
        sources(), station=HOSTILE, versions={HOSTILE: HOSTILE}, problems=[HOSTILE], records=[record(reason=HOSTILE)]
    )
    tags = Tags()
    tags.feed(report_html(report_of(hostile)))
    assert tags.seen <= {
        *["html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div", "table", "tr", "th", "td"]
    }
    assert tags.attributes.isdisjoint({"src", "href", "onclick", "onerror"})


def test_without_control_the_report_says_so_and_has_the_rest() -> None:
    report = report_of(replace(sources(), view=None, problems=["control does not answer"]))
    assert "control does not answer" in text_of(report)
    assert "Outlet 1" not in [section.title for section in report.sections]


def test_what_the_front_end_does_not_tell_is_unknown() -> None:
    unknown: dict[str, object] = {"currents_ma": None, "voltages_mv": None, "temperature_dc": None, "supply_mv": None}
    view = changed(charging(), 1, **unknown, link_ok=False, link_problem="no device")
    report = report_of(replace(sources(), view=view))
    rows = {row[0]: row[1] for section in report.sections if section.title == "Outlet 1" for row in section.rows}
    assert [rows[name] for name in ("currents", "voltages", "temperature", "12 V supply")] == ["unknown"] * 4
    assert rows["front end"] == "no device"
