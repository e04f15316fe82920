"""The settings of a station as configuration keys of its central system."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from evse.app.supervision.supervision_keys import BURST, REFILL_US, STANDARD, SettingKeys
from evse.links.ocpp.keys import Access, Change, ChangeStatus, Key
from evse.links.ocpp.standard_keys import StationFacts, standard_keys
from evse.services.security.events import SecurityKind
from tests.fakes.ocpp_bench import connected
from tests.fakes.settings_bench import SettingsBench

pytestmark = pytest.mark.req("CFG-01", "OCP-01")


def keys_of(bench: SettingsBench) -> tuple[SettingKeys, dict[str, Key]]:
    keys = SettingKeys(bench.settings, lambda: None, lambda: bench.now_us)
    return keys, {held.key.name: held.key for held in keys.all()}


async def changed(keys: SettingKeys, key: Key, value: str) -> Change:
    done: asyncio.Future[Change] = asyncio.get_running_loop().create_future()
    keys.change(key, value, done.set_result)
    return await done


def test_every_setting_is_one_key_under_its_name_or_has_a_standard_one() -> None:
    bench = SettingsBench()
    _, keys = keys_of(bench)
    standard = {key.name for key in standard_keys(StationFacts(2))}
    for entry in bench.settings.catalogue:
        name = entry.setting.key
        assert (entry.key in keys) is (name not in STANDARD), entry.key
        assert STANDARD.get(name, next(iter(standard))) in standard
    assert all("." in name and len(name) <= 50 for name in keys)
    assert not {name.lower() for name in keys} & {name.lower() for name in standard}


def test_each_setting_accepts_by_its_key_what_it_is_and_refuses_what_its_kind_does() -> None:
    bench = SettingsBench()
    provider, keys = keys_of(bench)
    for held in provider.all():
        entry = bench.settings.catalogue.get(held.key.name)
        assert entry is not None
        if held.key.access is not Access.WRITE_ONLY:
            assert held.key.normal(held.value) == held.value, held.key.name
        if held.key.kind.value in ("integer", "boolean", "choice"):
            with pytest.raises(ValueError, match=held.key.name):
                held.key.normal("nonsense")
    installers = ["energy.station_maximum_a", "energy.load_balancing", "outlet.1.derated_current_a", "general.location"]
    installers += ["outlet.2.shedding_set_point_a", "outlet.1.in_1_function", "meter.phase_neutral_voltage_v"]
    assert {keys[name].access for name in installers} == {Access.READ_ONLY}, "no limit is raised from afar"
    assert keys["network.mac"].access is Access.READ_ONLY
    assert keys["wifi.key"].access is Access.WRITE_ONLY if "wifi.key" in keys else True
    secrets = [held for held in provider.all() if held.key.access is Access.WRITE_ONLY]
    assert secrets and all(held.value == "" for held in secrets)


@pytest.mark.parametrize(
    ("name", "value", "status", "kept"),
    [
        ("general.name", "Left wing", ChangeStatus.ACCEPTED, "Left wing"),
        ("general.leave_cable_connected", "true", ChangeStatus.ACCEPTED, True),
        ("access.timeout_s", "9", ChangeStatus.ACCEPTED, 9),
        ("ocpp.connection_timeout_s", "45", ChangeStatus.REBOOT_REQUIRED, 45),
        ("ocpp.url", "ftp://somewhere", ChangeStatus.REJECTED, ""),
    ],
)
def test_a_change_is_judged_kept_and_answered(name: str, value: str, status: ChangeStatus, kept: Any) -> None:
    async def story() -> None:
        bench = SettingsBench()
        provider, keys = keys_of(bench)
        change = await changed(provider, keys[name], value)
        assert change.status is status
        assert bench.settings.values[name] == kept
        if status is ChangeStatus.REJECTED:
            assert name in change.reason
        else:
            (event,) = [each for each in bench.log.events if each.kind is SecurityKind.SETTINGS_CHANGED]
            assert event.actor == "supervision"

    asyncio.run(story())


def test_a_disk_that_fails_is_a_rejection() -> None:
    async def story() -> None:
        bench = SettingsBench()
        provider, keys = keys_of(bench)
        bench.fail_next()
        change = await changed(provider, keys["general.name"], "Left wing")
        assert change.status is ChangeStatus.REJECTED and "could not be kept" in change.reason

    asyncio.run(story())


def test_the_central_system_reads_and_changes_settings_by_their_keys() -> None:
    async def story() -> None:
        settings = SettingsBench()
        bench = connected()
        bench.context.vendor_keys = SettingKeys(settings.settings, bench._wake, lambda: 0)
        asked = bench.ask(
            "GetConfiguration", {"key": ["GENERAL.NAME", "energy.station_maximum_a", "no.such", "smtp.password"]}
        )
        entries = {entry["key"]: entry for entry in asked["configurationKey"]}
        assert asked["unknownKey"] == ["no.such"]
        assert entries["general.name"] == {"key": "general.name", "readonly": False, "value": "P1"}
        assert entries["energy.station_maximum_a"]["readonly"] is True
        assert "value" not in entries["smtp.password"]
        everything = [entry["key"] for entry in bench.ask("GetConfiguration")["configurationKey"]]
        assert {"general.name", "HeartbeatInterval"} <= set(everything)

        unique_id = bench.central.call(bench.now_us, "ChangeConfiguration", {"key": "general.name", "value": "Mine"})
        bench.run(1)
        for _ in range(200):
            if unique_id in bench.central.answers:
                break
            await asyncio.sleep(0.005)
            bench.run(1)
        assert bench.central.answers[unique_id] == {"status": "Accepted"}
        for key, value in (
            ("energy.station_maximum_a", "80"),
            ("energy.load_balancing", "false"),
            ("general.leave_cable_connected", "perhaps"),
        ):
            assert bench.ask("ChangeConfiguration", {"key": key, "value": value}) == {"status": "Rejected"}
        assert settings.settings.values["energy.station_maximum_a"] == 64

    asyncio.run(story())


def test_a_flood_of_changes_does_not_wash_the_security_log_away() -> None:
    async def story() -> None:
        bench = SettingsBench()
        provider, keys = keys_of(bench)
        key = keys["general.push_button"] if "general.push_button" in keys else keys["general.leave_cable_connected"]

        async def statuses(count: int) -> list[ChangeStatus]:
            return [(await changed(provider, key, ("false", "true")[number % 2])).status for number in range(count)]

        assert (await statuses(BURST + 2))[-3:] == [
            ChangeStatus.ACCEPTED,
            ChangeStatus.REJECTED,
            ChangeStatus.REJECTED,
        ]
        bench.now_us += 2 * REFILL_US
        assert await statuses(3) == [ChangeStatus.ACCEPTED, ChangeStatus.ACCEPTED, ChangeStatus.REJECTED]

    asyncio.run(story())
