"""The machine over REST: what it is set to, the clock by hand, and that a login by new addresses keeps them."""

from __future__ import annotations

import json

import httpx
import pytest

from evse.services.host.trial import TRIAL_US
from evse.services.security.events import SecurityKind
from evse.services.settings.model import OutletFacts, StationFacts
from tests.fakes.settings_bench import SettingsBench

pytestmark = pytest.mark.anyio
CHANGES = {"changes": {"network.dhcp": False, "network.address": "10.0.0.7"}}


async def on_trial(*, on_hardware: bool = False) -> SettingsBench:
    bench = SettingsBench(on_hardware=on_hardware)
    await bench.host.service.begin()
    await bench.host.service.look()
    async with await bench.admin() as admin:
        assert (await admin.post("/api/settings", json=CHANGES)).status_code == 200
    bench.restart_host()
    await bench.host.service.begin()
    await bench.host.service.look()
    return bench


@pytest.mark.req("NET-01")
async def test_the_view_shows_the_trial_and_a_request_by_the_new_address_ends_it() -> None:
    bench = await on_trial()
    async with await bench.admin() as admin:
        shown = (await admin.get("/api/host")).json()
        assert (shown["addresses"]["address"], shown["confirmed"]["address"]) == ("10.0.0.7", "192.168.0.102")
        assert shown["trial_s"] == TRIAL_US / 1_000_000
        assert (shown["name"], shown["announced"], shown["problem"]) == ("p1", "Hall A", "")
        by_the_new = {"host": "10.0.0.7:8080", "origin": "http://10.0.0.7:8080"}
        shown = (await admin.get("/api/host", headers=by_the_new)).json()
    assert (shown["confirmed"]["address"], shown["trial_s"]) == ("10.0.0.7", None)


@pytest.mark.req("NET-01")
async def test_a_stranger_proves_nothing_and_on_hardware_the_socket_counts_not_the_header() -> None:
    bench = await on_trial()
    async with bench.client() as nobody:
        assert (await nobody.get("/api/host", headers={"host": "10.0.0.7"})).status_code == 401
    assert bench.host.view().trial_s is not None
    bench = await on_trial(on_hardware=True)
    async with await bench.admin() as admin:
        await admin.get("/api/host", headers={"host": "10.0.0.7"})
        assert bench.host.view().trial_s is not None
        transport = httpx.ASGITransport(bench.app)
        cookie = {"cookie": f"evse-session={admin.cookies['evse-session']}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.7", headers=cookie) as real:
            assert (await real.get("/api/host")).status_code == 200
    assert bench.host.view().trial_s is None


@pytest.mark.req("NET-02")
async def test_both_accounts_set_the_clock_unless_a_server_keeps_it() -> None:
    bench = SettingsBench()
    async with await bench.user() as user, bench.client() as nobody:
        body = {"utc": "2031-05-06T07:08:09Z"}
        assert (await nobody.post("/api/host/clock", json=body)).status_code == 401
        assert (await user.post("/api/host/clock", json=body)).json()["utc"][:16] == "2031-05-06T07:08"
        event = bench.log.events[-1]
        assert (event.kind, event.actor) == (SecurityKind.CLOCK_SET, "user")
        for wrong in ("2031-05-06", "2031-13-06T07:08:09Z", "2031-05-06T07:08:09+02:00", "yesterday"):
            answer = await user.post("/api/host/clock", json={"utc": wrong})
            assert (answer.status_code, "utc" in answer.json()["where"]) == (422, True), wrong
        assert (await user.post("/api/host/clock", json={"utc": "1999-01-01T00:00:00Z"})).status_code == 409
        bench.host.machine.fails = "no right to do that"
        answer = await user.post("/api/host/clock", json=body)
        assert (answer.status_code, "no right" in answer.json()["error"]) == (503, True)
        await user.post("/api/settings", json={"changes": {"time.source": "ntp"}})
        answer = await user.post("/api/host/clock", json=body)
        assert (answer.status_code, "time server" in answer.json()["error"]) == (409, True)


@pytest.mark.req("NET-02")
async def test_everybody_may_read_the_description() -> None:
    bench = SettingsBench(on_hardware=True)
    async with bench.client() as nobody:
        answer = await nobody.get("/upnp/description.xml")
    assert (answer.status_code, answer.text) == (200, "<root/>")
    assert answer.headers["content-type"].startswith("text/xml")


@pytest.mark.req("NET-02")
async def test_the_station_is_called_by_its_own_name_and_by_no_other() -> None:
    bench = SettingsBench()
    async with bench.client() as nobody:
        assert (await nobody.get("/api/health", headers={"host": "hall-a.local:8061"})).status_code != 421
        assert (await nobody.get("/api/health", headers={"host": "hall-b.local"})).status_code == 421


@pytest.mark.req("NET-04")
async def test_the_wifi_card_is_shown_with_what_it_works_by_and_without_its_key() -> None:
    facts = StationFacts("smart-wallbox", "W1", (OutletFacts(1),), wifi_card=True)
    bench = SettingsBench(facts=facts)
    await bench.host.service.begin()
    await bench.host.service.look()
    wanted = {"wifi.network": "home", "wifi.key": "charge-at-home", "wifi.address": "10.0.0.6"}
    async with await bench.user() as user, await bench.admin() as admin:
        saved = (await user.post("/api/settings", json={"changes": wanted})).json()
        assert (saved["reboot"], saved["power_cycle"]) == (False, True)
        assert {each["effect"] for each in saved["differences"]} == {"save and power cycle"}
        assert (await admin.post("/api/settings", json=CHANGES)).status_code == 200
        await bench.host.service.look()
        shown = (await user.get("/api/host")).json()
        assert shown["wifi"] == {
            **{"network": "", "security": "wpa2", "address": "192.168.0.101", "pending": True, "state": "off"},
            "told": "no network is set; new settings count after 5 s without power",
        }
        assert shown["waiting"] is None
        bench.restart_host()
        await bench.host.service.begin()
        text = (await user.get("/api/host")).text
        assert json.loads(text)["waiting"]["address"] == "10.0.0.7"
        assert "charge-at-home" not in text
