"""The Snapshot: how the station is, at one instant, for everybody outside control. Latest wins.

Frozen and serialisable; strings are the exact names users see. Pages, protocols and tests read this and nothing else.
What only the front end can tell (pilot, currents, voltages, temperature, supply) is ``None`` while it does not answer:
a default or an old value would be taken for a measurement. While an outlet's own meter is in force, currents and voltages are the meter's.
"""

from __future__ import annotations

from evse.core.units import PhaseValues
from evse.records import dataclass


@dataclass(frozen=True, slots=True)
class PilotView:
    """The control pilot: what was driven and what was measured (plateaus in mV, duty in 0.01 %, frequency in 0.1 Hz)."""

    driven_mode: str
    driven_duty_bp: int
    positive_mv: int
    negative_mv: int
    duty_bp: int
    frequency_dhz: int


@dataclass(frozen=True, slots=True)
class LimitView:
    """One limit of the outlet's stack: who says it, how much per phase, whether it is the one that rules.

    ``current_ma``: the lowest of the phases that the outlet has; ``phases_ma``: each phase. ``changes_us``: when the value
    changes next by time alone; ``expires_us``: when the source's word ends, and ``on_expiry`` what holds then (``hold``,
    ``fallback``, ``release``). Both on control's clock, ``None`` for never. ``fallback_ma``: what a ``fallback`` leaves,
    the lowest of the phases, else ``None``.
    """

    source: str
    current_ma: int
    ruling: bool
    note: str = ""
    phases_ma: PhaseValues = (0, 0, 0)
    changes_us: int | None = None
    expires_us: int | None = None
    on_expiry: str = "hold"
    fallback_ma: int | None = None


@dataclass(frozen=True, slots=True)
class FaultView:
    """An active fault: catalogue name, reaction class, latch rule, when it was raised (control's clock).

    ``where``: contact, phases and proof when it was raised, as far as the feedback knew; empty after a restart.
    """

    name: str
    reaction: str
    latch: str
    raised_us: int
    where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionView:
    """The running session."""

    session_id: str
    uid: str
    opened_us: int
    energy_wh: int
    charge_type: str
    record_durable: bool


@dataclass(frozen=True, slots=True)
class DomesticView:
    """The domestic socket of an outlet: plug, its own contactor, why that is not held."""

    plugged: bool
    contactor_permitted: bool
    contactor_closed: bool
    open_reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DipView:
    """DIP switches (`DSW Settings`), read only. Positions as ``DSW1 00100101``, switch 1 first; empty while not read."""

    at_start: str
    now: str
    pending: bool
    """A switch was moved since the start and counts from the next one."""
    current_ma: int
    """Limit they set; 0 when no switch limits the current."""
    on: tuple[str, ...]
    """Functions that are switched on since the start, undocumented switches by their own names."""
    address: str


@dataclass(frozen=True, slots=True)
class PhaseSwitchView:
    """The phase switch behind X2. ``phases``: 1 or 3, as ordered; ``changing``: being switched, nothing is offered.

    ``failed``: the last switching did not succeed, the switch was put back. ``allowed_us``: when another may be ordered, on
    control's clock.
    """

    phases: int
    changing: bool
    failed: bool
    allowed_us: int


@dataclass(frozen=True, slots=True)
class LinkView:
    """What went wrong on the line to the front end since control began (``hal.ports.LinkCounts``); brought up to date once
    a second.
    """

    retries: int = 0
    given_up: int = 0
    refused_orders: int = 0
    line_losses: int = 0
    silences: int = 0
    restarts: int = 0
    damaged_frames: int = 0
    lost_frames: int = 0


@dataclass(frozen=True, slots=True)
class MeterView:
    """The outlet's own meter. ``name``: its register map. ``in_force``: its values are the outlet's; else the transformers'.

    ``problem``: why its last reading counts for nothing or none comes, empty while one does. What follows is its last good
    reading, ``None`` while none is in force or the meter does not say it; ``energy_wh`` is its own register.
    ``age_us``: how old that reading is. ``replaced``: how often another meter was found in its place since control began.
    """

    name: str
    in_force: bool
    problem: str
    currents_ma: PhaseValues | None
    voltages_mv: PhaseValues | None
    power_mw: int | None
    energy_wh: int | None
    age_us: int | None
    replaced: int


@dataclass(frozen=True, slots=True)
class OutletView:
    """One outlet."""

    number: int
    outlet_status: str
    last_error: str
    last_error_class: str
    ev_state: str
    cable_state: str
    evse_status: tuple[str, ...]
    error_status: int
    """Bit field `ErrorStatus`; bits are documented in :mod:`evse.core.faults`."""
    pilot: PilotView | None
    offered_ma: int
    limits: tuple[LimitView, ...]
    contactor_permitted: bool
    contactor_closed: bool
    open_reasons: tuple[str, ...]
    no_offer_reasons: tuple[str, ...]
    """Why no PWM is offered; empty while it is."""
    lock: str
    light: str
    currents_ma: PhaseValues | None
    voltages_mv: PhaseValues | None
    temperature_dc: int | None
    register_wh: int
    session: SessionView | None
    faults: tuple[FaultView, ...]
    epoch: int
    access: str
    link_ok: bool
    reader_ok: bool
    shutter: str = ""
    """Feedback of the shutter's end switches; empty where there is none."""
    sound: str = ""
    """The buzzer's last sound; ``sounds`` rises by one with each, so that the same sound twice is seen."""
    sounds: int = 0
    supply_mv: int | None = None
    """The front end's own 12 V rail."""
    link_problem: str = ""
    """Why the front end does not answer, in words; empty while it does."""
    reader_problem: str = ""
    """Why the card reader does not answer, in words; empty while it does and where there is none."""
    active_inputs: tuple[str, ...] = ()
    """Functions of the input lines that act now, by the names of :class:`evse.core.lines.LineFunction`."""
    display: str = ""
    """Text of the display; empty where there is none."""
    dip: DipView | None = None
    link: LinkView = LinkView()
    connector: str = ""
    """Which socket has the outlet: its type, `TE` or `T2` on a `T2 - TE` outlet."""
    metered_by: str = ""
    """Who meters the energy: the name of the meter's register map, or `internal CT`."""
    meter: MeterView | None = None
    """``None`` where the outlet has no meter of its own."""
    front_end_version: str = ""
    """Version of the front end's program; empty before it has told it."""
    reader_version: str = ""
    """Version of the card reader's program; empty before it has told it, and where there is no reader."""
    phase_switch: PhaseSwitchView | None = None
    """``None`` where X2 drives none."""
    domestic: DomesticView | None = None
    """``None`` where there is no domestic socket; ``contactor_*`` and ``open_reasons`` above are those of the other."""
    conductors: tuple[int, ...] = (1, 2, 3)
    """Conductor of the supply at each wired terminal of the outlet; values by phase are by terminal, limits by conductor."""


@dataclass(frozen=True, slots=True)
class LatencyView:
    """Control's own lateness: cycles run, cycles later than 20 ms, worst lateness, and whether FIFO priority was got."""

    cycles: int = 0
    late_cycles: int = 0
    worst_us: int = 0
    fifo: bool = False


@dataclass(frozen=True, slots=True)
class ExchangeView:
    """What happened between control and services since control began.

    ``events_dropped``: of no lasting importance, and services were away too long. ``unsendable_events``: could not be
    written down. ``bad_messages``: from services, not understood. ``connections``: made to services.
    """

    events_dropped: int = 0
    unsendable_events: int = 0
    bad_messages: int = 0
    connections: int = 0


@dataclass(frozen=True, slots=True)
class StationView:
    """The whole station."""

    station_uid: str
    profile: str
    boot_id: str
    mono_us: int
    config_version: int
    config_digest: str
    restored: bool
    """Whether the latched state arrived after start; before that nothing may charge."""
    outlets: tuple[OutletView, ...]
    latency: LatencyView
    started_us: int = 0
    """When control began, on its own clock: ``mono_us - started_us`` is how long it has run."""
    exchange: ExchangeView = ExchangeView()
