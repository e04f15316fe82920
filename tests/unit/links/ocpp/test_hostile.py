"""A central system that is broken, or wants to break the station: no crash, no limit raised, charging goes on."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evse.core.commands import SetLimit, StopSession
from evse.links.ocpp.handlers import HANDLERS
from evse.links.ocpp.link import LinkState
from evse.links.ocpp.schemas import schema_of
from tests.fakes.ocpp_bench import Bench, connected

pytestmark = pytest.mark.req("OCP-01")


def charging() -> Bench:
    bench = connected()
    bench.card(1, "04A1B2C3")
    bench.run(2)
    return bench


def undisturbed(bench: Bench) -> bool:
    """The charge goes on, nothing was ended or raised, and the station still answers."""
    assert bench.outlet(1).session is not None
    assert not bench.of(StopSession)
    assert not [each for each in bench.of(SetLimit) if each.active]
    return bool(bench.ask("GetConfiguration", {"key": ["HeartbeatInterval"]}, seconds=60))


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{}", "5", '"text"', "[2]", '[2,"x"]', '[2,5,"Reset",{}]', '[9,"x","Reset",{}]', "[" * 100_000,
        '[2,"x","Reset",' + "[" * 5_000 + "]" * 5_000 + "]", '[2,"x","Reset",{"type":NaN}]', '[2,"x","Reset"', "\x00\xff",
        '[2,"' + "x" * 100 + '","Reset",{}]', '[2,"x","Reset",{"type":"' + "y" * 70_000 + '"}]', '[3,"x",{}]', '[4,"x","a","b",{}]',
        "[3," + "9" * 5_000 + ",{}]", '[2,"x",["Reset"],{}]', '[true,"x","Reset",{}]',
    ],
)  # fmt: skip
def test_what_is_no_frame_disturbs_nobody(text: str) -> None:
    bench = charging()
    bench.central.raw(bench.now_us, text)
    bench.run(1)
    assert undisturbed(bench)


def test_after_many_such_texts_the_connection_is_closed() -> None:
    bench = charging()
    attempts = len(bench.attempts)
    for _ in range(20):
        bench.central.raw(bench.now_us, "nonsense")
    bench.run(2)
    bench.run(60)
    assert len(bench.attempts) > attempts
    assert undisturbed(bench)


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("Reset", {}, "OccurenceConstraintViolation"),
        ("Reset", {"type": 5}, "TypeConstraintViolation"),
        ("Reset", {"type": "Explode"}, "PropertyConstraintViolation"),
        ("Reset", {"type": "Soft", "more": 1}, "FormationViolation"),
        ("RemoteStartTransaction", {"idTag": "x" * 21}, "PropertyConstraintViolation"),
        ("__class__", {}, "NotImplemented"),
        ("reset", {"type": "Soft"}, "NotImplemented"),
    ],
)
def test_each_kind_of_wrong_payload_has_its_code(action: str, payload: dict[str, Any], code: str) -> None:
    bench = charging()
    assert bench.ask(action, payload) == code
    assert undisturbed(bench)


@pytest.mark.parametrize("action", sorted(HANDLERS))
def test_no_request_without_its_fields_does_anything(action: str) -> None:
    bench = charging()
    answer = bench.ask(action, {})
    if schema_of(action).get("required"):
        assert answer == "OccurenceConstraintViolation"
    assert undisturbed(bench)


def test_a_request_that_is_sent_twice_is_done_once_and_answered_twice() -> None:
    bench = connected()
    for _ in range(2):
        bench.central.call(bench.now_us, "RemoteStartTransaction", {"connectorId": 1, "idTag": "R"}, "same")
    bench.run(2)
    assert bench.central.answers["same"] == {"status": "Accepted"}
    bench.central.call(bench.now_us, "RemoteStartTransaction", {"connectorId": 1, "idTag": "R"}, "same")
    bench.run(2)
    assert bench.central.answers["same"] == {"status": "Accepted"}
    assert bench.central.answered["same"] >= 2
    assert len(bench.central.ledger) == 1


def test_a_flood_is_answered_with_errors_and_passes() -> None:
    bench = charging()
    ids = [bench.central.call(bench.now_us, "GetLocalListVersion", {}) for _ in range(500)]
    bench.run(2)
    answers = [bench.central.answers.get(each) for each in ids]
    assert answers.count("GenericError") > 400
    assert undisturbed(bench)


@pytest.mark.parametrize(
    "action", ["BootNotification", "Heartbeat", "Authorize", "StartTransaction", "StopTransaction"]
)
def test_nonsense_for_an_answer_is_an_error(action: str) -> None:
    bench = connected()
    bench.central.behaviour.wrong.add(action)
    bench.card(1, "04A1B2C3")
    bench.run(700)
    if bench.outlet(1).session is not None:
        bench.stop_session(1)
    bench.run(400)
    bench.central.behaviour.wrong.clear()
    assert bench.context.link.state is LinkState.ACCEPTED
    assert bench.ask("GetConfiguration", {"key": ["HeartbeatInterval"]})


def test_double_and_unasked_answers_change_nothing() -> None:
    bench = connected()
    bench.central.behaviour.double = True
    bench.card(1, "04A1B2C3")
    bench.run(2)
    bench.central.raw(
        bench.now_us, json.dumps([3, "tx-1", {"transactionId": 999, "idTagInfo": {"status": "Accepted"}}])
    )
    bench.run(1)
    bench.stop_session(1)
    bench.run(2)
    (entry,) = bench.central.ledger.values()
    assert entry.stops[0]["transactionId"] == 1
    assert bench.point.answers_to_nothing > 0


@pytest.mark.parametrize("fields", [{"limit": 1e308}, {"limit": -5.0}, {"startPeriod": 10**12, "limit": 1.0}])
def test_a_profile_raises_nothing_and_breaks_nothing(fields: dict[str, Any]) -> None:
    bench = charging()
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, **fields}]}
    made = {
        "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute", "chargingSchedule": schedule,
    }  # fmt: skip
    answer = bench.ask("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": made})
    assert answer in ({"status": "Rejected"}, "PropertyConstraintViolation")
    assert undisturbed(bench)


@pytest.mark.parametrize("tag", ["\ud800", "x\udfff"])
def test_half_a_character_is_refused_before_it_is_kept_or_sent(tag: str) -> None:
    bench = connected()
    assert bench.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": tag}) == "PropertyConstraintViolation"
    assert bench.ask("GetConfiguration", {"key": [tag]}) == "PropertyConstraintViolation"
    bench.central.raw(bench.now_us, json.dumps([2, tag, "GetLocalListVersion", {}]))
    bench.run(1)
    assert tag not in bench.central.answers, "no answer could carry such an id"
    assert bench.central.ledger == {}
    assert bench.ask("GetLocalListVersion") == {"listVersion": 0}


@pytest.mark.parametrize(
    "told",
    [{"transactionId": 1 << 63}, {"transactionId": 1, "idTagInfo": {"status": "Accepted", "parentIdTag": "\ud800"}}],
)
def test_an_answer_that_cannot_be_kept_is_an_error_and_the_start_is_told_again(told: dict[str, Any]) -> None:
    bench = connected()
    answer = {"idTagInfo": {"status": "Accepted"}, **told}
    bench.central.behaviour.silent.add("StartTransaction")
    bench.card(1, "04A1B2C3")
    bench.run(2)
    bench.central.raw(bench.now_us, json.dumps([3, "tx-1", answer]))
    bench.run(2)
    assert len(bench.context.outbox) == 1
    bench.central.behaviour.silent.clear()
    bench.run(120)
    assert len(bench.context.outbox) == 0
    assert undisturbed(bench)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
HOSTILE = charging()


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([*sorted(HANDLERS), "Nothing"]), JSON, st.integers(0, 5))
def test_no_payload_of_any_shape_breaks_the_charge_point(action: str, payload: Any, kind: int) -> None:
    HOSTILE.central.raw(HOSTILE.now_us, json.dumps([kind, f"h{random.random()}"[:30], action, payload]))
    HOSTILE.run(1)
    assert HOSTILE.outlet(1).session is not None
    assert not HOSTILE.of(StopSession)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_no_text_breaks_the_charge_point(text: str) -> None:
    HOSTILE.central.raw(HOSTILE.now_us, text)
    HOSTILE.run(1)
    assert HOSTILE.outlet(1).session is not None
