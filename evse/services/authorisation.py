"""Who may charge: the decision on one card (EVlink commissioning guide DOCA0060, chapters 3 and 5).

A pure function of who (the card), what for, what is configured and what is known at the moment:

- *Location* says where a card is judged: at the charging station (its badge list), by a supervision, by a remote system
  that releases charges without the reader, or nowhere (free access; the core opens sessions by itself).
- *Strategy*, without supervision and with location charging station: allow all (factory) or reject unknown.
- *Loss of supervision*: what counts while it cannot be asked, or has not answered within the *time-out*: allow all
  (factory), or reject all but the identifiers of the cache. A supervision that is known to be gone is not waited for.
- A badge has a type: User and VIP may charge; Admin never charges, under no strategy, and may stop a charge that another
  badge started. VIP means priority in a cluster and else nothing.
- A reservation for somebody else refuses before anybody is asked.
- After all cards were erased at the station, and until its master card is taught or service says otherwise, no card that is
  judged at the station charges (ours: who erases the cards wants nobody in that he has not taught).

While a supervision is asked the user may begin: the verdict is provisional and ends with the time-out. A charge of
somebody else may be stopped by a card of the same group at the supervision; until that is known nothing is stopped.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from evse.core.commands import Verdict
from evse.core.units import SECOND
from evse.records import dataclass
from evse.services.badges.badge import Badge, BadgeType, is_uid

BADGE_UNKNOWN: Final = "KO_BadgeUnknown"
NOT_THE_CURRENT_USER: Final = "KO_BadgeIsNotTheCurrentUser"
NOT_THE_BOOKER: Final = "KO_BadgeIsNotTheBooker"
TIMEOUT_LIMIT_S: Final = 999


class Location(StrEnum):
    """Where a card is judged."""

    CHARGING_STATION = "charging station"
    SUPERVISION = "supervision"
    REMOTE = "remote"
    DISABLED = "disabled"


class Strategy(StrEnum):
    """What happens to a card that is not in the list."""

    ALLOW_ALL = "allow all"
    REJECT_UNKNOWN = "reject unknown"


class LossStrategy(StrEnum):
    """What happens to a card while the supervision does not answer."""

    ALLOW_ALL = "allow all"
    REJECT_ALL = "reject all"
    """All but those of the cache."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings. ``timeout_us``: 0 to 999 s, factory 10 s. ``cluster``: VIP badges have a meaning.

    With a supervision and location charging station only badges of the list charge: the strategy is a setting of stations
    without one. Raises ``ValueError``.
    """

    location: Location = Location.CHARGING_STATION
    strategy: Strategy = Strategy.ALLOW_ALL
    supervised: bool = False
    on_loss: LossStrategy = LossStrategy.ALLOW_ALL
    timeout_us: int = 10 * SECOND
    cluster: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.timeout_us <= TIMEOUT_LIMIT_S * SECOND:
            raise ValueError(f"the authentication time-out is 0 to {TIMEOUT_LIMIT_S} s")
        if self.location is Location.SUPERVISION and not self.supervised:
            raise ValueError("authentication by the supervision needs a supervised station")
        if self.location is Location.REMOTE and self.supervised:
            raise ValueError("remote authentication is for stations without supervision")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a card at the moment.

    ``badge``: its entry in the list. ``cached``: the supervision has accepted it before and that still counts.
    ``reachable``: the supervision can be asked. ``booked_for``: whom the outlet is reserved for, empty for nobody.
    ``group_known``: the card that charges here belongs to a group at the supervision, or may. ``erased``: all cards were erased and
    there is no master card since.
    """

    badge: Badge | None = None
    cached: bool = False
    reachable: bool = False
    booked_for: str = ""
    group_known: bool = False
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one card. ``ask``: the supervision is asked, what is said here counts until it has answered."""

    verdict: Verdict
    reason: str = ""
    may_stop_any: bool = False
    priority: bool = False
    ask: bool = False


ACCEPTED: Final = Decision(Verdict.ACCEPTED)
UNKNOWN: Final = Decision(Verdict.REFUSED, BADGE_UNKNOWN)


def decide(policy: Policy, uid: str, purpose: str, known: Known) -> Decision:
    """Judge ``uid`` for ``purpose`` (``start``, or ``stop`` of somebody else's charge); any text is allowed."""
    if purpose != "start":
        return _stop(policy, known)
    if known.badge is not None and known.badge.type is BadgeType.ADMIN:
        return UNKNOWN
    if known.booked_for and known.booked_for != uid:
        return Decision(Verdict.REFUSED, NOT_THE_BOOKER)
    match policy.location:
        case Location.DISABLED:
            return ACCEPTED
        case Location.REMOTE:
            return UNKNOWN
        case Location.SUPERVISION:
            return _supervised(policy, uid, known)
        case Location.CHARGING_STATION:
            return _local(policy, uid, known)


def in_silence(policy: Policy, uid: str, purpose: str, known: Known) -> Decision:
    """The decision when the supervision has not answered in time, or cannot be asked."""
    if purpose != "start":
        return Decision(Verdict.REFUSED, NOT_THE_CURRENT_USER)
    allowed = is_uid(uid) and policy.on_loss is LossStrategy.ALLOW_ALL
    return ACCEPTED if allowed or known.cached else UNKNOWN


def _stop(policy: Policy, known: Known) -> Decision:
    if known.badge is not None and known.badge.type is BadgeType.ADMIN:
        return Decision(Verdict.ACCEPTED, may_stop_any=True)
    ask = policy.location is Location.SUPERVISION and known.group_known and known.reachable and policy.timeout_us > 0
    return Decision(Verdict.REFUSED, NOT_THE_CURRENT_USER, ask=ask)


def _supervised(policy: Policy, uid: str, known: Known) -> Decision:
    if not is_uid(uid):
        return UNKNOWN
    if known.reachable and policy.timeout_us > 0:
        return Decision(Verdict.PROVISIONAL, ask=True)
    return in_silence(policy, uid, "start", known)


def _local(policy: Policy, uid: str, known: Known) -> Decision:
    if known.badge is not None:
        return Decision(Verdict.ACCEPTED, priority=policy.cluster and known.badge.type is BadgeType.VIP)
    if policy.strategy is Strategy.ALLOW_ALL and not policy.supervised and not known.erased and is_uid(uid):
        return ACCEPTED
    return UNKNOWN
