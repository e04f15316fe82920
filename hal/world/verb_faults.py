"""The faults: each action sets one fault or, with ``heal``, takes it back. Healing what is whole is harmless."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hal.world.attachments import LineSwitch
from hal.world.contactor import Contactor, MirrorFault
from hal.world.contacts import LineBounce
from hal.world.pilot_circuit import Diode, PilotCircuit, PilotGenerator
from hal.world.shutter import ShutterFeedbackFault, ShutterJam
from hal.world.socket import Jam, LockFeedbackFault
from hal.world.supply import NOMINAL_RAIL_MV
from hal.world.verb_actions import Action, Call, existing_line, no_vehicle

_WHOLE_CIRCUIT: Final = PilotCircuit()
_WHOLE_GENERATOR: Final = PilotGenerator()
_WHOLE_CONTACTOR: Final = Contactor()


# Vehicle and cable.


def _overdraw(call: Call) -> None:
    vehicle = call.outlet.vehicle
    extra_ma = 0 if call.heal else call.number("current")
    vehicle.change(replace(vehicle.settings, overdraw_ma=extra_ma), call.now_us)


def _change_proximity(call: Call) -> None:
    cable = call.outlet.cable
    cable.faulty = not call.heal
    cable.fault_ohm = {"open": None, "short": 0, "resistance": call.number("resistance")}[call.text("to")]


# Devices and lines.


def _needs_front_end(call: Call) -> str:
    return "" if call.outlet.attached.front_end is not None else "no front end is attached to this world"


def _freeze_front_end(call: Call) -> None:
    if call.outlet.attached.front_end is not None:
        call.outlet.attached.front_end.freeze(not call.heal, call.now_us)


def _needs_reader(call: Call) -> str:
    return "" if call.outlet.attached.reader_switch is not None else "no reader that could hang is attached"


def _freeze_reader(call: Call) -> None:
    if call.outlet.attached.reader_switch is not None:
        call.outlet.attached.reader_switch.freeze(not call.heal, call.now_us)


def _line_to(call: Call) -> LineSwitch | None:
    attached = call.outlet.attached
    lines = {"front_end": attached.front_end_line, "reader": attached.reader_line, "meter": attached.meter_line}
    return lines[call.text("to")]


def _needs_line(call: Call) -> str:
    if call.heal:
        return ""
    line = _line_to(call)
    return "" if line is not None else "this line is not attached to this world"


def _cut_line(call: Call) -> None:
    attached = call.outlet.attached
    if call.heal:
        for each in (attached.front_end_line, attached.reader_line, attached.meter_line):
            if each is not None:
                each.restore()
        return
    line = _line_to(call)
    if line is not None:
        line.cut()


def _break_temperature_sensor(call: Call) -> None:
    call.outlet.temperature.sensor_broken = not call.heal


def _cut_front_end(call: Call) -> None:
    call.outlet.feed.rail_cut = not call.heal


def _dim_supply(call: Call) -> None:
    call.outlet.feed.rail_mv = NOMINAL_RAIL_MV if call.heal else call.number("voltage")


def _stick_input(call: Call) -> None:
    stuck = call.outlet.contacts.stuck
    if call.heal:
        stuck.clear()
    else:
        stuck[call.number("line")] = call.text("at") == "closed"


def _bounce_input(call: Call) -> None:
    contacts = call.outlet.contacts
    if call.heal:
        contacts.bounce = LineBounce()
    else:
        contacts.start_bounce(call.number("line"), call.number("period"), call.number("duration"), call.now_us)


def _needs_input(call: Call) -> str:
    if not call.heal:
        existing_line(call)
    return ""


# Pilot.


def _short_pilot(call: Call) -> None:
    circuit = call.outlet.circuit
    if call.heal:
        circuit.short_ohm = circuit.behind_short_ohm = None
    elif call.text("where") == "line":
        circuit.short_ohm = call.number("resistance")
    else:
        circuit.behind_short_ohm = call.number("resistance")


def _feed_pilot(call: Call) -> None:
    circuit = call.outlet.circuit
    circuit.foreign_mv = 0 if call.heal else call.number("voltage")
    circuit.foreign_ohm = None if call.heal else call.number("resistance")


def _open_pilot(call: Call) -> None:
    call.outlet.circuit.pilot_open = not call.heal


def _open_earth(call: Call) -> None:
    call.outlet.circuit.earth_open = not call.heal


def _short_diode(call: Call) -> None:
    call.outlet.circuit.diode = Diode.OK if call.heal else Diode.SHORTED


def _break_diode(call: Call) -> None:
    call.outlet.circuit.diode = Diode.OK if call.heal else Diode.OPEN


def _bounce_pilot(call: Call) -> None:
    bounce = call.outlet.circuit.bounce
    if call.heal:
        bounce.stop()
    else:
        bounce.start(call.number("period"), call.number("duration"), call.now_us)


def _drift_pilot(call: Call) -> None:
    generator = call.outlet.generator
    generator.positive_mv = _WHOLE_GENERATOR.positive_mv if call.heal else call.number("positive")
    generator.negative_mv = _WHOLE_GENERATOR.negative_mv if call.heal else call.number("negative")


def _detune_pilot(call: Call) -> None:
    generator = call.outlet.generator
    generator.frequency_dhz = _WHOLE_GENERATOR.frequency_dhz if call.heal else call.number("frequency")
    generator.duty_error_bp = 0 if call.heal else call.number("duty_error")


def _set_pilot_load(call: Call) -> None:
    circuit, whole = call.outlet.circuit, _WHOLE_CIRCUIT
    circuit.r2_ohm = whole.r2_ohm if call.heal else call.number("r2")
    circuit.r3_charge_ohm = whole.r3_charge_ohm if call.heal else call.number("r3")
    circuit.r3_ventilation_ohm = whole.r3_ventilation_ohm if call.heal else call.number("r3_ventilation")


def _stick_generator(call: Call) -> None:
    generator = call.outlet.generator
    if call.heal:
        generator.release()
    else:
        generator.stick()


# Contactor.


def _weld(call: Call) -> None:
    contactor = call.outlet.contactor
    contactor.weld = not call.heal
    contactor.follow_coil(call.now_us)


def _fail_to_close(call: Call) -> None:
    contactor = call.outlet.contactor
    contactor.fails_to_close = not call.heal
    contactor.follow_coil(call.now_us)


def _break_coil(call: Call) -> None:
    contactor = call.outlet.contactor
    contactor.coil_broken = not call.heal
    contactor.follow_coil(call.now_us)


def _delay_contactor(call: Call) -> None:
    contactor = call.outlet.contactor
    contactor.close_delay_us = _WHOLE_CONTACTOR.close_delay_us if call.heal else call.number("closing")
    contactor.open_delay_us = _WHOLE_CONTACTOR.open_delay_us if call.heal else call.number("opening")
    if contactor.coil is not contactor.closed:
        contactor.follow_coil(call.now_us)


def _chatter(call: Call) -> None:
    contactor = call.outlet.contactor
    contactor.chatter_count = 0 if call.heal else call.number("count")
    contactor.chatter_period_us = call.number("period")


def _mirror_fault(call: Call) -> None:
    call.outlet.contactor.mirror_fault = MirrorFault.NONE if call.heal else MirrorFault(call.text("kind"))


# Lock.


def _needs_lock(call: Call) -> str:
    return "" if call.outlet.lock.fitted else "this outlet has no lock"


def _jam_lock(call: Call) -> None:
    call.outlet.lock.set_jam(Jam.NONE if call.heal else Jam(call.text("where")), call.now_us)


def _lock_feedback_fault(call: Call) -> None:
    kind = LockFeedbackFault.NONE if call.heal else LockFeedbackFault(call.text("kind"))
    call.outlet.lock.feedback_fault = kind


def _drain_lock_reserve(call: Call) -> None:
    call.outlet.lock.reserve_charged = call.heal and call.outlet.setup.lock_reserve


def _force_blocked(call: Call) -> str:
    return _needs_lock(call) or ("" if call.outlet.lock.holds_plug else "the bolt is withdrawn already")


def _force_lock_open(call: Call) -> None:
    call.outlet.lock.force_open(call.now_us)


# Shutter.


def _needs_shutter(call: Call) -> str:
    return "" if call.outlet.shutter.fitted else "this outlet has no shutter"


def _jam_shutter(call: Call) -> None:
    call.outlet.shutter.set_jam(ShutterJam.NONE if call.heal else ShutterJam(call.text("where")), call.now_us)


def _shutter_feedback_fault(call: Call) -> None:
    kind = ShutterFeedbackFault.NONE if call.heal else ShutterFeedbackFault(call.text("kind"))
    call.outlet.shutter.feedback_fault = kind


def _force_shutter_blocked(call: Call) -> str:
    return _needs_shutter(call) or ("" if call.outlet.shutter.in_the_way else "the shutter is open already")


def _force_shutter_open(call: Call) -> None:
    call.outlet.shutter.force_open(call.now_us)


# Residual current.


def _trip_residual(call: Call) -> None:
    if call.text("kind") == "ac":
        call.outlet.residual.tripped_ac = True
    else:
        call.outlet.residual.tripped_dc = True


def _leak(call: Call) -> None:
    residual = call.outlet.residual
    if call.heal:
        residual.leak_ac_ma = residual.leak_dc_ma = 0
    elif call.text("kind") == "ac":
        residual.leak_ac_ma = call.number("current")
    else:
        residual.leak_dc_ma = call.number("current")


def _fail_self_test(call: Call) -> None:
    call.outlet.residual.self_test_fails = not call.heal


FAULT_ACTIONS: Final[dict[str, Action]] = {
    "overdraw": Action(_overdraw, no_vehicle),
    "change_proximity": Action(
        _change_proximity,
        lambda call: "an attached cable has no proximity circuit" if call.outlet.cable.attached else "",
    ),
    "freeze_front_end": Action(_freeze_front_end, _needs_front_end),
    "break_temperature_sensor": Action(_break_temperature_sensor),
    "cut_front_end": Action(_cut_front_end),
    "freeze_reader": Action(_freeze_reader, _needs_reader),
    "cut_line": Action(_cut_line, _needs_line),
    "dim_supply": Action(_dim_supply),
    "stick_input": Action(_stick_input, _needs_input),
    "bounce_input": Action(_bounce_input, _needs_input),
    "short_pilot": Action(_short_pilot),
    "feed_pilot": Action(_feed_pilot),
    "open_pilot": Action(_open_pilot),
    "open_earth": Action(_open_earth),
    "short_diode": Action(_short_diode),
    "break_diode": Action(_break_diode),
    "bounce_pilot": Action(_bounce_pilot),
    "drift_pilot": Action(_drift_pilot),
    "detune_pilot": Action(_detune_pilot),
    "set_pilot_load": Action(_set_pilot_load),
    "stick_generator": Action(_stick_generator),
    "weld_contactor": Action(_weld),
    "contactor_fails_to_close": Action(_fail_to_close),
    "break_coil": Action(_break_coil),
    "delay_contactor": Action(_delay_contactor),
    "chatter_contactor": Action(_chatter),
    "mirror_fault": Action(_mirror_fault),
    "jam_lock": Action(_jam_lock, _needs_lock),
    "lock_feedback_fault": Action(_lock_feedback_fault, _needs_lock),
    "drain_lock_reserve": Action(_drain_lock_reserve, _needs_lock),
    "force_lock_open": Action(_force_lock_open, _force_blocked),
    "jam_shutter": Action(_jam_shutter, _needs_shutter),
    "shutter_feedback_fault": Action(_shutter_feedback_fault, _needs_shutter),
    "force_shutter_open": Action(_force_shutter_open, _force_shutter_blocked),
    "trip_residual": Action(_trip_residual),
    "leak": Action(_leak),
    "fail_self_test": Action(_fail_self_test),
}
"""Fault actions on one outlet."""
