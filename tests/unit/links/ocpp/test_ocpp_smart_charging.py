"""Smart charging at a whole charge point in virtual time (OCPP 1.6, 3.13, 5.5, 5.7, 5.16)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evse.core.commands import SetLimit, SetPhases
from evse.core.units import SECOND
from evse.exchange.snapshot import PhaseSwitchView
from evse.links.ocpp.settings import OutletFacts
from tests.fakes.ocpp_bench import DEFAULTS, UID, Bench, connected
from tests.fakes.ocpp_words import later

pytestmark = pytest.mark.req("OCP-01")


def profile(purpose: str = "TxDefaultProfile", *periods: tuple[int, float], **more: Any) -> dict[str, Any]:
    schedule = {
        "chargingRateUnit": more.pop("unit", "A"),
        "chargingSchedulePeriod": [{"startPeriod": start, "limit": limit} for start, limit in periods],
        **more.pop("schedule", {}),
    }
    return {
        "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute", "chargingSchedule": schedule, **more,
    }  # fmt: skip


def set_profile(bench: Bench, connector: int, made: dict[str, Any]) -> str:
    status: str = bench.ask("SetChargingProfile", {"connectorId": connector, "csChargingProfiles": made})["status"]
    return status


def plan(bench: Bench, connector: int) -> list[tuple[float, float | None]] | None:
    """The last plan that control was told: seconds from now, amperes; ``None`` when the limit was taken back."""
    command = [each for each in bench.of(SetLimit) if each.outlet == connector][-1]
    if not command.active:
        return None
    if not command.plan:
        return [(0, command.current_ma / 1_000)]
    from_now_s = (command.starts_us - bench.now_us) / SECOND
    return [
        (round(from_now_s + step.after_us / SECOND), step.phases_ma and step.phases_ma[0] / 1_000)
        for step in command.plan
    ]


@pytest.mark.req("OCP-04", "ENE-05")
def test_a_profile_becomes_a_limit_within_a_second_and_its_next_period_the_fallback() -> None:
    bench = connected()
    start = {"startSchedule": later(bench, 0)}
    bench.run(1)
    assert set_profile(bench, 0, profile("ChargePointMaxProfile", (0, 20), (60, 10), schedule=start)) == "Accepted"
    assert plan(bench, 0) == [(-1, 20.0), (58, 10.0)]
    posted = len(bench.of(SetLimit))
    bench.run(3_600)
    assert len(bench.of(SetLimit)) == posted, "control follows the plan by itself"
    assert bench.ask("ClearChargingProfile", {"id": 1}) == {"status": "Accepted"}
    assert plan(bench, 0) is None
    assert bench.ask("ClearChargingProfile", {"id": 1}) == {"status": "Unknown"}


@pytest.mark.req("OCP-04")
def test_a_long_schedule_is_told_in_parts_and_a_clock_step_moves_it() -> None:
    bench = connected()
    start = {"startSchedule": later(bench, 0)}
    steps = [(60 * n, 6 + n % 20) for n in range(40)]
    assert set_profile(bench, 1, profile("TxDefaultProfile", *steps, schedule=start)) == "Accepted"
    told = plan(bench, 1)
    assert told is not None
    assert [amperes for _, amperes in told] == [6 + n % 20 for n in range(24)]
    bench.run(12 * 60 + 5)
    told = plan(bench, 1)
    assert told is not None
    assert [amperes for _, amperes in told] == [6 + n % 20 for n in range(12, 36)], "the next part in time"
    bench.clock_error_us += 120 * SECOND
    bench.change(2)
    bench.run(1)
    told = plan(bench, 1)
    assert told is not None
    assert told[0][1] == 6 + 14


def switched(bench: Bench, connector: int = 1) -> None:
    """The outlet's phase switch has done what was ordered."""
    phases, allowed_us = bench.of(SetPhases)[-1].phases, bench.now_us + 300 * SECOND
    bench.change(connector, phase_switch=PhaseSwitchView(phases, changing=False, failed=False, allowed_us=allowed_us))


def ordered(bench: Bench) -> list[tuple[int, int]]:
    """What was ordered; one that is not obeyed is given again."""
    return list(dict.fromkeys((each.outlet, each.phases) for each in bench.of(SetPhases)))


@pytest.mark.req("OCP-04")
def test_a_profile_switches_the_phases_where_that_is_possible() -> None:
    bench = Bench()
    outlets = {1: OutletFacts(phase_switch=True), 2: OutletFacts()}
    bench.identity = replace(bench.identity, outlets=outlets)
    bench.power_cut()
    bench.change(1, phase_switch=PhaseSwitchView(3, changing=False, failed=False, allowed_us=0))
    bench.run(5)
    (entry,) = bench.ask("GetConfiguration", {"key": ["ConnectorSwitch3to1PhaseSupported"]})["configurationKey"]
    assert entry["value"] == "true"
    assert ordered(bench) == [], "without a profile nothing is switched"
    schedule = {
        "startSchedule": later(bench, 0),
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 2_300.0, "numberPhases": 1},
            {"startPeriod": 100, "limit": 6_900.0},
        ],
    }
    assert set_profile(bench, 1, profile("TxDefaultProfile", unit="W", schedule=schedule)) == "Accepted"
    assert [amperes for _, amperes in plan(bench, 1) or ()] == [3.333, 10.0], "as long as three phases are fed"
    assert ordered(bench) == [(1, 1)]
    switched(bench)
    bench.run(2)
    assert [amperes for _, amperes in plan(bench, 1) or ()] == [10.0, 30.0]
    bench.run(250)
    assert ordered(bench) == [(1, 1)], "the switch has to rest"
    bench.run(60)
    assert ordered(bench) == [(1, 1), (1, 3)]
    switched(bench)
    bench.run(2)
    assert [amperes for _, amperes in plan(bench, 1) or ()] == [10.0]
    assert set_profile(bench, 2, profile("TxDefaultProfile", (0, 9.0))) == "Accepted"
    assert ordered(bench) == [(1, 1), (1, 3)]


@pytest.mark.req("OCP-04")
def test_after_the_last_profile_the_switch_goes_back_to_three_phases_and_is_left_alone() -> None:
    bench = connected()
    bench.change(1, phase_switch=PhaseSwitchView(3, changing=False, failed=False, allowed_us=0))
    schedule = {"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 9.0, "numberPhases": 1}]}
    assert (
        set_profile(bench, 1, profile("TxDefaultProfile", schedule={**schedule, "startSchedule": later(bench, 0)}))
        == "Accepted"
    )
    switched(bench)
    assert bench.ask("ClearChargingProfile", {}) == {"status": "Accepted"}
    bench.run(320)
    assert ordered(bench) == [(1, 1), (1, 3)]
    switched(bench)
    bench.run(2)
    bench.posted.clear()
    bench.change(1, phase_switch=PhaseSwitchView(1, changing=False, failed=False, allowed_us=0))
    bench.run(400)
    assert ordered(bench) == [], "somebody else has ordered one"


@pytest.mark.req("OCP-04")
def test_where_a_schedule_ends_nothing_is_limited() -> None:
    bench = connected()
    start = {"startSchedule": later(bench, 30), "duration": 60}
    assert set_profile(bench, 2, profile("TxDefaultProfile", (0, 9), schedule=start)) == "Accepted"
    told = plan(bench, 2)
    assert told is not None
    assert [amperes for _, amperes in told] == [None, 9.0, None]


@pytest.mark.req("OCP-04")
def test_a_transaction_profile_rules_its_transaction_and_goes_with_it() -> None:
    bench = connected()
    relative = profile("TxProfile", (0, 8), chargingProfileKind="Relative")
    assert set_profile(bench, 1, relative) == "Rejected", "no transaction runs"
    bench.card(1, "04A1B2C3")
    bench.run(2)
    assert set_profile(bench, 1, {**relative, "transactionId": 77}) == "Rejected"
    assert set_profile(bench, 1, {**relative, "transactionId": 1}) == "Accepted"
    assert plan(bench, 1) == [(0, 8.0)]
    bench.stop_session(1)
    bench.run(2)
    assert plan(bench, 1) is None
    assert bench.context.profiles.installed == ()


@pytest.mark.req("OCP-04")
def test_a_transaction_profile_outlives_a_restart_of_the_services_but_no_power_cut() -> None:
    bench = connected()
    bench.card(1, "04A1B2C3")
    bench.run(1)
    assert set_profile(bench, 1, profile("TxProfile", (0, 9.0), transactionId=1)) == "Accepted"
    bench.restart_services()
    bench.posted.clear()
    bench.run(5)
    assert plan(bench, 1) == [(0, 9.0)]
    bench.power_cut()
    bench.run(5)
    assert bench.context.profiles.installed == ()


@pytest.mark.req("OCP-04")
def test_a_remote_start_brings_its_profile() -> None:
    bench = connected()
    made = profile("TxProfile", (0, 11), chargingProfileKind="Relative")
    bad = {"connectorId": 1, "idTag": "R", "chargingProfile": profile("TxDefaultProfile", (0, 11))}
    assert bench.ask("RemoteStartTransaction", bad) == {"status": "Rejected"}
    good = {**bad, "chargingProfile": made}
    assert bench.ask("RemoteStartTransaction", good) == {"status": "Accepted"}
    assert plan(bench, 1) == [(0, 11.0)]


@pytest.mark.req("OCP-04", "OCP-07")
@pytest.mark.parametrize("wait_s", [0, 1])
def test_a_second_remote_start_leaves_the_profile_of_the_first_alone(wait_s: float) -> None:
    bench = connected()
    wanted = {"connectorId": 1, "idTag": "R"}
    first = {**wanted, "chargingProfile": profile("TxProfile", (0, 11), chargingProfileKind="Relative")}
    second = {**wanted, "chargingProfile": profile("TxProfile", (0, 7), chargingProfileKind="Relative")}
    bench.plugs_at_once = False
    accepted = bench.central.call(bench.now_us, "RemoteStartTransaction", first)
    bench.run(wait_s)
    assert bench.ask("RemoteStartTransaction", second) == {"status": "Rejected"}
    assert bench.central.answers[accepted] == {"status": "Accepted"}
    bench.plug(1)
    bench.run(1)
    assert plan(bench, 1) == [(0, 11.0)]


@pytest.mark.req("OCP-04", "OCP-07")
def test_the_profile_of_a_remote_start_outlives_services_that_start_anew_but_not_its_session() -> None:
    bench = connected()
    bench.plugs_at_once = False
    made = profile("TxProfile", (0, 11), chargingProfileKind="Relative")
    for connector in (1, 2):
        wanted = {"connectorId": connector, "idTag": f"R{connector}", "chargingProfile": made}
        assert bench.ask("RemoteStartTransaction", wanted) == {"status": "Accepted"}
    bench.restart_services()
    bench.run(60)
    bench.plug(1)
    bench.stop_session(2, "Timeout")
    bench.start_session(2, "R2")
    bench.run(1)
    assert plan(bench, 1) == [(0, 11.0)]
    assert plan(bench, 2) is None
    assert "pending profiles" not in bench.store.journal(UID).documents()


@pytest.mark.req("OCP-04", "OCP-07")
def test_the_profile_of_a_remote_start_is_not_for_whoever_was_quicker() -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "AuthorizeRemoteTxRequests", "value": "true"})
    bench.central.behaviour.silent.add("Authorize")
    made = profile("TxProfile", (0, 11), chargingProfileKind="Relative")
    bench.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "R", "chargingProfile": made})
    bench.start_session(1, "QUICK")
    bench.run(1)
    assert plan(bench, 1) is None


@pytest.mark.req("ENE-05", "OCP-04")
def test_without_external_control_profiles_are_refused() -> None:
    bench = connected(replace(DEFAULTS, external_limits=False))
    made = profile("TxDefaultProfile", (0, 10), schedule={"startSchedule": later(bench, 0)})
    assert set_profile(bench, 0, made) == "NotSupported"
    assert not bench.of(SetLimit)
    bench.supervision.use(bench.now_us, DEFAULTS)
    assert set_profile(bench, 0, made) == "Accepted"
    assert plan(bench, 1) == [(-1, 10.0)] or plan(bench, 1) == [(0, 10.0)]
    posted = len(bench.of(SetLimit))
    bench.supervision.use(bench.now_us, replace(DEFAULTS, external_limits=False))
    bench.run(1)
    assert len(bench.of(SetLimit)) == posted
    bench.supervision.use(bench.now_us, DEFAULTS)
    bench.run(1)
    assert len(bench.of(SetLimit)) > posted, "told again"


@pytest.mark.parametrize(
    ("connector", "made"),
    [
        (9, profile("TxDefaultProfile", (0, 10))),
        (1, profile("ChargePointMaxProfile", (0, 10))),
        (0, profile("TxDefaultProfile", (5, 10))),
        (0, profile("TxDefaultProfile", (0, 10), stackLevel=99)),
        (0, profile("TxDefaultProfile", (0, 10), chargingProfileKind="Recurring")),
        (0, profile("TxDefaultProfile", *((n, 10) for n in range(60)))),
    ],
)
def test_bad_profiles_are_rejected_and_change_nothing(connector: int, made: dict[str, Any]) -> None:
    bench = connected()
    assert set_profile(bench, connector, made) == "Rejected"
    assert bench.context.profiles.installed == ()


@pytest.mark.req("OCP-04")
def test_the_composite_schedule_to_the_second() -> None:
    bench = connected()
    start = {"startSchedule": later(bench, 10), "duration": 100}
    set_profile(bench, 1, profile("TxDefaultProfile", (0, 10), (50, 6), schedule=start))
    bench.run(3)
    answer = bench.ask("GetCompositeSchedule", {"connectorId": 1, "duration": 300})
    assert answer["status"] == "Accepted"
    assert [(each["startPeriod"], each["limit"]) for each in answer["chargingSchedule"]["chargingSchedulePeriod"]] == [
        (0, 32.0), (6, 10.0), (56, 6.0), (106, 32.0),
    ]  # fmt: skip
    watts = bench.ask("GetCompositeSchedule", {"connectorId": 1, "duration": 10, "chargingRateUnit": "W"})
    assert watts["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == 22_080.0
    assert bench.ask("GetCompositeSchedule", {"connectorId": 0, "duration": 10})["status"] == "Accepted"
    assert bench.ask("GetCompositeSchedule", {"connectorId": 4, "duration": 10}) == {"status": "Rejected"}


def test_a_limit_of_the_station_without_a_start_holds_from_now_on() -> None:
    bench = connected()
    assert set_profile(bench, 0, profile("ChargePointMaxProfile", (0, 10))) == "Accepted"
    bench.run(3)
    assert plan(bench, 0) == plan(bench, 1) == [(0, 10.0)], "an accepted limit that never counts is none"


@pytest.mark.req("OCP-04")
def test_a_composite_schedule_that_is_cut_says_how_long_it_holds() -> None:
    bench = connected()
    steps = [(second, 10 + second % 2) for second in range(48)]
    made = profile("TxDefaultProfile", *steps, schedule={"startSchedule": later(bench, 0), "duration": 48})
    daily = {**made, "chargingProfileKind": "Recurring", "recurrencyKind": "Daily"}
    set_profile(bench, 1, daily)
    for number in range(2, 9):
        shifted = {**daily["chargingSchedule"], "startSchedule": later(bench, 100 * number)}
        other = {**daily, "chargingProfileId": number, "stackLevel": number, "chargingSchedule": shifted}
        assert set_profile(bench, 1, other) == "Accepted"
    answer = bench.ask("GetCompositeSchedule", {"connectorId": 1, "duration": 7 * 86_400})["chargingSchedule"]
    assert len(answer["chargingSchedulePeriod"]) == 512
    assert 86_400 < answer["duration"] < 3 * 86_400


@pytest.mark.req("OCP-04")
def test_default_and_station_profiles_outlive_a_power_cut_and_are_told_to_control_again() -> None:
    bench = connected()
    set_profile(bench, 0, profile("ChargePointMaxProfile", (0, 20), schedule={"startSchedule": later(bench, 0)}))
    bench.power_cut()
    bench.posted.clear()
    bench.run(2)
    assert plan(bench, 0) == [(0, 20.0)]
    assert plan(bench, 1) == [(0, 20.0)], "and no outlet may have more than the station"


def test_after_a_start_what_a_transactions_profile_left_at_an_outlet_is_taken_back() -> None:
    bench = connected()
    assert [plan(bench, number) for number in (0, 1, 2)] == [None] * 3
