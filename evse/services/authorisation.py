"""Who may charge: the decision on one card, without any supervision (EVlink commissioning guide DOCA0060).

Two settings rule it. *Location*: at the charging station, or disabled (then access is free, the core opens sessions
by itself, and a card changes nothing). *Strategy*, with location charging station: allow all (factory) or reject
unknown. A badge has a type: User and VIP may charge; Admin never charges, under no strategy, and may stop a charge
that another badge started. A refused start carries `KO_BadgeUnknown`, a refused stop `KO_BadgeIsNotTheCurrentUser`.

Everything here is a value; the badge list is replaced whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from evse.core.commands import Verdict
from evse.core.units import SECOND
from evse.services.badges.badge import Badge, BadgeType, is_uid, mask_uid

BADGE_UNKNOWN: Final = "KO_BadgeUnknown"
NOT_THE_CURRENT_USER: Final = "KO_BadgeIsNotTheCurrentUser"
TIMEOUT_LIMIT_S: Final = 999


class AuthenticationLocation(StrEnum):
    """Where a card is judged. Remote and supervision come with their protocols."""

    CHARGING_STATION = "charging station"
    DISABLED = "disabled"


class Strategy(StrEnum):
    """What happens to a card that is not in the list."""

    ALLOW_ALL = "allow all"
    REJECT_UNKNOWN = "reject unknown"


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one card."""

    verdict: Verdict
    reason: str = ""
    may_stop_any: bool = False


@dataclass(frozen=True, slots=True)
class Authoriser:
    """The settings, the badges and the decision. ``timeout_us``: 0 to 999 s, factory 10 s."""

    location: AuthenticationLocation = AuthenticationLocation.CHARGING_STATION
    strategy: Strategy = Strategy.ALLOW_ALL
    badges: tuple[Badge, ...] = ()
    timeout_us: int = 10 * SECOND
    _by_uid: dict[str, Badge] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.timeout_us <= TIMEOUT_LIMIT_S * SECOND:
            raise ValueError(f"the authentication time-out is 0 to {TIMEOUT_LIMIT_S} s")
        object.__setattr__(self, "_by_uid", _index(self.badges))

    def decide(self, uid: str, purpose: str) -> Decision:
        """Judge ``uid`` for ``purpose`` (``start`` or ``stop`` of somebody else's charge); any text is allowed."""
        badge = self._by_uid.get(uid.upper())
        admin = badge is not None and badge.type is BadgeType.ADMIN
        if purpose != "start":
            if admin:
                return Decision(Verdict.ACCEPTED, may_stop_any=True)
            return Decision(Verdict.REFUSED, NOT_THE_CURRENT_USER)
        if admin:
            return Decision(Verdict.REFUSED, BADGE_UNKNOWN)
        if self.location is AuthenticationLocation.DISABLED or badge is not None:
            return Decision(Verdict.ACCEPTED)
        if self.strategy is Strategy.ALLOW_ALL and is_uid(uid):
            return Decision(Verdict.ACCEPTED)
        return Decision(Verdict.REFUSED, BADGE_UNKNOWN)

    def comment(self, uid: str) -> str:
        """The comment of a badge; empty for one that is not in the list."""
        badge = self._by_uid.get(uid.upper())
        return badge.comment if badge is not None else ""


def _index(badges: Iterable[Badge]) -> dict[str, Badge]:
    by_uid: dict[str, Badge] = {}
    for badge in badges:
        if badge.uid in by_uid:
            raise ValueError(f"badge {mask_uid(badge.uid)} is in the list twice")
        by_uid[badge.uid] = badge
    return by_uid
