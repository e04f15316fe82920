"""Services' wire log: control is asked while somebody watches, watchers are bounded, frames come in words."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from evse.app.page.wire_log import MAX_WATCHERS, QUEUE, RENEW_US, WATCH_MS, WireLog
from evse.core.units import SECOND
from evse.exchange.envelope import FromServices
from evse.exchange.wires import WatchWires, WireFrame, WireFrames
from hal.frames.front_end import Frame, encode
from hal.frames.front_end_messages import Hold

HOLD = encode(Frame(7, Hold(250, 3))).hex()


class Control:
    def __init__(self) -> None:
        self.now_us = 0
        self.asked: list[FromServices] = []

    def send(self, messages: Sequence[FromServices]) -> bool:
        self.asked += messages
        return True

    def log(self) -> WireLog:
        return WireLog(self.send, lambda: self.now_us)


def frames(count: int, lost: int = 0) -> WireFrames:
    return WireFrames(tuple(WireFrame(at_us, "outlet-1/front-end", "sent", HOLD) for at_us in range(count)), lost)


def test_control_is_asked_only_while_somebody_watches() -> None:
    control = Control()
    log = control.log()
    log.renew(10 * SECOND)
    assert control.asked == []
    first, second = log.open(), log.open()
    assert first is not None
    assert second is not None
    assert control.asked == [WatchWires(WATCH_MS)] * 2
    log.renew(RENEW_US - 1)
    assert len(control.asked) == 2
    log.renew(RENEW_US)
    assert len(control.asked) == 3
    assert WATCH_MS * 1_000 > 2 * RENEW_US
    first.close()
    assert len(control.asked) == 3
    second.close()
    second.close()
    assert control.asked[3:] == [WatchWires(0)]
    log.renew(10 * SECOND)
    assert len(control.asked) == 4


def test_places_are_bounded() -> None:
    log = Control().log()
    watchers = [log.open() for _ in range(MAX_WATCHERS)]
    assert log.open() is None
    assert watchers[0] is not None
    watchers[0].close()
    assert log.open() is not None


def test_frames_come_in_words_and_losses_are_told_once() -> None:
    async def story() -> None:
        log = Control().log()
        log.take(frames(1))
        watcher = log.open()
        assert watcher is not None
        log.take(frames(1, lost=7))
        log.take(frames(1, lost=9))
        batch = await watcher.next(1)
        assert [(line.message, line.text) for line in batch.lines] == [
            ("HOLD", "#7, hold 250 ms, reading age 3 ms")
        ] * 2
        assert batch.lost == 2
        assert await watcher.next(0) == type(batch)((), 0)

    asyncio.run(story())


def test_a_slow_watcher_keeps_the_newest_and_is_told_how_many_it_lost() -> None:
    async def story() -> None:
        log = Control().log()
        watcher = log.open()
        assert watcher is not None
        for _ in range(QUEUE // 50 + 2):
            log.take(frames(50))
        batch = await watcher.next(1)
        assert (len(batch.lines), batch.lost) == (QUEUE, 100)

    asyncio.run(story())
