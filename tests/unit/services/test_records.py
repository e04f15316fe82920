from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from evse.services.clock import ClockQuality, Instant
from evse.services.fake_journal import FakeStore
from evse.services.journal import Journal, SessionEnd, SessionStart
from evse.services.records import (
    CsvFormat,
    DecimalSeparator,
    FieldSeparator,
    Record,
    duration_text,
    energy_text,
    export_csv,
    last_records,
    safe_cell,
    utc_text,
)

UTC_US = 1_700_000_000_000_000
SYNCHRONISED, SET = ClockQuality.SYNCHRONISED, ClockQuality.SET
RECORD = Record(
    number=7,
    station="station-1",
    outlet=2,
    session_id="boot-2-1",
    transaction_id="4711",
    uid="04A1B2C3",
    charge_type="Normal_Mode_3",
    start=Instant("boot", 0, UTC_US, SYNCHRONISED),
    end=Instant("boot", 3_725_000_000, UTC_US + 3_725_000_000, SET),
    energy_wh=12_345,
    register_start_wh=0,
    register_end_wh=12_345,
    socket="T2",
    duration_us=3_725_900_000,
    comment="Anna; garage",
    reason="Local",
)
EXPECTED = {
    "Charge number": "7",
    "Charging station": "station-1",
    "Socket ID": "2",
    "Transaction ID": "4711",
    "User ID": "04A1B2C3",
    "Type of charge": "Normal_Mode_3",
    "Start": "2023-11-14T22:13:20Z",
    "End": "2023-11-14T23:15:25Z",
    "Energy (kWh)": "12,345",
    "Type of socket": "T2",
    "Duration": "1:02:05",
    "Comment": "Anna; garage",
    "Reason": "Local",
    "Clock quality": "set",
}


class Listed:
    """A reader of a given list, which notes how it was asked."""

    def __init__(self, *records: Record) -> None:
        self.newest_first = sorted(records, key=lambda record: -record.number)
        self.asked: list[tuple[int, int | None]] = []

    def records(self, limit: int, before: int | None = None) -> tuple[Record, ...]:
        self.asked.append((limit, before))
        return tuple(r for r in self.newest_first if before is None or r.number < before)[:limit]


def rows(text: str, delimiter: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def filled_journal(count: int) -> Journal:
    store = FakeStore()
    journal = store.journal("station-1")
    at = Instant("boot", 0)
    for number in range(count):
        session = f"s{number}"
        end = SessionEnd(1, session, at, "Local", 0, 0, "", 0)
        journal.commit([SessionStart(1, session, "04A1B2C3", "badge", at), end], lambda: None)
    store.step(0)
    return journal


@pytest.mark.req("CDR-01")
def test_the_last_thirty_are_shown_newest_first() -> None:
    assert [record.number for record in last_records(filled_journal(31))] == list(range(31, 1, -1))


@pytest.mark.req("CDR-01")
def test_an_export_has_every_field_in_factory_format() -> None:
    text = "".join(export_csv(Listed(RECORD)))
    assert rows(text, ";") == [EXPECTED]
    assert text.splitlines()[0].split(";") == list(EXPECTED)
    assert text.endswith("\r\n")


@pytest.mark.req("CDR-01")
@pytest.mark.parametrize("field_separator", FieldSeparator)
@pytest.mark.parametrize("decimal_separator", DecimalSeparator)
def test_every_separator_can_be_read_back(field_separator: FieldSeparator, decimal_separator: DecimalSeparator) -> None:
    text = "".join(export_csv(Listed(RECORD), CsvFormat(field_separator, decimal_separator)))
    energy = {"Energy (kWh)": f"12{decimal_separator.value}345"}
    assert rows(text, field_separator.value) == [EXPECTED | energy]


@pytest.mark.req("CDR-01")
def test_an_export_streams_in_pages() -> None:
    reader = Listed(*(replace(RECORD, number=number) for number in range(1, 251)))
    pieces = export_csv(reader)
    next(pieces)
    assert reader.asked == []
    next(pieces)
    assert reader.asked == [(100, None)]
    assert len(rows("".join(export_csv(reader)), ";")) == 250
    assert len(list(export_csv(reader))) == 4


@pytest.mark.req("CDR-01")
@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", " =1", "\t=1", "\r\n=1", "\uff1d1", "\u202e=1"])
def test_a_formula_is_defused(text: str) -> None:
    assert safe_cell(text).startswith("'")
    exported = rows("".join(export_csv(Listed(replace(RECORD, comment=text, uid=text)))), ";")[0]
    assert exported["Comment"].startswith("'")
    assert exported["User ID"].startswith("'")


def test_control_characters_become_spaces() -> None:
    assert safe_cell("a\nb\x00c\u2028d") == "a b c d"
    assert safe_cell("Zoë 5 €") == "Zoë 5 €"
    assert len("".join(export_csv(Listed(replace(RECORD, comment="a\r\nb")))).splitlines()) == 2


@pytest.mark.req("CDR-01")
def test_an_unset_clock_leaves_times_empty_and_the_duration_stands() -> None:
    unset = replace(RECORD, start=Instant("boot", 0), end=Instant("boot", 5))
    exported = rows("".join(export_csv(Listed(unset))), ";")[0]
    assert (exported["Start"], exported["End"], exported["Duration"]) == ("", "", "1:02:05")
    assert exported["Clock quality"] == "unset"


@pytest.mark.parametrize(
    ("energy_wh", "text"), [(0, "0.000"), (5, "0.005"), (1_000, "1.000"), (123_456_789, "123456.789"), (-5, "-0.005")]
)
def test_energy_is_exact(energy_wh: int, text: str) -> None:
    assert energy_text(energy_wh, DecimalSeparator.DOT) == text


def test_times_at_the_edges() -> None:
    assert [duration_text(us) for us in (-1, 999_999, 360_000_000_000)] == ["0:00:00", "0:00:00", "100:00:00"]
    assert utc_text(Instant("b", 0, -1, SET)) == "1969-12-31T23:59:59Z"
    assert utc_text(Instant("b", 0, 2**62, SET)) == ""
