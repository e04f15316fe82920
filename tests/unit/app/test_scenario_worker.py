"""The page's scenario runs: what the worker answers, and what the runner makes of a worker that fails."""

from __future__ import annotations

import asyncio
import json

import pytest

from evse.app.page.scenario_runner import ScenarioRunner
from evse.app.page.scenario_worker import listing, main, run
from evse.web.scenario_port import ScenarioProblem


def test_the_list_names_every_shipped_scenario() -> None:
    entries = listing()["scenarios"]
    assert {"plug-first", "city-session"} <= {entry["name"] for entry in entries}
    assert all(entry["title"] and entry["profile"] for entry in entries)


def test_a_run_gives_verdict_and_timeline() -> None:
    answer = run("badge-first", 5, dumb=False)
    assert answer["verdict"]["passed"] is True
    assert answer["verdict"]["run_number"] == 5
    assert any("contactor closed" in line for line in answer["timeline"])


def test_a_scenario_that_is_not_there_is_a_problem_with_words() -> None:
    assert "no scenario of this name" in run("nonsense", None, dumb=False)["problem"]


def test_the_program_prints_one_object(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    niced: list[int] = []
    monkeypatch.setattr("os.nice", niced.append)
    assert main(["--scenario", "nonsense"]) == 0
    assert "problem" in json.loads(capsys.readouterr().out)
    assert niced == [19]


class _Runner(ScenarioRunner):
    """A runner whose worker is scripted."""

    def __init__(self, answer: dict[str, object] | None) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[tuple[str, ...]] = []
        self.hold = asyncio.Event()

    async def _worker(self, arguments):  # type: ignore[no-untyped-def]
        self.asked.append(tuple(arguments))
        await self.hold.wait()
        if self.answer is None:
            raise ScenarioProblem("it took too long")
        return self.answer


def test_one_run_at_a_time_and_the_place_is_free_again_after_a_failure() -> None:
    async def story() -> None:
        runner = _Runner({"problem": "line 3: unknown verb"})
        first = asyncio.create_task(runner.run("x", 4, True))
        await asyncio.sleep(0)
        assert await runner.run("y", None, False) is None
        runner.hold.set()
        with pytest.raises(ScenarioProblem, match="line 3"):
            await first
        runner.answer = {"verdict": {"passed": True}, "timeline": ["a"]}
        done = await runner.run("y", None, False)
        assert done is not None
        assert done.timeline == ["a"]
        assert runner.asked == [("--scenario", "x", "--seed", "4", "--dumb"), ("--scenario", "y")]

    asyncio.run(story())


def test_the_list_is_read_once_and_again_only_after_a_failure() -> None:
    async def story() -> None:
        runner = _Runner(None)
        runner.hold.set()
        with pytest.raises(ScenarioProblem):
            await runner.available()
        runner.answer = {"scenarios": [{"name": "a", "title": "A", "profile": "p", "description": ""}]}
        assert [each.name for each in await runner.available()] == ["a"]
        await runner.available()
        assert len(runner.asked) == 2

    asyncio.run(story())
