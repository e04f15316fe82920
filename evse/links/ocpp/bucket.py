"""How often something may be done: so many times at once, then once in a while."""

from __future__ import annotations


class Bucket:
    """State: how many times are left. ``every_us``: one more comes after so long, up to ``at_once``."""

    def __init__(self, at_once: int, every_us: int) -> None:
        self._at_once, self._every_us = at_once, every_us
        self._left, self._filled_us = at_once, 0

    def take(self, now_us: int) -> bool:
        """Use one; false when none is left."""
        if self.next_us(now_us) > now_us:
            return False
        self._left -= 1
        return True

    def next_us(self, now_us: int) -> int:
        """When there is one; ``now_us`` when it can be taken now."""
        came = (now_us - self._filled_us) // self._every_us
        self._left = min(self._at_once, self._left + came)
        self._filled_us += came * self._every_us
        return now_us if self._left > 0 else self._filled_us + self._every_us
