"""What the web interface needs from the rest: three small ports, filled by the application.

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
    from evse.services.settings.service import Settings
    from evse.web.firmware_port import FirmwarePort
    from evse.web.host_port import HostPort
    from evse.web.house_port import HousePort
    from evse.web.security_log_port import SecurityLogPort


ParamType = Literal["int", "number", "bool", "text", "choice"]
ParamValue = bool | int | float | str
OUTLET_PARAM = "outlet"
"""A verb parameter of this name is filled from the page's target outlet."""
HEAL_PARAM = "heal"
"""A truth value of this name undoes what the verb did."""


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

    ``journal_problem``: why nothing can be stored at the moment; empty while it can.
    """

    connected: bool
    snapshot_age_us: int | None
    journal_problem: str = ""


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
class VerbParam:
    """One parameter of a verb: a number with its unit and range, a truth value, a text, or one of ``choices``.

    ``default`` is ``None`` when the parameter must be given. Range and default are in ``unit``; a text's range is that
    of its length.
    """

    name: str
    type: ParamType
    unit: str = ""
    default: ParamValue | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    help: str = ""


@dataclass(frozen=True, slots=True)
class VerbView:
    """One thing that can be done to the simulated world, with the group a person would look for it in."""

    name: str
    group: str
    help: str
    params: tuple[VerbParam, ...] = ()
    healed_by: str = ""
    """What undoes it: :data:`HEAL_PARAM`, or another verb's name; empty when there is nothing to undo."""


class BadVerb(ValueError):
    """The world does not take this parameter; nothing was done. ``param`` is empty when it is the verb as a whole."""

    def __init__(self, param: str, reason: str, allowed: str = "") -> None:
        super().__init__(reason)
        self.param, self.reason, self.allowed = param, reason, allowed


class WorldPort(Protocol):
    """The simulated world. Exists in simulation only."""

    def verbs(self) -> Sequence[VerbView]:
        """Everything that can be done, in the order to show it; fixed for the life of the process."""

    async def apply(self, name: str, params: Mapping[str, ParamValue]) -> Outcome:
        """Do it with ``params``; those not given take their defaults, and the world knows which were given.

        ``refused`` when it is impossible now. Raises :class:`BadVerb` when a parameter is wrong (a number may also
        come as a text with its unit, which only the world can check).
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
class WireLine:
    """One frame in words. ``at_us`` on control's clock; ``direction`` ``sent`` or ``received`` as control sees it."""

    at_us: int
    wire: str
    direction: str
    message: str
    text: str
    data: str
    """The frame's bytes in hexadecimal."""


@dataclass(frozen=True, slots=True)
class WireBatch:
    """Frames in order, and how many were lost before them."""

    lines: tuple[WireLine, ...]
    lost: int


class WireReader(Protocol):
    """One who watches the wires."""

    async def next(self, timeout_s: float) -> WireBatch:
        """What has come since the last call; an empty batch after ``timeout_s``."""

    def wake(self) -> None:
        """End the waiting of ``next`` now."""

    def close(self) -> None:
        """Watch no more."""


class WirePort(Protocol):
    """The frames on the station's wires. Control shows them only while somebody watches."""

    def open(self) -> WireReader | None:
        """Frames from now on for one more reader; ``None`` when every place is taken."""


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


@dataclass(frozen=True, slots=True)
class ScenarioInfo:
    """One scenario that can be run in virtual time."""

    name: str
    title: str
    profile: str
    description: str


@dataclass(frozen=True, slots=True)
class ScenarioRun:
    """What came of a run: the verdict as ``evse sim --json`` prints it, and the timeline's lines."""

    verdict: Mapping[str, object]
    timeline: Sequence[str]
    seconds: float
    """How long it took, in real time."""


class ScenarioProblem(Exception):
    """It cannot be run, or its process failed; the text says why."""


class ScenarioPort(Protocol):
    """Runs scenarios in virtual time, apart from the station and from whoever serves it."""

    async def available(self) -> Sequence[ScenarioInfo]:
        """The shipped ones. Raises ScenarioProblem."""

    async def run(self, name: str, seed: int | None, dumb: bool) -> ScenarioRun | None:
        """Run one; ``None`` when another one runs. Raises ScenarioProblem."""


class RecordingPort(Protocol):
    """What was done to the simulated station since it began."""

    async def scenario(self, name: str) -> str:
        """The session so far as a scenario file. Raises ScenarioProblem."""


@dataclass(frozen=True, slots=True)
class BoardOutlet:
    """One outlet as it is built. ``position``: its place seen from the front, ``left``, ``right`` or empty."""

    number: int
    socket: str = "T2"
    position: str = ""
    phases: int = 3
    rated_current_a: float = 32
    lock: bool = True
    shutter: bool = False
    reader: bool = True
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DipBank:
    """A bank of DIP switches; ``functions``: what each means where that is known, from switch 1 on."""

    name: str
    switches: int
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BoardView:
    """What the station is built of; fixed while it runs. ``devices``: names of what exists once (``buzzer``, ``display``…)."""

    family: str = "other"
    description: str = ""
    devices: tuple[str, ...] = ()
    dip_banks: tuple[DipBank, ...] = ()
    outlets: tuple[BoardOutlet, ...] = ()


class ReportPort(Protocol):
    """Makes maintenance reports."""

    async def report(self) -> Report:
        """The report as of now; what cannot be read is left out and named among the problems."""


class BadgeProblem(Exception):
    """The badge list is not changed. ``kind`` says why, the text and ``details`` tell people what to do."""

    def __init__(
        self, kind: Literal["unknown", "refused", "unavailable"], reason: str, details: Sequence[str] = ()
    ) -> None:
        super().__init__(reason)
        self.kind, self.reason, self.details = kind, reason, tuple(details)


BadgeKind = Literal["User", "VIP", "Admin"]


@dataclass(frozen=True, slots=True)
class BadgeView:
    """One badge of the list. ``uid`` in upper-case hexadecimal."""

    number: int
    uid: str
    type: BadgeKind
    comment: str


@dataclass(frozen=True, slots=True)
class TeachingView:
    """Badges are being taught or deleted at the reader of ``outlet`` (0: at any); ends by itself after ``remaining_s``."""

    mode: Literal["add", "delete", "admin add", "admin delete"]
    outlet: int
    remaining_s: float
    added: int
    removed: int
    refused: int


@dataclass(frozen=True, slots=True)
class BadgesView:
    """The badge list in force. ``pending``: changes that are not stored yet; ``limit``: badges it can hold."""

    badges: tuple[BadgeView, ...]
    pending: int
    limit: int
    teaching: TeachingView | None = None


class BadgePort(Protocol):
    """The badge list of the station. Changes return when they are stored; everything raises BadgeProblem."""

    def view(self) -> BadgesView:
        """The list as it is."""

    async def add(self, uid: str, kind: BadgeKind, comment: str) -> None:
        """Put a badge into the list."""

    async def change(self, uids: Sequence[str], kind: BadgeKind | None, comment: str | None) -> None:
        """Give badges another type or comment, all or none of them."""

    async def remove(self, uids: Sequence[str]) -> None:
        """Remove badges, all or none of them."""

    async def remove_all(self) -> None:
        """Empty the list."""

    async def export(self) -> bytes:
        """The list as a file that any station takes."""

    async def take_file(self, data: bytes) -> int:
        """Replace the whole list by that of a file; returns how many badges it has."""

    def teach(self, mode: Literal["add", "delete"], outlet: int) -> TeachingView:
        """Teach or delete the badges that are held to the reader from now on."""

    def stop_teaching(self) -> None:
        """The readers serve charges again."""


class ControlPort(Protocol):
    """What restarts a station and brings it back to its factory state."""

    async def restart(self, account: str, source: str) -> None:
        """Restart the station soon after this returns."""

    async def factory_reset(self, account: str, source: str, *, keep_badges: bool) -> None:
        """Write down that it shall be reset, then restart it. Raises OSError; then nothing happens."""


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """How a delivery ended. ``text``: the server's own words, or why it failed; ``dropped``: it was the last try.

    ``at``: UTC in ISO 8601, empty while the clock is not set.
    """

    delivered: bool
    text: str
    dropped: bool
    at: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report that waits: records ``first`` to ``last``, failed ``tries`` so far, and when the next one is due."""

    first: int
    last: int
    created: str
    tries: int
    next_try: str
    problem: str


@dataclass(frozen=True, slots=True)
class PublicationView:
    """How publication stands. ``last``: the last delivery since services began."""

    frequency: str
    protocol: str
    waiting: tuple[ReportView, ...]
    last: DeliveryView | None


class PublicationPort(Protocol):
    """Publication of the charge records."""

    async def view(self) -> PublicationView:
        """How publication stands. Raises OSError while that cannot be read."""

    async def test(self) -> DeliveryView:
        """Try the oldest waiting report at once, or send a test file; returns when that has ended."""


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
    security: SecurityLogPort | None = None
    """Is read with ``accounts`` only."""
