"""What the web interface needs from the rest: small ports, filled by the application; those of one subject are in `*_port.py`.

The page knows the station only through :class:`evse.exchange.snapshot.StationView`, events and records, and the
simulated world only through a table of verbs. Where there is no world (on hardware) the port is absent and with it
every route and every part of the page that belongs to it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from evse.records import dataclass

if TYPE_CHECKING:
    # The ports are loaded where a station starts; what they speak of is not needed there.
    from evse.core.commands import Command
    from evse.core.events import Event
    from evse.exchange.snapshot import StationView
    from evse.services.accounts.service import AccountService
    from evse.services.records import Record
    from evse.services.report.content import Report
    from evse.services.settings.model import Role
    from evse.services.settings.service import Settings
    from evse.web.badge_port import BadgePort
    from evse.web.board_port import BoardView
    from evse.web.firmware_port import FirmwarePort
    from evse.web.host_port import HostPort
    from evse.web.house_port import HousePort
    from evse.web.neighbour_port import MasterPort, SlavePort
    from evse.web.publication_port import PublicationPort
    from evse.web.scenario_port import RecordingPort, ScenarioPort
    from evse.web.security_log_port import SecurityLogPort
    from evse.web.wire_port import WirePort


class RecordsUnavailable(Exception):
    """The charge records cannot be read at the moment; the text says why, for people."""


class NotConnected(Exception):
    """Control does not answer: nothing can be asked of the station at the moment."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command or verb: ``done``, ``refused`` or ``expired``; ``reason`` is for people."""

    outcome: Literal["done", "refused", "expired"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event with its place in the sequence of this boot and its time on control's clock (microseconds)."""

    sequence: int
    at_us: int
    event: Event


@dataclass(frozen=True, slots=True)
class Update:
    """One step of a subscription: the newest view (``None`` while control is not connected) and the new events."""

    view: StationView | None
    events: tuple[EventRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """How the services themselves are. ``snapshot_age_us``: of the newest one, ``None`` without connection to control.

    ``journal_problem``: why nothing can be stored at the moment; empty while it can. ``supervision_problem``: what a central
    system does not know and will not be told any more; empty when there is nothing. ``memory_problem``: what of settings, accounts
    and security log is not as it was left, or cannot be written.
    """

    connected: bool
    snapshot_age_us: int | None
    journal_problem: str = ""
    supervision_problem: str = ""
    memory_problem: str = ""


class StationSource(Protocol):
    """The station as services know it."""

    def latest(self) -> StationView | None:
        """Newest view, or ``None`` while control is not connected or does not react."""

    def condition(self) -> Condition:
        """How the services themselves are."""

    def subscribe(self) -> AsyncIterator[Update]:
        """Updates from now on. The queue behind it is bounded: a slow consumer gets the latest view only.

        Events are at most once in order; the consumer fills gaps with :meth:`recent_events`.
        """

    def recent_events(self, limit: int, outlet: int | None = None) -> Sequence[EventRecord]:
        """The newest ``limit`` events, oldest first; of one outlet when given (0 = the station itself)."""

    async def post(self, command: Command) -> Outcome:
        """Hand a command to control and wait for its acknowledgement.

        Raises :class:`NotConnected` when there is no control to hand it to.
        """


@dataclass(frozen=True, slots=True)
class RecordView:
    """One charge record. Times are UTC in ISO 8601, empty when unknown; energy in watt-hours, duration in seconds."""

    number: int
    station: str
    outlet: int
    session_id: str
    transaction_id: str
    uid: str
    charge_type: str
    start_utc: str
    end_utc: str
    energy_wh: int
    socket_type: str
    duration_s: int
    reason: str
    comment: str = ""


class RecordSource(Protocol):
    """The charge records, from the journal. Both raise RecordsUnavailable; an empty answer means that there are none."""

    async def last(self, limit: int) -> Sequence[RecordView]:
        """The newest ``limit`` records, newest first."""

    def oldest_first(self) -> AsyncIterator[Record]:
        """Every record kept, for the export."""


@dataclass(frozen=True, slots=True)
class HistoryView:
    """The last minutes of one boot. ``since_us``: from then on nothing is missing. ``rows`` by outlet, oldest first."""

    boot_id: str
    since_us: int
    now_us: int
    outlets: Mapping[int, Sequence[Sequence[object]]]


class HistoryPort(Protocol):
    """The last minutes of the station."""

    def recent(self, minutes: int) -> HistoryView | None:
        """What is known of them; ``None`` before the first Snapshot."""


class ReportPort(Protocol):
    """Makes maintenance reports."""

    async def report(self, reader: Role | None = None) -> Report:
        """The report as of now, with what the account ``reader`` may see; ``None``: whoever is at the station itself.

        What cannot be read is left out and named among the problems.
        """


class ControlPort(Protocol):
    """What restarts a station and brings it back to its factory state."""

    async def restart(self, account: str, source: str) -> None:
        """Restart the station soon after this returns."""

    async def factory_reset(self, account: str, source: str, *, keep_badges: bool) -> None:
        """Write down that it shall be reset, then restart it. Raises OSError; then nothing happens."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What a station may have beside its three ports; what is absent has no route and no place on the page."""

    board: BoardView | None = None
    history: HistoryPort | None = None
    wires: WirePort | None = None
    scenarios: ScenarioPort | None = None
    recording: RecordingPort | None = None
    report: ReportPort | None = None
    publication: PublicationPort | None = None
    house: HousePort | None = None

    badges: BadgePort | None = None
    accounts: AccountService | None = None
    settings: Settings | None = None
    """Needs ``accounts``."""
    control: ControlPort | None = None
    """Needs ``settings``."""
    firmware: FirmwarePort | None = None
    """Needs ``accounts``."""
    host: HostPort | None = None
    """Needs ``settings``."""
    slave: SlavePort | None = None
    """Of a board that can be a slave."""
    master: MasterPort | None = None
    """Of a board that can be a master; needs ``accounts``."""
    security: SecurityLogPort | None = None
    """Is read with ``accounts`` only."""
