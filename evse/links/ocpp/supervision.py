"""The charge point as the supervision of a station's services: joins it with a link that carries its texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from evse.core.events import Event
from evse.exchange.snapshot import StationView
from evse.links.ocpp.authorising import ask_card, at_once, group_of, kept_for_group
from evse.links.ocpp.charge_point import ChargePoint
from evse.links.ocpp.file_work import End, Job
from evse.links.ocpp.link import LinkWish
from evse.links.ocpp.settings import SupervisionSettings
from evse.services.back_end import BackEndWishes
from evse.services.clock import ClockMapping, Instant
from evse.services.journal import QueueMessage, Write
from evse.services.supervision import SupervisionAnswer


class TextLink(Protocol):
    """Carries texts to and from a central system. What comes in is told to the charge point by ``OcppSupervision``."""

    def open(self) -> None:
        """Begin to connect; the end of the attempt is told by ``opened`` or ``closed``."""
        ...

    def close(self) -> None:
        """Close the connection, or end the attempt; ``closed`` follows."""
        ...

    def send(self, text: str) -> None:
        """Send a text; what cannot be sent is lost with its connection."""
        ...

    def ping_every(self, seconds: float) -> None:
        """How often to find out whether the other end still lives, from now on; 0: never."""
        ...


def _nobody(_job: Job) -> None:
    """Without anybody to carry files they never come to an end."""


class OcppSupervision:
    """A ``BackEnd``, and a ``SupervisionPort`` for cards. ``restart`` is called with `Soft` or `Hard` when the station is to start anew,
    ``do`` with files to fetch or bring: their ends are told by ``job_ended``.
    """

    def __init__(
        self,
        charge_point: ChargePoint,
        link: TextLink,
        *,
        restart: Callable[[str], None],
        wake: Callable[[], None],
        do: Callable[[Job], None] = _nobody,
    ) -> None:
        self.charge_point = charge_point
        self._link = link
        self._restart = restart
        self._wake = wake
        self._do = do
        self._ping_s = -1

    # --- from the link ------------------------------------------------------------------------------------------

    def opened(self, now_us: int) -> None:
        """The connection is there."""
        self.charge_point.opened(now_us)
        self._wake()

    def closed(self, now_us: int) -> None:
        """The connection is gone, or the attempt has failed."""
        self.charge_point.closed(now_us)
        self._wake()

    def received(self, now_us: int, text: str) -> None:
        """A text has come."""
        self.charge_point.received(now_us, text)
        self._wake()

    def job_ended(self, now_us: int, number: int, end: End) -> None:
        """A file was fetched or brought, or could not be."""
        self.charge_point.job_ended(now_us, number, end)
        self._wake()

    def firmware_ended(self, now_us: int, *, installed: bool) -> None:
        """What came of the firmware that the station has restarted for."""
        self.charge_point.firmware_ended(now_us, installed=installed)
        self._wake()

    def security_event(self, now_us: int, kind: str, info: str, *, stranger: bool = False) -> None:
        """Something at the station, or of the link, concerns security."""
        self.charge_point.security_event(now_us, kind, info, stranger=stranger)
        self._wake()

    def use(self, now_us: int, settings: SupervisionSettings) -> None:
        """Settings were changed at the station."""
        self.charge_point.use(now_us, settings)
        self._wake()

    # --- SupervisionPort ----------------------------------------------------------------------------------------

    @property
    def reachable(self) -> bool:
        """Whether the central system can be asked now."""
        return self.charge_point.context.link.may_ask

    def at_once(self, uid: str, outlet: int, *, waited: bool = False) -> SupervisionAnswer | None:
        """What counts for ``uid`` without asking."""
        return at_once(self.charge_point.context, uid, outlet, waited=waited)

    def group_of(self, uid: str) -> str | None:
        """The parent id of ``uid``; ``None``: it can be asked for."""
        return group_of(self.charge_point.context, uid)

    def kept_for_group(self, outlet: int) -> bool:
        """Whether the outlet is reserved for a parent id."""
        return kept_for_group(self.charge_point.context, outlet)

    def ask(self, ask_id: str, uid: str, outlet: int) -> None:
        """Ask about a card."""
        ask_card(self.charge_point.context, ask_id, uid, outlet)
        self._wake()

    # --- BackEnd ----------------------------------------------------------------------------------------

    @property
    def last_number(self) -> int:
        """Number of the last message that was taken from the journal."""
        return self.charge_point.last_number

    @property
    def problem(self) -> str:
        """What was given up since the start."""
        untold = len(self.charge_point.context.outbox.untold)
        if not untold:
            return ""
        told = "of one charge" if untold == 1 else f"of {untold} charges"
        return (
            f"central system: messages {told} were refused again and again and given up; see the station's own records"
        )

    def load(
        self,
        documents: Mapping[str, str],
        messages: Iterable[tuple[int, QueueMessage]],
        transaction_ids: Mapping[str, int],
    ) -> None:
        """What the journal holds."""
        self.charge_point.load(documents, messages, transaction_ids)

    def booted(self, now_us: int, boot_id: str, open_sessions: Mapping[str, str]) -> None:
        """Control began."""
        self.charge_point.booted(now_us, boot_id, open_sessions)

    def take_messages(self, messages: Iterable[tuple[int, QueueMessage]]) -> None:
        """These messages have become durable."""
        self.charge_point.take_messages(messages)

    def written(self, now_us: int) -> None:
        """The oldest of the commits that steps wanted is durable."""
        self.charge_point.written(now_us)

    def writes(self, event: Event, at: Instant) -> list[Write]:
        """What has to be in the same commit as the event."""
        return self.charge_point.writes(event, at)

    def event(self, now_us: int, event: Event) -> None:
        """A card was read, or control has answered a command."""
        self.charge_point.event(now_us, event)

    def view(self, now_us: int, view: StationView | None) -> None:
        """The newest Snapshot."""
        self.charge_point.view(now_us, view)

    def step(self, now_us: int, clock: ClockMapping) -> BackEndWishes:
        """Step the charge point and give the link what is for it."""
        point = self.charge_point
        point.clock = clock
        output = point.step(now_us)
        ping_s = point.context.keys.integer("WebSocketPingInterval")
        if ping_s != self._ping_s:
            self._ping_s = ping_s
            self._link.ping_every(ping_s)
        for text in output.texts:
            self._link.send(text)
        if output.wish is LinkWish.OPEN:
            self._link.open()
        elif output.wish is LinkWish.CLOSE:
            self._link.close()
        for job in output.jobs:
            self._do(job)
        if output.restart:
            self._restart(output.restart)
        return BackEndWishes(output.commands, output.answers, output.writes, output.wake_us)
