"""Security events wait on the disk, are told one by one in their order, and end when they are answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evse.links.ocpp.security_events import LIMIT, STRANGERS, SecurityEvents, Waiting
from evse.services.clock import ClockQuality, Instant
from tests.fakes.ocpp_bench import DEFAULTS, Bench, connected

pytestmark = pytest.mark.req("OCP-05")
SECURE = replace(DEFAULTS, security_profile=1, password="correct-horse-battery", retry_interval_s=1)
AT = Instant("boot1", 5, 1_767_225_600_000_000, ClockQuality.SET)


def told(bench: Bench) -> list[tuple[str, str]]:
    return [(each["type"], each.get("techInfo", "")) for each in bench.central.payloads("SecurityEventNotification")]


def test_events_from_before_a_power_cut_are_told_once_after_it_in_order_and_with_their_times() -> None:
    bench = connected(SECURE)
    bench.network(up=False)
    bench.run(1)
    for number in range(3):
        bench.supervision.security_event(bench.now_us, "Login", f"user {number}")
        bench.run(10)
    bench.power_cut(3_600)
    bench.network(up=True)
    bench.run(60)
    found = bench.central.payloads("SecurityEventNotification")
    assert [each.get("techInfo", "") for each in found] == ["user 0", "user 1", "user 2", ""]
    assert found[3]["type"] == "StartupOfTheDevice"
    assert [each["timestamp"][11:19] for each in found[:3]] == ["00:16:43", "00:16:53", "00:17:03"]
    bench.power_cut()
    bench.run(60)
    assert len(told(bench)) == 5, "each once, and the second start"


def test_an_event_whose_answer_is_lost_is_told_again() -> None:
    bench = connected(SECURE)
    bench.central.behaviour.silent.add("SecurityEventNotification")
    bench.supervision.security_event(bench.now_us, "Login", "admin")
    bench.run(1)
    bench.network(up=False)
    bench.run(1)
    bench.central.behaviour.silent.clear()
    bench.network(up=True)
    bench.run(60)
    assert told(bench)[-1] == ("Login", "admin")


def test_without_a_security_profile_nothing_waits() -> None:
    bench = connected()
    bench.supervision.security_event(bench.now_us, "Login", "admin")
    bench.run(5)
    assert told(bench) == [] and len(bench.context.security_events) == 0


def test_the_room_is_bounded_and_strangers_have_a_share_of_it() -> None:
    events = SecurityEvents()
    for number in range(LIMIT + 5):
        events.add(Waiting("Login", AT, str(number)))
        events.add(Waiting("LoginFailed", AT, str(number), stranger=True))
    assert len(events) == LIMIT
    again = SecurityEvents(events.text())
    assert again.text() == events.text()
    fresh = SecurityEvents()
    for number in range(LIMIT):
        fresh.add(Waiting("LoginFailed", AT, str(number), stranger=True))
    assert len(fresh) == STRANGERS


def test_what_nobody_wants_to_know_is_forgotten() -> None:
    events = SecurityEvents()
    events.add(Waiting("Login", AT))
    events.clear()
    assert events.changed and events.text() == "" and events.next() is None
