"""The wires' watch: hooks only while somebody watches, bounded, and never in the way."""

from __future__ import annotations

from boards.assemble import FrameSeen
from boards.compiled import WireKind, WireSpec
from evse.control.wire_watch import KEPT, WireWatch
from evse.exchange.wires import MAX_BATCH, MAX_WATCH_MS
from hal.frames.front_end import Frame, encode
from hal.frames.front_end_messages import Hold
from hal.units import MS, SECOND

WIRE = WireSpec("outlet-1/front-end", WireKind.SIMULATED)
HOLD = Frame(7, Hold(250, 3))


class Drivers:
    hook: FrameSeen | None = None
    changes = 0

    def listen(self, hook: FrameSeen | None) -> None:
        self.hook = hook
        self.changes += 1


def test_no_hook_while_nobody_watches() -> None:
    drivers = Drivers()
    watch = WireWatch(drivers.listen)
    assert drivers.changes == 0
    assert not watch.watching(0)
    assert watch.take(0) is None


def test_frames_come_as_bytes_in_order_with_wire_and_direction() -> None:
    drivers = Drivers()
    watch = WireWatch(drivers.listen)
    watch.watch(1 * SECOND, 0)
    assert drivers.hook is not None
    drivers.hook(WIRE, 5, "sent", HOLD)
    drivers.hook(WireSpec("outlet-1/reader", WireKind.SIMULATED), 6, "received", b"\x00\x00\xff\x00\xff\x00")
    taken = watch.take(10)
    assert taken is not None
    assert [(frame.at_us, frame.wire, frame.direction, frame.data) for frame in taken.frames] == [
        (5, "outlet-1/front-end", "sent", encode(HOLD).hex()),
        (6, "outlet-1/reader", "received", "0000ff00ff00"),
    ]
    assert watch.take(11) is None


def test_a_watch_ends_by_itself_and_takes_its_hooks_away() -> None:
    drivers = Drivers()
    watch = WireWatch(drivers.listen)
    watch.watch(1 * SECOND, 0)
    watch.watch(1 * SECOND, 500 * MS)
    assert drivers.changes == 1
    assert watch.watching(1_499 * MS)
    assert not watch.watching(1_500 * MS)
    assert drivers.hook is None
    watch.watch(10 * MAX_WATCH_MS * MS, 2 * SECOND)
    assert not watch.watching(2 * SECOND + MAX_WATCH_MS * MS)


def test_the_watch_can_be_ended_and_forgets_what_waited() -> None:
    drivers = Drivers()
    watch = WireWatch(drivers.listen)
    watch.watch(1 * SECOND, 0)
    assert drivers.hook is not None
    drivers.hook(WIRE, 5, "sent", HOLD)
    watch.watch(0, 10)
    assert drivers.hook is None
    watch.watch(1 * SECOND, 20)
    assert watch.take(21) is None


def test_what_nobody_takes_is_dropped_and_counted() -> None:
    drivers = Drivers()
    watch = WireWatch(drivers.listen)
    watch.watch(1 * SECOND, 0)
    assert drivers.hook is not None
    for at_us in range(KEPT + 10):
        drivers.hook(WIRE, at_us, "sent", HOLD)
    first = watch.take(KEPT)
    assert first is not None
    assert (len(first.frames), first.lost, first.frames[0].at_us) == (MAX_BATCH, 10, 0)
