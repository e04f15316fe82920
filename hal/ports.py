"""Ports: what control may ask of the hardware. The first file to read in ``hal``.

One capability each, sensing apart from driving, no call-backs, nothing blocks. A driver implements several of them;
``boards`` bundles the ports of an outlet; ``evse.control`` translates between them and the core's values. Numbers are
integers with their unit in the name; phase tuples are (L1, L2, L3).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

from evse.records import dataclass


class PilotDriveMode(IntEnum):
    """What the pilot generator puts on the line (wire values of the front-end protocol)."""

    F = 0
    X1 = 1
    PWM = 2
    E = 3


class LockPosition(IntEnum):
    """The lock's own sensors (wire values of the front-end protocol)."""

    BETWEEN = 0
    UNLOCKED = 1
    LOCKED = 2
    CONTRADICTORY = 3


class LockPulse(IntEnum):
    """Direction of one motor pulse."""

    REST = 0
    LOCK = 1
    UNLOCK = 2


class ShutterPosition(IntEnum):
    """The shutter's end switches: bit 0 = open, bit 1 = closed."""

    BETWEEN = 0
    OPEN = 1
    CLOSED = 2
    CONTRADICTORY = 3


class ShutterPulse(IntEnum):
    """Direction of one pulse of the shutter's motor (wire values of the front-end protocol)."""

    REST = 0
    OPEN = 1
    CLOSE = 2


class SelfTest(IntEnum):
    """State of the residual-current detector's self test."""

    NOT_RUN = 0
    RUNNING = 1
    PASSED = 2
    FAILED = 3


class LightCode(IntEnum):
    """Status light."""

    OFF = 0
    GREEN = 1
    GREEN_BLINK = 2
    BLUE = 3
    BLUE_BLINK = 4
    RED = 5
    RED_BLINK = 6
    GREEN_EVERY_3_S = 7
    BLUE_EVERY_3_S = 8
    ORANGE = 9
    ORANGE_SLOW = 10
    ORANGE_THREE = 11


class BeepCode(IntEnum):
    """Sound."""

    NONE = 0
    READ = 1
    ACCEPTED = 2
    REFUSED = 3


@dataclass(frozen=True, slots=True)
class OutletReading:
    """One consistent set of everything a front end measures. Immutable: an equal reading is "no news".

    ``positive_mv``, ``negative_mv``: settled plateaus of the pilot line (equal on a steady line). ``duty_bp`` in
    0.01 %, ``frequency_dhz`` in 0.1 Hz, both as measured on the line. ``proximity_ohm`` ``None`` = open circuit.
    ``mirror_closed``: the contactor's mirror contact. ``currents_ma``, ``voltages_mv``: RMS per phase.
    ``temperature_dc``: 0.1 degree Celsius. ``inputs``: numbered input lines, true = contact closed.
    ``dip_moved``: DIP switches have moved since they were last read. ``x2_closed``: the switching output X2, false where
    there is none.
    ``shutter``: between its ends where there is none. ``domestic_mirror_closed``, ``domestic_plugged``: mirror contact and
    plug switch of a domestic socket, both false where there is none; ``coil_energised`` counts either contactor's coil.
    ``fault_bits`` and ``safe_state_reason``: see ``docs/hardware/front-end-protocol.md``.
    """

    positive_mv: int
    negative_mv: int
    duty_bp: int
    frequency_dhz: int
    proximity_ohm: int | None
    mirror_closed: bool
    coil_energised: bool
    lock: LockPosition
    self_test: SelfTest
    residual_ac: bool
    residual_dc: bool
    currents_ma: tuple[int, int, int]
    voltages_mv: tuple[int, int, int]
    temperature_dc: int
    supply_mv: int
    inputs: tuple[bool, ...]
    fault_bits: int
    safe_state_reason: int
    shutter: ShutterPosition = ShutterPosition.BETWEEN
    domestic_mirror_closed: bool = False
    domestic_plugged: bool = False
    dip_moved: bool = False
    x2_closed: bool = False


@dataclass(frozen=True, slots=True)
class LinkCounts:
    """What went wrong on the line to a device, since the driver was made.

    ``retries``: orders said again; ``given_up``: never acknowledged; ``refused_orders``: not sent, for want of a connection
    or a function. ``line_losses``: the line was gone; ``silences``: the device fell silent; ``restarts``: it began anew.
    ``damaged_frames``: received and thrown away; ``lost_frames``: missing in the device's numbering.
    """

    retries: int = 0
    given_up: int = 0
    refused_orders: int = 0
    line_losses: int = 0
    silences: int = 0
    restarts: int = 0
    damaged_frames: int = 0
    lost_frames: int = 0


class OutletSense(Protocol):
    """Reads an outlet."""

    @property
    def reading(self) -> OutletReading | None:
        """Latest reading, ``None`` before the first."""
        ...

    @property
    def read_at_us(self) -> int:
        """When the latest valid reading arrived, on control's clock."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the line exists and the device has answered in this connection."""
        ...

    @property
    def problem(self) -> str:
        """Why ``connected`` is false, in words; empty while connected."""
        ...

    @property
    def link_counts(self) -> LinkCounts:
        """What went wrong on the line so far."""
        ...

    @property
    def firmware(self) -> str:
        """Version of the device's own program, such as ``1.2.3``; empty before the device has told it."""
        ...


class PilotDrive(Protocol):
    """Sets the control pilot."""

    def drive_pilot(self, mode: PilotDriveMode, duty_bp: int, now_us: int) -> None:
        """Put ``mode`` on the line; ``duty_bp`` (0.01 %) counts for PWM only. Repeating the same order is free."""
        ...


class ContactorHold(Protocol):
    """Permission to hold one contactor. It decays: there is no ``close``.

    An outlet with a domestic socket has two of these. ``open`` of either withdraws the permission of both.
    """

    def hold_until(self, deadline_us: int, reading_age_us: int, now_us: int) -> None:
        """Permit the contactor to be held until ``deadline_us``; refused below when the reading is too old.

        To be called after each completed step that grants it, and never by a timer.
        """
        ...

    @property
    def renewal_due_us(self) -> int:
        """When ``hold_until`` has to be called again to renew a running permission; ``NEVER`` while none runs."""
        ...

    def open(self, reason: int, now_us: int) -> None:
        """Withdraw the permission at once. Safe to repeat."""
        ...


class LockMotor(Protocol):
    """Drives the plug lock."""

    def pulse_lock(self, direction: LockPulse, duration_us: int, now_us: int) -> None:
        """Run the motor once for ``duration_us`` (the device limits it to 4 s)."""
        ...


class ShutterMotor(Protocol):
    """Drives the shutter over the socket."""

    def pulse_shutter(self, direction: ShutterPulse, duration_us: int, now_us: int) -> None:
        """Run the motor once for ``duration_us`` (the device limits it to 4 s)."""
        ...


class ResidualCurrentTest(Protocol):
    """Runs the detector's self test."""

    def start_self_test(self, now_us: int) -> None:
        """Start one self test; the result appears in ``OutletReading.self_test``."""
        ...


class Signals(Protocol):
    """Light, sound, ventilation output, over-current limit of an outlet."""

    def show_light(self, code: LightCode, now_us: int) -> None:
        """Show a light pattern; repeating the same is free."""
        ...

    def beep(self, code: BeepCode, now_us: int) -> None:
        """Sound once."""
        ...

    def ventilate(self, on: bool, now_us: int) -> None:
        """Switch the ventilation output; repeating the same is free."""
        ...

    def limit_current(self, limit_ma: int, now_us: int) -> None:
        """Tell the front end's own hard over-current limit; repeating the same is free."""
        ...


class DipSense(Protocol):
    """Reads the DIP switches."""

    @property
    def dip_switches(self) -> tuple[int, ...] | None:
        """Latest positions, one byte per bank (switch 1 = 0x80, on = 1), ``None`` before the first reading."""
        ...


class SwitchingOutput(Protocol):
    """Drives the switching output X2, a latching relay."""

    def switch_x2(self, closed: bool, now_us: int) -> None:
        """Move the relay once; where it stands is told by ``OutletReading.x2_closed``. Only while no contactor is held."""
        ...


class TextDisplay(Protocol):
    """A line of text."""

    def show_text(self, text: str, now_us: int) -> None:
        """Show ``text`` (at most 20 printable ASCII characters, else cut); repeating the same is free."""
        ...


@dataclass(frozen=True, slots=True)
class CardRead:
    """A card came into the reader's field. ``uid``: 4, 7, 8 or 10 bytes, upper-case hexadecimal."""

    uid: str
    at_us: int


class CardReader(Protocol):
    """Reads badges."""

    def take_cards(self) -> tuple[CardRead, ...]:
        """Return and forget the cards seen since the last call. A card left in the field counts once."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the reader answers."""
        ...

    @property
    def problem(self) -> str:
        """Why ``connected`` is false, in words; empty while connected."""
        ...

    @property
    def firmware(self) -> str:
        """Version of the reader's own program; empty before the reader has told it."""
        ...


class Polled(Protocol):
    """A driver that must be run: reads its wire, sends what is due."""

    def poll(self, now_us: int) -> int:
        """Take in what has arrived, send what is due; return when to poll again at the latest (``NEVER`` allowed).

        Never raises for anything the wire says or for its loss; those are counted and shown in ``connected``.
        """
        ...


@dataclass(frozen=True, slots=True)
class MeterReading:
    """What a meter said in one cycle, each value as it came; ``None``: it did not say it, or no number.

    ``read_us``: when the cycle was complete. Currents may be unsigned whatever the direction; the sign of a phase's power is
    its direction (positive: import). ``energy_mwh``: imported energy, which begins anew at ``energy_wraps_mwh`` (0: never);
    its last digit is worth ``energy_step_mwh``, and it was asked for ``energy_lag_us`` before the cycle was complete.
    ``serial``: the meter's serial number.
    """

    read_us: int
    currents_ma: tuple[int, int, int] | None = None
    voltages_mv: tuple[int, int, int] | None = None
    powers_mw: tuple[int, int, int] | None = None
    power_mw: int | None = None
    energy_mwh: int | None = None
    energy_wraps_mwh: int = 0
    energy_step_mwh: int = 1
    energy_lag_us: int = 0
    frequency_mhz: int | None = None
    serial: int | None = None


class EnergyMeter(Protocol):
    """Reads an energy meter."""

    @property
    def reading(self) -> MeterReading | None:
        """The latest complete reading, ``None`` before the first and while the meter does not answer."""
        ...

    def ask(self, unit: int, now_us: int) -> None:
        """Ask this address from now on, 0 to 255."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the meter answers with what was asked."""
        ...

    @property
    def problem(self) -> str:
        """Why ``connected`` is false, in words; empty while connected."""
        ...

    def wish_us(self) -> int:
        """When the last poll wanted the next one."""
        ...
