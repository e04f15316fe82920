"""What the front end's firmware makes of its pins: one sample, and which differences are worth a frame.

Switches and states count at once. Measured values count when they differ from the last STATE by at least

=================  =========    =================  =========
pilot voltages     30 mV        currents           50 mA
duty cycle         0.05 %       mains voltages     1 V
frequency          1 Hz         temperature        0.5 degree
proximity          2 %          supply             100 mV
=================  =========    =================  =========

so that ripple does not fill the line. Every STATE carries the newest values all the same.
"""

from __future__ import annotations

from typing import Final

from hal.frames.front_end_messages import INPUT_COUNT
from hal.ports import OutletReading
from hal.twins.electronics import OutletElectronics

PILOT_STEP_MV: Final = 30
DUTY_STEP_BP: Final = 5
FREQUENCY_STEP_DHZ: Final = 10
PROXIMITY_STEP_PERCENT: Final = 2
CURRENT_STEP_MA: Final = 50
VOLTAGE_STEP_MV: Final = 1_000
TEMPERATURE_STEP_DC: Final = 5
SUPPLY_STEP_MV: Final = 100


def sample(pins: OutletElectronics) -> OutletReading:
    """Measure everything once; what only the firmware knows (coil, faults, reason) is left 0."""
    positive_mv, negative_mv, duty_bp, frequency_dhz = pins.pilot_line()
    residual_ac, residual_dc = pins.residual_trip()
    inputs = pins.inputs()
    return OutletReading(
        positive_mv=positive_mv,
        negative_mv=negative_mv,
        duty_bp=duty_bp,
        frequency_dhz=frequency_dhz,
        proximity_ohm=pins.proximity_ohm(),
        mirror_closed=pins.mirror_closed(),
        coil_energised=False,
        lock=pins.lock_position(),
        self_test=pins.self_test(),
        residual_ac=residual_ac,
        residual_dc=residual_dc,
        currents_ma=pins.currents_ma(),
        voltages_mv=pins.voltages_mv(),
        temperature_dc=pins.temperature_dc(),
        supply_mv=pins.supply_mv(),
        inputs=(inputs + (False,) * INPUT_COUNT)[:INPUT_COUNT],
        fault_bits=0,
        safe_state_reason=0,
        shutter=pins.shutter_position(),
        domestic_mirror_closed=pins.domestic_mirror_closed(),
        domestic_plugged=pins.domestic_plugged(),
        x2_closed=pins.x2_closed(),
    )


def worth_a_frame(new: OutletReading, told: OutletReading) -> bool:
    """Whether ``new`` differs enough from the reading the host was told last."""
    return _switches(new) != _switches(told) or _moved(new, told)


def _switches(r: OutletReading) -> tuple[object, ...]:
    return (
        r.mirror_closed,
        r.domestic_mirror_closed,
        r.domestic_plugged,
        r.coil_energised,
        r.lock,
        r.shutter,
        r.dip_moved,
        r.x2_closed,
        r.self_test,
        r.residual_ac,
        r.residual_dc,
        r.inputs,
        r.fault_bits,
        r.safe_state_reason,
        r.proximity_ohm is None,
    )


def _moved(new: OutletReading, told: OutletReading) -> bool:
    proximity, before = new.proximity_ohm or 0, told.proximity_ohm or 0
    return (
        abs(new.positive_mv - told.positive_mv) >= PILOT_STEP_MV
        or abs(new.negative_mv - told.negative_mv) >= PILOT_STEP_MV
        or abs(new.duty_bp - told.duty_bp) >= DUTY_STEP_BP
        or abs(new.frequency_dhz - told.frequency_dhz) >= FREQUENCY_STEP_DHZ
        or abs(proximity - before) * 100 > PROXIMITY_STEP_PERCENT * before
        or any(abs(a - b) >= CURRENT_STEP_MA for a, b in zip(new.currents_ma, told.currents_ma, strict=True))
        or any(abs(a - b) >= VOLTAGE_STEP_MV for a, b in zip(new.voltages_mv, told.voltages_mv, strict=True))
        or abs(new.temperature_dc - told.temperature_dc) >= TEMPERATURE_STEP_DC
        or abs(new.supply_mv - told.supply_mv) >= SUPPLY_STEP_MV
    )
