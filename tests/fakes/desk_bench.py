"""The card desk of one station with a simulated disk, a supervision that answers when told, and control's questions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from evse.core.commands import Authorise, Command, ReadCards, Verdict
from evse.core.config import OutletConfig, StationConfig
from evse.core.events import AuthorisationRequested, Event
from evse.core.units import MS
from evse.exchange.envelope import Envelope
from evse.exchange.outbox import Outbox
from evse.services.authorisation import Policy
from evse.services.badges.badge_list import BadgeList
from evse.services.clock import NO_CLOCK, ClockMapping
from evse.services.fake_journal import FakeStore, Image
from evse.services.station_services import StationServices
from evse.services.supervision import SupervisionAnswer

CONFIG = StationConfig("station-1", "parking", (OutletConfig(1), OutletConfig(2)))
LATENCY_US = 5 * MS


@dataclass
class AskedSupervision:
    """Notes what it is asked."""

    reachable: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)

    def at_once(self, _uid: str, _outlet: int, *, waited: bool = False) -> SupervisionAnswer | None:
        """Nothing is known without asking."""
        return None

    def group_of(self, _uid: str) -> str:
        """No group is known."""
        return ""

    def kept_for_group(self, _outlet: int) -> bool:
        """Nothing is kept for a group."""
        return False

    def ask(self, ask_id: str, uid: str, _outlet: int) -> None:
        """Note it."""
        self.asked.append((ask_id, uid))


class DeskBench:
    """Services on their own; time moves only with ``wait``."""

    def __init__(
        self,
        policy: Policy | None = None,
        badges: BadgeList | None = None,
        clock: ClockMapping = NO_CLOCK,
        image: Image | None = None,
    ) -> None:
        self.policy, self.factory, self.clock = policy or Policy(), badges, clock
        self.supervision = AskedSupervision()
        self.now_us = 0
        self.received: list[Command] = []
        self.acknowledged = 0
        self.outbox = Outbox("boot-1")
        self._reads = 0
        self._start(image)

    def _start(self, image: Image | None) -> None:
        self.store = FakeStore(LATENCY_US, image)
        self.services = StationServices(
            self.store.journal("station-1"),
            self.policy,
            self.clock,
            CONFIG,
            factory_badges=self.factory,
            supervision=self.supervision,
        )
        self.outbox.reconnected()
        self.received += self.services.start(self.now_us, self.outbox.boot_id)
        self.wait(0.02)

    def restart_services(self, keep: int | None = None) -> None:
        """Services die, with the first ``keep`` of the commits under way stored, and come back; control lives on."""
        self._start(self.store.crash(keep))

    def restart_control(self) -> None:
        """Control dies with everything it waited for."""
        self.outbox = Outbox("boot-2")
        self.received += self.services.start(self.now_us, "boot-2")
        self.wait(0.02)

    def wait(self, seconds: float) -> DeskBench:
        """Let time pass."""
        end_us = self.now_us + round(seconds * 1_000_000)
        while True:
            self._exchange()
            if self.now_us >= end_us:
                return self
            self.now_us = min(self.now_us + (MS if end_us - self.now_us < 200 * MS else 100 * MS), end_us)

    def _exchange(self) -> None:
        for envelope in self.outbox.unsent():
            self.outbox.mark_sent(envelope)
            self.services.handle(envelope, self.now_us)
        self.store.step(self.now_us)
        self.services.step(self.now_us)
        self.received += self.services.take_commands()
        acknowledge = self.services.take_acknowledgement()
        if acknowledge is not None:
            self.acknowledged = acknowledge.up_to_seq
            self.outbox.acknowledge(acknowledge)

    def emit(self, event: Event) -> Envelope:
        """Control says something."""
        envelope = self.outbox.put(event, self.now_us)
        self._exchange()
        return envelope

    def card(self, uid: str, purpose: str = "start", outlet: int = 1) -> str:
        """A card is read; returns the id under which a supervision is asked about it."""
        self._reads += 1
        self.emit(AuthorisationRequested(outlet, self._reads, self._reads, uid, purpose))
        return f"{self.outbox.boot_id}-{outlet}-{self._reads}"

    def verdicts(self) -> list[tuple[int, Verdict, str]]:
        """What control was told: card read, verdict, reason; once for each command id."""
        seen: dict[str, Authorise] = {}
        for command in self.received:
            if isinstance(command, Authorise):
                assert seen.setdefault(command.command_id, command) == command, "one id, two meanings"
        return [(each.card_read_id, each.verdict, each.reason) for each in seen.values()]

    def last(self) -> Any:
        """The newest verdict."""
        return [command for command in self.received if isinstance(command, Authorise)][-1]

    def readings(self) -> list[tuple[int, bool, int]]:
        """Orders to read cards: outlet, on or off, until when."""
        return [
            (command.outlet, command.active, command.until_us)
            for command in self.received
            if isinstance(command, ReadCards)
        ]

    def list(self) -> list[tuple[str, str]]:
        """The badge list as it is stored."""
        return [(badge.uid, badge.type.value) for badge in self.store.journal("station-1").badges()]
