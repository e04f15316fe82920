"""The page's scenario runner inside services: one worker process at a time, with a time limit, and bounded output."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

from evse.web.scenario_port import ScenarioInfo, ScenarioProblem, ScenarioRun

_log = logging.getLogger(__name__)
TIME_LIMIT_S: Final = 60.0
MAX_OUTPUT: Final = 4 * 1024 * 1024


class ScenarioRunner:
    """An ``evse.web.scenario_port.ScenarioPort``."""

    def __init__(self, time_limit_s: float = TIME_LIMIT_S) -> None:
        self._time_limit_s = time_limit_s
        self._busy = False
        self._list: asyncio.Task[tuple[ScenarioInfo, ...]] | None = None

    async def available(self) -> Sequence[ScenarioInfo]:
        """The shipped ones, read once."""
        task = self._list
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._list = asyncio.create_task(self._read_list(), name="scenario-list")
        return await asyncio.shield(task)

    async def run(self, name: str, seed: int | None, dumb: bool) -> ScenarioRun | None:
        """Run one in a process of its own; ``None`` while another runs. Raises ScenarioProblem."""
        if self._busy:
            return None
        self._busy = True
        try:
            begin_s = time.monotonic()
            arguments = ["--scenario", name]
            arguments += [] if seed is None else ["--seed", str(seed)]
            arguments += ["--dumb"] if dumb else []
            answer = await self._worker(arguments)
            if "problem" in answer:
                raise ScenarioProblem(str(answer["problem"]))
            return ScenarioRun(answer["verdict"], answer["timeline"], round(time.monotonic() - begin_s, 2))
        finally:
            self._busy = False

    async def _read_list(self) -> tuple[ScenarioInfo, ...]:
        answer = await self._worker(["--list"])
        return tuple(ScenarioInfo(**each) for each in answer["scenarios"])

    async def _worker(self, arguments: Sequence[str]) -> dict[str, Any]:
        command = ("-m", "evse.app.page.scenario_worker", "--parent", str(os.getpid()), *arguments)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
        try:
            output, errors = await asyncio.wait_for(process.communicate(), self._time_limit_s)
        except TimeoutError:
            raise ScenarioProblem(f"it took longer than {self._time_limit_s:g} s and was ended") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0 or len(output) > MAX_OUTPUT:
            _log.warning("scenario worker failed (%s): %s", process.returncode, errors[-2000:].decode(errors="replace"))
            raise ScenarioProblem("the run failed inside the program; the station's log says more")
        answer = json.loads(output)
        if not isinstance(answer, dict):
            raise ScenarioProblem("the run gave no answer")
        return answer
