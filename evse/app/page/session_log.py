"""What was done to a live simulated station, kept by its world, which outlives every other process.

The world notes each verb that was carried out, whoever asked (page, REST, ``evse world``); services tell it each command that
control took. ``evse.app.page.session_scenario`` makes a scenario file of the world's answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

LIMIT: Final = 1_500
"""Entries kept, from the beginning: with more the scenario file would be larger than scenario files may be."""
TEXT_LIMIT: Final = 200


class SessionLog:
    """The entries of one run. ``profile``: as the scenario shall name it."""

    def __init__(self, profile: str, start_us: int) -> None:
        self._profile = profile
        self._start_us = start_us
        self._entries: list[dict[str, Any]] = []
        self._missing = 0

    def note(self, name: str, params: Mapping[str, Any], now_us: int, *, command: bool = False) -> None:
        """Something was done."""
        if len(self._entries) >= LIMIT:
            self._missing += 1
            return
        at_us = max(now_us - self._start_us, 0)
        self._entries.append({"at_us": at_us, "name": name, "params": dict(params), "command": command})

    def answer(self, now_us: int) -> dict[str, Any]:
        """All of it, for the world's socket."""
        return {
            "ok": True,
            "profile": self._profile,
            "length_us": max(now_us - self._start_us, 0),
            "entries": self._entries,
            "missing": self._missing,
        }

    def take_note(self, request: Mapping[str, Any], now_us: int) -> dict[str, Any]:
        """A command that services tell of; returns the answer."""
        name, params = request.get("name"), request.get("params")
        if not isinstance(name, str) or len(name) > TEXT_LIMIT or not isinstance(params, dict) or len(params) > 16:
            return {"ok": False, "kind": "bad", "param": "", "reason": "a command's name and fields are wanted"}
        if not all(isinstance(value, (bool, int)) or len(str(value)) <= TEXT_LIMIT for value in params.values()):
            return {"ok": False, "kind": "bad", "param": "params", "reason": "plain values are wanted"}
        self.note(name, params, now_us, command=True)
        return {"ok": True}
