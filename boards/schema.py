"""Schema 1 of a station profile: which devices exist, how each is wired, ratings, times, factory values of settings.

The whole vocabulary of the product family stands here, also for devices that this version does not drive yet
(``driven=False``): a profile may declare them, ``evse profile check`` lists them, and ``boards.rules`` refuses the
ones that would be dangerous to ignore. ``profiles/README.md`` is generated from this file.

Three levels say the same kind of thing for different scopes: ``station`` and ``devices`` for the whole station,
``outlet_defaults`` for every outlet, ``outlets`` for one; an outlet's own key wins over ``outlet_defaults``.
"""

from __future__ import annotations

from typing import Literal

from boards.keys import GUIDE, THOR, Strict, key
from boards.schema_limits import DomesticKeys, ProtectionKeys, TimingKeys
from boards.schema_lines import InputLineKeys
from boards.schema_meter import HouseMeterKeys, InternalMetering, OutletMeter
from boards.schema_supervision import SupervisionKeys
from boards.schema_wire import Wire

SCHEMA = 1

Family = Literal["parking", "city", "smart-wallbox", "thor", "other"]
Socket = Literal["T2", "T3", "TE", "T2 - TE", "attached T1", "attached T2"]


DipFunctionName = Literal[
    "current",
    "x1_enable",
    "x2_default",
    "smart_home",
    "address",
    "communication",
    "static_ip",
    "commissioning",
    "unknown",
]


class FrontEnd(Strict):
    """The microcontroller of an outlet: pilot, proximity, contactor, lock, currents, residual current, inputs, light."""

    wire: Wire = key(Wire(), "How it is wired")


class Reader(Strict):
    """An RFID reader (PN532 over a serial line)."""

    wire: Wire = key(Wire(), "How it is wired")


class Device(Strict):
    """A device that this version does not drive yet."""

    wire: Wire = key(Wire(), "How it is wired", driven=False)


class DipBank(Strict):
    """A bank of DIP switches, read at boot."""

    name: str = key(..., "Name on the board, for example `DSW1`", min_length=1, max_length=20)
    functions: list[DipFunctionName] = key(
        ...,
        "What each switch means when it is on, switch 1 first: `current` (exactly three of them: 10, 13, 16, 20, 25, 32 A), "
        "`x1_enable`, `x2_default`, `smart_home`, `address`, `communication`, `static_ip`, `commissioning`; "
        "`unknown` is shown and never acted on",
        min_length=1,
        max_length=8,
    )
    simulated: str = key(
        "", "How the switches of a simulated board stand at first, switch 1 first, `1` = on; empty: all off",
        pattern=r"^[01]{0,8}$",
    )  # fmt: skip


class Devices(Strict):
    """Devices that exist once in the station."""

    buzzer: bool = key(True, "Buzzer behind the front end; `false` does not silence it yet", driven=False)
    status_light: bool = key(True, "Status light behind the front end; `false` does not darken it yet", driven=False)
    wifi_card: bool = key(
        False, "Wi-Fi card, an accessory of the Smart Wallbox: a bridge into a wireless network", source=GUIDE
    )
    dip_banks: list[DipBank] = key([], "Banks of DIP switches behind the front end, read at boot", max_length=4)
    display: bool = key(False, "Text display of 20 characters behind the front end", source=THOR)
    led_bar: bool = key(
        False, "LED bar of four segments instead of a status light, with the patterns of THØR", source=THOR
    )
    x2: bool = key(
        False,
        "Switching output X2 behind the front end; it drives the phase switch where there is one and else nothing",
    )
    phase_switch: bool = key(
        False, "X2 drives a contactor that takes L2 and L3 away (KeContact S10): charging with one phase or three"
    )
    usb_socket: bool = key(False, "USB socket; read by nobody yet", source=THOR, driven=False)
    mobile_module: Device | None = key(None, "Mobile network module", driven=False)
    ethernet_ports: int = key(
        1, "Number of Ethernet ports (the operating system serves them)", driven=False, ge=0, le=4
    )
    certified_metering: bool = key(False, "Meters certified for billing", driven=False)


class StationKeys(Strict):
    """Facts of the whole station."""

    phases: Literal[1, 3] = key(3, "Phases of the supply, and of each outlet that says nothing else")
    charging_network: Literal["master", "slave"] | None = key(
        None, "What the board can be in a charging network (x-series: master, c-series: slave)", source=THOR
    )
    checkpoint_s: float = key(
        60, "Longest time between two durable energy readings of a charge", unit="s", core="checkpoint_us",
        scale=1_000_000, ge=1, le=60,
    )  # fmt: skip


class StationSettings(Strict):
    """Factory values of the station's settings. A setting that is absent does not exist on this station."""

    location: Literal["Indoor", "Outdoor"] = key(
        "Indoor", "Station location; Indoor refuses vehicles that require ventilation", source=GUIDE
    )
    maximum_current_a: float = key(
        64,
        "Charging station maximum current",
        unit="A",
        source=GUIDE,
        core="station_maximum_ma",
        scale=1000,
        ge=0,
        le=160,
    )
    phase_neutral_voltage_v: float = key(
        230, "Phase-neutral voltage measured by the installer", unit="V", source=GUIDE, core="nominal_voltage_mv",
        scale=1000, ge=175, le=276,
    )  # fmt: skip
    leave_cable_connected: bool = key(
        False,
        "Allow to leave cable connected: only silences the notification, the cable is not kept locked",
        source=GUIDE,
    )
    authentication_location: Literal["charging_station", "disable", "remote"] | None = key(
        None, "Who authorises a charge; without a value: the reader where there is one, else nobody", source=GUIDE
    )
    remote_command_required: bool = key(
        False, "Stations without RFID reader: a charge waits for a remote command", source=GUIDE
    )
    authentication_strategy: Literal["allow_all_badges", "reject_unknown_badges"] = key(
        "allow_all_badges", "What a badge must be; `reject_unknown_badges` lets in those of `badges`", source=GUIDE
    )
    load_balancing: bool = key(
        True, "The station splits its current between two outlets", source=GUIDE, core="balancing"
    )
    load_shedding_priority: Literal["charge_duration", "energy_delivered"] = key(
        "charge_duration",
        "Which of two charges is shed first: the one that started first, or the one that has had the most energy",
        source=GUIDE,
    )
    shedding_margin_a: float = key(
        1, "While one is shed, room for both counts from so much more than the least on", unit="A", ge=0, le=32
    )
    shedding_keep_min: float = key(
        15, "By energy delivered: whoever is served keeps its turn so long", unit="min", ge=0, le=1440
    )
    shedding_energy_step_kwh: float = key(
        1, "By energy delivered: amounts count in steps of so much", unit="kWh", ge=0.1, le=100
    )
    controlled_by_external_system: bool = key(
        False,
        "A supervision (OCPP) or building system (Modbus) may limit the current; families without this setting obey them",
        source=GUIDE,
    )
    continue_after_power_failure: bool = key(
        False,
        "A charge that a power failure interrupted goes on for the same user without asking",
        source=THOR,
        core="continue_after_power_failure",
    )
    restart_delay_s: float = key(
        0,
        "After a power failure an interrupted charge waits for a random part of this, so that a street does not start at once",
        unit="s", core="restart_delay_us", scale=1_000_000, ge=0, le=1800,
    )  # fmt: skip
    front_push_button: bool = key(False, "Front panel push button stops and restarts a charge", source=GUIDE)


class OutletSettings(Strict):
    """Factory values of an outlet's settings."""

    derated_current_a: float | None = key(
        None,
        "Derated charging current; without a value the rated one",
        unit="A",
        source=GUIDE,
        ge=0,
        le=80,
    )
    load_shedding_set_point_a: float = key(
        0, "Current while the shedding input is active", unit="A", source=GUIDE, ge=0, le=80
    )
    resume_after_s: float = key(
        5,
        "A charge that was stopped by too low a limit goes on when the limits have been high enough for so long",
        unit="s", core="resume_us", scale=1_000_000, ge=0, le=3600,
    )  # fmt: skip
    temporary_limit_a: float = key(
        0, "Current while the input for temporary current limitation acts", unit="A", source=GUIDE, ge=0, le=80
    )
    in_1_function: Literal["not_used", "protection_devices_state", "load_shedding"] = key(
        "not_used", "Function In-1", source=GUIDE
    )
    in_1_normally_open: bool = key(True, "Function In-1: normally open", source=GUIDE)
    in_2_function: Literal["not_used", "conditional_outgoing_line"] = key(
        "not_used", "Function In-2: `conditional_outgoing_line` holds back the start of a charge", source=GUIDE
    )
    in_2_normally_open: bool = key(True, "Function In-2: normally open", source=GUIDE)
    delayed_start_normally_open: bool = key(True, "Delayed charging start input: normally open", source=GUIDE)
    current_limit_normally_open: bool = key(
        True, "Local control of temporary current limitation: normally open", source=GUIDE
    )


class Outlet(Strict):
    """One outlet. Every key but ``number`` may stand in ``outlet_defaults`` instead."""

    number: int = key(..., "Number of the outlet, from 1", source=GUIDE, core="number", ge=1, le=2)
    position: Literal["right", "left"] | None = key(
        None, "Place on the station, seen from the front; on City and Parking 1 is right, 2 is left", source=GUIDE
    )
    socket: Socket = key("T2", "Type of the socket-outlet or of the attached cable", source=GUIDE)
    rated_current_a: float = key(
        32, "Rated charging current", unit="A", source=GUIDE, core="rated_current_ma", scale=1000, ge=6, le=80
    )
    phases: Literal[1, 3] | None = key(None, "Phases of this outlet; without a value those of the station")
    front_end: FrontEnd = key(FrontEnd(), "The outlet's microcontroller")
    reader: Reader | None = key(None, "RFID reader of this outlet")
    internal_metering: InternalMetering = key(
        "current_transformers",
        "What the outlet measures by itself. `current_transformers`: currents; energy is apparent energy with the voltage "
        "setting. `full`: voltages as well",
        source=GUIDE,
    )
    meter: OutletMeter | None = key(None, "The outlet's own energy meter (Modbus RTU or TCP)", source=GUIDE)
    conductors: list[Literal[1, 2, 3]] = key(
        [1, 2, 3],
        "Conductor of the supply (L1 to L3) at each terminal of the outlet; a single one: the outlet is connected to it alone",
        source=GUIDE,
        min_length=1,
        max_length=3,
    )
    lock: bool | None = key(
        None, "Plug lock behind the front end; without a value: yes for a socket, no for a cable and for `TE`"
    )
    shutter: bool = key(False, "Motorised shutter behind the front end", source=GUIDE, core="has_shutter")
    input_lines: InputLineKeys = key(InputLineKeys(), "Input lines of the front end by their function")
    operating_value_sources: list[Literal["house meter", "modbus", "udp", "ocpp", "master", "schedule"]] = key(
        ["modbus"],
        "Sources of limits from outside that follow the operating-value rule (docs/energy.md) where the board has it",
        max_length=6,
    )
    condition_interrupts: bool = key(
        False,
        "Whether `conditional_outgoing_line` also interrupts a charge that has begun",
        core="condition_interrupts",
    )
    wake_up: bool = key(True, "Whether a sleeping vehicle gets one wake-up", core="wake_up")
    settings: OutletSettings = key(OutletSettings(), "Factory values of this outlet's settings")
    timings: TimingKeys = key(TimingKeys(), "Times of this outlet")
    protection: ProtectionKeys = key(ProtectionKeys(), "Protection limits of this outlet")
    domestic: DomesticKeys = key(DomesticKeys(), "The domestic socket of `TE` and `T2 - TE`")


class BadgeEntry(Strict):
    """A badge that the station knows from the factory."""

    uid: str = key(
        ...,
        "Identifier of 4, 7, 8 or 10 bytes in hexadecimal, between quotation marks",
        pattern=r"^([0-9A-Fa-f]{8}|[0-9A-Fa-f]{14}|[0-9A-Fa-f]{16}|[0-9A-Fa-f]{20})$",
    )
    type: Literal["User", "VIP", "Admin"] = key(
        "User", "An Admin badge stops any charge and never starts one", source=GUIDE
    )
    comment: str = key("", "Who it belongs to", source=GUIDE, max_length=50)


class StationProfile(Strict):
    """A whole profile, after inheritance and outlet defaults were merged in."""

    schema_: Literal[1] = key(..., "Version of this format", alias="schema")
    kind: Literal["station"] = key(..., "What the file describes")
    name: str = key(..., "Name of the profile", min_length=1, max_length=40, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")
    family: Family = key(..., "Product family; `other` for a board of your own")
    description: str = key("", "One line for lists", max_length=200)
    inherits: str | None = key(None, "Profile that this one changes; it may not itself inherit", max_length=80)
    station: StationKeys = key(StationKeys(), "Facts of the whole station")
    devices: Devices = key(Devices(), "Devices of the whole station")
    settings: StationSettings = key(StationSettings(), "Factory values of the station's settings")
    house_meter: HouseMeterKeys | None = key(
        None, "Meter of the house connection (domestic connection monitoring); off from the factory", source=THOR
    )
    hidden_settings: list[str] = key([], "Settings that exist but are not shown", driven=False, max_length=40)
    read_only_settings: list[str] = key([], "Settings that are shown but fixed", driven=False, max_length=40)
    supervision: SupervisionKeys | None = key(None, "Central system that supervises the station; absent: none")
    badges: list[BadgeEntry] = key([], "Badges known from the factory", max_length=1000)
    quirks: list[str] = key([], "Deviations of the board, by their registered names", max_length=20)
    outlets: list[Outlet] = key(..., "The outlets", min_length=1, max_length=2)
