"""What a station may have beside its ports, scripted: a board, a history, wires, scenarios."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from evse.core.units import SECOND
from evse.services.history import History
from evse.web.board_port import BoardOutlet, BoardView
from evse.web.ports import Extras, HistoryView
from evse.web.scenario_port import ScenarioInfo, ScenarioProblem, ScenarioRun
from evse.web.wire_port import WireBatch, WireLine
from tests.fakes.web_fake import S, charging, station_view

BOARD = BoardView(
    "city",
    "EVlink City, two T2 outlets with shutters",
    ("buzzer", "status_light"),
    (),
    (BoardOutlet(1, position="right", shutter=True), BoardOutlet(2, position="left", shutter=True)),
)
HOLD = WireLine(61_000_000, "outlet-1/front-end", "sent", "HOLD", "#7, hold 250 ms, reading age 3 ms", "a51107020003")
STATE = WireLine(
    61_001_000, "outlet-1/front-end", "received", "STATE", "#4, positive 6.0 V, accepted #7", "a51104810003"
)
CARD = WireLine(
    61_002_000, "outlet-2/reader", "received", "IN_LIST_PASSIVE_TARGET answer", "card 04A1B2C3", "0000ff05fbd5"
)


class FakeWireReader:
    """One page that watches; the test puts batches."""

    def __init__(self, port: FakeWires) -> None:
        self._port = port
        self.batches: deque[WireBatch] = deque()
        self.news = asyncio.Event()

    async def next(self, timeout_s: float) -> WireBatch:
        try:
            await asyncio.wait_for(self.news.wait(), timeout_s)
        except TimeoutError:
            return WireBatch((), 0)
        batch = self.batches.popleft() if self.batches else WireBatch((), 0)
        if not self.batches:
            self.news.clear()
        return batch

    def wake(self) -> None:
        self.news.set()

    def close(self) -> None:
        self._port.readers.remove(self)


class FakeWires:
    """Wires with one place."""

    def __init__(self, places: int = 1) -> None:
        self.places = places
        self.readers: list[FakeWireReader] = []

    def open(self) -> FakeWireReader | None:
        if len(self.readers) >= self.places:
            return None
        self.readers.append(FakeWireReader(self))
        return self.readers[-1]

    def put(self, *lines: WireLine, lost: int = 0) -> None:
        for reader in self.readers:
            reader.batches.append(WireBatch(lines, lost))
            reader.news.set()


class FakeHistory:
    """A charge that began two minutes before the view of the tests."""

    def __init__(self) -> None:
        self.history: History | None = History()
        for view in (station_view(-240 * S), charging(station_view(-60 * S)), station_view(30 * S)):
            self.history.put(view)

    def recent(self, minutes: int) -> HistoryView | None:
        if self.history is None:
            return None
        rows = {number: self.history.rows(number, 60 * S - minutes * 60 * SECOND) for number in (1, 2)}
        return HistoryView(self.history.boot_id, self.history.since_us, 60 * S, rows)


VERDICT = {
    "name": "a City session",
    "passed": False,
    "run_number": 7,
    "end_us": 47_000_000,
    "decisions": [{"passed": True}, {"passed": False}],
    "failures": [{"step": 3, "line": 12, "at_us": 9_000_000, "expected": "lock == locked", "actual": "unlocked"}],
    "violations": [{"invariant": "S1", "outlet": 2, "at_us": 9_500_000, "what": "closed without permission"}],
}


class FakeScenarios:
    """Two stories; what was asked for is noted."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int | None, bool]] = []
        self.busy = False
        self.problem = ""

    async def available(self) -> Sequence[ScenarioInfo]:
        if self.problem:
            raise ScenarioProblem(self.problem)
        return (
            ScenarioInfo("plug-first", "plug first, then badge", "parking", "The usual way."),
            ScenarioInfo("city-session", "a City session", "city", "Shutter, plug, charge."),
        )

    async def run(self, name: str, seed: int | None, dumb: bool) -> ScenarioRun | None:
        if self.busy:
            return None
        self.asked.append((name, seed, dumb))
        if name == "plug-first":
            raise ScenarioProblem("it took longer than 60 s and was ended")
        return ScenarioRun(VERDICT, ["0:00:03.000  scenario    > present_card outlet 1"], 1.25)


class FakeRecording:
    """A session that was recorded."""

    async def scenario(self, name: str) -> str:
        return f"schema: 1\nname: {name}\n"


def extras() -> Extras:
    """Everything a simulated station may have."""
    return Extras(BOARD, FakeHistory(), FakeWires(), FakeScenarios(), FakeRecording())
