"""A station, world and record store for the web interface's tests: scripted, with time as an argument.

``FakeStation`` keeps one view; ``play`` steps a scripted charge of outlet 1. ``python -m tests.fakes.web_fake PORT``
serves it in real time for a look at the page.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from evse.core import events as e
from evse.core.commands import Command
from evse.exchange.snapshot import (
    FaultView,
    LatencyView,
    LimitView,
    OutletView,
    PilotView,
    SessionView,
    StationView,
)
from evse.services.clock import ClockQuality, Instant
from evse.services.records import Record
from evse.web.ports import Condition, EventRecord, NotConnected, Outcome, RecordsUnavailable, RecordView, Update
from evse.web.world_port import BadVerb, ParamValue, VerbParam, VerbView

S = 1_000_000
FREE_PILOT = PilotView("X1", 10_000, 12_000, 12_000, 10_000, 0)
ERROR_BITS = {
    0: "Contactor welded",
    1: "Contactor not closing",
    2: "RCD AC",
    3: "RCD DC 6 mA",
    4: "Over-current",
    5: "Over-temperature",
    6: "Pilot short",
    7: "Diode",
    8: "Lock",
    9: "Proximity",
    10: "Front end comm",
    11: "DI PowerMeter Comm",
}


def outlet_view(number: int) -> OutletView:
    """A free outlet."""
    return OutletView(
        number=number,
        outlet_status="OK_InitDone",
        last_error="",
        last_error_class="",
        ev_state="A_Not_Present_12V",
        cable_state="Not_Plugged",
        evse_status=(),
        error_status=0,
        pilot=FREE_PILOT,
        offered_ma=0,
        limits=(
            LimitView("rated", 32_000, True),
            LimitView("station maximum", 64_000, False, "shared with the other outlet"),
        ),
        contactor_permitted=False,
        contactor_closed=False,
        open_reasons=("no session", "no vehicle", "pilot not in C or D"),
        no_offer_reasons=("no session",),
        lock="unlocked",
        light="green",
        currents_ma=(0, 0, 0),
        voltages_mv=(230_400, 231_100, 229_800),
        temperature_dc=284,
        register_wh=1_234_567,
        session=None,
        faults=(),
        epoch=7,
        access="badge",
        link_ok=True,
        reader_ok=True,
        supply_mv=12_040,
    )


def station_view(mono_us: int = 60 * S, outlets: int = 2) -> StationView:
    """A station with nothing going on."""
    return StationView(
        station_uid="EVP2-000417",
        profile="parking",
        boot_id="b7c1",
        mono_us=mono_us,
        config_version=3,
        config_digest="9f2c11d0aa",
        restored=True,
        outlets=tuple(outlet_view(number) for number in range(1, outlets + 1)),
        latency=LatencyView(cycles=12_345, late_cycles=0, worst_us=3_100, fifo=False),
    )


class FakeStation:
    """A station source whose state the test sets."""

    def __init__(self, view: StationView | None = None) -> None:
        self.view = view
        self.events: list[EventRecord] = []
        self.commands: list[Command] = []
        self.answer = Outcome("done")
        self.state = Condition(True, 40_000)
        self.queues: list[asyncio.Queue[Update | None]] = []

    def latest(self) -> StationView | None:
        return self.view

    def condition(self) -> Condition:
        return self.state

    async def subscribe(self) -> AsyncIterator[Update]:
        queue: asyncio.Queue[Update | None] = asyncio.Queue()
        self.queues.append(queue)
        try:
            while (update := await queue.get()) is not None:
                yield update
        finally:
            self.queues.remove(queue)

    def recent_events(self, limit: int, outlet: int | None = None) -> Sequence[EventRecord]:
        return [record for record in self.events if outlet is None or record.event.outlet == outlet][-limit:]

    async def post(self, command: Command) -> Outcome:
        if self.view is None:
            raise NotConnected
        self.commands.append(command)
        return self.answer

    def push(self, view: StationView | None, *facts: e.Event) -> None:
        """The station moved on: a new view and what happened."""
        at_us = (view or self.view or station_view()).mono_us
        first = self.events[-1].sequence + 1 if self.events else 1
        news = tuple(EventRecord(first + index, at_us, fact) for index, fact in enumerate(facts))
        self.events.extend(news)
        self.view = view
        for queue in self.queues:
            queue.put_nowait(Update(view, news))

    def end(self) -> None:
        """Every subscription ends by itself."""
        for queue in self.queues:
            queue.put_nowait(None)


OUTLET = VerbParam("outlet", "int", default=1, minimum=1, maximum=2)
VERBS = (
    VerbView(
        "plug_in",
        "user",
        "Put a cable into the socket, with a vehicle at its other end.",
        (OUTLET, VerbParam("cable", "choice", "A", "32", choices=("13", "20", "32", "63"))),
    ),
    VerbView("unplug", "user", "Pull the cable out, under load too.", (OUTLET,)),
    VerbView("vehicle_stop", "vehicle", "The vehicle opens S2 and draws nothing.", (OUTLET,)),
    VerbView(
        "set_demand",
        "user",
        "How much current the vehicle wants per phase.",
        (OUTLET, VerbParam("current", "number", "A", 16.0, 0, 80, help="Zero: it draws nothing.")),
    ),
    VerbView(
        "present_card",
        "user",
        "Hold a badge to the reader for a moment.",
        (
            OUTLET,
            VerbParam("uid", "text", default="04A1B2C3", minimum=8, maximum=20, help="4, 7 or 10 bytes, hexadecimal."),
            VerbParam("hold", "number", "s", 0, 0, 3600),
        ),
    ),
    VerbView(
        "short_diode",
        "fault",
        "Short the vehicle's pilot diode.",
        (OUTLET, VerbParam("heal", "bool", default=False)),
    ),
    VerbView("weld_contactor", "fault", "The contactor's contacts stick together.", (OUTLET,)),
    VerbView("jam_lock", "fault", "The lock's bolt stops half way.", (OUTLET,)),
    VerbView("trip_breaker", "grid", "The circuit breaker before the outlet opens.", (OUTLET,)),
    VerbView(
        "power_cut", "grid", "The whole feed goes away for a time.", (VerbParam("seconds", "int", "s", None, 1, 3600),)
    ),
)


class FakeWorld:
    """A world that notes what is asked of it."""

    def __init__(self) -> None:
        self.applied: list[tuple[str, dict[str, ParamValue]]] = []
        self.answer = Outcome("done")

    def verbs(self) -> Sequence[VerbView]:
        return VERBS

    async def apply(self, name: str, params: Mapping[str, ParamValue]) -> Outcome:
        self.applied.append((name, dict(params)))
        if name == "trip_breaker" and self.answer.outcome == "done":
            return Outcome("refused", "the breaker of this outlet is open already")
        if params.get("current") == "20 V":
            raise BadVerb("current", "'V' is not a unit of current", "number from 0 to 80 A")
        return self.answer


def record_view(number: int) -> RecordView:
    """One ended charge."""
    return RecordView(
        number=number,
        station="EVP2-000417",
        outlet=1 + number % 2,
        session_id=f"b7c1-{number}",
        transaction_id="",
        uid="04A1B2C3",
        charge_type="Normal_Mode_3",
        start_utc=f"2026-03-0{number % 9 + 1}T08:12:00Z",
        end_utc=f"2026-03-0{number % 9 + 1}T09:47:31Z",
        energy_wh=6_843 + number * 517,
        socket_type="T2",
        duration_s=5_731,
        reason="EVDisconnected",
        comment="",
    )


def kept_record(number: int, comment: str = "") -> Record:
    """The same charge as the journal keeps it."""
    shown = record_view(number)
    start, end = (
        Instant("b7c1", 0, int(datetime.fromisoformat(text).timestamp()) * S, ClockQuality.SYNCHRONISED)
        for text in (shown.start_utc, shown.end_utc)
    )
    return Record(
        number=shown.number,
        station=shown.station,
        outlet=shown.outlet,
        session_id=shown.session_id,
        transaction_id=shown.transaction_id,
        uid=shown.uid,
        charge_type=shown.charge_type,
        start=start,
        end=end,
        energy_wh=shown.energy_wh,
        register_start_wh=0,
        register_end_wh=shown.energy_wh,
        socket=shown.socket_type,
        duration_us=shown.duration_s * S,
        comment=comment,
        reason=shown.reason,
    )


class FakeRecords:
    """A few ended charges."""

    def __init__(self, count: int = 6) -> None:
        self.records = [record_view(number) for number in range(1, count + 1)]
        self.problem = ""
        self.fails_after = 0

    async def last(self, limit: int) -> Sequence[RecordView]:
        if self.problem:
            raise RecordsUnavailable(self.problem)
        return self.records[::-1][:limit]

    async def oldest_first(self) -> AsyncIterator[Record]:
        for index, shown in enumerate(self.records):
            if self.problem and index >= self.fails_after:
                raise RecordsUnavailable(self.problem)
            yield kept_record(shown.number)


def _pwm(positive_mv: int, negative_mv: int = -12_000) -> PilotView:
    return PilotView("PWM", 2_667, positive_mv, negative_mv, 2_660, 10_000)


def changed(view: StationView, number: int = 1, **fields: object) -> StationView:
    """The view with one outlet's fields replaced."""
    outlets = tuple(
        replace(outlet, **fields) if outlet.number == number else outlet  # type: ignore[arg-type]
        for outlet in view.outlets
    )
    return replace(view, outlets=outlets)


def script(view: StationView) -> Iterator[tuple[int, StationView, tuple[e.Event, ...]]]:
    """A charge at outlet 1, step by step: seconds to wait, the view then, what happened."""
    session = SessionView("b7c1-42", "04A1B2C3", 0, 0, "Normal_Mode_3", False)
    limits = (
        LimitView("rated", 32_000, False),
        LimitView("cable", 20_000, False, "20 A by the proximity resistor"),
        LimitView("station maximum", 16_000, True, "64 A shared with outlet 2"),
    )
    view = changed(
        view,
        ev_state="B_Present_9V",
        pilot=PilotView("X1", 10_000, 9_020, 9_020, 10_000, 0),
        cable_state="20 A",
        outlet_status="OK_ChargeAuthorisationStarted",
        light="blue_blink",
        open_reasons=("no session", "pilot not in C or D", "plug not locked"),
        limits=limits,
    )
    yield (
        3,
        view,
        (
            e.EvStateChanged(1, "A_Not_Present_12V", "B_Present_9V"),
            e.CableChanged(1, "20 A"),
            e.OutletStatusChanged(1, "OK_InitDone", "OK_ChargeAuthorisationStarted", "plugged"),
        ),
    )
    view = changed(
        view,
        outlet_status="OK_PlugProcedureStarted",
        session=session,
        lock="between",
        open_reasons=("start record not durable", "plug not locked", "pilot not in C or D"),
        no_offer_reasons=("start record not durable",),
        evse_status=("Normal_Mode_3", "Three-Phase"),
    )
    yield 2, view, (e.OutletStatusChanged(1, "OK_ChargeAuthorisationStarted", "OK_PlugProcedureStarted", "authorised"),)
    view = changed(
        view,
        ev_state="B_Present_Asked_9V_M12V",
        pilot=_pwm(8_960),
        session=replace(session, record_durable=True),
        lock="locked",
        open_reasons=("pilot not in C or D",),
        no_offer_reasons=(),
        offered_ma=16_000,
        outlet_status="OK_PlugProcedureDone",
        light="blue",
    )
    yield (
        2,
        view,
        (e.PilotDriven(1, "PWM", 2_667, 16_000), e.EvStateChanged(1, "B_Present_9V", "B_Present_Asked_9V_M12V")),
    )
    view = changed(
        view,
        ev_state="C_Ready_6V_M12V",
        pilot=_pwm(6_040, -11_960),
        outlet_status="OK_ChargeLoopStarted",
        contactor_permitted=True,
        contactor_closed=True,
        open_reasons=(),
        currents_ma=(15_820, 15_790, 15_840),
        light="green_blink",
        temperature_dc=312,
    )
    yield (
        2,
        view,
        (
            e.EvStateChanged(1, "B_Present_Asked_9V_M12V", "C_Ready_6V_M12V"),
            e.ContactorPermitted(1, True, ()),
            e.ContactorMoved(1, True),
            e.OutletStatusChanged(1, "OK_PlugProcedureDone", "OK_ChargeLoopStarted", "energised"),
        ),
    )


def charging(view: StationView | None = None) -> StationView:
    """The last view of the script."""
    last = view or station_view()
    for _wait_s, step, _facts in script(last):
        last = step
    return last


def diode_fault(view: StationView, number: int = 2) -> StationView:
    """An outlet with a shorted diode: V- mirrors V+."""
    return changed(
        view,
        number,
        ev_state="B_Present_9V",
        pilot=_pwm(8_910, -8_840),
        cable_state="32 A",
        outlet_status="OK_PlugProcedureDone",
        last_error="KO_EvNotDetected",
        last_error_class="plug error",
        faults=(FaultView("DiodeFault", "emergency", "service", view.mono_us - 8 * S),),
        open_reasons=("diode not seen", "pilot not in C or D", "fault DiodeFault"),
        no_offer_reasons=("fault DiodeFault",),
        lock="locked",
        light="red",
        error_status=0b1000_0000,
        evse_status=("Normal_Mode_3",),
    )


async def _replay(station: FakeStation) -> None:
    """Play the script for ever, in real time; outlet 2 shows the diode fault."""
    loop = asyncio.get_running_loop()
    start, base = loop.time(), 300 * S

    def clock() -> int:
        return base + int((loop.time() - start) * S)

    while True:
        begin = replace(station_view(clock()), latency=LatencyView(12_000, 0, 3_100, False))
        station.push(diode_fault(begin), e.OutletStatusChanged(1, "OK_ChargeLoopStarted", "OK_InitDone", "unplugged"),
                     e.EvStateChanged(1, "C_Ready_6V_M12V", "A_Not_Present_12V"), e.ContactorMoved(1, False), e.PilotDriven(1, "X1", 10_000, 0),
                     e.FaultRaised(2, "DiodeFault", "emergency", True))  # fmt: skip
        for wait_s, view, facts in script(diode_fault(begin)):
            await asyncio.sleep(wait_s)
            station.push(replace(view, mono_us=clock()), *facts)
        for step in range(150):
            await asyncio.sleep(0.2)
            last = station.view
            assert last is not None and last.outlets[0].session is not None
            session = replace(last.outlets[0].session, energy_wh=step * 3, opened_us=begin.mono_us + 5 * S)
            currents = (15_820 + step % 5 * 10, 15_790 + step % 3 * 10, 15_840)
            station.push(replace(changed(last, session=session, currents_ma=currents), mono_us=clock()))


async def _serve(port: int) -> None:
    from evse.web.app import create_app
    from evse.web.server import make_server

    station = FakeStation()
    app = create_app(station, FakeWorld(), FakeRecords(), error_bits=ERROR_BITS)
    replay = asyncio.create_task(_replay(station))
    await make_server(app, "127.0.0.1", port).serve()
    replay.cancel()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
