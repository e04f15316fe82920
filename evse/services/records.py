"""Charge data records: the value, the last thirty, and the CSV export (EVlink commissioning guide DOCA0060).

Every export, by REST and by publication, has these columns, in this order: charge number, charging station, socket, transaction ID, user ID, type of charge,
start, end, energy in kWh, type of socket, duration, comment, reason, clock quality. Start and end are UTC in ISO 8601
and empty while the clock was not set; the duration is H:MM:SS and never depends on the wall clock.

A cell that a spreadsheet would take for a formula gets an apostrophe in front; control characters become spaces.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from evse.records import dataclass
from evse.services.clock import ClockQuality, Instant, worst

LAST_SHOWN: Final = 30
"""How many records the guide's page shows."""
_PAGE: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FORMULA_STARTS: Final = "=+-@\uff1d\uff0b\uff0d\uff20"


@dataclass(frozen=True, slots=True)
class Record:
    """One finished session. ``number`` rises by one per station and is never used twice.

    ``transaction_id`` is the supervision's and empty without one. ``energy_wh`` and the registers are watt-hours,
    ``duration_us`` microseconds of the monotonic clock. ``comment`` is the badge's at the session's start. ``reason``
    says how the session ended. ``publish``: publication was wanted when it was written; ``published``: a server has
    confirmed it.
    """

    number: int
    station: str
    outlet: int
    session_id: str
    transaction_id: str
    uid: str
    charge_type: str
    start: Instant
    end: Instant
    energy_wh: int
    register_start_wh: int
    register_end_wh: int
    socket: str
    duration_us: int
    comment: str
    reason: str
    publish: bool = False
    published: bool = False

    @property
    def clock_quality(self) -> ClockQuality:
        """The worse of the qualities of start and end."""
        return worst(self.start.quality, self.end.quality)


class RecordReader(Protocol):
    """The part of a journal that lists records."""

    def records(self, limit: int, before: int | None = None) -> tuple[Record, ...]:
        """At most ``limit`` records with numbers below ``before``, newest first."""
        ...


class FieldSeparator(StrEnum):
    """Field separator of the export."""

    SEMICOLON = ";"
    COMMA = ","
    TAB = "\t"


class DecimalSeparator(StrEnum):
    """Decimal separator of the export."""

    COMMA = ","
    DOT = "."


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How to write an export; the defaults are the factory settings."""

    field_separator: FieldSeparator = FieldSeparator.SEMICOLON
    decimal_separator: DecimalSeparator = DecimalSeparator.COMMA


FACTORY_FORMAT: Final = CsvFormat()


def last_records(reader: RecordReader) -> tuple[Record, ...]:
    """The records that a page shows: the last thirty, newest first."""
    return reader.records(LAST_SHOWN)


def export_csv(reader: RecordReader, form: CsvFormat = FACTORY_FORMAT) -> Iterator[str]:
    """The export, newest first, piece by piece: the header, then up to a hundred records at a time."""
    yield csv_heading(form)
    before: int | None = None
    while page := reader.records(_PAGE, before):
        yield csv_lines(page, form)
        before = page[-1].number


def csv_of(records: Sequence[Record], form: CsvFormat = FACTORY_FORMAT) -> bytes:
    """``records`` in this order as one file with the header of the export, UTF-8."""
    return (csv_heading(form) + csv_lines(records, form)).encode()


def csv_heading(form: CsvFormat) -> str:
    """The line with the names of the columns; lines end with CR LF."""
    return _lines([[title for title, _ in _COLUMNS]], form)


def csv_lines(records: Sequence[Record], form: CsvFormat) -> str:
    """A line for each record."""
    return _lines([[cell(record, form) for _, cell in _COLUMNS] for record in records], form)


def csv_remark(text: str, form: CsvFormat) -> str:
    """A line with one cell, which is no record."""
    return _lines([[safe_cell(text)]], form)


def energy_text(energy_wh: int, separator: DecimalSeparator) -> str:
    """``energy_wh`` as kWh with three decimals."""
    sign = "-" if energy_wh < 0 else ""
    kwh, rest = divmod(abs(energy_wh), 1000)
    return f"{sign}{kwh}{separator.value}{rest:03d}"


def duration_text(duration_us: int) -> str:
    """``duration_us`` as H:MM:SS, whole seconds."""
    minutes, seconds = divmod(max(duration_us, 0) // 1_000_000, 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


def utc_text(instant: Instant) -> str:
    """UTC of an instant in ISO 8601, whole seconds; empty when unknown or beyond the years 1 to 9999."""
    if instant.utc_us is None:
        return ""
    try:
        return (_EPOCH + timedelta(microseconds=instant.utc_us)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        return ""


def safe_cell(text: str) -> str:
    """``text`` without control characters, and defused when a spreadsheet would take it for a formula."""
    clean = "".join(character if character.isprintable() else " " for character in text)
    return "'" + clean if clean.lstrip().startswith(tuple(_FORMULA_STARTS)) else clean


def _lines(rows: list[list[str]], form: CsvFormat) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=form.field_separator.value).writerows(rows)
    return buffer.getvalue()


_Cell = Callable[[Record, CsvFormat], str]
_COLUMNS: Final[tuple[tuple[str, _Cell], ...]] = (
    ("Charge number", lambda record, _: str(record.number)),
    ("Charging station", lambda record, _: safe_cell(record.station)),
    ("Socket ID", lambda record, _: str(record.outlet)),
    ("Transaction ID", lambda record, _: safe_cell(record.transaction_id)),
    ("User ID", lambda record, _: safe_cell(record.uid)),
    ("Type of charge", lambda record, _: safe_cell(record.charge_type)),
    ("Start", lambda record, _: utc_text(record.start)),
    ("End", lambda record, _: utc_text(record.end)),
    ("Energy (kWh)", lambda record, form: energy_text(record.energy_wh, form.decimal_separator)),
    ("Type of socket", lambda record, _: safe_cell(record.socket)),
    ("Duration", lambda record, _: duration_text(record.duration_us)),
    ("Comment", lambda record, _: safe_cell(record.comment)),
    ("Reason", lambda record, _: safe_cell(record.reason)),
    ("Clock quality", lambda record, _: record.clock_quality.value),
)
