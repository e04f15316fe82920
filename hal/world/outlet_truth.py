"""One outlet's world, looked at: every fact of ``OutletTruth`` from the parts that own it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hal.world.pilot_circuit import Diode, level_of
from hal.world.truth import DomesticTruth, OutletTruth, PhaseSwitchTruth

if TYPE_CHECKING:
    from hal.world.outlet import OutletWorld


def look(outlet: OutletWorld) -> OutletTruth:
    """Return what is physically true at ``outlet`` at the present instant of its world."""
    contactor, cable, lock, pilot = outlet.contactor, outlet.cable, outlet.lock, outlet.pilot_line()
    return OutletTruth(
        at_us=outlet.now_us,
        contact_closed=contactor.closed,
        contact_welded=contactor.closed and contactor.weld,
        coil_energised=contactor.coil,
        live=contactor.closed and any(outlet.feed.voltages_mv()),
        currents_ma=outlet.currents_ma(),
        voltages_mv=outlet.feed.voltages_mv(),
        bolt=lock.true_position(),
        lock_fitted=lock.fitted,
        shutter=outlet.shutter.true_position(),
        shutter_fitted=outlet.shutter.fitted,
        plug_held=(lock.holds_plug or outlet.shutter.in_the_way) and cable.at_station,
        plug_at_station=cable.at_station,
        plug_at_vehicle=cable.at_vehicle,
        attached_cable=cable.attached,
        positive_mv=pilot.positive_mv,
        negative_mv=pilot.negative_mv,
        pilot_level=level_of(pilot),
        pwm_on=outlet.generator.pwm_on,
        duty_bp=outlet.generator.real_duty_bp if outlet.generator.pwm_on else 0,
        diode_ok=outlet.circuit.diode is Diode.OK,
        earth_ok=not outlet.circuit.earth_open,
        s2_closed=outlet.vehicle.loads_pilot,
        vehicle_wants=outlet.vehicle.wants,
        vehicle_charge_bp=outlet.vehicle.battery.charge_bp,
        residual_ac=outlet.residual.tripped_ac,
        residual_dc=outlet.residual.tripped_dc,
        powered=outlet.powered,
        temperature_dc=outlet.temperature.now_dc,
        ventilation=outlet.signs.ventilation,
        light=outlet.signs.light.name.lower(),
        beep=outlet.signs.beep.name.lower(),
        beep_count=outlet.signs.beep_count,
        display=outlet.signs.text,
        dip=outlet.dip_banks.positions,
        x1_closed=outlet.contacts.x1_closed,
        energy_pj=outlet.energy_pj,
        closings=contactor.closings,
        openings=contactor.openings,
        openings_under_load=contactor.openings_under_load,
        last_break_ma=contactor.last_break_ma,
        unplugs_under_load=outlet.unplugs_under_load,
        inputs=outlet.inputs(),
        key_locked=outlet.contacts.key_locked,
        domestic=_domestic_truth(outlet) if outlet.domestic.fitted else None,
        phase_switch=_phase_switch_truth(outlet) if outlet.phase_switch.wired else None,
    )


def _phase_switch_truth(outlet: OutletWorld) -> PhaseSwitchTruth:
    switch = outlet.phase_switch
    return PhaseSwitchTruth(switch.x2_closed, switch.closed, switch.moves, switch.moves_live)


def _domestic_truth(outlet: OutletWorld) -> DomesticTruth:
    contactor = outlet.domestic.contactor
    return DomesticTruth(
        plugged=outlet.domestic.plugged,
        contact_closed=contactor.closed,
        contact_welded=contactor.closed and contactor.weld,
        coil_energised=contactor.coil,
        current_ma=outlet.domestic.current_ma(outlet.voltages_mv()[0]),
        closings=contactor.closings,
        openings_under_load=contactor.openings_under_load,
    )
