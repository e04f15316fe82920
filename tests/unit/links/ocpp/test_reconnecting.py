"""Another connection within one start: what is told anew and what is not (OCPP 1.6, 4.2; OCPP-J 1.6, 5.3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evse.core.units import SECOND
from evse.links.ocpp.link import Backoff, LinkState, LinkWish
from tests.fakes.ocpp_bench import DEFAULTS, Bench, connected

pytestmark = pytest.mark.req("OCP-01")
BOOT = "BootNotification"


def cut(bench: Bench, seconds: float = 5) -> None:
    """The network is away for a while; the station is connected again afterwards."""
    bench.network(up=False)
    bench.run(seconds)
    bench.network(up=True)
    bench.run(max(60, 2 * seconds))
    assert bench.connected


def test_a_station_that_was_accepted_goes_on_without_registering_again() -> None:
    bench = connected()
    cut(bench)
    assert bench.context.link.may_ask
    assert bench.central.actions() == ["Heartbeat"], "nothing has changed, so only life and time are told"


def test_after_a_cut_the_statuses_that_changed_and_the_queue_are_told() -> None:
    bench = connected()
    bench.network(up=False)
    bench.run(1)
    bench.start_session(2, "04A1B2C3")
    bench.run(5)
    bench.network(up=True)
    bench.run(60)
    assert BOOT not in bench.central.actions()
    assert {each["connectorId"] for each in bench.central.payloads("StatusNotification")} == {2}
    assert len(bench.central.ledger) == 1


def test_a_status_that_was_lost_with_its_connection_is_told_by_the_next() -> None:
    bench = connected()
    bench.central.behaviour.silent.add("StatusNotification")
    bench.change(1, cable_state="32 A")
    bench.run(1)
    bench.central.behaviour.silent.clear()
    cut(bench)
    assert [each["status"] for each in bench.central.payloads("StatusNotification")] == ["Preparing"]


def test_another_start_of_control_while_offline_registers_with_the_next_connection() -> None:
    bench = connected()
    bench.network(up=False)
    bench.run(1)
    bench.services.start(bench.now_us, "another-boot")
    bench.network(up=True)
    bench.run(60)
    assert bench.central.actions().count(BOOT) == 1


@pytest.mark.req("OCP-05")
def test_services_that_start_anew_alone_are_no_start_of_the_station() -> None:
    bench = connected(replace(DEFAULTS, security_profile=1, password="correct-horse-battery"))
    bench.ask("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "77"})
    bench.central.requests.clear()
    bench.restart_services()
    bench.run(200)
    assert bench.context.link.may_ask
    actions = bench.central.actions()
    assert (actions.count(BOOT), actions.count("SecurityEventNotification")) == (0, 0)
    assert actions.count("StatusNotification") == 3, "nobody remembers what was told"
    assert actions.count("Heartbeat") == 3, "at once, and at the interval"
    bench.power_cut()
    bench.run(5)
    assert bench.central.actions().count(BOOT) == 1, "that is a start"


def test_services_that_start_anew_while_the_station_has_to_wait_wait_on() -> None:
    bench = Bench()
    bench.central.behaviour = replace(bench.central.behaviour, registration="Pending", interval_s=200)
    bench.run(2)
    bench.restart_services()
    bench.run(190)
    assert bench.context.link.state is LinkState.PENDING
    assert bench.central.actions() == [BOOT]
    bench.run(20)
    assert bench.central.actions() == [BOOT, BOOT]


def test_services_that_start_anew_for_another_central_system_register() -> None:
    bench = connected()
    bench.settings = replace(DEFAULTS, url="ws://127.0.0.1/elsewhere")
    bench.restart_services()
    bench.run(3)
    assert bench.central.actions().count(BOOT) == 1


def test_a_start_of_control_and_services_together_registers() -> None:
    bench = connected()
    bench.boot_id = "boot-after"
    bench.restart_services()
    bench.run(3)
    assert bench.central.actions().count(BOOT) == 1


def test_a_reset_registers_once_although_its_connection_is_cut() -> None:
    bench = connected()
    bench.ask("Reset", {"type": "Hard"}, seconds=3)
    bench.services.start(bench.now_us, "boot-after-reset")
    cut(bench)
    assert bench.central.actions().count(BOOT) == 1


@pytest.mark.parametrize(
    ("key", "value"), [("AuthorizationKey", "another-key-of-some-length"), ("SecurityProfile", "2")]
)
def test_other_security_means_another_connection_and_no_other_start(key: str, value: str) -> None:
    secured = replace(DEFAULTS, url="wss://central.example/", security_profile=1, password="correct-horse-battery")
    bench = connected(secured)
    assert bench.ask("ChangeConfiguration", {"key": key, "value": value}) == {"status": "Accepted"}
    attempts = len(bench.attempts)
    bench.run(60)
    assert len(bench.attempts) == attempts + 1
    assert bench.context.link.may_ask
    assert BOOT not in bench.central.actions()


def test_another_central_system_is_registered_with() -> None:
    bench = connected()
    bench.supervision.use(bench.now_us, replace(DEFAULTS, url="ws://127.0.0.1/elsewhere"))
    bench.run(20)
    assert bench.central.actions().count(BOOT) == 1
    assert bench.central.actions().count("StatusNotification") == 3, "it knows no status yet"


@pytest.mark.parametrize(("answer", "served"), [("Pending", True), ("Rejected", False)])
def test_who_was_told_to_wait_waits_over_a_cut_too(answer: str, served: bool) -> None:
    bench = Bench()
    bench.central.behaviour = replace(bench.central.behaviour, registration=answer, interval_s=200)
    bench.run(2)
    bench.network(up=False)
    bench.run(2)
    bench.network(up=True)
    bench.run(100)
    assert bench.connected
    assert bench.context.link.state is LinkState(answer.lower())
    assert (bench.ask("GetConfiguration", {"key": ["HeartbeatInterval"]}) is not None) is served
    assert bench.central.actions() == [BOOT], "not before the interval is over"
    bench.central.behaviour = replace(bench.central.behaviour, registration="Accepted")
    bench.run(110)
    assert bench.central.actions().count(BOOT) == 2
    assert bench.context.link.may_ask


def test_connections_without_any_answer_do_not_begin_the_waits_anew() -> None:
    link = connected().context.link
    backoff = Backoff(10 * SECOND, share=1.0)
    now_us, waits = 2_000 * SECOND, []
    link.closed(now_us, backoff)
    for _ in range(3):
        waits.append((link.wake_us() - now_us) // SECOND)
        now_us = link.wake_us()
        assert link.wish(now_us) is LinkWish.OPEN
        link.opened(now_us)
        assert link.may_ask
        link.closed(now_us, backoff)
    assert waits == [10, 20, 40]


def test_without_heartbeats_the_station_does_not_wake_for_them() -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "0"})
    assert bench.context.link.wake_us() > bench.now_us + 86_400 * SECOND
    bench.run(1_000)
    assert bench.central.actions() == []
