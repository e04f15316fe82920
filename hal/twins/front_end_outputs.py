"""The front end's output stages: what the firmware has put on its pins, and only the differences go out."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hal.frames.front_end_messages import (
    MAX_LOCK_PULSE_MS,
    NO_CURRENT_LIMIT,
    Beep,
    Control,
    Display,
    Lock,
    Message,
    RcdTest,
    Shutter,
    SwitchX2,
)
from hal.ports import LightCode, PilotDriveMode
from hal.twins.electronics import OutletElectronics
from hal.units import MS, NEVER

START_CONTROL: Final = Control(PilotDriveMode.F, 0, NO_CURRENT_LIMIT, False, LightCode.OFF)
"""What a front end does before its first CONTROL."""


class FrontEndOutputs:
    """Drives pilot, coils, lock, shutter, light, beeper, ventilation and the detector's test input."""

    def __init__(self, pins: OutletElectronics) -> None:
        self._pins = pins
        self._coil = self._domestic_coil = False
        self.control = START_CONTROL
        """The CONTROL in force."""

    @property
    def coil(self) -> bool:
        """Whether a coil is driven."""
        return self._coil or self._domestic_coil

    @property
    def limit_ma(self) -> int:
        """The host's hard over-current limit, ``NEVER`` when it gives none."""
        limit_da = self.control.limit_da
        return NEVER if limit_da == NO_CURRENT_LIMIT else limit_da * 100

    def drive_coil(self, energised: bool, now_us: int) -> None:
        """Energise or release the coil."""
        if energised != self._coil:
            self._coil = energised
            self._pins.drive_coil(energised, now_us)

    def drive_domestic_coil(self, energised: bool, now_us: int) -> None:
        """The same for the domestic socket's coil."""
        if energised != self._domestic_coil:
            self._domestic_coil = energised
            self._pins.drive_domestic_coil(energised, now_us)

    def make_safe(self, mode: PilotDriveMode, now_us: int) -> None:
        """Put every output into its safe state with ``mode`` on the pilot, whatever it was before."""
        self._coil = self._domestic_coil = False
        self.control = START_CONTROL
        self._pins.drive_coil(False, now_us)
        self._pins.drive_domestic_coil(False, now_us)
        self._pins.drive_pilot(mode, 0, now_us)
        self._pins.ventilate(False, now_us)
        self._pins.show_light(LightCode.OFF, now_us)
        self._pins.show_text("", now_us)

    def withdraw_pilot(self, now_us: int) -> None:
        """Drive F; the rest of the CONTROL stays in force."""
        self.obey(replace(self.control, mode=PilotDriveMode.F, duty_bp=0), now_us)

    def obey(self, message: Message, now_us: int) -> None:
        """Carry out CONTROL, LOCK, SHUTTER, RCD_TEST, BEEP, DISPLAY or SWITCH_X2."""
        if isinstance(message, Control):
            self._obey_control(message, now_us)
        elif isinstance(message, Lock):
            self._pins.drive_lock(message.direction, min(message.pulse_ms, MAX_LOCK_PULSE_MS) * MS, now_us)
        elif isinstance(message, Shutter):
            self._pins.drive_shutter(message.direction, min(message.pulse_ms, MAX_LOCK_PULSE_MS) * MS, now_us)
        elif isinstance(message, RcdTest):
            # The test pulse would look like a trip to whoever watches the energised outlet.
            if not self.coil:
                self._pins.start_self_test(now_us)
        elif isinstance(message, Beep):
            self._pins.beep(message.code, now_us)
        elif isinstance(message, Display):
            self._pins.show_text(message.text, now_us)
        elif isinstance(message, SwitchX2):
            self._pins.drive_x2(message.closed, now_us)

    def _obey_control(self, wanted: Control, now_us: int) -> None:
        before, self.control = self.control, wanted
        if (wanted.mode, wanted.duty_bp) != (before.mode, before.duty_bp):
            self._pins.drive_pilot(wanted.mode, wanted.duty_bp, now_us)
        if wanted.ventilation != before.ventilation:
            self._pins.ventilate(wanted.ventilation, now_us)
        if wanted.light is not before.light:
            self._pins.show_light(wanted.light, now_us)
