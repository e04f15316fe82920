"""A charge point with its services and journal, a scripted station below and a central system above, in virtual time.

The station is a script that answers commands as control does and tells events and Snapshots; the journal is the fake one
that can lose power; the link carries texts with a delay and can be cut.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evse.core.commands import (
    Authorise,
    Book,
    Command,
    ConfirmRecord,
    RestoreState,
    SetLimit,
    SetUnavailable,
    StartSession,
    StopSession,
    Verdict,
)
from evse.core.config import OutletConfig, StationConfig
from evse.core.events import (
    AuthorisationRequested,
    CommandDone,
    EnergyCheckpoint,
    Event,
    SessionClosed,
    SessionOpened,
    TransactionStarted,
)
from evse.core.outlet_status import OutletStatus
from evse.core.units import NEVER, SECOND
from evse.exchange.envelope import Envelope
from evse.exchange.snapshot import LatencyView, OutletView, SessionView, StationView
from evse.links.ocpp.charge_point import ChargePoint
from evse.links.ocpp.context import Context
from evse.links.ocpp.settings import LossStrategy, OutletFacts, StationIdentity, SupervisionSettings
from evse.links.ocpp.supervision import OcppSupervision
from evse.services.authorisation import Location, Policy
from evse.services.authorisation import LossStrategy as CardLoss
from evse.services.clock import ClockMapping, ClockQuality
from evse.services.fake_journal import FakeStore
from evse.services.station_services import StationServices
from tests.fakes.central_system import EPOCH_UTC_US, CentralSystem
from tests.fakes.web_fake import outlet_view

DELAY_US = 20_000
UID = "station-1"
FREE: dict[str, Any] = {
    "outlet_status": OutletStatus.INIT_DONE.value,
    "ev_state": "A_Not_Present_12V",
    "cable_state": "Not_Plugged",
    "session": None,
    "faults": (),
    "evse_status": (),
    "contactor_closed": False,
    "no_offer_reasons": ("NotAuthorised",),
    "lock": "unlocked",
    "register_wh": 0,
}
CHARGING: dict[str, Any] = {
    "outlet_status": OutletStatus.CHARGE_LOOP_STARTED.value,
    "ev_state": "C_Ready_6V_M12V",
    "cable_state": "32 A",
    "contactor_closed": True,
    "no_offer_reasons": (),
    "lock": "locked",
    "currents_ma": (16_000, 16_000, 16_000),
    "voltages_mv": (230_000, 230_000, 230_000),
}
DEFAULTS = SupervisionSettings(url="ws://127.0.0.1/", identity="CP1", external_limits=True)


class Bench:
    """Everything of one station. ``run`` moves time; the rest are verbs and looks."""

    def __init__(
        self, settings: SupervisionSettings = DEFAULTS, *, outlets: int = 2, seed: int = 1, check: bool = True
    ) -> None:
        self.now_us = 1_000 * SECOND
        self.settings = settings
        self.identity = StationIdentity(
            "Maker", "Model", "SN-1", "1.0", outlets={n: OutletFacts() for n in range(1, outlets + 1)}
        )
        self.central = CentralSystem(check=check)
        self.reachable = True
        self.connected = False
        self.clock_set = True
        self.clock_error_us = 0
        self.obeys: dict[type[Command], str] = {}
        """Commands that control refuses, with the reason."""
        self.plugs_at_once = True
        """Whether the car is there when a remote start opens a session."""
        self.posted: list[Command] = []
        self.restarts: list[str] = []
        self.attempts: list[int] = []
        self.pings_s: list[float] = []
        """Intervals of pings that the link was told."""
        self.store = FakeStore(4_000)
        self.boots = 0
        self.random = random.Random(seed)
        self._to_station: list[tuple[int, int, str]] = []
        self._to_central: list[tuple[int, int, str]] = []
        self._opening_us: int | None = None
        self._closed_us: int | None = None
        self._connection = 0
        self._wish_us = 0
        self._sessions = self._restarts = 0
        self.boot()

    # --- life ---------------------------------------------------------------------------------------------------

    def boot(self) -> None:
        """Control and services start anew."""
        self.boots += 1
        self.boot_id = f"boot{self.boots}"
        self._seq = 0
        self.started_us = self.now_us
        self.cards: dict[int, AuthorisationRequested] = {}
        self.outlets = {n: replace(outlet_view(n), **FREE) for n in self.identity.outlets}
        journal = self.store.journal(UID)
        for number in self.outlets:
            self.outlets[number] = replace(self.outlets[number], register_wh=journal.register_wh(number))
        self._begin_services(self.boot_id)

    def restart_services(self) -> None:
        """Services die and begin again, control and its sessions go on."""
        while self.store.queued:
            self.now_us = self.store.step(self.now_us)
        self.connected, self._opening_us = False, None
        self._to_central.clear()
        self._to_station.clear()
        self._restarts += 1
        self._begin_services(f"again{self._restarts}")

    def _begin_services(self, token: str) -> None:
        journal = self.store.journal(UID)
        self.point = ChargePoint(self.settings, self.identity, token, self.random.random)
        self.supervision = OcppSupervision(self.point, self, restart=self.restarts.append, wake=self._wake)
        config = StationConfig(UID, "test", tuple(OutletConfig(n) for n in self.identity.outlets))
        on_loss = CardLoss.ALLOW_ALL if self.settings.loss is LossStrategy.ALLOW_ALL else CardLoss.REJECT_ALL
        policy = Policy(
            Location.SUPERVISION,
            supervised=True,
            on_loss=on_loss,
            timeout_us=self.settings.authentication_timeout_us,
        )
        self.services = StationServices(
            *(journal, policy, self._mapping(), config),
            wake=self._wake,
            supervision=self.supervision,
            back_end=self.supervision,
        )
        self.point.switch(self.now_us, on=True)
        self._post(self.services.start(self.now_us, self.boot_id))
        self._wake()

    def power_cut(self, off_s: int = 60) -> None:
        """Everything but the disk is lost; it comes back after some time."""
        image = self.store.crash(self.random.randint(0, self.store.queued))
        self.connected, self._opening_us = False, None
        self._to_central.clear()
        self._to_station.clear()
        self.now_us += off_s * SECOND
        self.store = FakeStore(4_000, image)
        self.boot()

    def _mapping(self) -> ClockMapping:
        quality = ClockQuality.SET if self.clock_set else ClockQuality.UNSET
        return ClockMapping(self.boot_id, 0, EPOCH_UTC_US + self.clock_error_us, quality)

    def _wake(self) -> None:
        self._wish_us = 0

    # --- TextLink -----------------------------------------------------------------------------------------------

    def open(self) -> None:
        self.attempts.append(self.now_us)
        self._opening_us = self.now_us + DELAY_US

    def close(self) -> None:
        self._closed_us = self.now_us

    def send(self, text: str) -> None:
        if self.connected and self.reachable:
            self._to_central.append((self.now_us + DELAY_US, self._connection, text))

    def ping_every(self, seconds: float) -> None:
        self.pings_s.append(seconds)

    def network(self, *, up: bool) -> None:
        """Cut or mend the network; a cut is noticed at once."""
        self.reachable = up
        if not up and self.connected:
            self._closed_us = self.now_us

    # --- time ---------------------------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end_us = self.now_us + int(seconds * SECOND)
        while True:
            self._instant()
            wish_us = self._next_us()
            if wish_us > end_us:
                self.now_us = end_us
                return
            self.now_us = max(self.now_us, wish_us)

    def _next_us(self) -> int:
        times = [self._wish_us, self.store.step(self.now_us)]
        times += [at_us for at_us, *_ in (*self._to_central, *self._to_station)]
        times += [at_us for at_us, _ in self.central.outgoing if self.connected]
        times += [at_us for at_us in (self._opening_us, self._closed_us) if at_us is not None]
        return min(times)

    def _instant(self) -> None:
        """Everything that is due now."""
        for _ in range(1_000):
            if not self._once():
                return
        raise AssertionError(f"no end of work at {self.now_us}")

    def _once(self) -> bool:
        worked = self._link_once()
        self.store.step(self.now_us)
        if self.now_us >= self._wish_us:
            worked = True
            self.services.clock = self._mapping()
            self.services.view(self.now_us, self._view())
            self._wish_us = NEVER
            wish_us = self.services.step(self.now_us)
            self._post(self.services.take_commands())
            self.services.take_acknowledgement()
            self._wish_us = min(self._wish_us, max(wish_us, self.now_us + 1))
        return worked

    def _link_once(self) -> bool:
        if self._closed_us is not None and self.now_us >= self._closed_us:
            self._closed_us, self._opening_us = None, None
            self.connected = False
            self._to_central.clear()
            self._to_station.clear()
            self.supervision.closed(self.now_us)
            return True
        if self._opening_us is not None and self.now_us >= self._opening_us:
            self._opening_us = None
            if self.reachable:
                self.connected = True
                self._connection += 1
                self.central.outgoing.clear()
                self.supervision.opened(self.now_us)
            else:
                self.supervision.closed(self.now_us)
            return True
        return self._carry()

    def _carry(self) -> bool:
        due = [each for each in self._to_central if each[0] <= self.now_us]
        self._to_central = [each for each in self._to_central if each[0] > self.now_us]
        for _, _, text in due:
            self.central.receive(self.now_us, text)
        while self.connected and self.central.outgoing:
            ready = [each for each in self.central.outgoing if each[0] <= self.now_us]
            if not ready:
                break
            self.central.outgoing.remove(ready[0])
            self._to_station.append((self.now_us + DELAY_US, self._connection, ready[0][1]))
        arrived = [each for each in self._to_station if each[0] <= self.now_us]
        self._to_station = [each for each in self._to_station if each[0] > self.now_us]
        for _, _, text in arrived:
            self.supervision.received(self.now_us, text)
        return bool(due or arrived)

    # --- the scripted control -----------------------------------------------------------------------------------

    def _view(self) -> StationView:
        return StationView(
            UID, "test", self.boot_id, self.now_us, 1, "x", True, tuple(self.outlets.values()), LatencyView(),
            started_us=self.started_us,
        )  # fmt: skip

    def change(self, number: int, **changes: Any) -> None:
        """The Snapshot of an outlet is different from now on."""
        self.outlets[number] = replace(self.outlets[number], **changes)
        self._wake()

    def tell(self, event: Event) -> None:
        """Control tells an event."""
        self._seq += 1
        self.services.handle(Envelope(self.boot_id, self._seq, self.now_us, event), self.now_us)
        self._wake()

    def _post(self, commands: list[Command]) -> None:
        for command in commands:
            self.posted.append(command)
            reason = self.obeys.get(type(command), "") or self._obey(command)
            if isinstance(command, RestoreState):
                continue
            self.tell(CommandDone(command.outlet, command.command_id, "refused" if reason else "done", reason))

    def _obey(self, command: Command) -> str:
        match command:
            case Authorise():
                return self._verdict(command)
            case StartSession():
                if self.outlets[command.outlet].session is not None:
                    return "the outlet is not free to start a session"
                self.start_session(command.outlet, command.uid, by="remote", plug=self.plugs_at_once)
            case StopSession():
                if self.outlets[command.outlet].session is None:
                    return "no session runs"
                self.stop_session(command.outlet, command.reason)
            case Book():
                flags = ("Booked_Plc_Cmd_Received",) if command.uid else ()
                self.change(command.outlet, evse_status=flags)
            case SetUnavailable():
                status = OutletStatus.UNAVAILABLE if command.active else OutletStatus.INIT_DONE
                if self.outlets[command.outlet].session is None:
                    self.change(command.outlet, outlet_status=status.value)
            case ConfirmRecord() | SetLimit():
                pass
        return ""

    def _verdict(self, command: Authorise) -> str:
        card = self.cards.get(command.card_read_id)
        if card is None:
            return "no card read waits for this verdict"
        if command.verdict is Verdict.ACCEPTED and command.may_stop_any:
            self.stop_session(card.outlet, "Local", card.uid)
        elif command.verdict is not Verdict.REFUSED and self.outlets[card.outlet].session is None:
            self.start_session(card.outlet, card.uid)
        elif command.verdict is Verdict.REFUSED and card.purpose == "start" and self.outlets[card.outlet].session:
            self.stop_session(card.outlet, "DeAuthorized")
        return ""

    # --- verbs of people ----------------------------------------------------------------------------------------

    def card(self, number: int, uid: str, purpose: str = "start") -> None:
        """Somebody holds a card to the reader."""
        event = AuthorisationRequested(number, len(self.cards) + 1, 1, uid, purpose)
        self.cards[event.card_read_id] = event
        self.tell(event)

    def start_session(self, number: int, uid: str, by: str = "badge", *, plug: bool = True) -> None:
        """A session opens; with ``plug`` its transaction too, and the car draws current."""
        self._sessions += 1
        session_id = f"{self.boot_id}-{number}-{self._sessions}"
        self.tell(SessionOpened(number, session_id, uid, by))
        view = SessionView(session_id, uid, self.now_us, 0, "Normal_Mode_3", record_durable=True)
        self.change(number, session=view, outlet_status=OutletStatus.PLUG_STARTED.value)
        if plug:
            self.plug(number)

    def plug(self, number: int) -> None:
        """The car is plugged in: the transaction begins."""
        outlet = self.outlets[number]
        assert outlet.session is not None
        self.tell(TransactionStarted(number, outlet.session.session_id, outlet.register_wh))
        self.change(number, **CHARGING)

    def draw(self, number: int, energy_wh: int) -> None:
        """Energy flows, and is told."""
        outlet = self.outlets[number]
        assert outlet.session is not None
        register_wh = outlet.register_wh + energy_wh
        energy_wh += outlet.session.energy_wh
        self.change(number, register_wh=register_wh, session=replace(outlet.session, energy_wh=energy_wh))
        self.tell(EnergyCheckpoint(number, outlet.session.session_id, energy_wh, register_wh, "Normal_Mode_3"))

    def stop_session(self, number: int, reason: str = "Local", stopped_by: str = "") -> None:
        """The session ends, by a card or without one, and the car leaves."""
        outlet = self.outlets[number]
        session = outlet.session
        assert session is not None
        duration_us = self.now_us - session.opened_us
        self.tell(
            SessionClosed(
                *(number, session.session_id, reason, session.energy_wh, outlet.register_wh),
                *("Normal_Mode_3", duration_us, stopped_by),
            )
        )
        self.change(number, **{**FREE, "register_wh": outlet.register_wh, "evse_status": outlet.evse_status})

    # --- looks --------------------------------------------------------------------------------------------------

    @property
    def context(self) -> Context:
        """The charge point's state."""
        return self.point.context

    def outlet(self, number: int) -> OutletView:
        return self.outlets[number]

    def ask(self, action: str, payload: Mapping[str, Any] | None = None, seconds: float = 1) -> Any:
        """The central system asks; return the answer's payload, or the error's code, ``None`` without one."""
        unique_id = self.central.call(self.now_us, action, payload or {})
        self._wake()
        self.run(seconds)
        return self.central.answers.get(unique_id)

    def of(self, kind: type[Command]) -> list[Any]:
        """Commands of a kind that were posted."""
        return [each for each in self.posted if isinstance(each, kind)]


def connected(settings: SupervisionSettings = DEFAULTS, **options: Any) -> Bench:
    """A station that is registered and has told its status."""
    bench = Bench(settings, **options)
    bench.run(2)
    bench.central.requests.clear()
    return bench
