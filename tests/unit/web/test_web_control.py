"""Restart and factory reset: who may, and that nothing happens by mistake."""

from __future__ import annotations

import pytest

from tests.fakes.settings_bench import SettingsBench

pytestmark = [pytest.mark.anyio, pytest.mark.req("CFG-03")]


async def test_both_accounts_restart_and_only_the_administrator_resets() -> None:
    bench = SettingsBench()
    async with await bench.user() as user, await bench.admin() as admin, bench.client() as nobody:
        assert (await nobody.post("/api/control/restart")).status_code == 401
        assert (await user.post("/api/control/restart")).status_code == 202
        assert (await admin.post("/api/control/restart")).status_code == 202
        assert (await user.post("/api/control/factory-reset", json={"confirm": True})).status_code == 403
        assert bench.control.done == ["restart by user", "restart by admin"]
        assert (await admin.post("/api/control/factory-reset", json={"confirm": True})).status_code == 202
        body = {"confirm": True, "keep_badges": False}
        assert (await admin.post("/api/control/factory-reset", json=body)).status_code == 202
    assert bench.control.done[2:] == ["reset by admin, badges kept", "reset by admin, badges gone"]


@pytest.mark.parametrize("body", [{}, {"confirm": False}, {"confirm": "true"}, {"confirm": True, "badges": True}])
async def test_a_reset_must_be_confirmed(body: dict[str, object]) -> None:
    bench = SettingsBench()
    async with await bench.admin() as admin:
        assert (await admin.post("/api/control/factory-reset", json=body)).status_code == 422
    assert bench.control.done == []


async def test_a_reset_that_cannot_be_written_down_does_not_happen() -> None:
    bench = SettingsBench()
    bench.control.problem = OSError(28, "No space left on device")
    async with await bench.admin() as admin:
        response = await admin.post("/api/control/factory-reset", json={"confirm": True})
    assert (response.status_code, "No space left" in response.json()["error"]) == (503, True)
