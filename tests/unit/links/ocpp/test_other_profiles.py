"""Local list, reservation, smart charging, remote trigger, at a whole charge point in virtual time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evse.core.commands import Authorise, Book, SetLimit, SetPhases, StartSession, Verdict
from evse.core.units import SECOND
from evse.exchange.snapshot import FaultView, PhaseSwitchView
from evse.links.ocpp.settings import LossStrategy, OutletFacts
from evse.links.ocpp.stamps import stamp
from tests.fakes.central_system import EPOCH_UTC_US
from tests.fakes.ocpp_bench import DEFAULTS, Bench, connected

pytestmark = pytest.mark.req("OCP-01")


def verdicts(bench: Bench) -> list[Verdict]:
    return [each.verdict for each in bench.of(Authorise)]


def later(bench: Bench, seconds: int) -> str:
    return stamp(EPOCH_UTC_US + bench.now_us + seconds * SECOND)


# --- local list ------------------------------------------------------------------------------------------------------


def entry(tag: str, status: str = "Accepted", **more: Any) -> dict[str, Any]:
    return {"idTag": tag, "idTagInfo": {"status": status, **more}}


def send_list(bench: Bench, version: int, kind: str, *entries: dict[str, Any]) -> str:
    payload = {"listVersion": version, "updateType": kind, "localAuthorizationList": list(entries)}
    status: str = bench.ask("SendLocalList", payload)["status"]
    return status


def version(bench: Bench) -> int:
    number: int = bench.ask("GetLocalListVersion")["listVersion"]
    return number


def test_a_list_full_and_differential_with_versions() -> None:
    bench = connected()
    assert version(bench) == 0
    assert send_list(bench, 3, "Full", entry("A"), entry("B", "Blocked")) == "Accepted"
    assert version(bench) == 3
    assert send_list(bench, 3, "Differential", entry("C")) == "VersionMismatch"
    assert send_list(bench, 4, "Differential", entry("C"), {"idTag": "B"}) == "Accepted"
    known = {tag: bench.context.known_tag(tag, bench.now_us) for tag in "ABC"}
    assert {tag: info and info.status for tag, info in known.items()} == {"A": "Accepted", "B": None, "C": "Accepted"}
    assert send_list(bench, 1, "Full") == "Accepted"
    assert (version(bench), len(bench.context.local_list)) == (1, 0)


@pytest.mark.parametrize(
    ("number", "kind", "entries"),
    [
        (5, "Full", [entry("A"), entry("a")]),
        (5, "Full", [{"idTag": "A"}]),
        (0, "Full", [entry("A")]),
        (5, "Full", [entry(f"T{n}") for n in range(251)]),
    ],
)
def test_a_list_that_cannot_be_used_changes_nothing(number: int, kind: str, entries: list[dict[str, Any]]) -> None:
    bench = connected()
    send_list(bench, 2, "Full", entry("OLD"))
    assert send_list(bench, number, kind, *entries) == "Failed"
    assert (version(bench), len(bench.context.local_list)) == (2, 1)


def test_more_entries_than_the_list_may_have_are_refused() -> None:
    bench = connected()
    for part in range(4):
        assert send_list(bench, part + 1, "Differential", *(entry(f"T{part}-{n}") for n in range(250))) == "Accepted"
    assert send_list(bench, 9, "Differential", entry("ONE-MORE")) == "Failed"


def test_the_list_can_be_switched_off() -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "LocalAuthListEnabled", "value": "false"})
    assert send_list(bench, 1, "Full", entry("A")) == "NotSupported"
    assert version(bench) == -1


@pytest.mark.req("AUT-01")
def test_the_list_rules_offline_and_outlives_a_power_cut() -> None:
    bench = connected(replace(DEFAULTS, loss=LossStrategy.CACHED_ONLY))
    gone = later(bench, 5)
    send_list(bench, 1, "Full", entry("04A1B2C3"), entry("04D4E5F6", "Blocked"), entry("0ABCDEF0", expiryDate=gone))
    bench.network(up=False)
    bench.power_cut()
    bench.run(2)
    bench.posted.clear()
    for number, uid in ((1, "04A1B2C3"), (2, "04D4E5F6"), (2, "0ABCDEF0")):
        bench.card(number, uid)
        bench.run(1)
    assert verdicts(bench) == [Verdict.ACCEPTED, Verdict.REFUSED, Verdict.REFUSED]


# --- reservation -----------------------------------------------------------------------------------------------------


def reserve(bench: Bench, connector: int, tag: str = "BOOKER", number: int = 1, **more: Any) -> str:
    payload = {"connectorId": connector, "expiryDate": later(bench, 600), "idTag": tag, "reservationId": number, **more}
    status: str = bench.ask("ReserveNow", payload)["status"]
    return status


def test_a_reservation_keeps_its_connector_until_it_is_cancelled() -> None:
    bench = connected()
    assert reserve(bench, 1) == "Accepted"
    (book,) = bench.of(Book)
    assert (book.outlet, book.uid) == (1, "BOOKER")
    assert abs(book.until_us - bench.now_us - 600 * SECOND) < 3 * SECOND
    assert bench.central.statuses[1] == "Reserved"
    assert reserve(bench, 1, "OTHER", 2) == "Occupied"
    assert bench.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "OTHER"}) == {"status": "Rejected"}
    assert bench.ask("CancelReservation", {"reservationId": 9}) == {"status": "Rejected"}
    assert bench.ask("CancelReservation", {"reservationId": 1}) == {"status": "Accepted"}
    assert bench.central.statuses[1] == "Available"


def test_a_reservation_that_comes_again_moves() -> None:
    bench = connected()
    reserve(bench, 1)
    assert reserve(bench, 2) == "Accepted"
    assert bench.central.statuses == {0: "Available", 1: "Available", 2: "Reserved"}


def test_the_transaction_of_the_booker_names_the_reservation_and_uses_it_up() -> None:
    bench = connected()
    reserve(bench, 1, "BOOKER", 42)
    assert bench.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "BOOKER"}) == {"status": "Accepted"}
    assert bench.central.payloads("StartTransaction")[0]["reservationId"] == 42
    assert bench.ask("CancelReservation", {"reservationId": 42}) == {"status": "Rejected"}


def test_a_reservation_for_a_group_is_for_each_of_it() -> None:
    bench = connected()
    bench.central.behaviour.parents["04D4E5F6"] = "FAMILY"
    reserve(bench, 1, "BOOKER", 42, parentIdTag="FAMILY")
    bench.card(1, "04D4E5F6")
    bench.run(2)
    assert bench.of(Book)[-1].uid == "04D4E5F6", "handed over before the verdict"
    assert bench.central.payloads("StartTransaction")[0]["reservationId"] == 42


@pytest.mark.parametrize("authorise", ["true", "false"])
@pytest.mark.parametrize("connector", [{"connectorId": 1}, {}])
def test_a_remote_start_by_an_id_of_the_group_uses_its_reservation(connector: dict[str, int], authorise: str) -> None:
    bench = connected(outlets=1)
    bench.ask("ChangeConfiguration", {"key": "AuthorizeRemoteTxRequests", "value": authorise})
    send_list(bench, 1, "Full", entry("04D4E5F6", parentIdTag="Family"), entry("04FF", parentIdTag="OTHERS"))
    reserve(bench, 1, "BOOKER", 42, parentIdTag="FAMILY")
    for stranger in ("04FF", "04EE"):
        assert bench.ask("RemoteStartTransaction", {**connector, "idTag": stranger}) == {"status": "Rejected"}
    assert bench.ask("RemoteStartTransaction", {**connector, "idTag": "04D4E5F6"}) == {"status": "Accepted"}
    orders = [each.uid for each in bench.posted if isinstance(each, Book | StartSession)]
    assert orders == ["BOOKER", "04D4E5F6", "04D4E5F6"], "handed over before the start"
    assert bench.central.payloads("StartTransaction")[0]["reservationId"] == 42


def test_a_reservation_is_its_bookers_again_when_an_id_of_the_group_does_not_start() -> None:
    bench = connected()
    send_list(bench, 1, "Full", entry("04D4E5F6", parentIdTag="FAMILY"))
    reserve(bench, 1, "BOOKER", 42, parentIdTag="FAMILY")
    bench.obeys[StartSession] = "the outlet is not free to start a session"
    bench.ask("ChangeConfiguration", {"key": "AuthorizeRemoteTxRequests", "value": "false"})
    assert bench.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "04D4E5F6"}) == {"status": "Rejected"}
    assert [each.uid for each in bench.of(Book)] == ["BOOKER", "04D4E5F6", "BOOKER"]


def test_a_reservation_handed_over_ends_in_time_too() -> None:
    bench = connected()
    bench.central.behaviour.parents["04D4E5F6"] = "Family"
    reserve(bench, 1, "BOOKER", 42, parentIdTag="FAMILY")
    ends_us = bench.of(Book)[-1].until_us
    bench.card(1, "04D4E5F6")
    bench.run(2)
    assert (bench.of(Book)[-1].uid, bench.of(Book)[-1].until_us) == ("04D4E5F6", ends_us)


def test_the_booker_is_known_in_either_case() -> None:
    bench = connected()
    reserve(bench, 1, "04a1b2c3", 42)
    assert bench.of(Book)[-1].uid == "04A1B2C3"
    bench.card(1, "04A1B2C3")
    bench.run(2)
    assert bench.central.payloads("StartTransaction")[0]["reservationId"] == 42


def test_two_reservations_at_one_moment_are_not_promised_the_same_connector() -> None:
    bench = connected()
    made = {"expiryDate": later(bench, 600), "idTag": "BOOKER"}
    asked = [(0, 1), (1, 2), (0, 3)]
    ids = [
        bench.central.call(bench.now_us, "ReserveNow", {**made, "connectorId": connector, "reservationId": number})
        for connector, number in asked
    ]
    bench.run(2)
    assert [bench.central.answers[each]["status"] for each in ids] == ["Accepted", "Occupied", "Accepted"]
    assert {each.reservation_id for each in bench.context.reservations.values()} == {1, 3}


def test_connector_zero_keeps_any_connector() -> None:
    bench = connected()
    bench.card(1, "04A1B2C3")
    bench.run(2)
    assert reserve(bench, 0) == "Accepted"
    assert bench.of(Book)[-1].outlet == 2
    assert reserve(bench, 0, "NEXT", 2) == "Occupied"


def test_a_reservation_of_any_connector_moves_when_its_connector_fails_and_is_used_up_at_each() -> None:
    bench = connected()
    assert reserve(bench, 0, "04A1B2C3", 42) == "Accepted"
    assert bench.central.statuses == {0: "Available", 1: "Reserved", 2: "Available"}
    bench.change(1, faults=(FaultView("ContactorWelded", "emergency", "service", 0),))
    bench.run(1)
    assert bench.central.statuses == {0: "Available", 1: "Faulted", 2: "Reserved"}
    bench.change(1, faults=())
    bench.run(1)
    bench.card(1, "04A1B2C3")
    bench.run(2)
    assert bench.central.payloads("StartTransaction")[0]["reservationId"] == 42
    assert bench.central.statuses[2] == "Available", "nothing is kept any more"
    assert bench.context.reservations == {}


def test_a_reservation_of_one_connector_stays_there_when_that_fails() -> None:
    bench = connected()
    reserve(bench, 1, "04A1B2C3")
    bench.change(1, faults=(FaultView("ContactorWelded", "emergency", "service", 0),))
    bench.run(1)
    assert set(bench.context.reservations) == {1}
    bench.card(2, "04A1B2C3")
    bench.run(2)
    assert "reservationId" not in bench.central.payloads("StartTransaction")[0]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"outlet_status": "OK_Unavailable"}, "Unavailable"),
        ({"cable_state": "32 A"}, "Occupied"),
    ],
)
def test_why_a_connector_cannot_be_kept(changes: dict[str, Any], status: str) -> None:
    bench = connected()
    bench.change(1, **changes)
    bench.run(1)
    assert reserve(bench, 1) == status
    assert reserve(bench, 5) == "Rejected"
    assert reserve(bench, 2, expiryDate="2020-01-01T00:00:00Z") == "Rejected"
    bench.obeys[Book] = "no"
    assert reserve(bench, 2) == "Rejected"


def test_an_expired_reservation_is_forgotten_and_a_power_cut_forgets_none() -> None:
    bench = connected()
    reserve(bench, 1)
    bench.power_cut()
    bench.run(3)
    assert bench.context.reservations[1].reservation_id == 1
    bench.run(700)
    assert bench.context.reservations == {}
    assert bench.ask("CancelReservation", {"reservationId": 1}) == {"status": "Rejected"}


# --- smart charging --------------------------------------------------------------------------------------------------


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


@pytest.mark.req("ENE-05", "OCP-04")
def test_without_external_control_profiles_are_refused() -> None:
    bench = connected(replace(DEFAULTS, external_limits=False))
    made = profile("TxDefaultProfile", (0, 10), schedule={"startSchedule": later(bench, 0)})
    assert set_profile(bench, 0, made) == "Rejected"
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


# --- remote trigger --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "connector", "sent"),
    [
        ("BootNotification", None, 1),
        ("Heartbeat", None, 1),
        ("StatusNotification", 1, 1),
        ("StatusNotification", None, 3),
        ("MeterValues", 2, 1),
        ("MeterValues", None, 2),
        ("DiagnosticsStatusNotification", None, 1),
        ("FirmwareStatusNotification", None, 1),
    ],
)
def test_each_message_that_can_be_triggered(message: str, connector: int | None, sent: int) -> None:
    bench = connected()
    payload = {"requestedMessage": message} | ({} if connector is None else {"connectorId": connector})
    assert bench.ask("TriggerMessage", payload) == {"status": "Accepted"}
    assert len(bench.central.payloads(message)) == sent
    assert bench.ask("TriggerMessage", {"requestedMessage": message, "connectorId": 5}) == {"status": "Rejected"}


def test_triggered_meter_values_say_so() -> None:
    bench = connected()
    bench.card(1, "04A1B2C3")
    bench.run(2)
    bench.ask("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1})
    (told,) = bench.central.payloads("MeterValues")
    assert told["transactionId"] == 1
    assert told["meterValue"][0]["sampledValue"][0]["context"] == "Trigger"
