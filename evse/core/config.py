"""The configuration the core works by: one immutable value, applied whole at a step boundary.

Built from a board profile (``boards``) and later from the settings registry; ``version`` and ``digest`` let anybody
tell which configuration is active. Each time-out names its source; where no public source gives a number it is ours
and says so in ``profiles/README.md``.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from evse.core.dip import DipBank
from evse.core.limit_sources import MODBUS
from evse.core.lines import InputLine
from evse.core.units import MINUTE, MS, SECOND
from evse.records import dataclass


class Location(StrEnum):
    """Where the station stands. Indoor means: no ventilation, so state D is refused (EVlink guide DOCA0060)."""

    INDOOR = "Indoor"
    OUTDOOR = "Outdoor"


class Access(StrEnum):
    """Who may start a charge at an outlet."""

    BADGE = "badge"
    FREE = "free"
    REMOTE = "remote"


class SocketType(StrEnum):
    """Socket outlet types of the family, with the names the EVlink guide shows."""

    T2 = "T2"
    T3 = "T3"
    TE = "TE"
    T2_TE = "T2 - TE"
    ATTACHED_T1 = "attached T1"
    ATTACHED_T2 = "attached T2"


class SignStyle(StrEnum):
    """How an outlet speaks to people: the status light of EVlink, or the LED bar (and display) of THØR."""

    EVLINK = "evlink"
    THOR = "thor"


class MeterLink(StrEnum):
    """Who reads an outlet's own meter, with the names of the EVlink guide's protocols."""

    RTU = "modbus_rtu"
    """Control, on a serial line."""
    TCP = "modbus_tcp"
    """Services, through a gateway in the network; they report each reading (``ReportMeter``)."""


class SheddingPriority(StrEnum):
    """Which of two charges is shed first when the current does not suffice for both (EVlink guide DOCA0060)."""

    CHARGE_DURATION = "charge_duration"
    """The one that has started first."""
    ENERGY_DELIVERED = "energy_delivered"
    """The one that has had the most energy."""


@dataclass(frozen=True, slots=True)
class SheddingRule:
    """Who is shed and how steadily. The guide names the priority; the numbers are ours."""

    priority: SheddingPriority = SheddingPriority.CHARGE_DURATION
    margin_ma: int = 1_000
    """While somebody is shed, room for all counts from so much more than the least on."""
    keep_us: int = 15 * MINUTE
    """By energy: whoever is served keeps its turn so long."""
    energy_step_wh: int = 1_000
    """By energy: amounts count in steps of so much."""


@dataclass(frozen=True, slots=True)
class PilotTimings:
    """Debounce and sequence times of the control pilot."""

    leave_energised_us: int = 20 * MS
    """C or D to anything else: at most 30 ms so that the 100 ms of Table A.6 sequence 8.1 and 2.2 hold."""
    enter_energised_us: int = 500 * MS
    """Anything to C or D: longer than a BCB pulse (200 to 400 ms), far below the 3 s of sequence 4."""
    other_us: int = 100 * MS
    """Every other change of level (plug-in, unplug in B, E, F)."""
    settle_us: int = 25 * MS
    """After a change of the generator, readings of the old signal are not yet faults."""
    x1_minimum_us: int = 3 * SECOND
    """Shortest PWM pause the vehicle is sure to notice."""
    fault_f_minimum_us: int = 350 * MS
    """Table A.5 asks for at least 300 ms of state F on the line; the order for it may wait behind others on the wire."""
    raise_interval_us: int = 5 * SECOND
    """A higher duty cycle comes no sooner than this after the last change (sequence 6)."""
    stop_force_us: int = 6 * SECOND
    """Sequence 10.2: opening under load after PWM went off, never earlier."""
    wake_up_after_us: int = 30 * SECOND
    """Clause A.5.3: B2 without C for this long makes one wake-up."""
    wake_up_pulse_us: int = 4 * SECOND
    wake_up_pause_us: int = 750 * MS


@dataclass(frozen=True, slots=True)
class ContactorTimings:
    """Supervision of the contactor."""

    confirm_us: int = 200 * MS
    """Command and feedback may disagree for this long, then it is a weld or a failure to close."""
    between_closings_us: int = 10 * SECOND
    """Life guard, also assumed at start-up; spent in X1."""


@dataclass(frozen=True, slots=True)
class LockTimings:
    """The lock is a motor with feedback and a bounded number of tries."""

    pulse_us: int = 600 * MS
    confirm_us: int = 1 * SECOND
    """From the pulse's start to the expected feedback."""
    retry_pause_us: int = 1 * SECOND
    tries: int = 3


@dataclass(frozen=True, slots=True)
class ShutterTimings:
    """The shutter of a City outlet is a motor with feedback and a bounded number of tries. The numbers are ours."""

    pulse_us: int = 1_500 * MS
    confirm_us: int = 2 * SECOND
    """From the pulse's start to the expected feedback."""
    retry_pause_us: int = 1 * SECOND
    tries: int = 3


@dataclass(frozen=True, slots=True)
class PhaseSwitchTimings:
    """The phase switch behind X2. The numbers are ours but for the lock-out, which clients of KeContact stations keep."""

    confirm_us: int = 1 * SECOND
    """From an order to X2 until X2 and the voltages behind the switch agree."""
    tries: int = 3
    pause_us: int = 10 * SECOND
    """Without an offer after switching: the vehicle's charger looks anew at the phases it has."""
    lockout_us: int = 300 * SECOND
    """Between two orders to switch."""


@dataclass(frozen=True, slots=True)
class ProcedureTimings:
    """Time-outs of the outlet procedure. The guide names the errors, not the times: the defaults are ours."""

    authorisation_us: int = 10 * SECOND
    """Authentication time-out (EVlink guide: 0 to 999 s, factory 10 s)."""
    plug_us: int = 60 * SECOND
    """From accepted badge to a cable: else `KO_PlugNotDetected` and the session ends."""
    vehicle_us: int = 60 * SECOND
    """From cable seen to vehicle seen: else `KO_EvNotDetected`."""
    record_us: int = 10 * SECOND
    """From the session's opening to its durable record; late records are reported, never skipped."""
    rcd_test_us: int = 3 * SECOND
    unplug_us: int = 5 * MINUTE
    """From the end of the charge to the cable's removal: else `KO_PlugStillDetected` (a notice)."""
    vehicle_gone_us: int = 5 * MINUTE
    """From the end of the charge to the vehicle's departure: else `KO_EVStillDetected` (a notice)."""
    vehicle_left_us: int = 2 * SECOND
    """State A for this long while the cable stays in the socket: the vehicle's end was unplugged, the session ends."""


@dataclass(frozen=True, slots=True)
class ProtectionLimits:
    """Limits of the soft and hard protections."""

    soft_offset_ma: int = 500
    soft_factor_percent: int = 110
    """Trip above (offer + offset) x factor."""
    soft_time_us: int = 7 * SECOND
    """Not below 6 s, because the vehicle has 5 s to follow."""
    hard_current_ma: int = 80_000
    """Board limit, not derived from the duty cycle: opens at once."""
    temperature_stop_dc: int = 800
    temperature_resume_dc: int = 650
    temperature_derate_dc: int = 700
    """From here on only a part of the rated current is offered; below ``temperature_resume_dc`` all of it again."""
    temperature_derate_percent: int = 50
    supply_minimum_mv: int = 10_500
    voltage_minimum_mv: int = 150_000
    """Below this on a wired phase the feed is gone (tripped breaker, power cut)."""
    reclose_after_fault_us: int = 30 * SECOND
    """After a fault cleared by itself: wait this long before PWM is offered again."""
    no_load_ma: int = 1_000
    """Below this a contactor opens, and a lock moves, without load."""


@dataclass(frozen=True, slots=True)
class DomesticLimits:
    """A domestic socket: no pilot tells the appliance anything, so these rule. The numbers are ours."""

    maximum_ma: int = 10_000
    """What an appliance may draw for hours on one phase; usual for charging at a domestic socket, a country may ask for less."""
    hard_current_ma: int = 20_000
    """Opens at once: above the 16 A of the socket."""
    plug_seen_us: int = 500 * MS
    """The plug switch must be closed for this long."""
    plug_lost_us: int = 20 * MS
    """Open for this long it means "unplugged"; the whole reaction has 100 ms."""


@dataclass(frozen=True, slots=True)
class OutletConfig:
    """One outlet of the station. ``number`` counts from 1; on City and Parking 1 is the right-hand outlet."""

    number: int
    socket: SocketType = SocketType.T2
    rated_current_ma: int = 32_000
    derated_current_ma: int = 80_000
    """What the installation allows at this outlet; from the rated current on it limits nothing."""
    temporary_limit_ma: int = 0
    """Set point while the temporary limit's input acts (Smart Wallbox)."""
    shedding_ma: int = 0
    """Set point while the load-shedding input acts (City, Parking)."""
    resume_us: int = 5 * SECOND
    """A charge that was stopped by too low a limit goes on when the limits have been high enough for so long."""
    condition_interrupts: bool = False
    """Whether the input `Conditional_Outgoing line` also interrupts a charge that has begun."""
    ze_ready: bool = False
    """Set points too low for EV/ZE Ready operate as 0 (:func:`evse.core.limit_stack.operating_ma`)."""
    ze_sources: tuple[str, ...] = (MODBUS,)
    """Limits from outside that follow that rule too."""
    phases: int = 3
    has_lock: bool = True
    has_shutter: bool = False
    """City: a motorised shutter over the socket; its maintenance state is `OK_MaintenanceCity`."""
    lines: tuple[InputLine, ...] = ()
    """Which input line has which function."""
    push_button: bool = False
    """Smart Wallbox: the front push button stops the charge and lets it go on."""
    dip_banks: tuple[DipBank, ...] = ()
    """Banks of DIP switches, read at the start."""
    meter: str = ""
    """Name of the register map of the outlet's own meter; empty: its current transformers meter."""
    meter_link: MeterLink = MeterLink.RTU
    meter_unit: int = 30
    """Address that the meter is asked by, 0 to 255 (EVlink guide DOCA0060: 1 to 255, factory 30)."""
    meter_terminals: tuple[int, int, int] = (1, 2, 3)
    """Terminal of the meter (1 to 3) behind each terminal of the outlet."""
    conductors: tuple[int, ...] = (1, 2, 3)
    """Conductor of the supply (1 to 3) at each terminal of the outlet; a single one: it is connected to that alone.

    Limits from outside are per conductor of the supply."""
    voltage_from_setting: bool = False
    """Without a meter the voltage is not measured but set: ``StationConfig.nominal_voltage_mv``."""
    signs: SignStyle = SignStyle.EVLINK
    has_display: bool = False
    phase_switch: bool = False
    """X2 drives a contactor that takes L2 and L3 of the outlet's feed away."""
    leave_cable_connected: bool = False
    access: Access = Access.BADGE
    wake_up: bool = True
    pilot: PilotTimings = field(default_factory=PilotTimings)
    contactor: ContactorTimings = field(default_factory=ContactorTimings)
    lock: LockTimings = field(default_factory=LockTimings)
    shutter: ShutterTimings = field(default_factory=ShutterTimings)
    phase_switch_timings: PhaseSwitchTimings = field(default_factory=PhaseSwitchTimings)
    procedure: ProcedureTimings = field(default_factory=ProcedureTimings)
    protection: ProtectionLimits = field(default_factory=ProtectionLimits)
    domestic: DomesticLimits = field(default_factory=DomesticLimits)

    @property
    def attached_cable(self) -> bool:
        """Whether the cable is fixed to the station: then there is no proximity circuit and no lock."""
        return self.socket in (SocketType.ATTACHED_T1, SocketType.ATTACHED_T2)

    @property
    def wired(self) -> tuple[int, ...]:
        """The conductors of the supply that the outlet is connected to, in the order of its terminals."""
        return self.conductors[: self.phases]

    @property
    def has_mode3(self) -> bool:
        """Whether there is a socket or cable with a control pilot."""
        return self.socket is not SocketType.TE

    @property
    def has_domestic(self) -> bool:
        """Whether there is a domestic socket, alone or beside the other one."""
        return self.socket in (SocketType.TE, SocketType.T2_TE)


@dataclass(frozen=True, slots=True)
class StationConfig:
    """The whole station's configuration, as the core applies it."""

    station_uid: str
    profile: str
    outlets: tuple[OutletConfig, ...]
    location: Location = Location.OUTDOOR
    station_maximum_ma: int = 64_000
    balancing: bool = True
    """Two outlets share the maximum; else each may have it alone. A limit from outside is shared in any case."""
    shedding: SheddingRule = field(default_factory=SheddingRule)
    external_control: bool = True
    """An external system (Modbus, OCPP) may limit the current (EVlink: `Controlled by external system`)."""
    nominal_voltage_mv: int = 230_000
    continue_after_power_failure: bool = False
    """A charge that a power failure interrupted goes on without asking (:mod:`evse.core.power_return`)."""
    restart_delay_us: int = 0
    """After a power failure an interrupted charge waits for a random part of this."""
    checkpoint_us: int = 60 * SECOND
    """Longest time between two durable energy readings while charging (at most 60 s)."""
    version: int = 1
    digest: str = ""
