"""What the world remembers of a live session, and how commands get there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from evse.app.page.session_log import LIMIT, SessionLog
from evse.app.page.session_recorder import RecordedSource, SessionRecorder
from evse.app.page.session_scenario import scenario_of
from evse.app.page.world_port import WorldSocketPort
from evse.core.commands import Command, Suspend
from evse.exchange.snapshot import StationView
from evse.web.ports import Condition, EventRecord, Outcome, Update
from evse.web.scenario_port import ScenarioProblem
from tests.fakes.web_fake import station_view


class World(WorldSocketPort):
    """A world that answers from a log; without one it does not answer."""

    def __init__(self, log: SessionLog | None) -> None:
        self.log = log

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.log is None:
            raise OSError("gone")
        if request["op"] == "note":
            return self.log.take_note(request, 2_000_000)
        return self.log.answer(9_000_000)


class Source:
    """A station that takes every command, or refuses it."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome

    def latest(self) -> StationView | None:
        return station_view()

    def condition(self) -> Condition:
        raise NotImplementedError

    def subscribe(self) -> AsyncIterator[Update]:
        raise NotImplementedError

    def recent_events(self, limit: int, outlet: int | None = None) -> Sequence[EventRecord]:
        return ()

    async def post(self, command: Command) -> Outcome:
        return self.outcome


@pytest.mark.req("SIM-03")
def test_verbs_and_commands_become_one_scenario() -> None:
    log = SessionLog("parking", 1_000_000)
    log.note("plug_in", {"outlet": 1}, 1_500_000)
    source = RecordedSource(Source(Outcome("done")), World(log))
    asyncio.run(source.post(Suspend("one", 1)))
    asyncio.run(source.post(Suspend("one", 1)))
    text = asyncio.run(SessionRecorder(World(log)).scenario("a name: with a colon"))
    assert "at: 500 ms\n    do: plug_in" in text
    assert text.count("command: suspend") == 1, "the same id acts once"
    assert "until: 8 s" in text


def test_what_control_refused_was_not_done() -> None:
    log = SessionLog("parking", 0)
    asyncio.run(RecordedSource(Source(Outcome("refused", "no")), World(log)).post(Suspend("one", 1)))
    assert log.answer(0)["entries"] == []


def test_a_world_that_does_not_answer_spoils_no_command() -> None:
    source = RecordedSource(Source(Outcome("done")), World(None))
    assert asyncio.run(source.post(Suspend("one", 1))).outcome == "done"
    with pytest.raises(ScenarioProblem, match="does not answer"):
        asyncio.run(SessionRecorder(World(None)).scenario("x"))


def test_a_full_log_keeps_the_beginning_and_counts_the_rest() -> None:
    log = SessionLog("parking", 0)
    for number in range(LIMIT + 5):
        log.note("set_vehicle", {"outlet": 1, "setting": "max_current", "value": "16 A"}, number * 1_000_001)
    answer = log.answer(0)
    assert (len(answer["entries"]), answer["missing"]) == (LIMIT, 5)
    text = scenario_of(answer, "long")
    assert len(text) < 256 * 1024
    assert "5 later steps" in text


@pytest.mark.parametrize(
    "request_",
    [{}, {"name": "book"}, {"name": 3, "params": {}}, {"name": "book", "params": {"uid": "x" * 999}}],
)
def test_notes_that_are_none_are_refused(request_: dict[str, Any]) -> None:
    log = SessionLog("parking", 0)
    assert not log.take_note(request_, 0)["ok"]
    assert log.answer(0)["entries"] == []
