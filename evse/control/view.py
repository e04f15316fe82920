"""Builds the Snapshot from the core's state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from evse.core.config import MeterLink, SocketType
from evse.core.evse_status import evse_status
from evse.core.limits import OnExpiry
from evse.core.outlet import OutletCore
from evse.core.phase_switch import PHASE_SWITCH_FAILED
from evse.core.station import StationCore
from evse.core.units import NEVER, PhaseValues
from evse.exchange.snapshot import (
    DipView,
    DomesticView,
    FaultView,
    LatencyView,
    LimitView,
    LinkView,
    MeterView,
    OutletView,
    PhaseSwitchView,
    PilotView,
    SessionView,
    StationView,
)


class DeviceState(NamedTuple):
    """Why an outlet's front end, reader and meter do not answer (empty texts while they do), what its line has lived
    through, and the versions of their programs.
    """

    link_problem: str = ""
    reader_problem: str = ""
    meter_problem: str = ""
    link: LinkView = LinkView()
    front_end_version: str = ""
    reader_version: str = ""


ALL_WELL: Final = DeviceState()


class StationViews:
    """Makes the Snapshots of one core. An outlet for which nothing has happened keeps its part of the last one."""

    def __init__(self, core: StationCore) -> None:
        self._core = core
        self._made: dict[int, tuple[tuple[int, int, DeviceState], OutletView]] = {}

    def at(self, now_us: int, latency: LatencyView, devices: Sequence[DeviceState] = ()) -> StationView:
        """Return how the station is at ``now_us``; ``devices``: how those of each outlet are."""
        core = self._core
        outlets = [
            self._outlet(outlet, now_us, device)
            for outlet, device in zip(core.outlets, devices or (ALL_WELL,) * len(core.outlets), strict=True)
        ]
        return StationView(
            station_uid=core.config.station_uid,
            profile=core.config.profile,
            boot_id=core.boot_id,
            mono_us=now_us,
            config_version=core.config.version,
            config_digest=core.config.digest,
            restored=core.restored,
            outlets=tuple(outlets),
            latency=latency,
            started_us=core.start_us,
        )

    def _outlet(self, outlet: OutletCore, now_us: int, device: DeviceState) -> OutletView:
        number, of = outlet.config.number, (outlet.revision, outlet.register.wh_at(now_us), device)
        made = self._made.get(number)
        if made is None or made[0] != of:
            made = self._made[number] = (of, outlet_view(outlet, now_us, device))
        return made[1]


def outlet_view(outlet: OutletCore, now_us: int, device: DeviceState) -> OutletView:
    """Return how one outlet is; the energy is carried on to ``now_us``."""
    register_wh = outlet.register.wh_at(now_us)
    procedure, inputs = outlet.procedure, outlet.inputs
    error, measured = procedure.last_error, inputs.link_ok
    return OutletView(
        number=outlet.config.number,
        outlet_status=procedure.status.value,
        last_error="" if error is None else error.value,
        last_error_class=procedure.last_error_class.value,
        ev_state=outlet.pilot.state.value,
        cable_state=outlet.proximity.state.value,
        evse_status=evse_status(outlet),
        error_status=outlet.faults.error_status,
        pilot=_pilot_view(outlet),
        offered_ma=outlet.offered_ma,
        limits=_limit_views(outlet),
        contactor_permitted=outlet.permission.granted,
        contactor_closed=inputs.contactor_closed,
        open_reasons=outlet.permission.reasons,
        no_offer_reasons=outlet.no_offer,
        lock=inputs.lock.value if outlet.config.has_lock else "",
        light=outlet.outputs.light.value,
        currents_ma=outlet.metering.currents_ma(inputs) if measured else None,
        voltages_mv=_voltages_mv(outlet) if measured else None,
        temperature_dc=inputs.temperature_dc if measured else None,
        register_wh=register_wh,
        session=_session_view(outlet, register_wh),
        faults=tuple(
            FaultView(fault.kind.name, fault.kind.reaction.value, fault.kind.latch.value, fault.raised_us, fault.where)
            for fault in outlet.faults.active
        ),
        epoch=procedure.epoch,
        access=outlet.config.access.value,
        link_ok=inputs.link_ok,
        reader_ok=inputs.reader_ok,
        shutter=inputs.shutter.value if outlet.config.has_shutter else "",
        sound=outlet.outputs.beep.value if outlet.outputs.beep_count else "",
        sounds=outlet.outputs.beep_count,
        supply_mv=inputs.supply_mv if measured else None,
        link_problem=device.link_problem,
        reader_problem=device.reader_problem,
        link=device.link,
        front_end_version=device.front_end_version,
        reader_version=device.reader_version,
        connector=_connector(outlet),
        domestic=_domestic_view(outlet),
        conductors=outlet.config.wired,
        active_inputs=outlet.user_input.lines.active_names,
        display=outlet.outputs.display,
        dip=_dip_view(outlet),
        metered_by=outlet.metering.source,
        meter=_meter_view(outlet, now_us, device.meter_problem),
        phase_switch=_phase_switch_view(outlet, now_us),
    )


def _voltages_mv(outlet: OutletCore) -> PhaseValues:
    """The meter's while it is in force, else what the front end measures; not the setting that energy is counted with."""
    return outlet.metering.voltages_mv(outlet.inputs) if outlet.metering.in_force else outlet.inputs.voltages_mv


def _meter_view(outlet: OutletCore, now_us: int, link_problem: str) -> MeterView | None:
    if not outlet.config.meter:
        return None
    metering = outlet.metering
    sample = metering.sample
    way = metering.link_problem if outlet.config.meter_link is MeterLink.TCP else link_problem
    return MeterView(
        name=outlet.config.meter,
        in_force=metering.in_force,
        problem=way or metering.problem,
        currents_ma=metering.meter_currents_ma,
        voltages_mv=None if sample is None else metering.voltages_mv(outlet.inputs),
        power_mw=None if sample is None else sample.power_mw,
        energy_wh=None if sample is None or sample.energy_mwh is None else sample.energy_mwh // 1_000,
        age_us=None if sample is None else now_us - sample.read_us,
        replaced=metering.replaced,
    )


def _limit_views(outlet: OutletCore) -> tuple[LimitView, ...]:
    return tuple(
        LimitView(
            source=limit.source,
            current_ma=limit.current_ma,
            ruling=index == 0,
            note=limit.note,
            phases_ma=limit.phases_ma,
            changes_us=None if limit.changes_us == NEVER else limit.changes_us,
            expires_us=None if limit.expires_us == NEVER else limit.expires_us,
            on_expiry=limit.on_expiry.value,
            fallback_ma=limit.fallback_ma
            if limit.expires_us != NEVER and limit.on_expiry is OnExpiry.FALLBACK
            else None,
        )
        for index, limit in enumerate(outlet.arbitration.stack)
    )


def _connector(outlet: OutletCore) -> str:
    socket = outlet.config.socket
    if socket is SocketType.T2_TE:
        socket = SocketType.TE if outlet.domestic.selected else SocketType.T2
    return socket.value


def _domestic_view(outlet: OutletCore) -> DomesticView | None:
    domestic = outlet.domestic
    if not domestic.fitted:
        return None
    return DomesticView(
        plugged=domestic.plugged,
        contactor_permitted=domestic.permission.granted,
        contactor_closed=domestic.closed,
        open_reasons=domestic.permission.reasons,
    )


def _phase_switch_view(outlet: OutletCore, now_us: int) -> PhaseSwitchView | None:
    switch = outlet.phase_switch
    if not switch.fitted:
        return None
    failed = outlet.faults.in_force(PHASE_SWITCH_FAILED)
    return PhaseSwitchView(switch.target, switch.busy, failed, now_us + switch.wait_us(now_us))


def _pilot_view(outlet: OutletCore) -> PilotView | None:
    reading = outlet.inputs.pilot
    if reading is None or not outlet.inputs.link_ok:
        return None
    return PilotView(
        driven_mode=outlet.outputs.pilot_mode.value,
        driven_duty_bp=outlet.outputs.duty_bp,
        positive_mv=reading.positive_mv,
        negative_mv=reading.negative_mv,
        duty_bp=reading.duty_bp,
        frequency_dhz=reading.frequency_dhz,
    )


def _dip_view(outlet: OutletCore) -> DipView | None:
    dip = outlet.panel.dip
    if not dip.banks:
        return None
    settings = dip.settings
    flags = ("x1_enable", "x2_default", "smart_home", "communication", "static_ip", "commissioning")
    return DipView(
        at_start=dip.text(dip.at_start),
        now=dip.text(dip.now),
        pending=dip.pending,
        current_ma=settings.current_ma,
        on=(*(name for name in flags if getattr(settings, name)), *settings.unknown_on),
        address=settings.address,
    )


def _session_view(outlet: OutletCore, register_wh: int) -> SessionView | None:
    session = outlet.procedure.session
    if session is None:
        return None
    start_wh = session.register_start_wh if session.register_start_wh >= 0 else register_wh
    return SessionView(
        session_id=session.session_id,
        uid=session.uid,
        opened_us=session.opened_us,
        energy_wh=register_wh - start_wh,
        charge_type=session.charge_type,
        record_durable=session.durable,
    )
