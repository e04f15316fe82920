"""The recording over REST: a file to download in simulation, nothing on hardware."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from evse.web.app import create_app
from evse.web.ports import Extras
from evse.web.scenario_port import ScenarioProblem
from tests.fakes.web_fake import FakeRecords, FakeStation, FakeWorld, station_view


class Recorder:
    """Gives a text that tells its name, or no answer."""

    def __init__(self, problem: str = "") -> None:
        self.problem = problem

    async def scenario(self, name: str) -> str:
        if self.problem:
            raise ScenarioProblem(self.problem)
        return f"name: {name}\n"


def get(path: str, recorder: Recorder | None) -> httpx.Response:
    """One GET."""

    async def ask() -> httpx.Response:
        app = create_app(
            FakeStation(station_view()), FakeWorld(), FakeRecords(), extras=Extras(recording=recorder), interval_s=0
        )
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
            return await client.get(path)

    return asyncio.run(ask())


@pytest.mark.req("SIM-03")
def test_the_recording_is_a_file() -> None:
    answer = get("/api/recording?name=my%20session", Recorder())
    assert answer.status_code == 200
    assert answer.text == "name: my session\n"
    assert answer.headers["content-type"].startswith("application/yaml")
    assert 'filename="recording.yaml"' in answer.headers["content-disposition"]


def test_a_world_that_does_not_answer_is_told() -> None:
    answer = get("/api/recording", Recorder("the simulated world does not answer"))
    assert answer.status_code == 503
    assert "does not answer" in answer.text


def test_without_a_recorder_there_is_no_route() -> None:
    assert get("/api/recording", None).status_code == 404
    assert get("/api/recording?name=", Recorder()).status_code == 422
