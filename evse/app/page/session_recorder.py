"""The services' part in recording a live session: tell the world of commands, make a scenario of what the world knows."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Final

from evse.app.page.world_client import TIMEOUT_S
from evse.app.page.world_port import WorldSocketPort
from evse.core.commands import Command
from evse.exchange.snapshot import StationView
from evse.web.ports import Condition, EventRecord, Outcome, StationSource, Update
from evse.web.scenario_port import ScenarioProblem

_log = logging.getLogger(__name__)
REMEMBERED: Final = 256


class RecordedSource:
    """A ``StationSource`` that tells the world of each command that control has carried out."""

    def __init__(self, source: StationSource, world: WorldSocketPort) -> None:
        self._source, self._world = source, world
        self._told: deque[str] = deque(maxlen=REMEMBERED)

    def latest(self) -> StationView | None:
        """As the source behind."""
        return self._source.latest()

    def condition(self) -> Condition:
        """As the source behind."""
        return self._source.condition()

    def subscribe(self) -> AsyncIterator[Update]:
        """As the source behind."""
        return self._source.subscribe()

    def recent_events(self, limit: int, outlet: int | None = None) -> Sequence[EventRecord]:
        """As the source behind."""
        return self._source.recent_events(limit, outlet)

    async def post(self, command: Command) -> Outcome:
        """As the source behind. A recording that cannot be made never spoils the command."""
        view = self._source.latest()
        outcome = await self._source.post(command)
        if outcome.outcome == "done" and view is not None and command.command_id not in self._told:
            self._told.append(command.command_id)
            try:
                await self._tell(command, view.mono_us)
            except (OSError, ValueError, TimeoutError) as error:
                _log.warning("the command is missing in the recording: %s", error)
        return outcome

    async def _tell(self, command: Command, now_us: int) -> None:
        # Only in simulation, and only when somebody gives a command: the scenario code is not needed before.
        from evse.sim.session_recording import command_done

        done = command_done(command, 0, now_us)
        if done is not None:
            request = {"op": "note", "name": done.name, "params": dict(done.params)}
            await asyncio.wait_for(self._world.ask(request), TIMEOUT_S)


class SessionRecorder:
    """A ``RecordingPort`` over the world's socket."""

    def __init__(self, world: WorldSocketPort) -> None:
        self._world = world

    async def scenario(self, name: str) -> str:
        """The session so far as a scenario file. Raises ScenarioProblem."""
        try:
            answer = await asyncio.wait_for(self._world.ask({"op": "recording"}), TIMEOUT_S)
        except (OSError, ValueError, TimeoutError) as error:
            raise ScenarioProblem(f"the simulated world does not answer: {error}") from error
        # YAML and the profile: some tenths of a second the first time, not on the event loop.
        return await asyncio.to_thread(_scenario, answer, name)


def _scenario(answer: dict[str, object], name: str) -> str:
    from boards.problems import ProfileError
    from evse.app.page.session_scenario import scenario_of
    from evse.sim.problems import ScenarioError

    try:
        return scenario_of(answer, name)
    except (ScenarioError, ProfileError) as error:
        raise ScenarioProblem(f"the recording cannot be written: {error}") from error
