"""The one screen where hardware readings become core inputs and back."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Final

from boards.board import OutletBoard
from evse.control.view import DeviceState
from evse.core.values import (
    Beep,
    Light,
    LockDrive,
    LockFeedback,
    MeterSample,
    OutletInputs,
    PilotMode,
    PilotReading,
    RcdTest,
    ShutterDrive,
    ShutterFeedback,
)
from evse.exchange.snapshot import LinkView
from hal.ports import (
    BeepCode,
    LightCode,
    LinkCounts,
    LockPosition,
    LockPulse,
    MeterReading,
    OutletReading,
    PilotDriveMode,
    SelfTest,
    ShutterPosition,
    ShutterPulse,
)

LOCK_FEEDBACK: Final = {
    LockPosition.BETWEEN: LockFeedback.BETWEEN,
    LockPosition.UNLOCKED: LockFeedback.UNLOCKED,
    LockPosition.LOCKED: LockFeedback.LOCKED,
    LockPosition.CONTRADICTORY: LockFeedback.CONTRADICTORY,
}
SHUTTER_FEEDBACK: Final = {
    ShutterPosition.BETWEEN: ShutterFeedback.BETWEEN,
    ShutterPosition.OPEN: ShutterFeedback.OPEN,
    ShutterPosition.CLOSED: ShutterFeedback.CLOSED,
    ShutterPosition.CONTRADICTORY: ShutterFeedback.CONTRADICTORY,
}
SELF_TEST: Final = {
    SelfTest.NOT_RUN: RcdTest.NOT_RUN,
    SelfTest.RUNNING: RcdTest.RUNNING,
    SelfTest.PASSED: RcdTest.PASSED,
    SelfTest.FAILED: RcdTest.FAILED,
}
PILOT_MODE: Final = {
    PilotMode.F: PilotDriveMode.F,
    PilotMode.X1: PilotDriveMode.X1,
    PilotMode.PWM: PilotDriveMode.PWM,
    PilotMode.E: PilotDriveMode.E,
}
LOCK_PULSE: Final = {
    LockDrive.REST: LockPulse.REST,
    LockDrive.LOCK: LockPulse.LOCK,
    LockDrive.UNLOCK: LockPulse.UNLOCK,
}
SHUTTER_PULSE: Final = {
    ShutterDrive.REST: ShutterPulse.REST,
    ShutterDrive.OPEN: ShutterPulse.OPEN,
    ShutterDrive.CLOSE: ShutterPulse.CLOSE,
}
LIGHT: Final = {light: LightCode[light.name] for light in Light}
BEEP: Final = {beep: BeepCode.READ if beep is Beep.TONE else BeepCode[beep.name] for beep in Beep}
"""A tone of the service button sounds like a card that was read: one short tone."""
FAULT_BITS: Final = {0: "BrownOut", 1: "OverCurrentHard", 2: "PilotGeneratorStuck"}
"""Bits of a front end's fault word (docs/hardware/front-end-protocol.md) that mean a fault the catalogue knows."""
FRONT_END_FAULT: Final = "FrontEndFault"
"""Every other bit, known to this version or not."""


def inputs_from(
    reading: OutletReading, *, link_ok: bool, reader_ok: bool, dip: tuple[int, ...] | None = None
) -> OutletInputs:
    """Return the core's inputs for one consistent reading of the front end."""
    return OutletInputs(
        link_ok=link_ok,
        pilot=PilotReading(reading.positive_mv, reading.negative_mv, reading.duty_bp, reading.frequency_dhz),
        proximity_ohm=reading.proximity_ohm,
        contactor_closed=reading.mirror_closed,
        coil_energised=reading.coil_energised,
        lock=LOCK_FEEDBACK[reading.lock],
        rcd_test=SELF_TEST[reading.self_test],
        residual_ac=reading.residual_ac,
        residual_dc=reading.residual_dc,
        currents_ma=reading.currents_ma,
        voltages_mv=reading.voltages_mv,
        temperature_dc=reading.temperature_dc,
        supply_mv=reading.supply_mv,
        inputs=reading.inputs,
        reader_ok=reader_ok,
        fault_codes=_fault_codes(reading.fault_bits),
        shutter=SHUTTER_FEEDBACK[reading.shutter],
        domestic_closed=reading.domestic_mirror_closed,
        domestic_plugged=reading.domestic_plugged,
        dip=dip,
        x2_closed=reading.x2_closed,
    )


def _fault_codes(bits: int) -> tuple[str, ...]:
    """Names of the front end's own faults, each once. What it sees as well as the core has the catalogue's name."""
    set_bits = (bit for bit in range(16) if bits >> bit & 1)
    return tuple(dict.fromkeys(FAULT_BITS.get(bit, FRONT_END_FAULT) for bit in set_bits))


def meter_sample(reading: MeterReading) -> MeterSample:
    """Return the core's value for what a meter said."""
    return MeterSample(
        read_us=reading.read_us,
        currents_ma=reading.currents_ma,
        voltages_mv=reading.voltages_mv,
        powers_mw=reading.powers_mw,
        power_mw=reading.power_mw,
        energy_mwh=reading.energy_mwh,
        wraps_mwh=reading.energy_wraps_mwh,
        step_mwh=reading.energy_step_mwh,
        lag_us=reading.energy_lag_us,
        serial=reading.serial,
    )


class OutletSensor:
    """Builds an outlet's inputs, and hands out the same object while nothing has changed."""

    def __init__(self, board: OutletBoard) -> None:
        self._board = board
        self._reading: OutletReading | None = None
        self._link_ok = False
        self._reader_ok = True
        self._dip: tuple[int, ...] | None = None
        self._metered: MeterReading | None = None
        self._counts = LinkCounts()
        self.inputs = OutletInputs()
        self.device = DeviceState()
        """How front end, reader and meter are."""

    def read(self) -> bool:
        """Take the ports' present state; return whether the inputs, or what is wrong with a device, changed."""
        sense, reader = self._board.sense, self._board.reader
        reading, link_ok = sense.reading, sense.connected and sense.reading is not None
        reader_ok = reader is None or reader.connected
        dip = None if self._board.dip is None else self._board.dip.dip_switches
        troubled = self._note_problems()
        metered = None if self._board.meter is None else self._board.meter.reading
        known = (self._link_ok, self._reader_ok, self._dip)
        if reading is self._reading and metered is self._metered and (link_ok, reader_ok, dip) == known:
            return troubled
        self._reading, self._link_ok, self._reader_ok, self._dip = reading, link_ok, reader_ok, dip
        self._metered = metered
        if reading is None:
            inputs = OutletInputs(link_ok=False, reader_ok=reader_ok)
        else:
            inputs = inputs_from(reading, link_ok=link_ok, reader_ok=reader_ok, dip=dip)
        if metered is not None:
            inputs = replace(inputs, meter=meter_sample(metered))
        changed = inputs != self.inputs
        self.inputs = inputs if changed else self.inputs
        return changed or troubled

    def _note_problems(self) -> bool:
        """Take over what the drivers say of their devices; return whether that is news."""
        reader, meter = self._board.reader, self._board.meter
        link_problem = self._board.sense.problem
        reader_problem = "" if reader is None else reader.problem
        meter_problem = "" if meter is None else meter.problem
        known = self.device
        if (link_problem, reader_problem, meter_problem) == known[:3]:
            return False
        self.device = known._replace(
            link_problem=link_problem, reader_problem=reader_problem, meter_problem=meter_problem
        )
        return True

    def count(self) -> None:
        """Bring the line's counters and the devices' versions in ``device`` up to date."""
        counts, reader = self._board.sense.link_counts, self._board.reader
        if counts != self._counts:
            self._counts = counts
            self.device = self.device._replace(link=LinkView(*astuple(counts)))
        versions = (self._board.sense.firmware, "" if reader is None else reader.firmware)
        if versions != (self.device.front_end_version, self.device.reader_version):
            self.device = self.device._replace(front_end_version=versions[0], reader_version=versions[1])
