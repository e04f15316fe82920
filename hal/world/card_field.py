"""The cards in the field of an outlet's reader, and when the user takes them away.

Specification. A card stays until it is removed, or until its holding time is over. The reader's twin sees ``present``
and ``remove``; what it makes of them is its business.
"""

from __future__ import annotations

from dataclasses import field

from evse.records import dataclass
from hal.units import NEVER
from hal.world.attachments import CardHolder


@dataclass(slots=True)
class CardField:
    """Cards held to one reader: identifier to the time of removal."""

    removal_us: dict[bytes, int] = field(default_factory=dict)

    @property
    def due_us(self) -> int:
        """When the next card is taken away."""
        return min(self.removal_us.values(), default=NEVER)

    def present(self, reader: CardHolder, uid: bytes, hold_us: int, now_us: int) -> None:
        """Hold a card to the reader for ``hold_us``; 0 = until removed."""
        self.removal_us[uid] = now_us + hold_us if hold_us else NEVER
        reader.present(uid, now_us)

    def remove(self, reader: CardHolder, uid: bytes, now_us: int) -> None:
        """Take one card away."""
        del self.removal_us[uid]
        reader.remove(uid, now_us)

    def step(self, reader: CardHolder | None, now_us: int) -> None:
        """Take away every card whose time is over."""
        for uid in [uid for uid, at_us in self.removal_us.items() if at_us <= now_us]:
            if reader is None:
                del self.removal_us[uid]
            else:
                self.remove(reader, uid, now_us)
