"""The world's verbs for the web interface: a ``WorldPort`` over the world process's socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from evse.app.page.world_client import ANSWER_LIMIT, TIMEOUT_S, ask_world
from evse.web.ports import Outcome
from evse.web.world_port import BadVerb, ParamValue, VerbParam, VerbView


class WorldSocketPort:
    """Reads the table of verbs once, when it is made (that waits, and raises WorldGone); then one connection per verb."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._verbs = tuple(verb_view(verb) for verb in ask_world(path, {"op": "verbs"})["verbs"])

    def verbs(self) -> Sequence[VerbView]:
        """The table."""
        return self._verbs

    async def apply(self, name: str, params: Mapping[str, ParamValue]) -> Outcome:
        """Do it. Raises BadVerb for a wrong parameter; a world that does not answer refuses."""
        request = {"op": "apply", "verb": name, "params": dict(params)}
        try:
            answer = await asyncio.wait_for(self.ask(request), TIMEOUT_S)
        except (OSError, ValueError, TimeoutError) as error:
            return Outcome("refused", f"the simulated world does not answer: {error}")
        if answer.get("ok"):
            return Outcome("done")
        if answer.get("kind") == "bad":
            raise BadVerb(str(answer.get("param", "")), str(answer.get("reason", "")), str(answer.get("allowed", "")))
        return Outcome("refused", str(answer.get("reason", "")))

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request to the world. Raises OSError, ValueError."""
        reader, writer = await asyncio.open_unix_connection(self._path, limit=ANSWER_LIMIT)
        try:
            writer.write(json.dumps(request).encode() + b"\n")
            answer = json.loads(await reader.readline())
        finally:
            writer.close()
        if not isinstance(answer, dict):
            raise ValueError("no object")
        return answer


def verb_view(verb: Mapping[str, Any]) -> VerbView:
    """One verb of the world's answer as the web interface knows it."""
    params = tuple(
        VerbParam(
            name=param["name"],
            type=param["type"],
            unit=param["unit"],
            default=param["default"],
            minimum=param["minimum"],
            maximum=param["maximum"],
            choices=tuple(param["choices"]),
            help=param["help"],
            secret=param["secret"],
        )
        for param in verb["params"]
    )
    return VerbView(verb["name"], verb["group"], verb["help"], params, verb["healed_by"])
