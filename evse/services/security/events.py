"""What goes into the security log, and the port that takes it.

Whoever does something of the kinds below calls ``SecurityLog.record`` once. The call never waits and never fails.
Texts may come from strangers: they are cut to their length and written as ASCII with escapes, one line an entry
(CWE-117). A badge's identifier goes into ``uid``, where it is masked, and nowhere else; a secret goes nowhere.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Protocol

from evse.records import dataclass

ACTOR_LIMIT: Final = 64
SOURCE_LIMIT: Final = 64
DETAIL_LIMIT: Final = 500


class SecurityKind(StrEnum):
    """What happened. The names are kept in files: they may be added to, never renamed."""

    LOGIN = "login"
    LOGIN_FAILED = "login-failed"
    LOGIN_BLOCKED = "login-blocked"
    """Refused unseen: too many failures before."""
    LOGOUT = "logout"
    SESSION_ENDED = "session-ended"
    """Ended by the station: idle, too old, password or role changed, factory reset."""
    PASSWORD_CHANGED = "password-changed"  # noqa: S105  # the name of an event
    PASSWORD_RESET = "password-reset"  # noqa: S105  # the name of an event
    """Given anew by somebody else than its owner."""
    ACCOUNT_CHANGED = "account-changed"
    SETTINGS_CHANGED = "settings-changed"
    """``detail`` names the keys, never the values of secrets."""
    SETTINGS_IMPORTED = "settings-imported"
    SETTINGS_EXPORTED = "settings-exported"
    IMPORT_REFUSED = "import-refused"
    BADGES_CHANGED = "badges-changed"
    BADGES_IMPORTED = "badges-imported"
    BADGES_EXPORTED = "badges-exported"
    RECORDS_EXPORTED = "records-exported"
    REPORT_EXPORTED = "report-exported"
    FIRMWARE_REFUSED = "firmware-refused"
    FIRMWARE_STAGED = "firmware-staged"
    FIRMWARE_TRIED = "firmware-tried"
    FIRMWARE_CONFIRMED = "firmware-confirmed"
    FIRMWARE_RETURNED = "firmware-returned"
    """The trial of a new version failed: the old one runs again."""
    FIRMWARE_HANDED_ON = "firmware-handed-on"
    """A master has sent its version to a slave; ``detail`` says what came of it."""
    FACTORY_RESET = "factory-reset"
    RESTARTED = "restarted"
    CLOCK_SET = "clock-set"
    """The wall clock was set or stepped; ``detail`` says from what to what."""
    NETWORK_CHANGED = "network-changed"
    NETWORK_RETURNED = "network-returned"
    """New addresses were not confirmed: the old ones are back."""
    CERTIFICATE_CHANGED = "certificate-changed"
    TAMPER = "tamper"
    """A fault that looks like somebody's hand: a forced lock, an opened shutter, a moved DIP switch."""
    REQUEST_REFUSED = "request-refused"
    """A request that no page of ours makes: without token, from another origin, for another role."""
    LOG_CLEARED = "log-cleared"
    LOG_DAMAGED = "log-damaged"
    """The log was not as it was left; ``detail`` says how."""
    EVENTS_LOST = "events-lost"
    """So many events could not be written, or came too fast to be written one by one."""


STRANGERS_CAN: Final = frozenset(
    {
        *(SecurityKind.LOGIN_FAILED, SecurityKind.LOGIN_BLOCKED, SecurityKind.REQUEST_REFUSED),
        *(SecurityKind.IMPORT_REFUSED, SecurityKind.FIRMWARE_REFUSED),
    }
)
"""What somebody without an account can cause."""
BOUNDED: Final = STRANGERS_CAN | {
    SecurityKind.BADGES_EXPORTED,
    SecurityKind.RECORDS_EXPORTED,
    SecurityKind.REPORT_EXPORTED,
}
"""What costs nothing to cause, also by reading again and again: bounded in rate, so that nobody can wash the log away."""


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One event. ``actor``: the account, or the party (``station``, ``supervision``); ``source``: where from (address).

    ``uid``: a badge, given whole, stored masked. ``detail``: in words, for people.
    """

    kind: SecurityKind
    actor: str = "station"
    source: str = ""
    detail: str = ""
    uid: str = ""


class SecurityLog(Protocol):
    """Takes security events."""

    def record(self, event: SecurityEvent) -> None:
        """Take one event and its time. Never blocks, never raises."""
        ...


class SecurityMemory:
    """A security log in memory, for tests and virtual time: ``events`` in order."""

    def __init__(self) -> None:
        self.events: list[SecurityEvent] = []

    def record(self, event: SecurityEvent) -> None:
        self.events.append(event)
