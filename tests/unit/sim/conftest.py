"""A station with a real world and a very small control, for tests of scenarios and invariants.

The toy reads and drives the world's electronics directly. It knows one outlet: a card that was presented is accepted,
the lock and the self test come first, then the session becomes durable, PWM is offered, and the contactor follows the
vehicle. ``defect`` makes it wrong in one way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from evse.core.commands import Book, ClearFault, Command, SetUnavailable
from evse.core.config import OutletConfig, StationConfig
from evse.core.events import CommandDone, Event, EvStateChanged, FaultRaised, SessionClosed, SessionOpened
from evse.core.units import NJ_PER_WH
from evse.exchange.snapshot import FaultView, LatencyView, OutletView, SessionView, StationView
from evse.sim.scheduler import Scheduler
from evse.sim.station import (
    Claims,
    ClosedSession,
    OpenSession,
    ParamValue,
    StationFactory,
    TimedEvent,
    claims_of,
)
from hal.ports import LockPosition, LockPulse, PilotDriveMode, SelfTest
from hal.units import MS, NEVER
from hal.world import verbs
from hal.world.outlet import OutletSetup
from hal.world.station import StationWorld

EV_STATES = {"A": "A_Not_Present_12V", "B": "B_Present_9V", "C": "C_Ready_6V", "F": "F_NotAvailable"}


class ToyReader:
    """A reader's field that nobody reads: the toy looks at the verb instead."""

    def present(self, uid: bytes, now_us: int = 0) -> None: ...

    def remove(self, uid: bytes | None = None, now_us: int = 0) -> None: ...


class ToyLedger:
    def __init__(self) -> None:
        self.open: list[OpenSession] = []
        self.closed: list[ClosedSession] = []

    def open_sessions(self) -> Sequence[OpenSession]:
        return tuple(self.open)

    def records(self) -> Sequence[ClosedSession]:
        return tuple(self.closed)

    def waiting(self) -> int:
        return 0


class ToyStation:
    def __init__(self, profile: str, run_number: int, elide: bool, defect: str = "") -> None:
        self.scheduler = Scheduler(elide=elide)
        self.config = StationConfig("toy", profile, (OutletConfig(1),))
        self.world = StationWorld((OutletSetup(),))
        self.defect = defect
        self.outlet = self.world.outlet(1)
        self.outlet.attached.reader = ToyReader()
        self.world.use_waker(self.scheduler)
        self.scheduler.add(self.world, "world")
        self.scheduler.add(self, "toy control")
        self.world.on_change(lambda now: self.scheduler.wake(self, now + 5 * MS))
        self.events: list[TimedEvent] = []
        self.books = ToyLedger()
        self.card = ""
        self.ev_state = ""
        self.tested = self.faulty = self.closed = self.unavailable = False
        self.booker = ""
        self.sessions = 0
        self.energy_at_start = 0
        self.fault_until = 0
        self.stop_at = NEVER
        self.outlet.drive_pilot(PilotDriveMode.X1, 10_000, 0)

    # ------------------------------------------------------------------ control

    def step(self, now_us: int) -> int:
        outlet, truth = self.outlet, self.outlet.truth()
        level = truth.pilot_level
        self._tell_state(EV_STATES.get(level, level), now_us)
        self._watch_faults(now_us)
        if now_us < self.fault_until:
            return self.fault_until
        if self.faulty and not self.books.open:
            outlet.drive_pilot(PilotDriveMode.X1, 10_000, now_us)
        if self.books.open and (level == "A" or self.faulty):
            self._end_session(now_us)
        elif self.card and truth.connected and not self.faulty:
            self._begin(now_us)
        stopping = now_us >= self.stop_at
        if stopping:
            outlet.drive_pilot(PilotDriveMode.X1, 10_000, now_us)
        due = self.stop_at if not stopping else NEVER
        began = bool(self.books.open) or (self.defect == "record late" and self.sessions > 0)
        wants = level == "C" and began and not self.faulty
        late = self.defect == "late opening" and self.closed and not wants
        if wants and stopping and self.defect != "opens at once":
            due = self.stop_at + 6_200 * MS
            wants = now_us < due
        elif stopping:
            wants = False
        if late:
            self.scheduler.at(now_us + 150 * MS, lambda at: outlet.drive_coil(False, at))
        elif wants != self.closed and not (self.defect == "no closing" and wants):
            outlet.drive_coil(wants, now_us)
        self.closed = wants
        return due

    def _begin(self, now_us: int) -> None:
        outlet = self.outlet
        if self.books.open:
            return
        if self.unavailable and self.defect != "ignores unavailable":
            return
        if self.booker not in ("", self.card) and self.defect != "ignores booking":
            return
        if outlet.lock_position() is not LockPosition.LOCKED and self.defect != "no lock":
            outlet.drive_lock(LockPulse.LOCK, 600 * MS, now_us)
            return
        if not self.tested and self.defect != "no self test":
            self.tested = True
            outlet.start_self_test(now_us)
        if outlet.self_test() is SelfTest.PASSED or self.defect == "no self test":
            self.sessions += 1
            self.energy_at_start = outlet.energy_pj
            self.books.open.append(OpenSession(1, f"s-{self.sessions}", self.card))
            if self.defect == "record late":
                late = self.books.open.pop()
                self.scheduler.at(now_us + 2_000 * MS, lambda at: self.books.open.append(late))
                self.card = ""
            self._say(SessionOpened(1, f"s-{self.sessions}", self.card, "badge"), now_us)
            limit = min(outlet.cable.rating_a * 1_000, 32_000)
            limit = 40_000 if self.defect == "ignores cable" else limit
            outlet.drive_pilot(PilotDriveMode.PWM, limit // 6, now_us)
            if self.defect == "record late":
                self.closed = True
                outlet.drive_coil(True, now_us)

    def _watch_faults(self, now_us: int) -> None:
        truth = self.outlet.truth()
        bad = not truth.diode_ok or truth.residual_ac or truth.residual_dc
        if not bad or self.faulty or not self.books.open:
            return
        if self.defect == "no diode check" and not truth.diode_ok:
            return
        self.faulty, self.closed = True, False
        self.outlet.drive_coil(False, now_us)
        self._say(FaultRaised(1, "DiodeFault", "emergency", False), now_us)
        if self.defect != "no state F":
            self.outlet.drive_pilot(PilotDriveMode.F, 0, now_us)
            self.fault_until = now_us + 400 * MS

    def _end_session(self, now_us: int) -> None:
        session = self.books.open.pop()
        energy = (self.outlet.energy_pj - self.energy_at_start) // (NJ_PER_WH * 1_000)
        energy += 5 if self.defect == "wrong energy" else 0
        if self.defect != "no record":
            number = len(self.books.closed) + 1
            self.books.closed.append(
                ClosedSession(
                    number, 1, session.session_id, session.uid, energy, "EVDisconnected", "Normal_Mode_3", False
                )
            )
        if self.defect == "two records":
            self.books.closed.append(replace(self.books.closed[-1], number=2))
        self._say(SessionClosed(1, session.session_id, "EVDisconnected", energy, energy, "Normal_Mode_3", 0), now_us)
        self.card, self.tested = "", self.defect == "keeps self test"
        self.outlet.drive_coil(False, now_us)
        self.outlet.drive_pilot(PilotDriveMode.X1, 10_000, now_us)
        self.outlet.drive_lock(LockPulse.UNLOCK, 600 * MS, now_us)

    def _tell_state(self, state: str, now_us: int) -> None:
        if state != self.ev_state:
            self._say(EvStateChanged(1, self.ev_state, state), now_us)
            self.ev_state = state

    def _say(self, event: Event, now_us: int) -> None:
        self.events.append(TimedEvent(now_us, event))

    # ------------------------------------------------------------------ SimulatedStation

    def claims(self) -> Claims | None:
        view = self.view()
        return None if view is None else claims_of(view)

    def view(self) -> StationView | None:
        self.world.step(self.scheduler.now_us)
        session = None
        if self.books.open:
            energy = (self.outlet.energy_pj - self.energy_at_start) // (NJ_PER_WH * 1_000)
            session = SessionView(self.books.open[0].session_id, self.card, 0, energy, "Normal_Mode_3", True)
        truth = self.outlet.truth()
        weld = truth.contact_welded and not truth.coil_energised and self.defect != "hides weld"
        faults = (FaultView("ContactorWelded", "emergency", "service", 0),) if weld else ()
        outlet = OutletView(
            number=1,
            outlet_status="OK_InitDone",
            last_error="",
            last_error_class="",
            ev_state=self.ev_state,
            cable_state="32 A",
            evse_status=("Normal_Mode_3",),
            error_status=0,
            pilot=None,
            offered_ma=0,
            limits=(),
            contactor_permitted=self.closed,
            contactor_closed=truth.contact_closed,
            open_reasons=(),
            no_offer_reasons=(),
            lock="locked",
            light="off",
            currents_ma=truth.currents_ma,
            voltages_mv=truth.voltages_mv,
            temperature_dc=250,
            register_wh=0,
            session=session,
            faults=faults,
            epoch=0,
            access="badge",
            link_ok=True,
            reader_ok=True,
        )
        now = self.scheduler.now_us
        return StationView("toy", "toy", "boot", now, 1, "", True, (outlet,), LatencyView())

    def events_since(self, index: int) -> Sequence[TimedEvent]:
        return self.events[index:]

    def post(self, command: Command) -> None:
        now = self.scheduler.now_us
        if isinstance(command, SetUnavailable):
            self.unavailable = command.active
        elif isinstance(command, Book):
            self.booker = command.uid
        elif isinstance(command, ClearFault):
            self.faulty = False
        self._say(CommandDone(command.outlet, command.command_id, "done", ""), now)
        self.scheduler.wake(self, now)

    def apply_verb(self, name: str, params: Mapping[str, ParamValue], now_us: int) -> None:
        if name == "press_stop":
            self.stop_at = now_us
        elif name == "draw_bolt":
            self.outlet.drive_lock(LockPulse.UNLOCK, 600 * MS, now_us)
        else:
            verbs.apply(self.world, name, params, now_us)
        if name == "present_card":
            self.card = "04000000" if self.defect == "charges another card" else str(params["uid"])
        self.scheduler.wake(self, now_us)

    def ledger(self) -> ToyLedger:
        return self.books

    def disturbances(self) -> tuple[str, ...]:
        return ()

    def frames_sent(self) -> int:
        return 0

    def close(self) -> None:
        """Nothing is held."""


def make_factory(defect: str = "") -> StationFactory:
    return lambda profile, run_number, elide: ToyStation(profile, run_number, elide, defect)


TOY_VERBS = (
    *verbs.VERBS,
    verbs.Verb("press_stop", "user", "the toy's stop button"),
    verbs.Verb("draw_bolt", "fault", "the toy drives its lock's motor"),
)


class Toy:
    """What tests need of this file (test modules cannot import each other)."""

    factory = staticmethod(make_factory)
    verbs = TOY_VERBS


@pytest.fixture
def toy() -> Toy:
    return Toy()
