"""What Prometheus is told: the station's Snapshot and the services' own condition as metric families.

Base units and names as Prometheus wants them (amperes, volts, seconds, joules, celsius; ``_total`` for what only rises;
``_info`` for what is only names). Counters begin anew with control, the energy register does not. What is not known has
no sample; it is never 0. The list for people is in ``docs/rest.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Final

from evse.core.faults import CATALOGUE
from evse.core.outlet_status import OutletStatus
from evse.core.units import SECOND
from evse.core.values import CableState, LockFeedback, PilotState, ShutterFeedback
from evse.exchange.snapshot import LinkView, OutletView, StationView
from evse.web.ports import Condition
from evse.web.prometheus_text import Family

JOULES_PER_WH: Final = 3_600
PHASES: Final = ("L1", "L2", "L3")
_LINK_HELP: Final = {
    "retries": "Orders to the front end that were said again.",
    "given_up": "Orders to the front end that were never acknowledged.",
    "refused_orders": "Orders to the front end that could not be sent.",
    "line_losses": "Times the serial line to the front end was gone.",
    "silences": "Times the front end fell silent.",
    "restarts": "Times the front end began anew.",
    "damaged_frames": "Frames from the front end that were thrown away.",
    "lost_frames": "Frames missing in the front end's numbering.",
}


def families(
    view: StationView | None, condition: Condition, journal_problem: str, readers: int, version: str
) -> Iterator[Family]:
    """Everything there is to tell. ``journal_problem``: why nothing can be stored or read; empty when it can."""
    yield from _services(view, condition, journal_problem, readers, version)
    if view is not None:
        yield from _station(view)
        yield from _outlets(view.outlets)


def _gauge(name: str, text: str, value: float | None = None, **labels: str) -> Family:
    family = Family(name, "gauge", text)
    family.add(value, **labels)
    return family


def _counter(name: str, text: str, value: float) -> Family:
    family = Family(name, "counter", text)
    family.add(value)
    return family


def _services(
    view: StationView | None, condition: Condition, journal_problem: str, readers: int, version: str
) -> Iterator[Family]:
    yield _gauge("evse_build_info", "The program's version.", 1, version=version)
    yield _gauge("evse_control_up", "Whether control is here and reacts.", view is not None)
    age_us = condition.snapshot_age_us
    yield _gauge(
        "evse_snapshot_age_seconds", "Age of control's newest Snapshot.", None if age_us is None else age_us / SECOND
    )
    yield _gauge("evse_journal_up", "Whether sessions can be stored and records be read.", not journal_problem)
    yield _gauge("evse_stream_readers", "Readers of the live stream.", readers)


def _station(view: StationView) -> Iterator[Family]:
    yield _gauge(
        "evse_station_info",
        "Identity and configuration of the station.",
        1,
        station_uid=view.station_uid,
        profile=view.profile,
        boot_id=view.boot_id,
        config_version=str(view.config_version),
        config_digest=view.config_digest,
    )
    yield _gauge("evse_state_restored", "Whether what was latched before the start is back.", view.restored)
    yield _gauge("evse_control_uptime_seconds", "Since control began.", (view.mono_us - view.started_us) / SECOND)
    latency, exchange = view.latency, view.exchange
    yield _counter("evse_control_cycles_total", "Cycles of control.", latency.cycles)
    yield _counter("evse_control_late_cycles_total", "Cycles that began more than 20 ms late.", latency.late_cycles)
    yield _gauge("evse_control_worst_lateness_seconds", "The latest cycle since the start.", latency.worst_us / SECOND)
    yield _gauge("evse_control_fifo", "Whether control has got FIFO priority.", latency.fifo)
    yield _counter("evse_exchange_events_dropped_total", "Events that services never got.", exchange.events_dropped)
    yield _counter(
        "evse_exchange_unsendable_events_total", "Events that could not be sent.", exchange.unsendable_events
    )
    yield _counter("evse_exchange_bad_messages_total", "Messages to control not understood.", exchange.bad_messages)
    yield _counter("evse_exchange_connections_total", "Connections of control to services.", exchange.connections)


def _outlets(outlets: Sequence[OutletView]) -> Iterator[Family]:
    yield from _states(outlets)
    yield from _switches(outlets)
    yield from _electric(outlets)
    yield from _energy(outlets)
    yield from _links(outlets)


def _states(outlets: Sequence[OutletView]) -> Iterator[Family]:
    status = _gauge("evse_outlet_status", "Outlet Status: 1 for the present one.")
    pilot = _gauge("evse_outlet_ev_state", "EV State: 1 for the present one.")
    cable = _gauge("evse_outlet_cable_state", "Cable State: 1 for the present one.")
    lock = _gauge("evse_outlet_lock", "The plug lock's feedback: 1 for the present one; none without a lock.")
    shutter = _gauge("evse_outlet_shutter", "The shutter's feedback: 1 for the present one; none without a shutter.")
    faults = _gauge("evse_outlet_fault", "Faults: 1 while active.")
    for outlet in outlets:
        number = str(outlet.number)
        status.add_state(outlet.outlet_status, _words(OutletStatus), "status", outlet=number)
        pilot.add_state(outlet.ev_state, _words(PilotState), "state", outlet=number)
        cable.add_state(outlet.cable_state, _words(CableState), "state", outlet=number)
        if outlet.lock:
            lock.add_state(outlet.lock, _words(LockFeedback), "state", outlet=number)
        if outlet.shutter:
            shutter.add_state(outlet.shutter, _words(ShutterFeedback), "state", outlet=number)
        active = {fault.name: fault.reaction for fault in outlet.faults}
        known = {kind.name: kind.reaction.value for kind in CATALOGUE}
        for name, reaction in (known | active).items():
            faults.add(name in active, outlet=number, fault=name, reaction=reaction)
    yield from (status, pilot, cable, lock, shutter, faults)


def _switches(outlets: Sequence[OutletView]) -> Iterator[Family]:
    permitted = _gauge("evse_outlet_contactor_permitted", "Whether the contactor may be held.")
    closed = _gauge("evse_outlet_contactor_closed", "Whether the mirror contact says closed; none while it is unknown.")
    front_end = _gauge("evse_outlet_front_end_up", "Whether the front end answers.")
    reader = _gauge("evse_outlet_reader_up", "Whether the card reader answers.")
    session = _gauge("evse_outlet_session_open", "Whether a session is open.")
    for outlet in outlets:
        number = str(outlet.number)
        permitted.add(outlet.contactor_permitted, outlet=number)
        closed.add(outlet.contactor_closed if outlet.link_ok else None, outlet=number)
        front_end.add(outlet.link_ok, outlet=number)
        reader.add(outlet.reader_ok, outlet=number)
        session.add(outlet.session is not None, outlet=number)
    yield from (permitted, closed, front_end, reader, session)


def _electric(outlets: Sequence[OutletView]) -> Iterator[Family]:
    offered = _gauge("evse_outlet_offered_amperes", "Current offered to the vehicle per phase.")
    limit = _gauge("evse_outlet_limit_amperes", "Limits of the outlet by their source; the lowest rules.")
    current = _gauge("evse_outlet_current_amperes", "Measured current, RMS.")
    voltage = _gauge("evse_outlet_voltage_volts", "Measured voltage against neutral, RMS.")
    temperature = _gauge("evse_outlet_temperature_celsius", "Temperature at the front end.")
    supply = _gauge("evse_outlet_supply_volts", "The front end's 12 V rail.")
    plateau = _gauge("evse_outlet_pilot_volts", "Plateaus of the control pilot, measured.")
    duty = _gauge("evse_outlet_pilot_duty_ratio", "Duty cycle of the control pilot, driven and measured.")
    frequency = _gauge("evse_outlet_pilot_frequency_hertz", "Frequency of the control pilot, measured.")
    for outlet in outlets:
        number = str(outlet.number)
        offered.add(outlet.offered_ma / 1_000, outlet=number)
        # One sample per source, whatever the stack holds: a series that stands twice makes the whole answer unreadable.
        lowest: dict[str, int] = {}
        for each in outlet.limits:
            lowest[each.source] = min(each.current_ma, lowest.get(each.source, each.current_ma))
        for source, current_ma in lowest.items():
            limit.add(current_ma / 1_000, outlet=number, source=source)
        _add_phases(current, outlet.currents_ma, number)
        _add_phases(voltage, outlet.voltages_mv, number)
        temperature.add(_scaled(outlet.temperature_dc, 10), outlet=number)
        supply.add(_scaled(outlet.supply_mv, 1_000), outlet=number)
        if outlet.pilot is not None:
            plateau.add(outlet.pilot.positive_mv / 1_000, outlet=number, plateau="positive")
            plateau.add(outlet.pilot.negative_mv / 1_000, outlet=number, plateau="negative")
            duty.add(outlet.pilot.driven_duty_bp / 10_000, outlet=number, side="driven")
            duty.add(outlet.pilot.duty_bp / 10_000, outlet=number, side="measured")
            frequency.add(outlet.pilot.frequency_dhz / 10, outlet=number)
    yield from (offered, limit, current, voltage, temperature, supply, plateau, duty, frequency)


def _energy(outlets: Sequence[OutletView]) -> Iterator[Family]:
    register = Family("evse_outlet_energy_joules_total", "counter", "Energy register; it outlives restarts.")
    session = _gauge("evse_outlet_session_energy_joules", "Energy of the open session; none without a session.")
    for outlet in outlets:
        number = str(outlet.number)
        register.add(outlet.register_wh * JOULES_PER_WH, outlet=number)
        if outlet.session is not None:
            session.add(outlet.session.energy_wh * JOULES_PER_WH, outlet=number)
    yield from (register, session)


def _links(outlets: Sequence[OutletView]) -> Iterator[Family]:
    for field in fields(LinkView):
        family = Family(f"evse_outlet_link_{field.name}_total", "counter", _LINK_HELP[field.name])
        for outlet in outlets:
            family.add(getattr(outlet.link, field.name), outlet=str(outlet.number))
        yield family


def _add_phases(family: Family, values: Sequence[int] | None, outlet: str) -> None:
    for phase, value in zip(PHASES, values or (), strict=False):
        family.add(value / 1_000, outlet=outlet, phase=phase)


def _scaled(value: int | None, by: int) -> float | None:
    return None if value is None else value / by


def _words(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(str(name) for name in names)
