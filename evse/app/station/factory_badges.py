"""The authorisation that a profile gives from the factory: policy and known badges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evse.services.authorisation import Policy, Strategy
from evse.services.badges.badge import Badge, BadgeType
from evse.services.badges.badge_list import BadgeList

if TYPE_CHECKING:
    # The services process uses this module too and has no need of the YAML reader.
    from boards.load import Profile

STRATEGIES: Final = {"allow_all_badges": Strategy.ALLOW_ALL, "reject_unknown_badges": Strategy.REJECT_UNKNOWN}
"""The profile's words and the authorisation's."""

BadgeFacts = tuple[str, str, str]
"""UID, type and comment of a badge, as plain values for another process."""


def strategy_of(profile: Profile) -> str:
    """The profile's badge strategy in the authorisation's word."""
    return STRATEGIES[profile.model.settings.authentication_strategy].value


def badges_of(profile: Profile) -> list[BadgeFacts]:
    """The profile's badges as plain values."""
    return [(badge.uid, badge.type, badge.comment) for badge in profile.model.badges]


def policy_of(strategy: str) -> Policy:
    """The policy of a station without supervision."""
    return Policy(strategy=Strategy(strategy))


def badge_list_of(badges: list[BadgeFacts]) -> BadgeList:
    """The list for plain values. Raises ValueError for a badge that is none, or one that is there twice."""
    return BadgeList(tuple(Badge(uid, BadgeType(kind), comment) for uid, kind, comment in badges))
