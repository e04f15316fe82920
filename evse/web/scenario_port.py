"""Scenarios as the web interface sees them: those that can be run, and the live session as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from evse.records import dataclass


@dataclass(frozen=True, slots=True)
class ScenarioInfo:
    """One scenario that can be run in virtual time."""

    name: str
    title: str
    profile: str
    description: str


@dataclass(frozen=True, slots=True)
class ScenarioRun:
    """What came of a run: the verdict as ``evse sim --json`` prints it, and the timeline's lines."""

    verdict: Mapping[str, object]
    timeline: Sequence[str]
    seconds: float
    """How long it took, in real time."""


class ScenarioProblem(Exception):
    """It cannot be run, or its process failed; the text says why."""


class ScenarioPort(Protocol):
    """Runs scenarios in virtual time, apart from the station and from whoever serves it."""

    async def available(self) -> Sequence[ScenarioInfo]:
        """The shipped ones. Raises ScenarioProblem."""

    async def run(self, name: str, seed: int | None, dumb: bool) -> ScenarioRun | None:
        """Run one; ``None`` when another one runs. Raises ScenarioProblem."""


class RecordingPort(Protocol):
    """What was done to the simulated station since it began."""

    async def scenario(self, name: str) -> str:
        """The session so far as a scenario file. Raises ScenarioProblem."""
