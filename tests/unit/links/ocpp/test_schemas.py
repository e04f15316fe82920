from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp.v16 import call

from evse.links.ocpp import schemas
from evse.links.ocpp.schemas import PayloadError, UnknownAction, check

PROFILE: dict[str, Any] = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}]},
}


@pytest.mark.req("OCP-01")
def test_every_message_of_the_standard_and_its_security_extension_has_a_schema() -> None:
    assert len(schemas.actions()) == 39
    assert {"BootNotification", "SignedUpdateFirmware", "GetCompositeSchedule", "GetLog"} <= schemas.actions()
    named = {name for name in vars(call) if name[0].isupper() and name in schemas.actions()}
    assert named == schemas.actions()


@pytest.mark.parametrize("action", sorted(schemas.actions()))
def test_every_schema_compiles_for_request_and_answer(action: str) -> None:
    for answer in (False, True):
        with pytest.raises(PayloadError, match="must not contain"):
            check(action, {"surprise": 1, **_least(action, answer=answer)}, answer=answer)


def _least(action: str, *, answer: bool) -> dict[str, Any]:
    """A payload with all that is required, so that no other rule is broken first."""
    schema = schemas.schema_of(f"{action}Response" if answer else action)
    least: dict[str, Any] = _example(schema, schema.get("definitions", {}))
    return least


def _example(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"]:
        case "object":
            properties = schema.get("properties", {})
            return {name: _example(properties[name], definitions) for name in schema.get("required", ())}
        case "array":
            return [_example(schema["items"], definitions)]
        case "integer" | "number":
            return 1
        case "boolean":
            return True
    formats = {"date-time": "2026-01-01T00:00:00Z", "uri": "ftp://server/folder"}
    return formats.get(schema.get("format", ""), "x")


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("Reset", {"type": "Warm"}, "PropertyConstraintViolation"),
        ("Reset", {"type": 5}, "TypeConstraintViolation"),
        ("Reset", {}, "OccurenceConstraintViolation"),
        ("Reset", {"type": "Soft", "now": True}, "FormationViolation"),
        ("ChangeConfiguration", {"key": "x" * 51, "value": ""}, "PropertyConstraintViolation"),
        (
            "ReserveNow",
            {"connectorId": 1, "expiryDate": "tomorrow", "idTag": "A", "reservationId": 1},
            "PropertyConstraintViolation",
        ),
    ],
)
def test_what_a_payload_breaks_decides_the_error_code(action: str, payload: dict[str, Any], code: str) -> None:
    with pytest.raises(PayloadError) as caught:
        check(action, payload)
    assert caught.value.code == code
    assert len(str(caught.value)) <= 255


def test_an_unknown_action_is_not_implemented() -> None:
    with pytest.raises(UnknownAction) as caught:
        check("MakeCoffee", {})
    assert caught.value.code == "NotImplemented"


@given(st.integers(0, 10_000))
def test_every_tenth_of_an_ampere_is_allowed(tenths: int) -> None:
    check("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": _with_limit(tenths / 10)})


@pytest.mark.parametrize("limit", [16.05, 0.01, float("inf")])
def test_finer_steps_than_a_tenth_are_refused(limit: float) -> None:
    with pytest.raises(PayloadError, match="decimal") as caught:
        check("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": _with_limit(limit)})
    assert caught.value.code == "PropertyConstraintViolation"


def _with_limit(limit: float) -> dict[str, Any]:
    schedule = {**PROFILE["chargingSchedule"], "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
    return {**PROFILE, "chargingSchedule": schedule}


def test_a_time_without_a_zone_is_taken() -> None:
    check("Heartbeat", {"currentTime": "2026-01-01T00:00:00"}, answer=True)
    with pytest.raises(PayloadError):
        check("Heartbeat", {"currentTime": "noon"}, answer=True)
