"""A story for a journal: sessions, badges, latches, publication; with the state that is right after each of its commits."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from evse.services.badges.badge import Badge, BadgeType
from evse.services.badges.writes import Authorised, PutBadges, RememberAuthorised, RemoveBadges
from evse.services.clock import Instant
from evse.services.fake_journal import FakeStore
from evse.services.journal import (
    Checkpoint,
    ClearLatch,
    Journal,
    LatchFault,
    MarkPublished,
    Sequence,
    SessionEnd,
    SessionStart,
    Transaction,
    Write,
)

STATION = "station-1"
BOOT = "boot-1"


def story(commits: int, random: Random) -> list[list[Write]]:
    """So many commits; the one with number n (from 1) bears the sequence number n."""
    made = []
    running: dict[int, str] = {}
    for number in range(1, commits + 1):
        at = Instant(BOOT, number * 1_000_000)
        made.append([*_one(number, at, running, random), Sequence(BOOT, number)])
    return made


def _one(number: int, at: Instant, running: dict[int, str], random: Random) -> Iterator[Write]:
    outlet = random.randint(1, 2)
    uid = f"{random.randint(0, 30):08X}"
    match random.choice(("session", "session", "session", "session", "badge", "badge", "cache", "latch", "published")):
        case "session":
            yield from _session(number, outlet, uid, at, running)
        case "badge" if random.random() < 0.7:
            yield PutBadges((Badge(uid, random.choice(list(BadgeType)), f"comment {number}" * 2, number),))
        case "badge":
            yield RemoveBadges((uid,))
        case "cache":
            yield RememberAuthorised(Authorised(uid, number, "group"))
        case "latch" if random.random() < 0.5:
            yield LatchFault(outlet, "ContactorWelded", "emergency", at)
        case "latch":
            yield ClearLatch(outlet, "ContactorWelded")
        case _:
            yield MarkPublished(random.randint(1, max(number // 4, 1)))


def _session(number: int, outlet: int, uid: str, at: Instant, running: dict[int, str]) -> Iterator[Write]:
    session = running.get(outlet, "")
    if not session:
        running[outlet] = f"{BOOT}-{outlet}-{number}"
        yield SessionStart(outlet, running[outlet], uid, "badge", at, "T2", "a comment that takes some room")
        yield Transaction(outlet, running[outlet], at, number)
    elif number % 3:
        yield Checkpoint(outlet, session, at, number, number, "Normal_Mode_3")
    else:
        del running[outlet]
        yield SessionEnd(outlet, session, at, "Local", number, number, "Normal_Mode_3", 60_000_000, publish=True)


def state(journal: Journal) -> tuple[object, ...]:
    """Everything that must not be lost or doubled."""
    latched = [journal.latched_faults(outlet) for outlet in (1, 2)]
    registers = [journal.register_wh(outlet) for outlet in (1, 2)]
    return journal.open_sessions(), journal.records(10_000), journal.badges(), journal.authorised(), latched, registers


def right_states(commits: list[list[Write]]) -> list[tuple[object, ...]]:
    """The state after no commit, after the first, and so on."""
    store = FakeStore()
    journal = store.journal(STATION)
    states = [state(journal)]
    for writes in commits:
        journal.commit(writes, lambda: None)
        store.step(0)
        states.append(state(journal))
    return states
