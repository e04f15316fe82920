"""What requests change reaches the disk before they are answered, and no flood of them wears the disk out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from evse.core.commands import SetLimit
from evse.core.units import SECOND
from evse.links.ocpp.bucket import Bucket
from evse.links.ocpp.keeping import AT_ONCE, EVERY_US, UNDER_WAY
from evse.services.journal import KeepDocument
from tests.fakes.central_system import EPOCH_UTC_US
from tests.fakes.ocpp_bench import DEFAULTS, UID, Bench, connected

pytestmark = pytest.mark.req("OCP-01")
EXPIRY = "2027-01-01T00:00:00Z"


def limit(amperes: float) -> dict[str, Any]:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": amperes}]}
    profile = {
        "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute", "chargingSchedule": {**schedule, "startSchedule": "2026-01-01T00:00:00Z"},
    }  # fmt: skip
    return {"connectorId": 1, "csChargingProfiles": profile}


def a_list(version: int) -> dict[str, Any]:
    entry = {"idTag": f"T{version}", "idTagInfo": {"status": "Accepted"}}
    return {"listVersion": version, "updateType": "Full", "localAuthorizationList": [entry]}


CHANGES: dict[str, tuple[str, Mapping[str, Any], str, str]] = {
    "a list": ("SendLocalList", a_list(1), "local list", "Failed"),
    "a profile": ("SetChargingProfile", limit(10), "profiles", "Rejected"),
    "a key": ("ChangeConfiguration", {"key": "MinimumStatusDuration", "value": "5"}, "keys", "Rejected"),
    "a reservation": (
        "ReserveNow",
        {"connectorId": 1, "expiryDate": EXPIRY, "idTag": "A", "reservationId": 1},
        "reservations",
        "Rejected",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_what_a_request_changes_is_durable_before_it_is_answered(what: str) -> None:
    action, payload, document, _ = CHANGES[what]
    bench = connected()
    bench.store.slow_disk(3 * SECOND)
    unique_id = bench.central.call(bench.now_us, action, payload)
    bench._wake()
    while unique_id not in bench.central.answers:
        bench.run(0.5)
        assert bench.now_us < 2_000 * SECOND
    assert document in bench.store.journal(UID).documents()
    assert bench.central.answers[unique_id] == {"status": "Accepted"}


@pytest.mark.parametrize("what", [name for name in CHANGES if name != "a reservation"])
def test_a_disk_that_takes_nothing_is_a_refusal(what: str) -> None:
    action, payload, _, refused = CHANGES[what]
    bench = connected()
    bench.store.full_disk()
    assert bench.ask(action, payload, seconds=19) is None
    bench.run(3)
    assert list(bench.central.answers.values())[-1] == {"status": refused}


def commits(bench: Bench) -> list[list[str]]:
    """Names of the documents of each commit from now on."""
    made: list[list[str]] = []
    journal = bench.services._journal
    plain = journal.commit

    def counted(writes: Any, done: Any) -> None:
        names = [write.name for write in writes if isinstance(write, KeepDocument)]
        if names:
            made.append(names)
        plain(writes, done)

    journal.commit = counted  # type: ignore[method-assign]
    return made


def firmware(number: int) -> dict[str, Any]:
    return {"location": f"http://files.example/{number}.zip", "retrieveDate": EXPIRY}


FLOODS: dict[str, tuple[Callable[[int], dict[str, Any]], dict[str, str], str, str]] = {
    "SendLocalList": (a_list, {"status": "Accepted"}, "local list", '"version":100'),
    "SetChargingProfile": (lambda n: limit(6 + n % 20), {"status": "Accepted"}, "profiles", '"limit":6.0'),
    "ChangeConfiguration": (
        *(lambda n: {"key": "MinimumStatusDuration", "value": str(n)}, {"status": "Accepted"}),
        *("keys", '"100"'),
    ),
    "UpdateFirmware": (firmware, {}, "firmware order", "/100.zip"),
}


@pytest.mark.parametrize("action", FLOODS)
def test_a_flood_of_changes_costs_few_commits_and_each_is_answered(action: str) -> None:
    payload, answer, document, newest = FLOODS[action]
    bench = connected()
    made = commits(bench)
    ids = []
    for number in range(1, 101):
        ids.append(bench.central.call(bench.now_us, action, payload(number)))
        bench._wake()
        bench.run(0.11)
    bench.run(5)
    assert [bench.central.answers.get(each) for each in ids] == [answer] * 100
    seconds = 100 * 0.11
    assert len(made) <= AT_ONCE + seconds * SECOND / EVERY_US + 2
    assert newest in bench.store.journal(UID).documents()[document].replace(" ", "")
    assert len(bench.of(SetLimit)) < 30 + seconds + 10, "control keeps each plan too"


def test_what_comes_again_unchanged_is_answered_without_a_commit() -> None:
    bench = connected()
    bench.ask("SetChargingProfile", limit(10))
    made = commits(bench)
    for _ in range(10):
        assert bench.ask("SetChargingProfile", limit(10)) == {"status": "Accepted"}
    assert made == []


def test_what_is_under_way_to_the_disk_is_not_taken_for_durable() -> None:
    bench = connected()
    bench.store.slow_disk(5 * SECOND)
    first = bench.central.call(bench.now_us, "SetChargingProfile", limit(10))
    second = bench.central.call(bench.now_us, "SetChargingProfile", limit(10))
    bench._wake()
    bench.run(4)
    assert not {first, second} & set(bench.central.answers)
    bench.run(12)
    assert {first, second} <= set(bench.central.answers)


def test_a_transaction_waits_for_no_turn() -> None:
    bench = connected()
    for number in range(1, 60):
        bench.central.call(bench.now_us, "SendLocalList", a_list(number))
    bench._wake()
    bench.start_session(1, "04A1B2C3")
    bench.run(1)
    assert len(bench.central.ledger) == 1


@pytest.mark.parametrize("action", ["ReserveNow", "ChangeAvailability"])
def test_a_flood_of_orders_is_answered_with_errors(action: str) -> None:
    payload = {
        "ReserveNow": {"connectorId": 1, "expiryDate": EXPIRY, "idTag": "A", "reservationId": 1},
        "ChangeAvailability": {"connectorId": 1, "type": "Inoperative"},
    }[action]
    bench = connected()
    ids = []
    for _ in range(200):
        ids.append(bench.central.call(bench.now_us, action, payload))
        bench._wake()
        bench.run(0.11)
    answers = [bench.central.answers.get(each) for each in ids]
    assert 60 <= 200 - answers.count("GenericError") <= 60 + 200 * 0.11 / 2 + 2


def test_a_bucket_gives_so_many_at_once_and_then_one_in_a_while() -> None:
    bucket = Bucket(2, 10)
    now_us = EPOCH_UTC_US
    assert [bucket.take(now_us) for _ in range(3)] == [True, True, False]
    due_us = bucket.next_us(now_us)
    assert now_us < due_us <= now_us + 10
    assert [bucket.take(due_us) for _ in range(2)] == [True, False]
    assert [bucket.take(due_us + 1_000) for _ in range(3)] == [True, True, False]


def test_a_disk_that_takes_nothing_is_piled_up_with_nothing() -> None:
    bench = connected()
    bench.store.full_disk()
    made = commits(bench)
    for number in range(1, 260):
        bench.central.call(bench.now_us, "SetChargingProfile", limit(6 + number % 20))
        bench._wake()
        bench.run(0.11)
    assert len(made) <= UNDER_WAY
    assert list(bench.central.answers.values())[:60] == [{"status": "Rejected"}] * 60, "each in its time"
    bench.store.mended_disk()
    bench.run(5)
    assert '"limit":25.0' in bench.store.journal(UID).documents()["profiles"], "the newest is there in the end"


@pytest.mark.req("OCP-05")
@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("TriggerMessage", {"requestedMessage": "BootNotification"}),
        ("InstallCertificate", {"certificateType": "CentralSystemRootCertificate", "certificate": "nonsense"}),
        ("CertificateSigned", {"certificateChain": "nonsense"}),
    ],
)
def test_what_follows_from_a_flood_of_requests_costs_few_commits(action: str, payload: dict[str, Any]) -> None:
    bench = connected(replace(DEFAULTS, security_profile=1, password="correct-horse-battery"))
    made = commits(bench)
    for _ in range(100):
        bench.central.call(bench.now_us, action, payload)
        bench._wake()
        bench.run(0.11)
    assert len(made) <= AT_ONCE + 100 * 0.11 * SECOND / EVERY_US + 2
