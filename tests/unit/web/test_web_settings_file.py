"""The configuration file over REST: out, previewed, in; whole or not at all."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from evse.services.security.events import SecurityKind
from evse.services.settings.cfg_file import wanted_from
from evse.services.settings.kinds import Text
from evse.services.settings.model import Role
from evse.services.settings.service import Actor
from tests.fakes.settings_bench import SettingsBench

pytestmark = [pytest.mark.anyio, pytest.mark.req("CFG-02")]
CHANGES = {"changes": {"general.location": "Outdoor", "smtp.password": "hunter2", "outlet.1.derated_current_a": 20}}
PASSPHRASE = {"passphrase": "a long one"}


async def exported(client: httpx.AsyncClient, body: dict[str, Any]) -> str:
    response = await client.post("/api/settings/export", json=body)
    assert response.status_code == 200
    assert "station.cfg" in response.headers["content-disposition"]
    return response.text


async def test_a_file_restores_another_station_with_a_preview_before() -> None:
    source, target = SettingsBench(), SettingsBench()
    async with await source.admin() as client:
        await client.post("/api/settings", json=CHANGES)
        file = await exported(client, PASSPHRASE)
    assert "hunter2" not in file
    async with await target.admin() as client:
        body = {"file": file, **PASSPHRASE}
        preview = (await client.post("/api/settings/import/preview", json=body)).json()
        assert {each["key"] for each in preview["differences"]} == set(CHANGES["changes"])
        assert (preview["serial"], preview["reboot"], preview["raises_limit"]) == ("P1", False, False)
        assert target.settings.configuration.version == 1
        done = await client.post("/api/settings/import", json={**body, "based_on": 1})
        assert (done.status_code, done.json()["version"]) == (200, 2)
    assert target.settings.values == source.settings.values
    assert SecurityKind.SETTINGS_IMPORTED in target.kinds()
    assert SecurityKind.SETTINGS_EXPORTED in source.kinds()


async def test_a_damaged_file_changes_nothing_and_is_noted() -> None:
    bench = SettingsBench()
    async with await bench.admin() as client:
        file = await exported(client, {})
        for bad in (file.replace("Indoor", "Outdoor"), file[:-5], "", "{}"):
            response = await client.post("/api/settings/import", json={"file": bad})
            assert response.status_code == 422
            assert response.json()["where"] == "body.file"
    assert bench.settings.configuration.version == 1
    assert bench.kinds().count(SecurityKind.IMPORT_REFUSED) == 4


async def test_a_file_raises_no_current_limit_unless_somebody_says_so() -> None:
    bench = SettingsBench()
    async with await bench.admin() as client:
        file = await exported(client, {})
        await client.post("/api/settings", json={"changes": {"outlet.1.derated_current_a": 10}})
        refused = await client.post("/api/settings/import", json={"file": file})
        assert (refused.status_code, refused.json()["allowed"]) == (409, ["outlet.1.derated_current_a: 10 -> 32"])
        assert bench.settings.values["outlet.1.derated_current_a"] == 10
        done = await client.post("/api/settings/import", json={"file": file, "raise_limits": True})
        assert done.status_code == 200
    assert bench.settings.values["outlet.1.derated_current_a"] == 32


async def test_files_are_the_administrators_business() -> None:
    bench = SettingsBench()
    async with await bench.user() as client:
        for path, body in (("export", {}), ("import", {"file": "x"}), ("import/preview", {"file": "x"})):
            assert (await client.post(f"/api/settings/{path}", json=body)).status_code == 403


async def test_a_short_passphrase_is_refused_and_a_wrong_one_opens_nothing() -> None:
    bench = SettingsBench()
    async with await bench.admin() as client:
        await client.post("/api/settings", json=CHANGES)
        short = await client.post("/api/settings/export", json={"passphrase": "short"})
        assert short.status_code == 422
        file = await exported(client, PASSPHRASE)
        wrong = await client.post("/api/settings/import/preview", json={"file": file, "passphrase": "another one"})
        assert (wrong.status_code, "passphrase" in wrong.json()["error"]) == (422, True)


async def test_the_largest_file_that_a_station_writes_is_taken_back() -> None:
    bench = SettingsBench()
    texts = {
        entry.key: "\U0001f511" * entry.kind.limit
        for entry in bench.settings.catalogue
        if isinstance(entry.kind, Text) and entry.kind.grammar in ("text", "name") and not entry.setting.read_only
    }
    async with await bench.admin() as client:
        for key, text in texts.items():
            await client.post("/api/settings", json={"changes": {key: text}})
        file = await exported(client, PASSPHRASE)
        response = await client.post("/api/settings/import", json={"file": file, **PASSPHRASE})
    assert len(file) > 20_000
    assert (response.status_code, response.json().get("differences")) == (200, [])


async def test_an_import_brings_no_older_password_back(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = SettingsBench()
    loop = asyncio.get_running_loop()

    def read_slowly(*given: Any) -> Any:
        wanted = wanted_from(*given)
        newer = bench.settings.change({"smtp.password": "newer"}, Actor("user", Role.USER))
        asyncio.run_coroutine_threadsafe(newer, loop).result(10)
        return wanted

    async with await bench.admin() as client:
        assert (await client.post("/api/settings", json={"changes": {"smtp.password": "older"}})).status_code == 200
        file = await exported(client, {})
        monkeypatch.setattr("evse.web.routes_settings_file.wanted_from", read_slowly)
        assert (await client.post("/api/settings/import", json={"file": file})).status_code == 409
    assert bench.settings.values["smtp.password"] == "newer"
