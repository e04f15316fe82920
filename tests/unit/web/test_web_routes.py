"""Each route: what it answers, and how it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evse.core import commands as c
from evse.core import events as e
from evse.core.units import NEVER
from evse.web.ports import Outcome
from tests.fakes.web_fake import VERBS, FakeStation, charging, station_view

pytestmark = pytest.mark.anyio
S = 1_000_000


def assert_error(response: Any, status: int, where: str | None = None) -> dict[str, Any]:
    assert response.status_code == status, response.text
    body: dict[str, Any] = response.json()
    assert set(body) == {"error", "where", "allowed", "hint"}
    assert body["error"]
    if where is not None:
        assert body["where"] == where
    return body


async def test_station_outlet_and_health_show_the_snapshot(bench: Any) -> None:
    bench.station.view = charging()
    async with bench.client() as client:
        station = (await client.get("/api/station")).json()
        outlet = (await client.get("/api/outlets/1")).json()
        health = (await client.get("/api/health")).json()
    assert station["outlets"][0] == outlet
    assert outlet["ev_state"] == "C_Ready_6V_M12V"
    assert outlet["pilot"]["negative_mv"] == -11_960
    assert [limit["source"] for limit in outlet["limits"] if limit["ruling"]] == ["station maximum"]
    assert health == {
        "status": "ok",
        "reasons": [],
        "control_connected": True,
        "snapshot_age_ms": 40,
        "journal_problem": "",
        "station_uid": "EVP2-000417",
        "stream_readers": 0,
    }


async def test_an_outlet_that_is_not_there_is_404_with_those_that_are(bench: Any) -> None:
    async with bench.page() as client:
        assert assert_error(await client.get("/api/outlets/3"), 404)["allowed"] == ["1", "2"]
        assert_error(await client.post("/api/outlets/3/commands/stop", json={}), 404)
        assert_error(await client.get("/api/outlets/0"), 422, "path.number")
        assert_error(await client.get("/api/outlets/x"), 422, "path.number")
        assert_error(await client.get("/api/nothing"), 404)
        assert_error(await client.get("/api/outlets/1/commands/stop"), 405)


async def test_without_control_the_station_is_503_and_the_page_still_comes(bench: Any) -> None:
    bench.station.view = None
    async with bench.page() as client:
        response = await client.get("/api/station")
        assert_error(response, 503)
        assert response.headers["retry-after"] == "1"
        assert_error(await client.post("/api/outlets/1/commands/stop", json={}), 503)
        assert (await client.get("/api/health")).json()["control_connected"] is False
        assert "Control is not connected" in (await client.get("/")).text


@pytest.mark.req("AUT-11")
@pytest.mark.parametrize(("access", "status"), [("remote", 200), ("badge", 409), ("free", 409)])
async def test_a_charge_is_released_remotely_only_where_that_was_chosen(bench: Any, access: str, status: int) -> None:
    view = station_view()
    bench.station.view = replace(view, outlets=tuple(replace(each, access=access) for each in view.outlets))
    async with bench.page() as client:
        answer = await client.post("/api/outlets/1/commands/start", json={"uid": "04A1B2C3"})
    assert answer.status_code == status, answer.text
    expected = [c.StartSession("rest-id-1", 1, 65 * S, -1, uid="04A1B2C3")] if status == 200 else []
    assert bench.station.commands == expected


async def test_control_lost_between_look_and_post_is_503(bench: Any) -> None:
    class Vanishing(FakeStation):
        async def post(self, command: c.Command) -> Outcome:
            self.view = None
            return await super().post(command)

    bench.station.post = Vanishing(station_view()).post
    async with bench.page() as client:
        assert_error(await client.post("/api/outlets/1/commands/stop", json={}), 503)


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("stop", {"reason": "Local"}, c.StopSession("rest-id-1", 1, 65 * S, -1, reason="Local")),
        (
            "book",
            {"uid": "04A1B2C3", "duration_s": 60},
            c.Book("rest-id-1", 1, 65 * S, -1, uid="04A1B2C3", until_us=120 * S),
        ),
        ("book", {"uid": ""}, c.Book("rest-id-1", 1, 65 * S, -1, uid="", until_us=NEVER)),
        ("suspend", {"active": False}, c.Suspend("rest-id-1", 1, 65 * S, -1, active=False)),
        ("phases", {"phases": 1}, c.SetPhases("rest-id-1", 1, 65 * S, -1, phases=1)),
        ("postpone", {}, c.Postpone("rest-id-1", 1, 65 * S, -1, active=True)),
        ("maintenance", {"epoch": 7}, c.Maintain("rest-id-1", 1, 65 * S, 7, active=True)),
        ("unavailable", {"after_session": True}, c.SetUnavailable("rest-id-1", 1, 65 * S, -1, after_session=True)),
        (
            "clear-fault",
            {"fault": "Weld", "command_id": "mine"},
            c.ClearFault("rest-mine", 1, 65 * S, -1, fault="Weld"),
        ),
        (
            "clear-fault",
            {"fault": "DI PowerMeter Comm"},
            c.ClearFault("rest-id-1", 1, 65 * S, -1, fault="DI PowerMeter Comm"),
        ),
        ("stop", {"ttl_ms": 100}, c.StopSession("rest-id-1", 1, 60_100_000, -1, reason="Local")),
        ("limit", {"current_ma": 0}, c.SetLimit("rest-id-1", 1, 65 * S, -1, source="rest", current_ma=0)),
        (
            "limit",
            {"source": "roof", "current_ma": 16_000, "duration_s": 60, "fallback_ma": 6_000},
            c.SetLimit("rest-id-1", 1, 65 * S, -1, "roof", 16_000, 120 * S, 6_000),
        ),
        ("limit", {"active": False}, c.SetLimit("rest-id-1", 1, 65 * S, -1, source="rest", active=False)),
    ],
)
async def test_each_command_reaches_the_core_as_meant(
    bench: Any, name: str, body: dict[str, Any], expected: c.Command
) -> None:
    async with bench.page() as client:
        response = await client.post(f"/api/outlets/1/commands/{name}", json=body)
    assert response.status_code == 200, response.text
    assert response.json() == {"outcome": "done", "reason": "", "command_id": expected.command_id.removeprefix("rest-")}
    assert bench.station.commands == [expected]


@pytest.mark.parametrize("name", ["stop", "suspend", "unavailable", "maintenance", "postpone"])
async def test_a_command_with_nothing_to_say_needs_no_body(bench: Any, name: str) -> None:
    async with bench.page() as client:
        response = await client.post(f"/api/outlets/1/commands/{name}")
        for needy in ("book", "limit"):
            assert_error(await client.post(f"/api/outlets/1/commands/{needy}"), 422, "body")
    assert response.status_code == 200, response.text
    assert [command.outlet for command in bench.station.commands] == [1]


async def test_a_limit_of_the_station_is_for_outlet_0(bench: Any) -> None:
    async with bench.page() as client:
        response = await client.post("/api/station/commands/limit", json={"current_ma": 40_000, "source": "grid"})
        assert_error(
            await client.post("/api/station/commands/limit", json={"current_ma": 1, "epoch": 2}), 422, "body.epoch"
        )
        assert_error(await client.post("/api/station/commands/limit"), 422, "body")
        bench.station.view = None
        assert_error(await client.post("/api/station/commands/limit", json={"current_ma": 1}), 503)
    assert response.json() == {"outcome": "done", "reason": "", "command_id": "id-1"}
    assert bench.station.commands == [c.SetLimit("rest-id-1", 0, 65 * S, source="grid", current_ma=40_000)]


async def test_the_refusal_of_an_incomplete_limit_says_what_to_do(bench: Any) -> None:
    async with bench.page() as client:
        body = assert_error(await client.post("/api/outlets/1/commands/limit", json={}), 422)
    assert body["error"] == "current_ma is missing; to take the limit back, send active false"


async def test_a_callers_id_never_is_one_of_the_services_own(bench: Any) -> None:
    async with bench.page() as client:
        for _ in range(2):
            answer = await client.post("/api/outlets/1/commands/stop", json={"command_id": "confirm-1-s"})
            assert answer.json()["command_id"] == "confirm-1-s"
    # The same id twice is the same to the core, which acts once.
    assert [command.command_id for command in bench.station.commands] == ["rest-confirm-1-s"] * 2


@pytest.mark.parametrize(
    ("name", "body", "where"),
    [
        ("book", {}, "body.uid"),
        ("book", {"uid": "04a1"}, "body.uid"),
        ("book", {"uid": "04A1B2C3", "duration_s": 0}, "body.duration_s"),
        ("suspend", {"active": "yes"}, "body.active"),
        ("suspend", {"activ": True}, "body.activ"),
        ("stop", {"reason": "x" * 21}, "body.reason"),
        ("stop", {"reason": "a b"}, "body.reason"),
        ("stop", {"ttl_ms": 99}, "body.ttl_ms"),
        ("stop", {"command_id": "a\nb"}, "body.command_id"),
        ("clear-fault", {"fault": "<b>"}, "body.fault"),
        ("stop", [], "body"),
        ("limit", {"current_ma": 80_001}, "body.current_ma"),
        ("limit", {"current_ma": -1}, "body.current_ma"),
        ("limit", {"current_ma": 16.5}, "body.current_ma"),
        ("limit", {}, "body"),
        ("limit", {"current_ma": 6_000, "active": False}, "body"),
        ("limit", {"current_ma": 6_000, "duration_s": 60}, "body"),
        ("limit", {"current_ma": 6_000, "fallback_ma": 60}, "body"),
        ("limit", {"current_ma": 6_000, "source": "cable"}, "body.source"),
        ("limit", {"active": False, "source": "ocpp"}, "body.source"),
        ("limit", {"current_ma": 6_000, "source": "a b"}, "body.source"),
    ],
)
async def test_a_bad_body_is_422_with_its_place_and_reaches_nothing(
    bench: Any, name: str, body: Any, where: str
) -> None:
    async with bench.page() as client:
        assert_error(await client.post(f"/api/outlets/1/commands/{name}", json=body), 422, where)
    assert bench.station.commands == []


@pytest.mark.parametrize(("outcome", "status"), [("refused", 409), ("expired", 504)])
async def test_a_refused_command_is_409_an_expired_one_504(bench: Any, outcome: Any, status: int) -> None:
    bench.station.answer = Outcome(outcome, "because of this")
    async with bench.page() as client:
        body = assert_error(await client.post("/api/outlets/1/commands/stop", json={}), status)
    assert body["error"] == "because of this"


async def test_events_are_the_newest_and_can_be_of_one_outlet(bench: Any) -> None:
    bench.station.push(station_view(), e.ContactorMoved(1, True), e.ContactorPermitted(2, False, ("a", "b")))
    async with bench.client() as client:
        both = (await client.get("/api/events")).json()
        second = (await client.get("/api/events?outlet=2")).json()
        newest = (await client.get("/api/events?limit=1")).json()
        assert_error(await client.get("/api/events?limit=0"), 422, "query.limit")
    assert both[0] == {
        "sequence": 1,
        "at_us": 60 * S,
        "type": "ContactorMoved",
        "outlet": 1,
        "data": {"closed": True},
    }
    assert second == newest == both[1:]
    assert second[0]["data"] == {"permitted": False, "reasons": ["a", "b"]}


async def test_records_are_newest_first(bench: Any) -> None:
    async with bench.client() as client:
        numbers = [record["number"] for record in (await client.get("/api/records?limit=2")).json()]
        assert_error(await client.get("/api/records?limit=3001"), 422, "query.limit")
    assert numbers == [6, 5]


async def test_the_verbs_are_given_as_the_table_has_them(bench: Any) -> None:
    async with bench.client() as client:
        verbs = (await client.get("/api/world/verbs")).json()
    assert [verb["name"] for verb in verbs] == [verb.name for verb in VERBS]
    assert verbs[0]["params"][1]["choices"] == ["13", "20", "32", "63"]


async def test_a_verb_is_applied_with_what_was_given_and_no_more(bench: Any) -> None:
    async with bench.page() as client:
        response = await client.post("/api/world/verbs/present_card", json={"outlet": 2, "hold": 1})
        bare = await client.post("/api/world/verbs/unplug")
    assert response.json() == {
        "outcome": "done",
        "reason": "",
        "verb": "present_card",
        "params": {"outlet": 2, "hold": 1.0},
    }
    assert bare.status_code == 200
    assert bench.world.applied == [
        ("present_card", {"outlet": 2, "hold": 1.0}),
        ("unplug", {}),
    ]


@pytest.mark.parametrize(
    ("verb", "params", "where"),
    [
        ("set_demand", {"current": 81}, "body.current"),
        ("set_demand", {"current": -0.1}, "body.current"),
        ("set_demand", {"current": "20 V"}, "body.current"),
        ("set_demand", {"current": True}, "body.current"),
        ("set_demand", {"outlet": 1.5}, "body.outlet"),
        ("set_demand", {"amps": 3}, "body"),
        ("plug_in", {"cable": "33"}, "body.cable"),
        ("plug_in", {"cable": 32}, "body.cable"),
        ("present_card", {"uid": "0" * 21}, "body.uid"),
        ("present_card", {"uid": "0" * 7}, "body.uid"),
        ("set_demand", {"current": "1" * 300}, "body.current"),
        ("present_card", {"uid": 7}, "body.uid"),
        ("short_diode", {"heal": 1}, "body.heal"),
        ("power_cut", {}, "body.seconds"),
        ("power_cut", {"seconds": None}, "body.seconds"),
    ],
)
async def test_a_wrong_parameter_is_422_with_what_is_allowed(
    bench: Any, verb: str, params: dict[str, Any], where: str
) -> None:
    async with bench.page() as client:
        body = assert_error(await client.post(f"/api/world/verbs/{verb}", json=params), 422, where)
    assert body["allowed"]
    # Only a number that came as a text with a unit is the world's to refuse.
    assert bench.world.applied == ([(verb, params)] if params.get("current") == "20 V" else [])


@pytest.mark.parametrize(
    ("path", "body", "error", "where", "allowed"),
    [
        ("limit", {"current": 8}, "current: there is no such key here", "body.current", None),
        (
            "limit",
            {"current_ma": 8000.5},
            "current_ma: not a whole number",
            "body.current_ma",
            "whole number from 0 to 80000",
        ),
        ("limit", {"current_ma": 90000}, "current_ma: out of range", "body.current_ma", "whole number from 0 to 80000"),
        ("limit", {"active": "yes"}, "active: not true or false", "body.active", ["true", "false"]),
        ("phases", {"phases": 2}, "phases: not one of the choices", "body.phases", ["1", "3"]),
        ("phases", {}, "phases: must be given", "body.phases", ["1", "3"]),
        ("book", {"uid": "abc"}, "uid: not of the right form", "body.uid", None),
        ("book", [], "not an object", "body", ["command_id", "duration_s", "epoch", "ttl_ms", "uid"]),
    ],
)
async def test_a_wrong_body_is_told_in_words(
    bench: Any, path: str, body: Any, error: str, where: str, allowed: Any
) -> None:
    async with bench.page() as client:
        answer = assert_error(await client.post(f"/api/outlets/1/commands/{path}", json=body), 422, where)
    assert answer["error"] == error
    assert answer["hint"]
    if allowed is not None:
        assert answer["allowed"] == allowed


@pytest.mark.parametrize(("current_ma", "said"), [(10, "10 mA is less than 6000 mA"), (6_000, ""), (0, "")])
async def test_a_limit_with_which_nothing_charges_says_so(bench: Any, current_ma: int, said: str) -> None:
    async with bench.page() as client:
        for path in ("outlets/1", "station"):
            answer = (await client.post(f"/api/{path}/commands/limit", json={"current_ma": current_ma})).json()
            assert answer["outcome"] == "done"
            assert answer["reason"].startswith(said)
            assert bool(answer["reason"]) == bool(said)


async def test_what_a_wrong_key_and_an_unreadable_form_are_told(bench: Any) -> None:
    async with bench.page() as client:
        key = (await client.post("/api/outlets/1/commands/limit", json={"current_mA": 1})).json()
        form = (await client.post("/api/outlets/1/commands/book", json={"uid": "abc"})).json()
        query = (await client.get("/api/events?limit=0")).json()
        nothing = (await client.post("/api/outlets/1/commands/book")).json()
    assert "current_ma" in key["allowed"]
    assert key["hint"] == "did you mean 'current_ma'?"
    assert form["hint"].startswith("Badge in upper-case hexadecimal")
    assert (query["error"], query["allowed"]) == ("limit: out of range", "whole number from 1 to 1000")
    assert nothing["error"] == "a JSON body must be given"


async def test_an_address_that_does_not_exist_is_told_with_those_like_it(bench: Any) -> None:
    async with bench.page() as client:
        gone = assert_error(await client.get("/api/outlet/1"), 404, "address")
        method = assert_error(await client.get("/api/outlets/1/commands/stop"), 405, "address")
    assert gone["error"] == "there is nothing at /api/outlet/1"
    assert "/api/outlets/{number}" in gone["allowed"]
    assert (method["error"], method["allowed"]) == ("/api/outlets/1/commands/stop does not know GET", ["POST"])


async def test_an_unknown_verb_is_404_and_a_refused_one_409(bench: Any) -> None:
    async with bench.page() as client:
        assert "plug_in" in assert_error(await client.post("/api/world/verbs/plug_inn", json={}), 404)["allowed"]
        refused = assert_error(await client.post("/api/world/verbs/trip_breaker", json={}), 409)
    assert refused["error"] == "the breaker of this outlet is open already"


async def test_on_hardware_the_world_does_not_exist(hardware: Any) -> None:
    async with hardware.page() as client:
        assert (await client.get("/api/world/verbs")).status_code == 404
        for verb in VERBS:
            assert (await client.post(f"/api/world/verbs/{verb.name}", json={})).status_code == 404
        schema = (await client.get("/openapi.json")).text
        page = (await client.get("/")).text
    assert "world" not in schema
    assert "Simulated world" not in page
    assert "data-verb" not in page
    assert "hardware" in page


async def test_openapi_describes_every_route_and_every_verb(bench: Any) -> None:
    async with bench.client() as client:
        schema = (await client.get("/openapi.json")).json()
        assert (await client.get("/openapi.json")).json() == schema
    for path, methods in schema["paths"].items():
        for method, entry in methods.items():
            assert entry["summary"], path
            if method == "post":
                assert {"403", "409", "422", "503"} <= set(entry["responses"]), path
    demand = schema["paths"]["/api/world/verbs/set_demand"]["post"]
    assert demand["requestBody"]["content"]["application/json"]["schema"]["properties"]["current"] == {
        "type": "number",
        "description": "Zero: it draws nothing. (A)",
        "default": 16.0,
        "minimum": 0,
        "maximum": 80,
    }
    assert sum(path.startswith("/api/world/verbs/") for path in schema["paths"]) == len(VERBS)
    ids = [entry["operationId"] for methods in schema["paths"].values() for entry in methods.values()]
    assert len(ids) == len(set(ids))
    assert {"error", "where", "allowed", "hint"} == set(schema["components"]["schemas"]["ErrorBody"]["properties"])
