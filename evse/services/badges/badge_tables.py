"""The badge list and the cache of authorised identifiers in SQL: schema, and the effect of each write.

Part of the journal's database, so that a badge and what an event made of it are one commit. Statements of a station name
it first; the surrounding transaction is the journal's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from collections.abc import Sequence as SequenceOf
from typing import Any, Final

from evse.services.badges.badge import Badge, BadgeType
from evse.services.badges.writes import (
    AUTHORISED_KEPT,
    Authorised,
    BadgeWrite,
    FactoryBadges,
    ForgetAuthorised,
    PutBadges,
    RememberAuthorised,
    RemoveBadges,
)

SCHEMA: Final = (
    "CREATE TABLE badge (station TEXT NOT NULL, uid TEXT NOT NULL, type TEXT NOT NULL, comment TEXT NOT NULL, "
    "number INTEGER NOT NULL, PRIMARY KEY (station, uid)) WITHOUT ROWID",
    "CREATE TABLE authorised (id INTEGER PRIMARY KEY AUTOINCREMENT, station TEXT NOT NULL, uid TEXT NOT NULL, "
    "expires_utc_us INTEGER, member_of TEXT NOT NULL, UNIQUE (station, uid))",
    "ALTER TABLE station ADD COLUMN factory_badges INTEGER NOT NULL DEFAULT 0",
)
"""The migration that adds them. ``factory_badges``: the station has been given its list from the factory."""
LIST_BADGES: Final = "SELECT uid, type, comment, number FROM badge WHERE station = ? ORDER BY number, uid"
LIST_AUTHORISED: Final = "SELECT uid, expires_utc_us, member_of FROM authorised WHERE station = ? ORDER BY id"


def apply_badge_write(connection: sqlite3.Connection, station: str, write: BadgeWrite) -> None:
    """The effect of one write inside the transaction of ``connection``; the station's row is there."""
    match write:
        case FactoryBadges():
            row = connection.execute("SELECT factory_badges FROM station WHERE uid = ?", (station,)).fetchone()
            if not row[0]:
                _put(connection, station, write.badges)
                connection.execute("UPDATE station SET factory_badges = 1 WHERE uid = ?", (station,))
        case PutBadges():
            _put(connection, station, write.badges)
        case RemoveBadges():
            for uid in write.uids:
                connection.execute("DELETE FROM badge WHERE station = ? AND uid = ?", (station, uid))
        case RememberAuthorised():
            _remember(connection, station, write.entry)
        case ForgetAuthorised():
            connection.execute(
                "DELETE FROM authorised WHERE station = ? AND (uid = ? OR ? = '')", (station, write.uid, write.uid)
            )


def _put(connection: sqlite3.Connection, station: str, badges: Iterable[Badge]) -> None:
    for badge in badges:
        connection.execute(
            "INSERT OR REPLACE INTO badge VALUES (?, ?, ?, ?, ?)",
            (station, badge.uid, badge.type.value, badge.comment, badge.number),
        )


def _remember(connection: sqlite3.Connection, station: str, entry: Authorised) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO authorised (station, uid, expires_utc_us, member_of) VALUES (?, ?, ?, ?)",
        (station, entry.uid, entry.expires_utc_us, entry.group),
    )
    connection.execute(
        "DELETE FROM authorised WHERE station = ? AND id NOT IN "
        "(SELECT id FROM authorised WHERE station = ? ORDER BY id DESC LIMIT ?)",
        (station, station, AUTHORISED_KEPT),
    )


def badge_of(row: SequenceOf[Any]) -> Badge:
    """A badge from a row of ``LIST_BADGES``."""
    return Badge(row[0], BadgeType(row[1]), row[2], row[3])


def authorised_of(row: SequenceOf[Any]) -> Authorised:
    """A cached identifier from a row of ``LIST_AUTHORISED``."""
    return Authorised(row[0], row[1], row[2])
