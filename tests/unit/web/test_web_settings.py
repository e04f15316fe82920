"""Settings over REST: what each account sees and may change, whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.settings_bench import SettingsBench

pytestmark = pytest.mark.anyio
STARS = "***"


def by_key(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["key"]: each for each in view["settings"]}


@pytest.mark.req("CFG-01")
async def test_the_administrator_sees_every_setting_with_all_that_a_page_needs() -> None:
    bench = SettingsBench()
    async with await bench.admin() as client:
        view = (await client.get("/api/settings")).json()
        french = by_key((await client.get("/api/settings?language=fr")).json())
    found = by_key(view)
    assert (view["version"], len(view["digest"]), view["active"]) == (1, 64, False)
    assert list(found) == [entry.key for entry in bench.settings.catalogue]
    derated = found["outlet.2.derated_current_a"]
    assert {name: derated[name] for name in ("right", "kind", "minimum", "maximum", "unit", "outlet", "factory")} == {
        "right": "R/W",
        "kind": "number",
        "minimum": 0,
        "maximum": 32,
        "unit": "A",
        "outlet": 2,
        "factory": 32,
    }
    assert [option["value"] for option in found["time.source"]["options"]] == ["manual", "ntp"]
    assert (found["ocpp.url"]["shown"], found["access.strategy"]["shown"]) == (False, True)
    assert found["network.dhcp"]["effect"] == "save and reboot"
    assert french["time.zone"]["label"] == "Fuseau horaire"


@pytest.mark.req("CFG-01")
async def test_a_user_sees_and_changes_only_what_the_rights_give_him() -> None:
    bench = SettingsBench()
    async with await bench.user() as client:
        found = by_key((await client.get("/api/settings")).json())
        assert not any(key.startswith(("network.", "ocpp.", "outlet.", "energy.")) for key in found)
        assert (found["access.timeout_s"]["right"], found["access.location"]["right"]) == ("R", "R/W")
        assert set((await client.get("/api/settings/values")).json()["values"]) == set(found)
        refused = await client.post("/api/settings", json={"changes": {"network.dhcp": False}})
        assert refused.status_code == 422
        assert "may not change it" in refused.json()["error"]
        done = await client.post("/api/settings", json={"changes": {"access.location": "disable"}})
        assert done.status_code == 200
    assert bench.settings.values["access.location"] == "disable"
    assert bench.log.events[-1].actor == "user"


@pytest.mark.req("CFG-01")
async def test_a_change_with_faults_is_refused_whole_with_every_reason_in_the_language() -> None:
    bench = SettingsBench()
    changes = {"general.location": "Outdoor", "access.timeout_s": 1000, "smtp.port": 24, "no.such": 1}
    async with await bench.admin() as client:
        refused = await client.post("/api/settings?language=fr", json={"changes": changes})
    body = refused.json()
    assert refused.status_code == 422
    assert {each["key"] for each in body["problems"]} == {"access.timeout_s", "smtp.port", "no.such"}
    assert body["where"] == "body.changes.access.timeout_s"
    assert body["problems"][0] == {
        "key": "access.timeout_s",
        "value": "1000",
        "what": "non accepté",
        "allowed": "0…999 s",
        "hint": "",
    }
    assert bench.settings.values["general.location"] == "Indoor"


@pytest.mark.req("CFG-01")
async def test_a_preview_tells_the_differences_and_changes_nothing() -> None:
    bench = SettingsBench()
    changes = {"network.address": "10.0.0.5", "outlet.1.derated_current_a": 20}
    async with await bench.admin() as client:
        preview = (await client.post("/api/settings/preview", json={"changes": changes})).json()
        assert bench.settings.configuration.version == 1
        done = (await client.post("/api/settings", json={"changes": changes, "based_on": 1})).json()
    shown = {each["key"]: (each["old"], each["new"]) for each in preview["differences"]}
    assert shown["network.address_2"] == ("192.168.0.103", "10.0.0.6")
    assert preview["reboot"] is True
    assert preview["differences"] == done["differences"]
    assert (done["version"], done["active"]) == (2, False)


async def test_a_change_from_an_old_version_is_refused() -> None:
    bench = SettingsBench()
    async with await bench.admin() as client:
        body = {"changes": {"general.location": "Outdoor"}, "based_on": 1}
        assert (await client.post("/api/settings", json=body)).status_code == 200
        late = await client.post("/api/settings", json={"changes": {"time.zone": "Europe/Paris"}, "based_on": 1})
    assert (late.status_code, late.json()["allowed"]) == (409, "2")


@pytest.mark.req("CFG-01")
async def test_a_secret_never_comes_out() -> None:
    bench = SettingsBench()
    async with await bench.admin() as client:
        body = {"changes": {"smtp.password": "hunter2", "smtp.username": "me"}}
        texts = [(await client.post("/api/settings", json=body)).text]
        texts += [(await client.get(path)).text for path in ("/api/settings", "/api/settings/values", "/api/accounts")]
        texts.append((await client.post("/api/settings/preview", json={"changes": {"smtp.password": "hunter22"}})).text)
        texts.append((await client.post("/api/settings", json={"changes": {"smtp.password": "hunter\n2"}})).text)
        again = await client.post("/api/settings", json={"changes": {"smtp.password": STARS}})
    assert not any("hunter" in text for text in texts)
    assert STARS in texts[2]
    assert again.status_code == 422
    assert bench.settings.values["smtp.password"] == "hunter2"
    assert "hunter" not in str(bench.log.events)


async def test_a_disk_that_fails_is_told() -> None:
    bench = SettingsBench()
    async with await bench.admin() as client:
        bench.fail_next()
        body = {"changes": {"general.location": "Outdoor"}}
        failed = await client.post("/api/settings", json=body)
        assert failed.status_code == 503
        assert "nothing is changed" in failed.json()["error"]
        assert bench.settings.values["general.location"] == "Indoor"
        assert (await client.post("/api/settings", json=body)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"changes": []},
        {"changes": {"general.location": None}},
        {"changes": {"general.location": ["Outdoor"]}},
        {"changes": {"access.timeout_s": 10.0}},
        {"changes": {}, "based_on": 0},
        {"changes": {}, "more": 1},
    ],
)
async def test_strange_bodies_are_refused(body: dict[str, Any]) -> None:
    bench = SettingsBench()
    async with await bench.admin() as client:
        assert (await client.post("/api/settings", json=body)).status_code == 422
    assert bench.settings.configuration.version == 1


CANARIES = ["$(touch /tmp/x)", "';DROP TABLE record;--", "<script>alert(1)</script>", "=1+1", "../../etc/passwd", "%00"]


@pytest.mark.req("CFG-01")
@pytest.mark.parametrize("canary", CANARIES)
async def test_hostile_text_is_kept_as_text_or_refused(canary: str) -> None:
    bench = SettingsBench()
    async with await bench.admin() as client:
        for entry in bench.settings.catalogue:
            before = bench.settings.values[entry.key]
            response = await client.post("/api/settings", json={"changes": {entry.key: canary}})
            assert response.status_code in (200, 422), entry.key
            after = bench.settings.values[entry.key]
            assert after == (canary if response.status_code == 200 else before), entry.key
            assert response.headers["content-type"] == "application/json"
    free = {key for key, value in bench.settings.values.items() if value == canary}
    assert free <= {
        "general.name",
        "smtp.username",
        "smtp.password",
        "ftp.username",
        "ftp.password",
        "http.username",
        "http.password",
        "http.path",
        "ocpp.password",
        *(("ocpp.identity", "ocpp.default_id_tag") if canary == "=1+1" else ()),
    }
