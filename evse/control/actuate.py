"""From the core's orders to the ports: levels become orders, counters become single actions, permission becomes a lease."""

from __future__ import annotations

from typing import Final

from boards.board import OutletBoard
from evse.control.translate import BEEP, LIGHT, LOCK_PULSE, PILOT_MODE, SHUTTER_PULSE
from evse.core.config import OutletConfig
from evse.core.values import LockDrive, OutletOutputs, ShutterDrive
from hal.ports import ContactorHold, OutletSense
from hal.units import MS, NEVER

LEASE_US: Final = 250 * MS
"""The contactor opens by itself when the permission is not renewed for this long."""
RENEWAL_US: Final = 50 * MS
OPEN_REASON_CONTROL: Final = 1
"""Code sent with OPEN: the interlock withdrew the permission."""


class _Lease:
    """The permission of one contactor, renewed by completed steps."""

    def __init__(self, contactor: ContactorHold, sense: OutletSense) -> None:
        self._contactor = contactor
        self._sense = sense
        self._holding = False
        self.retry_us = NEVER
        """When to try again after a permission was withheld below."""

    def apply(self, now_us: int, *, hold: bool) -> bool:
        """Carry out what the step decided; return whether an order was given."""
        contactor = self._contactor
        due = now_us >= self.renew_us
        if hold:
            contactor.hold_until(now_us + LEASE_US, now_us - self._sense.read_at_us, now_us)
            # Withheld below (old reading, line down): try again soon, the step itself decides each time.
            self.retry_us = NEVER if now_us < contactor.renewal_due_us < NEVER else now_us + RENEWAL_US
        elif self._holding:
            contactor.open(OPEN_REASON_CONTROL, now_us)
            self.retry_us = NEVER
        changed = hold != self._holding
        self._holding = hold
        return due or changed

    @property
    def renew_us(self) -> int:
        """When a completed step must renew it; ``NEVER`` while it is not held."""
        if not self._holding:
            return NEVER
        # A renewal that was withheld stays due below; when to try again is up to us.
        return self._contactor.renewal_due_us if self.retry_us == NEVER else self.retry_us


class OutletActuator:
    """Applies one outlet's outputs to its ports."""

    def __init__(self, board: OutletBoard, config: OutletConfig) -> None:
        self._board = board
        self._config = config
        self._lock_pulse = 0
        self._shutter_pulse = 0
        self._x2_pulse = 0
        self._self_tests = 0
        self._beeps = 0
        self._lease = _Lease(board.contactor, board.sense)
        self._domestic = None if board.domestic is None else _Lease(board.domestic, board.sense)
        self._last: OutletOutputs | None = None

    def apply(self, now_us: int, outputs: OutletOutputs) -> bool:
        """Carry out the outputs of the step that has just been completed; return whether an order was given."""
        # The contactor first: an opening must not wait behind anything else on the wire.
        leased = self._lease.apply(now_us, hold=outputs.hold_contactor)
        if self._domestic is not None:
            leased = self._domestic.apply(now_us, hold=outputs.hold_domestic) or leased
        if outputs is self._last:
            return leased
        self._last = outputs
        board = self._board
        board.pilot.drive_pilot(PILOT_MODE[outputs.pilot_mode], outputs.duty_bp, now_us)
        self._run_motors(now_us, outputs)
        if outputs.rcd_test_count != self._self_tests:
            self._self_tests = outputs.rcd_test_count
            board.residual.start_self_test(now_us)
        signals = board.signals
        signals.show_light(LIGHT[outputs.light], now_us)
        if board.display is not None:
            board.display.show_text(outputs.display, now_us)
        signals.ventilate(outputs.ventilation, now_us)
        signals.limit_current(outputs.over_current_limit_ma, now_us)
        if outputs.beep_count != self._beeps:
            self._beeps = outputs.beep_count
            signals.beep(BEEP[outputs.beep], now_us)
        return True

    def _run_motors(self, now_us: int, outputs: OutletOutputs) -> None:
        lock, shutter, config = self._board.lock, self._board.shutter, self._config
        if outputs.lock_pulse != self._lock_pulse:
            self._lock_pulse = outputs.lock_pulse
            if lock is not None and outputs.lock_drive is not LockDrive.REST:
                lock.pulse_lock(LOCK_PULSE[outputs.lock_drive], config.lock.pulse_us, now_us)
        if outputs.shutter_pulse != self._shutter_pulse:
            self._shutter_pulse = outputs.shutter_pulse
            if shutter is not None and outputs.shutter_drive is not ShutterDrive.REST:
                shutter.pulse_shutter(SHUTTER_PULSE[outputs.shutter_drive], config.shutter.pulse_us, now_us)
        if outputs.x2_pulse != self._x2_pulse:
            self._x2_pulse = outputs.x2_pulse
            if self._board.x2 is not None:
                self._board.x2.switch_x2(outputs.x2_closed, now_us)

    @property
    def renew_us(self) -> int:
        """When a completed step must renew the permission; ``NEVER`` while none is held."""
        own_us = self._lease.renew_us
        return own_us if self._domestic is None else min(own_us, self._domestic.renew_us)

    @property
    def essential_wake_us(self) -> int:
        """Wish that no renewal satisfies: a permission that was withheld below."""
        own_us = self._lease.retry_us
        return own_us if self._domestic is None else min(own_us, self._domestic.retry_us)
