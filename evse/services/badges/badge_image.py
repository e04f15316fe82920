"""The badge list and the cache of authorised identifiers in memory: what the journal of a simulation keeps of them."""

from __future__ import annotations

from dataclasses import field, replace

from evse.records import dataclass
from evse.services.badges.badge import Badge
from evse.services.badges.writes import (
    AUTHORISED_KEPT,
    Authorised,
    BadgeWrite,
    FactoryBadges,
    ForgetAuthorised,
    PutBadges,
    RememberAuthorised,
    RemoveBadges,
)


@dataclass(slots=True)
class BadgeImage:
    """What is durable of one station's badges."""

    badges: dict[str, Badge] = field(default_factory=dict)
    authorised: dict[str, Authorised] = field(default_factory=dict)
    factory_given: bool = False

    def copy(self) -> BadgeImage:
        """An image that shares no container with this one."""
        return replace(self, badges=dict(self.badges), authorised=dict(self.authorised))

    def apply(self, write: BadgeWrite) -> None:
        """The effect of one write."""
        match write:
            case FactoryBadges():
                if not self.factory_given:
                    self.factory_given = True
                    self.apply(PutBadges(write.badges))
            case PutBadges():
                self.badges.update({badge.uid: badge for badge in write.badges})
            case RemoveBadges():
                for uid in write.uids:
                    self.badges.pop(uid, None)
            case RememberAuthorised(entry):
                self.authorised.pop(entry.uid, None)
                self.authorised[entry.uid] = entry
                while len(self.authorised) > AUTHORISED_KEPT:
                    del self.authorised[next(iter(self.authorised))]
            case ForgetAuthorised(""):
                self.authorised.clear()
            case ForgetAuthorised(uid):
                self.authorised.pop(uid, None)

    def in_order(self) -> tuple[Badge, ...]:
        """The list by number."""
        return tuple(sorted(self.badges.values(), key=lambda badge: (badge.number, badge.uid)))
