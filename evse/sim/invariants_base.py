"""What the invariants share: one moment of the world, their time bounds with sources, spans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Final, Protocol

from evse.core.commands import Command
from evse.core.config import OutletConfig, StationConfig
from evse.core.lines import LineFunction
from evse.core.units import MS, SECOND
from evse.records import dataclass
from evse.sim.station import Claims, ClosedSession, OpenSession, OutletClaims, OutletFacts, TimedEvent

# Time bounds. A bound is how long a forbidden state may physically last.
OPEN_ON_VEHICLE_US: Final = 100 * MS
"""IEC 61851-1 Table A.6 sequences 8.1 and 2.2: contact open after S2 opened or unplugging, everything included."""
OPEN_ON_FAULT_US: Final = 100 * MS + 50 * MS
"""Emergency reaction (design figure 100 ms from detection to order) plus drop-out of the contactor (<= 50 ms)."""
OPEN_ON_LEASE_US: Final = 300 * MS
"""Control killed, stuck or cut off: the lease of 250 ms ends, and the contactor drops out."""
CLOSED_WITHOUT_PWM_US: Final = 7 * SECOND + OPEN_ON_FAULT_US
"""Table A.6 sequence 10.2: the station opens under load 6 s after PWM went off; up to 7 s is taken for it."""
LOWER_OFFER_US: Final = 1 * SECOND
"""A lowered limit reaches the pilot within 1 s."""
FOLLOW_US: Final = 5 * SECOND
"""Table A.6 sequence 6 as commonly quoted: the vehicle follows a changed duty cycle within 5 s."""
OVERDRAW_US: Final = 7 * SECOND + OPEN_ON_FAULT_US
"""Soft over-current: 7 s above (offer + 0.5 A) x 1.10, plus reaction."""
FORCED_OPENING_US: Final = 6 * SECOND
"""Table A.6 sequence 10.2: opening under load not before 6 s after PWM went off."""
RECENT_FAULT_US: Final = 1 * SECOND
"""An opening this soon after a fault was raised, or after a cause was there, belongs to it."""
MISMATCH_US: Final = 200 * MS + 300 * MS
"""200 ms of disagreement between order and contact is a fault; the margin is a keep-alive's worth of reporting."""
RESTART_US: Final = 3 * SECOND
"""After a start control may take this long until latched faults are back in its view."""
FAULT_F_US: Final = 300 * MS
"""Table A.5: shortest state F that reports a fault which stopped a charge."""
FAULT_F_BEGINS_US: Final = 1 * SECOND
"""State F (or E) must have begun this long after the fault was raised."""
FORCED_BOLT_US: Final = 100 * MS
"""A bolt that moves this soon after somebody forced it was moved by him."""
UNAVAILABLE_US: Final = 500 * MS
"""An order, or an input, counts against what happens from this long after it was answered or came."""
PROPOSED_MINIMUM_MA: Final = 6_000
"""IEC 61851-1 Table A.7: the lowest current that a duty cycle can offer."""
DISK: Final = "disk"
"""Name of the disturbance that only delays what has to be durable."""
_HARMLESS: Final = (DISK, "services stopped")
_READER: Final = "/reader"
MEASURED_IN_MA: Final = 10
"""Step in which the front end tells currents: a limit that is exceeded by less shows in no reading."""
NO_LOAD_MA: Final = 1_000
"""Below this a contactor opens, and a lock moves, without load."""
DUTY_TOLERANCE_BP: Final = 50
"""0.5 % of duty cycle."""
GENERATOR_TOLERANCE_BP: Final = 200
"""A generator whose duty cycle is off by no more is not a fault yet."""


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant was broken at ``at_us``; ``outlet`` 0 = the station."""

    invariant: str
    at_us: int
    outlet: int
    what: str


@dataclass(slots=True)
class Known:
    """What the checker remembers for all invariants: cards, orders and interventions by their latest time."""

    commands: list[tuple[int, Command]] = field(default_factory=list)
    cards: list[tuple[int, str]] = field(default_factory=list)
    """Outlet and uid of every card presented."""
    lock_forced_us: dict[int, int] = field(default_factory=dict)
    shutter_forced_us: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything an invariant may look at. ``claims`` is ``None`` while control does not run."""

    now_us: int
    config: StationConfig
    outlets: Sequence[OutletFacts]
    claims: Claims | None
    new_events: Sequence[TimedEvent]
    open_sessions: Mapping[int, Sequence[OpenSession]]
    records: Sequence[ClosedSession]
    disturbances: tuple[str, ...]
    known: Known
    stored: bool = True
    """Nothing waits for the disk."""

    cut_off: bool = field(init=False)
    """Something keeps control from its work: neither disk, services nor a card reader is an excuse for what it does."""

    @property
    def started_us(self) -> int:
        """When control began; 0 while it does not run."""
        return 0 if self.claims is None else self.claims.started_us

    def __post_init__(self) -> None:
        hindered = any(name not in _HARMLESS and _READER not in name for name in self.disturbances)
        object.__setattr__(self, "cut_off", hindered)

    def outlet_config(self, number: int) -> OutletConfig:
        """Configuration of outlet ``number``."""
        for outlet in self.config.outlets:
            if outlet.number == number:
                return outlet
        raise ValueError(f"no outlet {number}")

    def outlet_claims(self, number: int) -> OutletClaims | None:
        """What the station says of outlet ``number``, ``None`` while control does not run."""
        if self.claims is not None:
            for outlet in self.claims.outlets:
                if outlet.number == number:
                    return outlet
        return None

    def sessions(self, number: int) -> Sequence[OpenSession]:
        """Durably open sessions of outlet ``number``."""
        return self.open_sessions.get(number, ())


class Invariant(Protocol):
    """One statement that always holds."""

    name: str

    def check(self, moment: Moment) -> Iterator[Violation]:
        """Look at one moment; yield what is broken. A lasting breach is told once."""
        ...

    def finish(self, moment: Moment) -> Iterator[Violation]:
        """Look at the end of the run."""
        ...

    def pending(self) -> bool:
        """Whether a breach would follow from time alone, so that moments without news must be looked at too."""
        ...


class Spans:
    """How long forbidden states have lasted, by key; each breach is told once per occurrence."""

    def __init__(self) -> None:
        self._since: dict[tuple[int, str], int] = {}
        self._told: dict[tuple[int, str], bool] = {}

    def too_long(self, key: tuple[int, str], bad: bool, bound_us: int, now_us: int) -> bool:
        """Note whether the state of ``key`` is bad now; true once when it has been for more than ``bound_us``.

        Also true when it ends just now after lasting too long: moments in between may not have been looked at.
        """
        if not bad and not self._since:
            return False
        since = self._since.get(key)
        if since is None:
            if not bad:
                return False
            since = self._since[key] = now_us
        late = now_us - since > bound_us and not self._told.get(key, False)
        if late:
            self._told[key] = True
        if not bad:
            del self._since[key]
            self._told.pop(key, None)
        return late

    @property
    def lasting(self) -> bool:
        """Whether any bad state lasts."""
        return bool(self._since)

    def pending(self) -> bool:
        """Whether any bad state lasts that has not been told."""
        return bool(self._since) and any(not self._told.get(key, False) for key in self._since)

    def forget(self, key: tuple[int, str]) -> None:
        """Start anew for ``key``."""
        self._since.pop(key, None)
        self._told.pop(key, None)


def line_acts(config: OutletConfig, contacts: Sequence[bool], function: LineFunction) -> bool:
    """Whether a line of ``function`` really acts, by what its contact says (true = closed)."""
    lines = [line for line in config.lines if line.function is function]
    return any(line.number <= len(contacts) and contacts[line.number - 1] is line.normally_open for line in lines)


def offered_ma(duty_bp: int) -> int:
    """Current that a physical duty cycle offers (IEC 61851-1 Table A.8), 0 outside every range."""
    if 800 <= duty_bp < 1_000:
        return PROPOSED_MINIMUM_MA
    if 1_000 <= duty_bp <= 8_500:
        return duty_bp * 6
    if 8_500 < duty_bp <= 9_600:
        return (duty_bp - 6_400) * 25
    return 80_000 if 9_600 < duty_bp <= 9_700 else 0
