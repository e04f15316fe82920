"""Randomness of a simulation: one number, many independent named streams.

Each name gets its own ``random.Random``, derived by SHA-256 from the run's number and the name. What one component
draws therefore never changes what another sees, and neither the order of creation nor Python's hash randomisation
matters.
"""

from __future__ import annotations

import hashlib
import random


class RandomStreams:
    """Named sub-streams of one run."""

    def __init__(self, run_number: int) -> None:
        self.run_number = run_number
        self._streams: dict[str, random.Random] = {}

    def stream(self, name: str) -> random.Random:
        """The stream called ``name``: always the same object, which goes on where it was."""
        found = self._streams.get(name)
        if found is None:
            digest = hashlib.sha256(f"{self.run_number}\0{name}".encode()).digest()
            found = self._streams[name] = random.Random(int.from_bytes(digest[:16], "big"))
        return found
