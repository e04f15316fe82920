"""The values that enter and leave the core: what the outlet measures, what it is told to do.

Nothing here knows a wire, a clock or a device. ``evse.control`` is the only place where these values meet the
ports of ``hal``.
"""

from __future__ import annotations

from enum import StrEnum

from evse.core.units import PhaseValues
from evse.records import dataclass


class PilotLevel(StrEnum):
    """Level of the control pilot's positive half-wave as decided by the windows of IEC 61851-1 Table A.4."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"
    INVALID = "invalid"


class PilotState(StrEnum):
    """`EV State` as the EVlink commissioning guide DOCA0060 names it: level plus "PWM on"."""

    A_NOT_PRESENT = "A_Not_Present_12V"
    B_PRESENT = "B_Present_9V"
    B_PRESENT_ASKED = "B_Present_Asked_9V_M12V"
    C_READY = "C_Ready_6V"
    C_READY_ASKED = "C_Ready_6V_M12V"
    D_READY = "D_Ready_VR_3V"
    D_READY_ASKED = "D_Ready_VR_3V_M12V"
    E_SHORT_CUT = "E_ShortCut"
    F_NOT_AVAILABLE = "F_NotAvailable"


class PilotMode(StrEnum):
    """What the station's generator is told to put on the pilot line."""

    X1 = "X1"
    """Steady +12 V: the vehicle may stay, no energy is offered."""
    PWM = "PWM"
    """1 kHz square wave, +12/-12 V: the duty cycle tells the current."""
    F = "F"
    """Steady -12 V: the station is not available."""
    E = "E"
    """Line cut off or held at 0 V (simulated unplug)."""


class CableState(StrEnum):
    """`Cable State` of the EVlink commissioning guide DOCA0060, with the two unusable readings beside it."""

    NOT_PLUGGED = "Not_Plugged"
    A13 = "13 A"
    A20 = "20 A"
    A32 = "32 A"
    A63 = "63 A_OR_70 A"
    SHORT = "Short"
    INVALID = "Invalid"


class LockFeedback(StrEnum):
    """Where the plug lock's own sensor says the bolt is."""

    UNLOCKED = "unlocked"
    LOCKED = "locked"
    BETWEEN = "between"
    """Moving, or stopped half way."""
    CONTRADICTORY = "contradictory"
    """Both ends reported at once: sensor or wiring fault."""


class LockDrive(StrEnum):
    """What the lock's motor is told: nothing, or one supervised pulse."""

    REST = "rest"
    LOCK = "lock"
    UNLOCK = "unlock"


class ShutterFeedback(StrEnum):
    """Where the end switches of a City outlet's shutter say it is."""

    OPEN = "open"
    CLOSED = "closed"
    BETWEEN = "between"
    """Moving, or stopped half way."""
    CONTRADICTORY = "contradictory"
    """Both ends reported at once: sensor or wiring fault."""


class ShutterDrive(StrEnum):
    """What the shutter's motor is told: nothing, or one supervised pulse."""

    REST = "rest"
    OPEN = "open"
    CLOSE = "close"


class RcdTest(StrEnum):
    """Result of the residual-current detector's self test since the last request."""

    NOT_RUN = "not_run"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


class Light(StrEnum):
    """Status light of an outlet. The patterns beyond off and green are ours."""

    OFF = "off"
    GREEN = "green"
    GREEN_BLINK = "green_blink"
    BLUE = "blue"
    BLUE_BLINK = "blue_blink"
    RED = "red"
    RED_BLINK = "red_blink"
    GREEN_EVERY_3_S = "green_every_3_s"
    """THØR, and all that follow: a short flash every 3 s."""
    BLUE_EVERY_3_S = "blue_every_3_s"
    ORANGE = "orange"
    ORANGE_SLOW = "orange_slow"
    ORANGE_THREE = "orange_three"
    """The first three segments of the LED bar."""


class Beep(StrEnum):
    """Sound of the buzzer: one tone for a card read, rising for accepted, falling for refused."""

    NONE = "none"
    READ = "read"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    TONE = "tone"
    """One tone of the service button."""


@dataclass(frozen=True, slots=True)
class PilotReading:
    """One measurement of the pilot line at the station's side.

    ``positive_mv`` and ``negative_mv`` are the settled plateau voltages; on a steady line both hold the same value.
    ``duty_bp`` is the measured duty cycle in 0.01 %: 10000 on a steady positive line, 0 on a steady negative one.
    ``frequency_dhz`` is in 0.1 Hz and 0 on a steady line.
    """

    positive_mv: int
    negative_mv: int
    duty_bp: int
    frequency_dhz: int


@dataclass(frozen=True, slots=True)
class MeterSample:
    """One reading of an outlet's meter, as it came; ``None``: no number.

    ``read_us``: when; ``lag_us``: so long before it was asked for its energy. Phase values are in the order of the meter's own terminals;
    the sign of a phase's power is its direction, currents may have none. ``energy_mwh``: imported energy, which begins
    anew at ``wraps_mwh`` (0: never) and whose last digit is worth ``step_mwh``. ``serial``: which meter it is.
    """

    read_us: int
    currents_ma: PhaseValues | None = None
    voltages_mv: PhaseValues | None = None
    powers_mw: PhaseValues | None = None
    power_mw: int | None = None
    energy_mwh: int | None = None
    wraps_mwh: int = 0
    step_mwh: int = 1
    lag_us: int = 0
    serial: int | None = None


@dataclass(frozen=True, slots=True)
class OutletInputs:
    """Everything one outlet's core sees at a step. Frozen, so "nothing changed" is an identity or equality test.

    ``link_ok``: the front end speaks, and its readings are fresh. All other fields keep their last value when it is
    false and must not be trusted.
    ``proximity_ohm``: ``None`` when the circuit is open or the outlet has an attached cable.
    ``contactor_closed``: the mirror contact's report, not the command. ``coil_energised``: whether the front end holds
    any contactor of the outlet, ``None`` where it does not tell; its own interlock may release one that is permitted.
    ``residual_ac`` / ``residual_dc``: the detector's trip outputs (30 mA AC, 6 mA DC).
    ``currents_ma``, ``voltages_mv``: RMS per phase, measured at the outlet.
    ``temperature_dc``: tenths of a degree Celsius.
    ``supply_mv``: the front end's own 12 V rail.
    ``inputs``: state of the numbered input lines, true = contact closed.
    ``fault_codes``: faults the front end reports by itself, by name; a name the catalogue does not know is an
    emergency.
    ``shutter``: between both ends where there is none.
    ``domestic_closed``, ``domestic_plugged``: mirror contact and plug switch of a domestic socket, false without one.
    ``dip``: the DIP switches, one byte per bank (switch 1 = 0x80), ``None`` while they were not read.
    ``x2_closed``: where the relay of X2 stands, false where there is none.
    ``meter``: the latest reading of the outlet's meter, ``None`` while it does not answer and where there is none.
    """

    link_ok: bool = False
    pilot: PilotReading | None = None
    proximity_ohm: int | None = None
    contactor_closed: bool = False
    coil_energised: bool | None = None
    lock: LockFeedback = LockFeedback.UNLOCKED
    rcd_test: RcdTest = RcdTest.NOT_RUN
    residual_ac: bool = False
    residual_dc: bool = False
    currents_ma: PhaseValues = (0, 0, 0)
    voltages_mv: PhaseValues = (230_000, 230_000, 230_000)
    temperature_dc: int = 250
    supply_mv: int = 12_000
    inputs: tuple[bool, ...] = ()
    reader_ok: bool = True
    fault_codes: tuple[str, ...] = ()
    shutter: ShutterFeedback = ShutterFeedback.BETWEEN
    domestic_closed: bool = False
    domestic_plugged: bool = False
    dip: tuple[int, ...] | None = None
    x2_closed: bool = False
    meter: MeterSample | None = None


@dataclass(frozen=True, slots=True)
class OutletOutputs:
    """What one outlet is told to do after a step. Levels, not edges: the same value may be applied any number of times.

    ``hold_contactor`` is a permission that decays: control turns it into a lease that the front end lets expire.
    ``open_reasons`` says why the contactor may not be held (empty exactly when it may).
    ``lock_pulse``, ``shutter_pulse`` and ``beep_count`` rise by one for each new motor pulse or sound, so that a
    repeated value is not a repeated action; ``rcd_test_count`` likewise.
    """

    pilot_mode: PilotMode = PilotMode.X1
    duty_bp: int = 10_000
    hold_contactor: bool = False
    open_reasons: tuple[str, ...] = ()
    lock_drive: LockDrive = LockDrive.REST
    lock_pulse: int = 0
    rcd_test_count: int = 0
    ventilation: bool = False
    over_current_limit_ma: int = 0
    light: Light = Light.OFF
    beep: Beep = Beep.NONE
    beep_count: int = 0
    shutter_drive: ShutterDrive = ShutterDrive.REST
    shutter_pulse: int = 0
    hold_domestic: bool = False
    """The same permission as ``hold_contactor`` for the domestic socket's contactor; never both."""
    display: str = ""
    """Text of the display, at most 20 characters; empty where there is none."""
    x2_closed: bool = True
    """Where X2 was last told to go; ``x2_pulse`` rises by one with each such order."""
    x2_pulse: int = 0


@dataclass(frozen=True, slots=True)
class CardSeen:
    """A card put on an outlet's reader: ``uid`` is 4, 7 or 10 bytes (8 for ISO 15693) as upper-case hexadecimal."""

    outlet: int
    uid: str
