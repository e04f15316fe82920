"""Who watches the house connection while settings change, and what becomes of the word of a watcher that is gone."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from boards.load import load_profile
from boards.to_core import wire_plan
from evse.app.station.house_desk import HouseDesk
from evse.core.commands import Command, SetLimit
from evse.exchange.snapshot import LimitView, StationView
from evse.web.ports import NotConnected, Outcome
from tests.fakes.web_fake import station_view

pytestmark = [pytest.mark.anyio, pytest.mark.req("ENE-10")]
SIMULATED = wire_plan(load_profile("thor-house")).house
assert SIMULATED is not None
NOWHERE = replace(SIMULATED, wire=None, host="")


class Bench:
    """A desk; ``answers`` are given one after the other, the last one for ever; ``None``: control is not connected."""

    def __init__(self, view: StationView | None, answers: tuple[Outcome | None, ...] = (Outcome("done"),)) -> None:
        self.view = view
        self.answers = list(answers)
        self.sent: list[SetLimit] = []
        self.desk = HouseDesk(lambda: self.view, self._post, lambda: 5_000_000, look_s=0)

    async def _post(self, command: Command) -> Outcome:
        assert isinstance(command, SetLimit)
        self.sent.append(command)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise NotConnected
        return answer

    async def settle(self) -> None:
        for _ in range(30):
            await asyncio.sleep(0)


def limited(source: str = "house meter", note: str = "station") -> StationView:
    view = station_view(outlets=1)
    limit = LimitView(source, 6_000, True, note)
    return replace(view, outlets=(replace(view.outlets[0], limits=(limit,)),))


async def test_monitoring_that_is_off_takes_its_limit_back() -> None:
    bench = Bench(limited())
    bench.desk.use(None)
    await bench.settle()
    assert [(each.outlet, each.source, each.active) for each in bench.sent] == [(0, "house meter", False)]
    assert bench.desk.house() is None


async def test_it_tries_until_control_has_done_it() -> None:
    bench = Bench(None, (None, Outcome("refused", "not yet"), Outcome("done")))
    bench.desk.use(None)
    await bench.settle()
    assert bench.sent == [], "control is not there"
    bench.view = replace(limited(), restored=False)
    await bench.settle()
    assert bench.sent == [], "control does not know its limits yet"
    bench.view = limited()
    await bench.settle()
    assert len(bench.sent) == 3
    assert len({each.command_id for each in bench.sent}) == 3, "no command is taken for the one before"


@pytest.mark.parametrize("view", [limited("ocpp"), limited(note="set by the service"), station_view()])
async def test_the_limits_of_others_stay(view: StationView) -> None:
    bench = Bench(view)
    bench.desk.use(None)
    await bench.settle()
    assert bench.sent == []


async def test_a_change_of_settings_is_another_watcher_and_no_change_none() -> None:
    bench = Bench(limited())
    bench.desk.use(NOWHERE)
    await bench.settle()
    first = bench.desk.house()
    assert first is not None
    assert (first.in_force, first.maximum_ma) == (False, 25_000)
    assert "no meter with an address" in first.problem
    watch = bench.desk._watch
    bench.desk.use(replace(NOWHERE))
    assert bench.desk._watch is watch
    bench.desk.use(replace(NOWHERE, settings=replace(NOWHERE.settings, maximum_ma=16_000)))
    second = bench.desk.house()
    assert second is not None
    assert second.maximum_ma == 16_000
    bench.desk.use(None)
    await bench.settle()
    assert [each.active for each in bench.sent] == [False], "nobody spoke for a meter that nobody asked"
    bench.desk.close()
