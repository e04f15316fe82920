"""A running station whose disk takes no more: charging goes on, it is said, and everything comes right by itself."""

from __future__ import annotations

import resource
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.fakes.running_station import RunningStation, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

OTHER = "0BADCAFE"


@pytest.fixture
def station() -> Iterator[RunningStation]:
    running = RunningStation()
    try:
        yield running.start()
    finally:
        running.close()


def problem(station: RunningStation) -> str:
    """What the station says of its journal; the health route answers 503 while it cannot write."""
    try:
        with urllib.request.urlopen(station.url + "api/health", timeout=5) as answer:  # noqa: S310  # our own
            answer.read()
            return ""
    except urllib.error.HTTPError as error:
        return error.read().decode()


@pytest.mark.req("CDR-05")
def test_a_disk_that_takes_nothing_stops_no_charge_and_is_told(station: RunningStation) -> None:
    station.charge(1)
    services = station.pid("services")
    hard = resource.prlimit(services, resource.RLIMIT_FSIZE)[1]
    # Every write of the services process fails from here on, as on a disk without room.
    resource.prlimit(services, resource.RLIMIT_FSIZE, (0, hard))
    station.verb("plug_in", outlet=2)
    station.verb("present_card", outlet=2, uid=OTHER, hold=1)
    told = until("the problem is told", lambda: problem(station))
    assert "journal" in told
    until("outlet 2 waits for its record", lambda: "RecordNotDurable" in station.outlet(2).get("no_offer_reasons", ()))
    assert station.truth(1)["contact_closed"]
    assert not station.truth(2)["contact_closed"]
    resource.prlimit(services, resource.RLIMIT_FSIZE, (hard, hard))
    until("it works again", lambda: not problem(station))
    until("outlet 2 charges", lambda: station.truth(2)["contact_closed"])
    assert station.pid("services") == services, "nobody had to die for it"
    assert station.truth(1)["contact_closed"]
