"""Driver of the pilot front end: every port of an outlet becomes an order of the protocol.

Permission
    Only ``hold_until`` and ``hold_domestic_until`` send HOLD and HOLD_DOMESTIC: at once when no permission is running, else when 50 ms have passed since the last
    one. There is no timer that renews. A reading older than 300 ms is never the ground of a permission; then a fresh
    STATE is asked for instead. A front end older than 1.2 never gets a HOLD_DOMESTIC.
"""

from __future__ import annotations

from hal.drivers.front_end_connection import FrontEndConnection, Phase
from hal.frames.front_end_messages import (
    DOMESTIC_VERSION,
    MAX_HOLD_MS,
    MAX_LOCK_PULSE_MS,
    MAX_READING_AGE_MS,
    NO_CURRENT_LIMIT,
    SHUTTER_VERSION,
    Beep,
    Capability,
    Display,
    Hold,
    HoldDomestic,
    Inquiry,
    Lock,
    MessageId,
    RcdTest,
    Reset,
    Shutter,
    SwitchX2,
)
from hal.ports import BeepCode, LightCode, LockPulse, PilotDriveMode, ShutterPulse
from hal.units import MS, NEVER


class FrontEndDriver(FrontEndConnection):
    """One outlet's front end on one serial line.

    Implements, besides what the connection does, ``PilotDrive``, ``ContactorHold``, ``LockMotor``, ``ShutterMotor``,
    ``ResidualCurrentTest``, ``Signals``, ``DipSense``, ``TextDisplay`` and ``SwitchingOutput`` of ``hal.ports``.
    """

    # --- PilotDrive, Signals

    def drive_pilot(self, mode: PilotDriveMode, duty_bp: int, now_us: int) -> None:
        """Order a pilot mode; ``duty_bp`` (0 to 10000, cut to that range) counts for PWM only."""
        duty = max(0, min(duty_bp, 10_000)) if mode is PilotDriveMode.PWM else 0
        self._order(now_us, mode=mode, duty_bp=duty)

    def show_light(self, code: LightCode, now_us: int) -> None:
        """Order a light pattern."""
        self._order(now_us, light=code)

    def ventilate(self, on: bool, now_us: int) -> None:
        """Order the ventilation output on or off."""
        self._order(now_us, ventilation=on)

    def limit_current(self, limit_ma: int, now_us: int) -> None:
        """Order the hard over-current limit, rounded down to 0.1 A; 0xFFFF (6553.5 A) and more mean "none"."""
        self._order(now_us, limit_da=max(0, min(limit_ma // 100, NO_CURRENT_LIMIT)))

    def beep(self, code: BeepCode, now_us: int) -> None:
        """Sound once; dropped while there is no connection."""
        if code is not BeepCode.NONE:
            self._act(Beep(code), now_us)

    # --- DipSense, TextDisplay

    @property
    def dip_switches(self) -> tuple[int, ...] | None:
        """Positions of the DIP switches as last told; kept (and old) when the connection is lost."""
        return self._panel.dip_switches

    def show_text(self, text: str, now_us: int) -> None:
        """Show ``text`` on the display, if there is one; what cannot be shown is cut or replaced by ``?``."""
        if self._panel.change_text(text) and self._phase is Phase.UP and self._panel.has_display:
            self._say(Display(self._panel.text), now_us)

    # --- LockMotor, ShutterMotor, ResidualCurrentTest

    def pulse_lock(self, direction: LockPulse, duration_us: int, now_us: int) -> None:
        """Run the lock motor once (at most 4 s); dropped while there is no connection."""
        self._act(Lock(direction, max(0, min(duration_us // MS, MAX_LOCK_PULSE_MS))), now_us)

    def pulse_shutter(self, direction: ShutterPulse, duration_us: int, now_us: int) -> None:
        """Run the shutter's motor once (at most 4 s); dropped without connection and by a front end older than 1.1."""
        if not self._knows(SHUTTER_VERSION):
            self._count("refused_orders")
            return
        self._act(Shutter(direction, max(0, min(duration_us // MS, MAX_LOCK_PULSE_MS))), now_us)

    def start_self_test(self, now_us: int) -> None:
        """Start one self test of the residual-current detector; dropped while there is no connection."""
        self._act(RcdTest(), now_us)

    def switch_x2(self, closed: bool, now_us: int) -> None:
        """Move the relay of X2 once; dropped without connection and by a front end that has no X2."""
        if self._identity is None or not self._identity.capabilities & Capability.X2:
            self._count("refused_orders")
            return
        self._act(SwitchX2(closed), now_us)

    def restart_front_end(self, now_us: int) -> None:
        """Order a restart; the front end opens its contactor and says IDENTITY."""
        if self._phase is not Phase.DOWN:
            self._say(Reset(), now_us)

    # --- ContactorHold

    def hold_until(self, deadline_us: int, reading_age_us: int, now_us: int) -> None:
        """Permit the contactor until ``deadline_us`` (cut to 250 ms from now) on a reading ``reading_age_us`` old.

        The age counts as at least the age of this driver's own latest STATE.
        """
        self._permit(Hold, deadline_us, reading_age_us, now_us)

    def hold_domestic_until(self, deadline_us: int, reading_age_us: int, now_us: int) -> None:
        """The same for the domestic socket's contactor; withheld from a front end older than 1.2."""
        if self._knows(DOMESTIC_VERSION):
            self._permit(HoldDomestic, deadline_us, reading_age_us, now_us)
        else:
            self._count("holds_withheld")

    def _knows(self, version: int) -> bool:
        return self._identity is not None and self._identity.protocol >= version

    def _permit(self, kind: type[Hold], deadline_us: int, reading_age_us: int, now_us: int) -> None:
        hold_ms = min((deadline_us - now_us) // MS, MAX_HOLD_MS)
        if hold_ms <= 0:
            return
        self._granting = True
        lease = self._lease.of(kind)
        if not lease.due(now_us):
            return
        age_us = max(reading_age_us, now_us - self._read_at_us, 0)
        if not self._connected or age_us > MAX_READING_AGE_MS * MS:
            self._count("holds_withheld")
            if self._phase is Phase.UP and MessageId.INQUIRY not in self._waiting:
                self._say(Inquiry(MessageId.STATE), now_us)
            return
        self._waiting.forget(MessageId.OPEN)
        if self._say(kind(hold_ms, -(-age_us // MS)), now_us):
            lease.grant(hold_ms, now_us)
            self._withdrawn = False

    @property
    def renewal_due_us(self) -> int:
        """50 ms after the last HOLD of a running permission, ``NEVER`` while none runs."""
        return self._renewal_due_us(Hold)

    @property
    def domestic_renewal_due_us(self) -> int:
        """The same for HOLD_DOMESTIC."""
        return self._renewal_due_us(HoldDomestic)

    def _renewal_due_us(self, kind: type[Hold]) -> int:
        lease = self._lease.of(kind)
        return lease.next_renewal_us if lease.renewing else NEVER
