"""The pure core joined to the simulated world without drivers, lines or processes: exact, event driven, milliseconds.

The bench steps the core when its inputs change, when it asked to be woken, on orders, and, if told so, in a fixed
rhythm on top. Services are played by two rules: a session's record is durable after a while, a card is answered after
a while. Whatever the core tells is kept with its time, so that two runs can be compared event by event.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from evse.app.virtual.simulated_hardware import wired_contacts
from evse.control.translate import LOCK_FEEDBACK, LOCK_PULSE, PILOT_MODE, SELF_TEST, SHUTTER_FEEDBACK, SHUTTER_PULSE
from evse.core.commands import Authorise, Command, ConfirmRecord, RestoreState, Verdict
from evse.core.config import OutletConfig, StationConfig
from evse.core.events import AuthorisationRequested, Event, SessionOpened
from evse.core.outlet import OutletCore
from evse.core.station import StationCore
from evse.core.units import MS, NEVER, SECOND
from evse.core.values import CardSeen, LockDrive, OutletInputs, OutletOutputs, PilotReading, ShutterDrive
from hal.world.outlet import OutletSetup, OutletWorld
from hal.world.station import StationWorld
from hal.world.truth import OutletTruth
from hal.world.verbs import apply as apply_verb

UID = "04A1B2C3D4E5F6"
OTHER_UID = "0411223344"
ADMIN_UID = "04ADADAD"
LIVELOCK_STEPS = 50


@dataclass(frozen=True, slots=True)
class Told:
    """An event and when it was told."""

    at_us: int
    event: Event


def station_config(outlets: int = 1, **changes: Any) -> StationConfig:
    """A station of the factory's settings; changes with an outlet's key go to every outlet, the others to the station."""
    of_outlet = {key: changes.pop(key) for key in tuple(changes) if key in OutletConfig.__dataclass_fields__}
    configs = tuple(replace(OutletConfig(number), **of_outlet) for number in range(1, outlets + 1))
    return replace(StationConfig("station", "bench", configs), **changes)


def inputs_of(outlet: OutletWorld, *, link_ok: bool = True, reader_ok: bool = True) -> OutletInputs:
    """What a perfect front end would report."""
    ac, dc = outlet.residual_trip()
    return OutletInputs(
        link_ok=link_ok,
        pilot=PilotReading(*outlet.pilot_line()),
        proximity_ohm=outlet.proximity_ohm(),
        contactor_closed=outlet.mirror_closed(),
        coil_energised=outlet.contactor.coil or outlet.domestic.contactor.coil,
        lock=LOCK_FEEDBACK[outlet.lock_position()],
        rcd_test=SELF_TEST[outlet.self_test()],
        residual_ac=ac,
        residual_dc=dc,
        currents_ma=outlet.currents_ma(),
        voltages_mv=outlet.voltages_mv(),
        temperature_dc=outlet.temperature_dc(),
        supply_mv=outlet.supply_mv(),
        inputs=outlet.inputs(),
        reader_ok=reader_ok,
        shutter=SHUTTER_FEEDBACK[outlet.shutter_position()],
        domestic_closed=outlet.domestic_mirror_closed(),
        domestic_plugged=outlet.domestic_plugged(),
        dip=outlet.dip_switches() or None,
        x2_closed=outlet.x2_closed(),
    )


class CoreBench:
    """A station core in its world, at virtual time ``now_us``."""

    def __init__(
        self,
        config: StationConfig | None = None,
        *,
        rhythm_us: int = NEVER,
        record_after_us: int = 8 * MS,
        answer_after_us: int = 2 * MS,
        start: bool = True,
        dip: tuple[int, ...] = (),
    ) -> None:
        self.config = config or station_config()
        self.now_us = 0
        self.told: list[Told] = []
        self.outputs: tuple[OutletOutputs, ...] = ()
        self.answers: Mapping[str, Verdict] = {OTHER_UID: Verdict.REFUSED, ADMIN_UID: Verdict.ACCEPTED}
        self.link_ok = [True] * len(self.config.outlets)
        self.fault_codes: list[tuple[str, ...]] = [()] * len(self.config.outlets)
        self.steps = 0
        self._rhythm_us, self._record_after_us, self.answer_after_us = rhythm_us, record_after_us, answer_after_us
        self._script: list[tuple[int, int, Callable[[], object]]] = []
        self._order = count()
        self._ids = count(1)
        self.world = StationWorld(
            [
                OutletSetup(
                    each.phases,
                    each.has_lock,
                    each.attached_cable,
                    has_shutter=each.has_shutter,
                    has_mode3=each.has_mode3,
                    has_domestic=each.has_domestic,
                    contacts=wired_contacts(each.lines),
                    dip=dip,
                    has_x2=each.phase_switch,
                    phase_switch=each.phase_switch,
                    input_count=8,
                )
                for each in self.config.outlets
            ]
        )
        self.boot("boot1")
        if start:
            self.restore()

    # --- the process -------------------------------------------------------------------------------------------

    def boot(self, boot_id: str) -> None:
        """Start a new core: nothing of the last one survives."""
        self.core = StationCore(self.config, boot_id, self.now_us)
        self._cards: list[CardSeen] = []
        self._commands: list[Command] = []
        self._seen: tuple[OutletInputs, ...] = ()
        self._wake_us = self.now_us
        self._pulses = [0] * len(self.config.outlets)
        self._shutter_pulses = [0] * len(self.config.outlets)
        self._x2_pulses = [0] * len(self.config.outlets)
        self._tests = [0] * len(self.config.outlets)

    def restore(self, latched: tuple[str, ...] = (), register_wh: int = 0) -> None:
        """Do what services do first."""
        for number in range(1, len(self.config.outlets) + 1):
            self.restore_outlet(number, latched, register_wh)

    def restore_outlet(self, number: int, latched: tuple[str, ...] = (), register_wh: int = 0) -> None:
        """The same for one outlet."""
        self.post(RestoreState(self._new_id(), number, latched=latched, register_wh=register_wh))

    def _new_id(self) -> str:
        return f"bench-{next(self._ids)}"

    def post(self, command: Command) -> None:
        """Hand a command to the core at this instant; an empty id gets a new one."""
        self._commands.append(command if command.command_id else replace(command, command_id=self._new_id()))
        self._wake_us = self.now_us

    def card(self, uid: str = UID, outlet: int = 1) -> None:
        """Hold a card to the reader."""
        self._cards.append(CardSeen(outlet, uid))
        self._wake_us = self.now_us

    # --- time --------------------------------------------------------------------------------------------------

    def at(self, at_us: int, action: Callable[[], object]) -> None:
        """Do ``action`` when time comes there."""
        heapq.heappush(self._script, (at_us, next(self._order), action))

    def run(self, seconds: float) -> CoreBench:
        """Let ``seconds`` of virtual time pass."""
        return self.run_until(self.now_us + round(seconds * SECOND))

    def run_until(self, end_us: int) -> CoreBench:
        """Run up to and with ``end_us``."""
        self._instant()
        while True:
            rhythm_us = (self.now_us // self._rhythm_us + 1) * self._rhythm_us if self._rhythm_us != NEVER else NEVER
            script_us = self._script[0][0] if self._script else NEVER
            next_us = min(self._wake_us, self.world.step(self.now_us), script_us, rhythm_us)
            if next_us > end_us:
                self.now_us = end_us
                return self
            self.now_us = max(self.now_us, next_us)
            self._instant(forced=next_us == rhythm_us)

    def _instant(self, *, forced: bool = False) -> None:
        """Everything that happens now, until the core has nothing more to do at this instant."""
        while self._script and self._script[0][0] <= self.now_us:
            heapq.heappop(self._script)[2]()
        self.world.step(self.now_us)
        for _ in range(LIVELOCK_STEPS):
            inputs = self.inputs()
            news = inputs != self._seen or bool(self._cards) or bool(self._commands)
            if not (news or forced or self._wake_us <= self.now_us):
                return
            if forced:
                # Otherwise the station would not step an outlet that has asked for nothing.
                self.core._steps = [None] * len(self.core.outlets)
            forced = False
            self._step(inputs)
        raise AssertionError(f"the core does not come to rest at {self.now_us} us")

    def inputs(self) -> tuple[OutletInputs, ...]:
        """What the core sees now: with a lost link the last readings, as control would hand them over."""
        fresh = []
        for index, outlet in enumerate(self.world.outlets):
            if self.link_ok[index]:
                fresh.append(replace(inputs_of(outlet), fault_codes=self.fault_codes[index]))
            else:
                last = self._seen[index] if self._seen else OutletInputs()
                fresh.append(replace(last, link_ok=False))
        return tuple(fresh)

    def _step(self, inputs: tuple[OutletInputs, ...]) -> None:
        cards, self._cards = self._cards, []
        commands, self._commands = self._commands, []
        self._seen = inputs
        step = self.core.step(self.now_us, inputs, cards, commands)
        self.steps += 1
        assert step.wake_us >= self.now_us, "a wish lies in the past"
        self._wake_us = step.wake_us
        self.outputs = step.outputs
        for event in step.events:
            self.told.append(Told(self.now_us, event))
            self._play_services(event)
        for index, outputs in enumerate(step.outputs):
            if self.link_ok[index]:
                self._apply(index, outputs)

    def _apply(self, index: int, outputs: OutletOutputs) -> None:
        outlet, now_us = self.world.outlets[index], self.now_us
        outlet.drive_coil(outputs.hold_contactor, now_us)
        outlet.drive_domestic_coil(outputs.hold_domestic, now_us)
        outlet.drive_pilot(PILOT_MODE[outputs.pilot_mode], outputs.duty_bp, now_us)
        if outputs.lock_pulse != self._pulses[index]:
            self._pulses[index] = outputs.lock_pulse
            if outputs.lock_drive is not LockDrive.REST:
                pulse_us = self.config.outlets[index].lock.pulse_us
                outlet.drive_lock(LOCK_PULSE[outputs.lock_drive], pulse_us, now_us)
        if outputs.shutter_pulse != self._shutter_pulses[index]:
            self._shutter_pulses[index] = outputs.shutter_pulse
            if outputs.shutter_drive is not ShutterDrive.REST:
                pulse_us = self.config.outlets[index].shutter.pulse_us
                outlet.drive_shutter(SHUTTER_PULSE[outputs.shutter_drive], pulse_us, now_us)
        if outputs.x2_pulse != self._x2_pulses[index]:
            self._x2_pulses[index] = outputs.x2_pulse
            outlet.drive_x2(outputs.x2_closed, now_us)
        if outputs.rcd_test_count != self._tests[index]:
            self._tests[index] = outputs.rcd_test_count
            outlet.start_self_test(now_us)
        outlet.ventilate(outputs.ventilation, now_us)

    def _play_services(self, event: Event) -> None:
        if isinstance(event, SessionOpened) and self._record_after_us != NEVER:
            confirm = ConfirmRecord(self._new_id(), event.outlet, session_id=event.session_id)
            self.at(self.now_us + self._record_after_us, lambda: self.post(confirm))
        if isinstance(event, AuthorisationRequested) and self.answer_after_us != NEVER:
            answer = Authorise(
                self._new_id(),
                event.outlet,
                epoch=event.session_epoch,
                card_read_id=event.card_read_id,
                verdict=self.answers.get(event.uid, Verdict.ACCEPTED),
                may_stop_any=event.uid == ADMIN_UID,
            )
            self.at(self.now_us + self.answer_after_us, lambda: self.post(answer))

    # --- the world ---------------------------------------------------------------------------------------------

    def verb(self, name: str, **params: Any) -> CoreBench:
        """Do something to the world at this instant."""
        apply_verb(self.world, name, params, self.now_us)
        return self

    def truth(self, outlet: int = 1) -> OutletTruth:
        """What is physically so."""
        self.world.step(self.now_us)
        return self.world.outlet(outlet).truth()

    # --- what was told -----------------------------------------------------------------------------------------

    def outlet(self, number: int = 1) -> OutletCore:
        """The core of one outlet."""
        return self.core.outlets[number - 1]

    def output(self, number: int = 1) -> OutletOutputs:
        """The present orders for one outlet."""
        return self.outputs[number - 1]

    def events(self, kind: type[Event], outlet: int = 0) -> list[Any]:
        """All events of ``kind`` so far, of one outlet or of all."""
        return [t.event for t in self.told if isinstance(t.event, kind) and outlet in (0, t.event.outlet)]

    def times(self, kind: type[Event], **fields: Any) -> list[int]:
        """When events of ``kind`` with these values were told."""
        return [
            t.at_us
            for t in self.told
            if isinstance(t.event, kind) and all(getattr(t.event, key) == value for key, value in fields.items())
        ]

    def faults(self, outlet: int = 1) -> tuple[str, ...]:
        """Names of the faults in force."""
        return tuple(fault.kind.name for fault in self.outlet(outlet).faults.active)

    def charging(self, outlet: int = 1, **vehicle: Any) -> CoreBench:
        """From idle to a charge: plug first, then the badge; a minute later the current has settled."""
        self.run(12)
        self.verb("plug_in", outlet=outlet, **vehicle)
        self.run(3)
        self.card(UID, outlet)
        self.run(60)
        assert self.truth(outlet).contact_closed, (self.faults(outlet), self.output(outlet).open_reasons)
        return self
