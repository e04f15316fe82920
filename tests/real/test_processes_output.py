"""A running station whose output nobody reads: it goes on, starts its processes again and stops when asked to."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial

import pytest

from tests.fakes.running_station import RunningStation, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(60)]


@pytest.fixture
def station() -> Iterator[RunningStation]:
    made = RunningStation("--verbose")
    yield made
    made.close()


def is_new(station: RunningStation, name: str, killed: int) -> bool:
    """Whether a successor of the killed process runs."""
    return station.pid(name) not in (0, killed)


@pytest.mark.parametrize("reader_stays", [True, False], ids=["stalled", "gone"])
def test_the_station_does_not_depend_on_who_reads_its_output(station: RunningStation, *, reader_stays: bool) -> None:
    reader, writer = os.pipe2(os.O_CLOEXEC)
    if reader_stays:
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x")
        except BlockingIOError:
            os.set_blocking(writer, True)
    else:
        os.close(reader)
    try:
        station.start(errors_to=writer)
        for name in ("services", "control"):
            killed = station.pid(name)
            os.kill(killed, signal.SIGKILL)
            until(f"{name} is started again", partial(is_new, station, name, killed))
        assert station.stop() == 0
    finally:
        os.close(writer)
        if reader_stays:
            os.close(reader)
