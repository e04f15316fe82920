"""Schema of the time-outs and protection limits of an outlet: every number of ``evse.core.config``, in people's units.

Defaults are taken from the core's own, never written twice. The unit is part of the key's name.
"""

from __future__ import annotations

from typing import Any

from boards.keys import GUIDE, IEC, OURS, Strict, key
from evse.core.config import (
    ContactorTimings,
    DomesticLimits,
    LockTimings,
    PhaseSwitchTimings,
    PilotTimings,
    ProcedureTimings,
    ProtectionLimits,
    ShutterTimings,
)
from evse.core.units import MS, SECOND

_PILOT, _CONTACTOR, _LOCK, _PROCEDURE = PilotTimings(), ContactorTimings(), LockTimings(), ProcedureTimings()
_SHUTTER, _PROTECTION, _DOMESTIC = ShutterTimings(), ProtectionLimits(), DomesticLimits()
_PHASES = PhaseSwitchTimings()


def _plain(core_value: int, scale: int) -> float:
    """A core value in the key's unit, a whole number where it is one."""
    value = core_value / scale
    return int(value) if value.is_integer() else value


def _ms(core: Any, name: str, low: float, high: float, text: str, *, source: str = OURS) -> Any:
    default = _plain(getattr(core, name), MS)
    return key(default, text, unit="ms", source=source, core=name, scale=MS, ge=low, le=high)


def _s(core: Any, name: str, low: float, high: float, text: str, *, source: str = OURS) -> Any:
    default = _plain(getattr(core, name), SECOND)
    return key(default, text, unit="s", source=source, core=name, scale=SECOND, ge=low, le=high)


class PilotKeys(Strict):
    """Debounce and sequence times of the control pilot."""

    leave_energised_ms: float = _ms(
        _PILOT,
        "leave_energised_us",
        5,
        30,
        "Debounce of leaving state C or D; the whole reaction has 100 ms",
        source=IEC,
    )
    enter_energised_ms: float = _ms(
        _PILOT, "enter_energised_us", 401, 2000, "Debounce of entering C or D; longer than a pulse of 200 to 400 ms"
    )
    other_ms: float = _ms(_PILOT, "other_us", 10, 1000, "Debounce of every other change of level")
    settle_ms: float = _ms(_PILOT, "settle_us", 5, 100, "After a change of the generator, odd readings are no faults")
    x1_minimum_s: float = _s(_PILOT, "x1_minimum_us", 3, 30, "Shortest pause of the PWM that a vehicle surely notices")
    fault_f_minimum_ms: float = _ms(
        _PILOT, "fault_f_minimum_us", 300, 10_000, "Shortest state F that reports a fault (Table A.5)", source=IEC
    )
    raise_interval_s: float = _s(
        _PILOT,
        "raise_interval_us",
        5,
        600,
        "A higher duty cycle comes no sooner after the last change (sequence 6)",
        source=IEC,
    )
    stop_force_s: float = _s(
        _PILOT,
        "stop_force_us",
        6,
        10,
        "Opening under load after the PWM went off, never earlier (sequence 10.2)",
        source=IEC,
    )
    wake_up_after_s: float = _s(
        _PILOT,
        "wake_up_after_us",
        30,
        3600,
        "PWM offered this long without C makes one wake-up (clause A.5.3)",
        source=IEC,
    )
    wake_up_pulse_s: float = _s(
        _PILOT, "wake_up_pulse_us", 3, 4, "Length of the wake-up pulse (clause A.5.3)", source=IEC
    )
    wake_up_pause_ms: float = _ms(
        _PILOT, "wake_up_pause_us", 500, 1000, "Pause after the wake-up pulse (clause A.5.3)", source=IEC
    )


class ContactorKeys(Strict):
    """Supervision of the contactor."""

    confirm_ms: float = _ms(
        _CONTACTOR, "confirm_us", 50, 1000, "Command and feedback may disagree this long before it is a fault"
    )
    between_closings_s: float = _s(
        _CONTACTOR, "between_closings_us", 1, 600, "Shortest time between two closings, also after a start"
    )


class LockKeys(Strict):
    """Supervision of the lock motor."""

    pulse_ms: float = _ms(_LOCK, "pulse_us", 50, 4000, "Length of one motor pulse")
    confirm_ms: float = _ms(_LOCK, "confirm_us", 50, 10_000, "From the start of the pulse to the expected feedback")
    retry_pause_ms: float = _ms(_LOCK, "retry_pause_us", 0, 60_000, "Pause between two tries")
    tries: int = key(_LOCK.tries, "Tries before the lock is reported as faulty", core="tries", ge=1, le=10)


class ShutterKeys(Strict):
    """Supervision of the shutter's motor."""

    pulse_ms: float = _ms(_SHUTTER, "pulse_us", 50, 4000, "Length of one motor pulse")
    confirm_ms: float = _ms(_SHUTTER, "confirm_us", 50, 10_000, "From the start of the pulse to the expected feedback")
    retry_pause_ms: float = _ms(_SHUTTER, "retry_pause_us", 0, 60_000, "Pause between two tries")
    tries: int = key(
        _SHUTTER.tries,
        "Tries before the shutter is reported as faulty; over an empty socket it is then tried once a minute for an hour, "
        "later when somebody comes or after maintenance",
        core="tries",
        ge=1,
        le=10,
    )


class PhaseSwitchKeys(Strict):
    """The phase switch behind X2."""

    confirm_ms: float = _ms(
        _PHASES, "confirm_us", 100, 10_000, "From an order to X2 until X2 and the voltages behind the switch agree"
    )
    tries: int = key(_PHASES.tries, "Tries before the switch is reported as failed", core="tries", ge=1, le=10)
    pause_s: float = _s(_PHASES, "pause_us", 3, 600, "Without an offer after switching")
    lockout_s: float = _s(_PHASES, "lockout_us", 10, 3600, "Between two orders to switch")


class ProcedureKeys(Strict):
    """Time-outs of the outlet procedure. The guide names the errors, not their times."""

    authorisation_timeout_s: float = _s(
        _PROCEDURE, "authorisation_us", 0, 999, "A badge waits this long for its verdict", source=GUIDE
    )
    plug_timeout_s: float = _s(
        _PROCEDURE, "plug_us", 1, 3600, "From the accepted badge to a cable, else `KO_PlugNotDetected`"
    )
    vehicle_timeout_s: float = _s(
        _PROCEDURE, "vehicle_us", 1, 3600, "From the cable to a vehicle, else `KO_EvNotDetected`"
    )
    record_timeout_s: float = _s(
        _PROCEDURE, "record_us", 1, 600, "From a session's opening to its durable record, else it is reported"
    )
    rcd_test_timeout_s: float = _s(
        _PROCEDURE, "rcd_test_us", 0.5, 30, "Longest self test of the residual-current detector"
    )
    unplug_timeout_s: float = _s(
        _PROCEDURE, "unplug_us", 1, 86_400, "From the end of the charge to no cable, else `KO_PlugStillDetected`"
    )
    vehicle_gone_timeout_s: float = _s(
        _PROCEDURE, "vehicle_gone_us", 1, 86_400, "From the end of the charge to no vehicle, else `KO_EVStillDetected`"
    )
    vehicle_left_s: float = _s(
        _PROCEDURE, "vehicle_left_us", 0.5, 60, "State A this long with the cable in the socket ends the session"
    )


class TimingKeys(Strict):
    """All times of an outlet."""

    pilot: PilotKeys = key(PilotKeys(), "Control pilot")
    contactor: ContactorKeys = key(ContactorKeys(), "Contactor")
    lock: LockKeys = key(LockKeys(), "Plug lock")
    shutter: ShutterKeys = key(ShutterKeys(), "Shutter")
    phase_switch: PhaseSwitchKeys = key(PhaseSwitchKeys(), "Phase switch behind X2")
    procedure: ProcedureKeys = key(ProcedureKeys(), "Outlet procedure")


class ProtectionKeys(Strict):
    """Limits of the protections."""

    soft_offset_a: float = key(
        _plain(_PROTECTION.soft_offset_ma, 1000),
        "Soft over-current: trips above (offer + offset) x factor",
        unit="A",
        core="soft_offset_ma",
        scale=1000,
        ge=0,
        le=5,
    )
    soft_factor_percent: int = key(
        _PROTECTION.soft_factor_percent,
        "Soft over-current: factor",
        unit="%",
        core="soft_factor_percent",
        ge=100,
        le=150,
    )
    soft_time_s: float = _s(
        _PROTECTION, "soft_time_us", 6, 60, "Soft over-current: time; the vehicle has 5 s to follow a lower offer"
    )
    hard_current_a: float = key(
        _plain(_PROTECTION.hard_current_ma, 1000),
        "Hard over-current of the board: opens at once",
        unit="A",
        core="hard_current_ma",
        scale=1000,
        ge=8,
        le=200,
    )
    temperature_stop_degc: float = key(
        _plain(_PROTECTION.temperature_stop_dc, 10),
        "Temperature at which charging stops",
        unit="degree Celsius",
        core="temperature_stop_dc",
        scale=10,
        ge=40,
        le=120,
    )
    temperature_resume_degc: float = key(
        _plain(_PROTECTION.temperature_resume_dc, 10),
        "Temperature below which charging may go on",
        unit="degree Celsius",
        core="temperature_resume_dc",
        scale=10,
        ge=20,
        le=115,
    )
    temperature_derate_degc: float = key(
        _plain(_PROTECTION.temperature_derate_dc, 10),
        "Temperature from which on only a part of the rated current is offered",
        unit="degree Celsius",
        core="temperature_derate_dc",
        scale=10,
        ge=40,
        le=120,
    )
    temperature_derate_percent: int = key(
        _PROTECTION.temperature_derate_percent,
        "That part of the rated current",
        unit="%",
        core="temperature_derate_percent",
        ge=0,
        le=100,
    )
    supply_minimum_v: float = key(
        _plain(_PROTECTION.supply_minimum_mv, 1000),
        "Least voltage of the front end's 12 V supply",
        unit="V",
        core="supply_minimum_mv",
        scale=1000,
        ge=9,
        le=11.5,
    )
    voltage_minimum_v: float = key(
        _plain(_PROTECTION.voltage_minimum_mv, 1000),
        "Below this on a wired phase the feed counts as gone",
        unit="V",
        core="voltage_minimum_mv",
        scale=1000,
        ge=50,
        le=220,
    )
    reclose_after_fault_s: float = _s(
        _PROTECTION, "reclose_after_fault_us", 1, 3600, "Wait after a fault that cleared by itself"
    )
    no_load_a: float = key(
        _plain(_PROTECTION.no_load_ma, 1000),
        "Below this current a contactor or lock moves without load",
        unit="A",
        core="no_load_ma",
        scale=1000,
        ge=0.1,
        le=2,
    )


class DomesticKeys(Strict):
    """A domestic socket, alone (`TE`) or beside a Type 2 socket (`T2 - TE`)."""

    maximum_current_a: float = key(
        _plain(_DOMESTIC.maximum_ma, 1000),
        "Domestic maximum: what an appliance may draw; with less to spare the socket stays off",
        unit="A",
        core="maximum_ma",
        scale=1000,
        ge=6,
        le=16,
    )
    hard_current_a: float = key(
        _plain(_DOMESTIC.hard_current_ma, 1000),
        "Hard over-current of the domestic socket: opens at once",
        unit="A",
        core="hard_current_ma",
        scale=1000,
        ge=8,
        le=40,
    )
    plug_seen_ms: float = _ms(_DOMESTIC, "plug_seen_us", 50, 5000, "The plug switch must be closed for this long")
    plug_lost_ms: float = _ms(
        _DOMESTIC, "plug_lost_us", 5, 30, "The plug switch is open for this long: unplugged, the contact opens"
    )
