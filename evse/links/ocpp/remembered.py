"""What a charge point remembers of its connectors: transactions, reservations, and what control was told."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import field
from typing import Final, NamedTuple

from evse.core.units import SECOND
from evse.links.ocpp.bucket import Bucket
from evse.links.ocpp.charging_profile import ChargingProfile
from evse.records import dataclass
from evse.services.clock import Instant
from evse.services.journal import Checkpoint

CLOCK_STEP_US: Final = SECOND // 2
"""By less a clock only drifts."""
PLANS_AT_ONCE: Final = 30
PLANS_EVERY_US: Final = SECOND


@dataclass(frozen=True, slots=True)
class Running:
    """The transaction at a connector. ``tag`` is what the central system knows its user by."""

    session_id: str
    tag: str
    began: Instant
    register_wh: int
    reservation_id: int | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """A connector that is kept. ``asked_connector``: 0 when any connector was asked for."""

    reservation_id: int
    connector: int
    asked_connector: int
    tag: str
    parent: str
    expiry_utc_s: int


@dataclass(frozen=True, slots=True)
class ToldPlan:
    """A plan that control was told: seconds from its start with milliamperes (``None``: no limit).

    ``basis``: what it was made of. ``offset_us``: UTC minus the monotonic clock then. ``renew_us``: when it is told anew.
    """

    basis: object
    offset_us: int
    renew_us: int
    steps: tuple[tuple[int, int | None], ...]

    def holds(self, now_us: int, basis: object, offset_us: int) -> bool:
        """Whether control need not be told anything new. A clock that stepped moves the whole plan."""
        return now_us < self.renew_us and self.basis == basis and abs(self.offset_us - offset_us) < CLOCK_STEP_US


class Rules(NamedTuple):
    """What control works by where users and vehicles come and go. ``plug_within_s`` 0: as it is configured."""

    ends_session: bool = True
    releases_cable: bool = True
    plug_within_s: int = 0


class Pending(NamedTuple):
    """A profile that came with a remote start and waits for the transaction of that start's id."""

    tag: str
    profile: ChargingProfile


@dataclass(slots=True)
class Marks:
    """What is remembered of connectors between steps."""

    held: set[int] = field(default_factory=set)
    """Connectors whose energy is held back because their user turned out to be invalid."""
    served_free: set[int] = field(default_factory=set)
    """Outlets whose plug has had its charge, or its chance of one, without a card."""
    starting: set[int] = field(default_factory=set)
    """Connectors with a remote start that is under way: no other may come between."""
    pending_profiles: dict[int, Pending] = field(default_factory=dict)
    """Profiles that came with a remote start and wait for its transaction, by connector."""
    groups: OrderedDict[str, str] = field(default_factory=OrderedDict)
    """Parent ids (empty: none) of the last ids that the central system was asked about, for who is in no list and no cache."""
    users: dict[int, str] = field(default_factory=dict)
    """Who has an open session, by connector, as events have told."""
    booking: set[int] = field(default_factory=set)
    """Connectors that control was asked to keep and has not answered for."""
    told_limits: dict[int, ToldPlan] = field(default_factory=dict)
    """What control was last told by charging profiles."""
    plans: Bucket = field(default_factory=lambda: Bucket(PLANS_AT_ONCE, PLANS_EVERY_US))
    """How often they are made anew: profiles may come in a flood, and control keeps each plan on the disk."""
    phases_asked_us: dict[int, int] = field(default_factory=dict)
    """When an outlet's phase switch was last ordered to move."""
    told_rules: dict[int, Rules] = field(default_factory=dict)
    """What control was last told of vehicles that leave and users who do not plug in."""
    conflicts: OrderedDict[str, str] = field(default_factory=OrderedDict)
    """Verdicts of the central system that its own list contradicts and that it was told of, by id."""
    files: int = 0
    """Counts files that were offered: each has a name of its own."""
    boot_asked_for: bool = False
    """Whether the next answer to a `BootNotification` is to one that the central system has asked for."""
    registered_s: int = -1
    """The interval of the last answer to a `BootNotification`."""
    readings: dict[str, Checkpoint] = field(default_factory=dict)
    """Readings that become durable with the document of this name."""
    mute: bool = False
    """Whether the central system does not know security events."""
    resets: int = 0
    """Counts resets of the central system: a newer one takes the place of one that is watched."""
    failed_reset: str = ""
    """The boot of control that no reset has ended; empty without one."""
